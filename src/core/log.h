/* The log of a resource: its newest accepted actions, in the order that the master gave them. Entry n made version n.

   What is kept is bounded: the oldest entries give way. Entries serve those who come back and have missed some.

     the entries kept are those that made versions version - count + 1 to version
     that of version n lies at entries[n modulo capacity], so there is no need to keep where the first one is
     each entry's bytes lie in the arena, in the log's order, wrapping at most once  (movex_log_check) */
#ifndef MOVEX_CORE_LOG_H
#define MOVEX_CORE_LOG_H

#include <movex/allocator.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One accepted action, as everybody may know it. Its author's id, its payload's canonical encoding, and the reveal that
   belongs to it lie in the arena, one after the other. Hidden halves do not: what is kept must not depend on them. */
typedef struct movex_entry {
    uint64_t session;      /* the author's; 0: the master itself */
    uint64_t subscription; /* the session's name for it; with session and sequence it names the dispatch, for ever */
    uint64_t sequence;     /* of the subscription's dispatches */
    uint64_t now_ms;   /* master time of its context; never less than the entry's before */
    uint64_t checksum; /* of the public state after it and its reveal */
    uint64_t seed;     /* of its random values, if any were drawn */
    uint64_t reveals_from; /* if it reveals: the version before the first entry that was revealed */
    uint32_t action;
    bool     drew;           /* random values were drawn */
    bool     hides;          /* it has a hidden half (revealed or not); its author alone has seen another action */
    bool     reveals;        /* with it, all that was hidden was revealed */
    bool     seals;          /* it has a sealed half, or is a step of a round: who has missed it needs a snapshot */
    uint8_t  author_length;  /* bytes, 0 to MOVEX_NAME_MAX */
    uint32_t payload_length; /* bytes */
    uint32_t reveal_count;   /* records of its reveal; 0: none are kept */
    uint32_t reveal_length;  /* bytes of them */
    uint32_t at;             /* where its bytes start in the arena; set by movex_log_append */
} movex_entry;

typedef struct movex_log {
    uint64_t       version;  /* of the newest entry ever appended */
    uint64_t       now_ms;   /* of that entry */
    movex_entry   *entries;  /* a ring */
    unsigned char *arena;
    uint32_t       count;    /* kept */
    uint32_t       capacity; /* of entries: 0 or a power of two */
    uint32_t       limit;    /* most entries kept */
    uint32_t       head; /* where the next bytes go */
    uint32_t       arena_capacity;
    uint32_t       arena_limit; /* most bytes of the arena */
} movex_log;

void movex_log_init(movex_log *log, uint32_t limit, uint32_t arena_limit);
void movex_log_free(movex_log *log, const movex_allocator *allocator);

/* Makes `entry` the next version. Never fails: what there is no room or memory for is not kept, and neither is anything
   before it. */
void movex_log_append(movex_log *log, const movex_allocator *allocator, const movex_entry *entry, const char *author,
                      const void *payload, const void *reveal);

/* Forgets all entries; version and time stay. */
void movex_log_clear(movex_log *log);

/* Makes a version without an entry: the state was replaced. Nothing before it is kept. */
void movex_log_skip(movex_log *log, uint64_t now_ms);

/* The entry that made `version`, or NULL if it is not kept. */
const movex_entry *movex_log_find(const movex_log *log, uint64_t version);

/* Author, payload and reveal of an entry; the author is not zero-terminated. Valid until the next append. */
const char *movex_log_author(const movex_log *log, const movex_entry *entry);
const void *movex_log_payload(const movex_log *log, const movex_entry *entry);
const void *movex_log_reveal(const movex_log *log, const movex_entry *entry);

/* Asserts the invariants of the struct. */
void movex_log_check(const movex_log *log);

#endif
