/* What Raft's log comes to: files, as a store has them, in memory. Every entry is a row of changes to them; every member applies
   the same ones in the same order. A master's journals are these files. */
#ifndef MOVEX_PEERS_PEER_FILES_H
#define MOVEX_PEERS_PEER_FILES_H

#include "../core/memory.h"
#include "../core/wire.h"

#include <movex/store.h>

typedef enum movex_change_kind { MOVEX_CHANGE_APPEND = 1, MOVEX_CHANGE_REPLACE, MOVEX_CHANGE_REMOVE } movex_change_kind;

typedef struct movex_change {
    movex_change_kind kind;
    movex_wire_bytes  name;  /* 1 to MOVEX_STORE_NAME_MAX bytes */
    movex_wire_bytes  bytes; /* REMOVE: none */
} movex_change;

/* Bytes that a change takes besides those that it writes. */
enum { MOVEX_CHANGE_OVERHEAD = MOVEX_STORE_NAME_MAX + 16 };

typedef struct movex_room_file {
    movex_store_name name;
    movex_buffer     content;
} movex_room_file;

/* Files lie in the order of their names. */
typedef struct movex_room_files {
    movex_room_file *files;
    uint32_t         count, capacity;
    uint64_t         bytes; /* == sum of content.length */
} movex_room_files;

void movex_write_change(movex_writer *writer, const movex_change *change);

/* Applies the changes of one entry. What is no change ends them, for everybody alike: a master of another mind than ours must not
   make members differ. MOVEX_OK or MOVEX_ERR_MEMORY (of no use any more). */
int movex_files_apply(movex_room_files *files, const movex_allocator *allocator, const void *entry, size_t length);

/* The file of that name, or NULL. */
const movex_room_file *movex_files_find(const movex_room_files *files, const void *name, size_t length);
/* The first file behind that name; NULL past the last. */
const movex_room_file *movex_files_after(const movex_room_files *files, const movex_store_name *name);

/* Writes all of it to the end of `buffer`; false if there is no memory. */
bool movex_files_save(const movex_room_files *files, const movex_allocator *allocator, movex_buffer *buffer);
/* Takes what movex_files_save has written in place of all that there is. MOVEX_OK, MOVEX_ERR_MALFORMED or MOVEX_ERR_MEMORY (then
   nothing is in it). */
int  movex_files_load(movex_room_files *files, const movex_allocator *allocator, const void *bytes, size_t length);
void movex_files_free(movex_room_files *files, const movex_allocator *allocator);
void movex_files_check(const movex_room_files *files);

#endif
