/* Files by name, in the order of the bytes: a balanced tree (Andersson 1993), since strangers choose the names and could
   make a hash table slow, and since a walk must find its way while files come and go. */
#ifndef MOVEX_STORES_NAMES_H
#define MOVEX_STORES_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lies at the start of what has a name. */
typedef struct store_name {
    struct store_name   *left, *right;
    uint32_t             level; /* left is one lower, right one lower or the same, right's right lower */
    size_t               length;
    const unsigned char *bytes;
} store_name;

/* NULL if there is none. */
store_name *movex_store_names_find(store_name *root, const void *bytes, size_t length);
/* The first name after these bytes; NULL after the last. */
store_name *movex_store_names_after(store_name *root, const void *bytes, size_t length);
/* Each returns the new root. What is added is not there yet, what is removed is. */
store_name *movex_store_names_add(store_name *root, store_name *added);
store_name *movex_store_names_remove(store_name *root, const store_name *removed);

#endif
