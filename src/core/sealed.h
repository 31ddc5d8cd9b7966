/* Sealed pairs: what is known of a hidden half before it is opened is a commitment (seal.h) to it. So that all of them can be
   done once they are opened, a *round* keeps the state before the first of them, and every entry since. The master and each
   client hold the same round, and compute the same reveal from it.

   A round goes through these:  open  --can_reconcile holds of the public state-->  due  --CLOSING-->  closing  --the last
   OPENING, or DEADLINE-->  the reveal. Each arrow but the first is an entry of the log, which changes no state itself.

   At the reveal an entry is done by its hidden half if that was opened, is what was sealed, may be hidden so, and is accepted in
   its author's view: the fold of the round in which the author's own entries are done so, and those of all others as shown. Else
   it is forfeited, and what was shown of it stands. */
#ifndef MOVEX_CORE_SEALED_H
#define MOVEX_CORE_SEALED_H

#include "memory.h"
#include "seal.h"
#include "view.h"
#include "wire.h"

/* What is known of the half behind a commitment. */
typedef enum movex_opening {
    MOVEX_OPENING_NONE = 0,
    MOVEX_OPENING_OWN,   /* by its author alone, on its own client: the log does not have it */
    MOVEX_OPENING_GIVEN, /* it was opened, and is what was sealed */
    MOVEX_OPENING_WRONG, /* it was opened, and is not what was sealed */
    MOVEX_OPENING_UNFIT  /* it was opened, is what was sealed, and may not be hidden as what was shown */
} movex_opening;

typedef struct movex_sealed_entry {
    uint64_t      version, now_ms;
    uint64_t      seed;         /* of its random values, and with the salt of the hidden half's */
    uint64_t      session;      /* the author's, on the master alone; 0: the master's own, or a client does not know */
    uint64_t      subscription; /* with sequence, of the dispatch; 0: it is not sealed, or the master's own */
    uint64_t      sequence;
    uint32_t      author;       /* index of movex_sealed.authors */
    uint32_t      action;       /* that is shown; payload_at, payload_length: bytes, in movex_sealed.bytes */
    uint32_t      payload_at, payload_length;
    bool          sealed;       /* the rest has a meaning */
    movex_opening opening;
    uint32_t      hidden_action; /* of the half, unless NONE; hidden_at, hidden_length: as above */
    uint32_t      hidden_at, hidden_length;
    int           reason;       /* after the reveal: MOVEX_ACCEPT, or why it is forfeited */
    int           answer;       /* after the reveal: of the reducer, to what stands */
    unsigned char commitment[MOVEX_COMMITMENT_SIZE];
    unsigned char salt[MOVEX_SALT_SIZE]; /* with the half */
} movex_sealed_entry;

typedef struct movex_sealed_author {
    uint32_t sealed; /* entries that it has sealed */
    bool     opened; /* it has said all that it will */
    void    *session; /* of the master: its movex_session, which is kept until the reveal; else NULL */
    uint64_t session_number; /* of that, when the round was written or read */
    char     id[MOVEX_NAME_SIZE]; /* "": the master itself */
} movex_sealed_author;

/* One resource's.
     count > 0  <=>  entries[0].sealed;  sum of authors[].sealed == the entries that are
     entries' versions rise, from base_version + 1 on
     closing > 0  =>  due;  opened of any author  =>  closing > 0
     base is the state after base_version  (movex_sealed_check) */
typedef struct movex_sealed {
    const movex_rules    *rules;
    const char           *id;   /* of the resource */
    movex_view            base; /* not hashed; made with the first round */
    movex_view            work; /* the same; a fold that is being made */
    uint64_t              base_version, base_ms;
    movex_sealed_entry   *entries;
    uint32_t              count, capacity;
    movex_sealed_author  *authors;
    uint32_t              author_count, author_capacity;
    uint32_t              sealed_count; /* of the entries */
    movex_buffer          bytes;   /* payloads */
    size_t                claimed; /* bytes of payloads that are there, or may come when entries are opened */
    bool                  due;     /* can_reconcile has held after some entry since the first sealed one */
    uint64_t              closing; /* the version of CLOSING; 0: not yet */
    uint64_t              deadline_ms; /* closing > 0: master time */
} movex_sealed;

void movex_sealed_init(movex_sealed *sealed, const movex_rules *rules, const char *id);
void movex_sealed_free(movex_sealed *sealed, const movex_allocator *allocator);

static inline bool movex_sealed_is_open(const movex_sealed *sealed)
{
    return sealed->count > 0;
}

