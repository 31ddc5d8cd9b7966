/* A small match over the local emitter, and one side of a link driven by hand: frames as bytes. */
#ifndef MOVEX_TESTS_RAW_LINK_H
#define MOVEX_TESTS_RAW_LINK_H

#include "meter.h"
#include "wire.h"

#include <movex/client.h>
#include <movex/local.h>
#include <movex/master.h>

/* ---- the game */

typedef struct duel_move {
    int32_t amount; /* up to 1000; more is refused with reason 5 */
    bool    loud;
    uint8_t side; /* 0 to 2 */
    uint8_t count;
    uint8_t marks[4];
    char    text[8];
} duel_move;

typedef struct duel {
    int64_t   total;
    uint32_t  moves;
    duel_move last;
    char      author[MOVEX_NAME_SIZE];
} duel;

/* duel_never is refused with reason 7, by the master alone. */
enum { DUEL_MOVE, DUEL_READY, DUEL_NEVER, DUEL_ACTIONS };

extern const movex_type duel_type;

/* Field by field: what padding holds is nobody's business. */
bool duel_equals(const void *a, const void *b);

/* ---- a match: a master and two honest clients that have bound duel:one */

typedef struct match {
    movex_local    *local;
    movex_master   *master;
    movex_client   *clients[2];
    movex_resource *resources[2];
    uint64_t        now_ms;
    bool            expires; /* EXPIRED is expected */
    uint32_t        lost;    /* DISCONNECTED or CLOSED events of the honest clients */
    int32_t         amount;  /* of the last honest move */
} match;

/* `config` may be NULL; if it names no types, duel_type alone is hosted. */
void match_start(match *m, const movex_master_config *config);
/* Polls everybody, so often that all that was sent has been answered. */
void match_run(match *m, uint32_t add_ms);
/* Both move: all see the same, nobody was disturbed. */
void match_must_go_on(match *m);
void match_end(match *m);

/* ---- a link driven by hand */

typedef struct raw {
    movex_io      io;
    movex_link    link;
    bool          opened, closed;
    movex_status  status; /* of ERROR or BIND_REFUSED, the last that came */
    int           reason; /* of ERROR, BIND_REFUSED or OUTCOME */
    char          text[MOVEX_ERROR_TEXT_SIZE];
    bool          error, welcome, refused;
    unsigned char token[MOVEX_TOKEN_SIZE];
    uint32_t      bound, snapshots, outcomes, entries, unbound, overturned; /* how many came */
    unsigned      flags;                                        /* of the last ENTRY */
    uint32_t      number;                                       /* of the last BOUND */
    uint32_t      sealed_entries, closings, openings, deadlines, rounds;
    bool          reveals;                                      /* of the last step */
    uint64_t      subscription, closing;                        /* of the last BOUND; of the last CLOSING */
    uint64_t      sequence, version, checksum;                  /* of the last OUTCOME; of the last SNAPSHOT or ENTRY */
} raw;

/* Dials the match's master. */
void raw_dial(raw *r, match *m);
void raw_send(raw *r, const void *frame, size_t length);
/* Polls the match and takes what has come. */
void raw_take(raw *r, match *m);
/* The link has ended with an ERROR of that status, whose text has these words. */
void raw_must_be_told(raw *r, match *m, movex_status status, const char *words);
/* Closes the link and destroys the emitter. */
void raw_end(raw *r);

/* ---- messages, as a client writes them */

typedef struct script {
    unsigned char bytes[2048];
    movex_writer  writer;
} script;

void   script_start(script *s);
size_t script_length(const script *s);
void   script_hello(script *s, const char *id, const unsigned char *token);
void   script_bind(script *s, const char *type, const char *id);
void   script_dispatch(script *s, uint32_t number, uint64_t sequence, uint32_t action, const void *payload,
                       size_t length);
/* The same for any type; `held` (or NULL) says which state it goes on with. */
void script_bind_type(script *s, const movex_type *type, const char *id, const movex_bind_message *held);
void script_dispatch_private(script *s, const movex_dispatch_private_message *message);
/* The canonical encoding of a move without marks and text; 8 bytes. */
size_t script_move(unsigned char *bytes, int32_t amount);
/* Sends what was written. */
void script_send(script *s, raw *r);

uint64_t duel_fingerprint(void);
uint64_t type_fingerprint(const movex_type *type);

#endif
