/* A real client, and its master driven by hand: frames as bytes. One at a time, for tests that run in processes of their own. */
#ifndef MOVEX_TESTS_RAW_MASTER_H
#define MOVEX_TESTS_RAW_MASTER_H

#include "raw_link.h"

/* What it knows of the client's messages is of the present connection. */
extern struct raw_master {
    meter              memory; /* the client's */
    movex_local       *local;
    movex_io           io;
    movex_link         link; /* 0: none */
    movex_client      *client;
    movex_resource    *resource;
    movex_rules       *rules;
    uint64_t           now_ms;
    bool               hello, bind, error;
    movex_bind_message asked;
    movex_dispatch_private_message pair; /* the last; its payloads are gone */
    movex_dispatch_sealed_message sealed; /* the last; its payload is gone */
    uint32_t           sealings, opens;
    uint64_t           closing, opened; /* of the last OPEN: of what, and how many halves */
    unsigned char      salt[MOVEX_SALT_SIZE]; /* of its first half */
    char               error_text[MOVEX_ERROR_TEXT_SIZE];
    uint32_t           dispatches, resyncs;
    uint64_t           first_sequence; /* of those dispatches */
    uint32_t           disconnected, closed, accepted, refused, expired, mismatched, removed, revealed, overturned, forfeited;
    int                forfeit; /* the reason of the last FORFEITED */
    char               forfeiter[MOVEX_NAME_SIZE], mismatch[MOVEX_ERROR_TEXT_SIZE];
    char               text[MOVEX_ERROR_TEXT_SIZE]; /* of the last DISCONNECTED or CLOSED */
} h;

/* What is to be sent to the client. */
extern script s;

/* A client that has dialled, said HELLO and bound "one" of that type. */
void start(const movex_type *type);
void finish(void);
/* Polls the client, and takes what it sends and says. */
void run(uint32_t add_ms);
/* Sends what was written, or these bytes, and runs. */
void send_all(void);
void send_bytes(const void *bytes, size_t length);
void hang_up(void);

/* ---- what an honest master would write; the resource's number is 3 */

void write_welcome(bool resumed);
void write_bound(uint64_t tag, uint32_t number, uint64_t sequence, bool resumed);
void write_subscriber(uint32_t slot, const char *id);
void write_snapshot(const void *state, uint64_t version, uint64_t sequence);
void write_outcome(uint64_t sequence, int reason);

/* Serves the client, on its next connection, as an honest master that has forgotten the session: `state` is version 20. */
void must_heal(const void *state);
/* It has hung up, and says why; then it heals, and all ends. */
void must_complain_and_heal(const char *words, const void *state);

#endif
