/* The leak checker's inside: what is recorded of a run, for each viewer on its own.

   Inputs are what the viewer may learn from, outputs what it is sent. The master sends nothing of an entry before the observer
   has been told of it, so whatever an output may depend on has been recorded before it. */
#ifndef MOVEX_MOCK_LEAK_INTERNAL_H
#define MOVEX_MOCK_LEAK_INTERNAL_H

#include <movex/leak.h>

enum { LEAK_COMMITMENT = 32 /* bytes */ };

typedef enum leak_kind {
    LEAK_ENTRY, /* input: was ordered, in a resource that the viewer has bound */
    LEAK_BOUND, /* input: the viewer has bound a resource, and so learns what has happened in it */
    LEAK_OWN,   /* input: the viewer has sent something */
    LEAK_OTHER, /* input: somebody else has; its bytes are his secret. Or the network has done something */
    LEAK_SENT   /* output: to the viewer */
} leak_kind;

typedef struct leak_event {
    leak_kind     kind;
    movex_io_kind what; /* OWN, OTHER, SENT */
    bool          may_show;
    uint64_t      step; /* of the network */
    uint64_t      ms;   /* virtual time */
    uint64_t      due_ms;
    uint64_t      number;     /* of the frame in the network; ENTRY, BOUND: the version */
    uint64_t      log, view;  /* ENTRY: of the entry's public part; BOUND: of all of them. Of the viewer's view */
    size_t        at, length; /* OWN, SENT: its bytes, in the record */
    size_t        inputs;     /* SENT: how many came before it */
    size_t        entries;    /* of the record, up to this one */
    char          peer[MOVEX_MOCK_NAME_SIZE]; /* OWN, SENT: of the viewer; OTHER: who has sent it */
} leak_event;

typedef struct leak_events {
    leak_event *events;
    size_t      count, capacity;
} leak_events;

typedef struct leak_viewer {
    const char *id;
    bool        seen; /* it has dialled */
    leak_events inputs, outputs;
} leak_viewer;

/* An entry as it is named in a report. */
typedef struct leak_entry {
    char     type[MOVEX_NAME_SIZE], id[MOVEX_NAME_SIZE], author[MOVEX_NAME_SIZE];
    char     action[MOVEX_NAME_SIZE]; /* "" if there is none */
    uint64_t version;
} leak_entry;

/* The whole public log of a resource so far. */
typedef struct leak_resource {
    uint64_t name, log;
} leak_resource;

typedef struct movex_leak_record {
    const movex_leak_config *config;
    movex_allocator          allocator;
    const movex_mock        *net;
    bool                     may_show; /* from now on */
    bool                     observed; /* a master has the observer */
    bool                     failed;   /* for want of memory: of no more use */
    leak_viewer             *viewers;
    size_t                   viewer_count;
    leak_entry              *entries;
    size_t                   entry_count, entry_capacity;
    leak_resource           *resources;
    size_t                   resource_count, resource_capacity;
    unsigned char           *bytes;
    size_t                   byte_count, byte_capacity;
    unsigned char          (*commitments)[LEAK_COMMITMENT]; /* of sealed halves: random to all but their authors */
    size_t                   commitment_count, commitment_capacity;
} movex_leak_record;

/* ---- mock_leak_compare.c */

/* The verdict for the viewer at `index`, which `report` is brought up to date with. */
void movex_leak_compare(const movex_leak_record runs[2], size_t index, movex_leak_report *report);

#endif
