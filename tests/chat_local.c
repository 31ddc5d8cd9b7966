/* The room of examples/chat.c, to be compared with that of examples/chat/room.c. */
int chat_local(void);

#define main chat_local
#define room_type chat_local_type
#include "../examples/chat.c"
