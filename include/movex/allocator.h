/** @file allocator.h
 *  Where the library's memory comes from. Masters, clients, codecs and emitters take an allocator in their configuration
 *  and use no other memory; one that is left zero means malloc, realloc and free. */
#ifndef MOVEX_ALLOCATOR_H
#define MOVEX_ALLOCATOR_H

#include <movex/export.h>

#include <stddef.h>

/** Three functions and their user pointer. All or none are set. Blocks are aligned as malloc aligns them.
 *  Called on the thread that calls the library. Running out (NULL) is handled everywhere: a clear status, nothing lost
 *  that was acknowledged. */
typedef struct movex_allocator {
    /** A new block of `size` > 0 bytes, or NULL. */
    void *(*allocate)(void *user, size_t size);
    /** `block` (NULL: a new one) of `old_size` bytes becomes `new_size` > 0 bytes and may move; NULL leaves it as it was. */
    void *(*reallocate)(void *user, void *block, size_t old_size, size_t new_size);
    /** Gives back `block` of `size` bytes. Never called with NULL. */
    void (*release)(void *user, void *block, size_t size);
    void *user; /**< handed to the three functions as it is */
} movex_allocator;

MOVEX_BEGIN_DECLARATIONS

/** The allocator over malloc, realloc and free that stands in for one left zero. */
MOVEX_API movex_allocator movex_allocator_default(void);

MOVEX_END_DECLARATIONS

#endif