/* Makes room for one more entry with a payload of that length. False if there is no memory. */
bool movex_sealed_reserve(movex_sealed *sealed, const movex_allocator *allocator, size_t payload_length);
/* Bytes that one more entry claims. */
size_t movex_sealed_claim(const movex_sealed *sealed, size_t payload_length, bool seals);
/* The state before the first entry of a round. There is room for that entry. */
void movex_sealed_begin(movex_sealed *sealed, const movex_view *state, uint64_t version, uint64_t now_ms);
/* Adds an entry, for which there is room. `entry` fills in version, now_ms, seed, session, subscription, sequence, action, and
   sealed with commitment. Lent until the next. */
movex_sealed_entry *movex_sealed_add(movex_sealed *sealed, const movex_sealed_entry *entry, const char *author,
                                     movex_wire_bytes payload);
/* The public state after an entry: the round may be due. */
void movex_sealed_look(movex_sealed *sealed, const void *public_state);
void movex_sealed_close(movex_sealed *sealed, uint64_t version, uint64_t deadline_ms);
/* The sealed entry of that version, or NULL. */
movex_sealed_entry *movex_sealed_find(const movex_sealed *sealed, uint64_t version);
/* Who has sealed something, or NULL. */
movex_sealed_author *movex_sealed_author_of(const movex_sealed *sealed, const char *id);

/* Whether `records` can be an opening by that author: each is about a sealed entry of its own, and a payload that is the
   canonical encoding by its schema. MOVEX_OK, or MOVEX_ERR_MALFORMED with what is wrong. `payload`: room for one. */
int  movex_sealed_check_opening(const movex_sealed *sealed, const char *author, const movex_wire_records *records,
                                void *payload, movex_error *error);
/* Takes one that was checked: says of each record whether it is what was sealed. False if there is no memory. `payloads`: room for
   two. `fault`: the version of the first that is not, else 0. */
bool movex_sealed_take_opening(movex_sealed *sealed, const movex_allocator *allocator, const char *author,
                               const movex_wire_records *records, void *const payloads[2], uint64_t *fault);
/* The same of one half, for which there is room. */
void movex_sealed_take_half(movex_sealed *sealed, movex_sealed_entry *entry, const movex_opening_record *record,
                            void *const payloads[2]);
/* The author's own client knows a half before it is opened. False if there is no memory. */
bool movex_sealed_know(movex_sealed *sealed, const movex_allocator *allocator, movex_sealed_entry *entry,
                       uint32_t action, movex_wire_bytes payload, const unsigned char salt[MOVEX_SALT_SIZE]);
/* True if all who have sealed something have opened. */
bool movex_sealed_is_opened(const movex_sealed *sealed);

/* Applies an entry to a view, by its hidden half where `hidden` says so and it is known: MOVEX_ACCEPT, or why it has no effect. */
int  movex_sealed_apply(const movex_sealed *sealed, movex_view *view, const movex_sealed_entry *entry, bool hidden,
                        void *payload);
/* What an author sees: a hidden half that is refused is replaced by what is shown of it. */
int  movex_sealed_apply_own(const movex_sealed *sealed, movex_view *view, movex_sealed_entry *entry, void *payload);
/* The fold of the round as that author sees it, in movex_sealed.work. */
void movex_sealed_fold(movex_sealed *sealed, const char *author, void *payload);
/* The fold as everybody sees it, of a round that was read, in movex_sealed.work; finds whether it is due. False if something is
   sealed, or CLOSING has come, when it may not. */
bool movex_sealed_verify(movex_sealed *sealed, void *payload);
/* The fold in which all is revealed, in movex_sealed.work, and what has come of each entry in reason and answer. Returns how many
   are forfeited. */
uint32_t movex_sealed_reveal(movex_sealed *sealed, void *payload);
/* The round is over, or dropped. Memory is kept for the next one. */
void movex_sealed_end(movex_sealed *sealed);

/* A round as bytes: base and entries, with what was opened. `sessions`: with their numbers, for a journal. */
size_t movex_sealed_max_written(const movex_sealed *sealed);
void   movex_sealed_write(movex_writer *writer, const movex_sealed *sealed, bool sessions);
/* Takes one, instead of that which there is: MOVEX_OK, MOVEX_ERR_MEMORY, or MOVEX_ERR_MALFORMED with what is wrong; then there is
   none. Whether it is due is for movex_sealed_verify to find. `version`: of the state that it leads to. `most`: entries. `payloads`: room for two. */
int movex_sealed_read(movex_sealed *sealed, const movex_allocator *allocator, movex_wire_bytes bytes, bool sessions,
                      uint64_t version, uint32_t most, void *const payloads[2], movex_error *error);

void movex_sealed_check(const movex_sealed *sealed);

#endif
