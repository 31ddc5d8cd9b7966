/* What peers ask of a client, and programs do not. */
#ifndef MOVEX_CORE_CLIENT_PEER_H
#define MOVEX_CORE_CLIENT_PEER_H

#include <movex/client.h>

/* What is accepted from now on may be undone (true), since its master is alone. */
void movex_client_set_provisional(movex_client *client, bool provisional);

#endif
