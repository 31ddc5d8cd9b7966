/* A doubly linked list through nodes within what they link (its first member, unless a comment says more), oldest first. */
#ifndef MOVEX_CORE_LIST_H
#define MOVEX_CORE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct movex_node {
    struct movex_node *previous, *next;
    struct movex_list *list; /* the one it is in, or NULL */
} movex_node;

typedef struct movex_list {
    movex_node *first, *last; /* both NULL if empty */
} movex_list;

static inline void movex_list_append(movex_list *list, movex_node *node)
{
    assert(!node->list);
    *node = (movex_node){.previous = list->last, .list = list};
    if (list->last) list->last->next = node;
    else list->first = node;
    list->last = node;
}

/* Does nothing if the node is in no list. */
static inline void movex_list_remove(movex_node *node)
{
    movex_list *list = node->list;
    if (!list) return;
    if (node->previous) node->previous->next = node->next;
    else list->first = node->next;
    if (node->next) node->next->previous = node->previous;
    else list->last = node->previous;
    *node = (movex_node){0};
}

#endif
