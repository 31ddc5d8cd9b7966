/* A chat room as a resource type, the same one as in ../chat.c: the newest messages stay, and whoever comes sees
   them. */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include <movex/type.h>

/* The actions. A client dispatches SAY alone; the master does the others when somebody comes and goes. */
enum { SAY, ENTER, LEAVE };

/* Why an action is refused. */
enum { EMPTY_TEXT = 1 };

typedef struct {
    uint64_t id;    /* the room's version with it: unique, and growing */
    uint64_t at_ms; /* master time */
    char     author[32], text[200];
} message;

typedef struct {
    uint32_t count;
    message  messages[100]; /* oldest first */
    uint32_t present;       /* subscribers, those who are away included */
} room;

typedef struct {
    char text[200];
} say;

extern const movex_type room_type;

#endif
