/* Parties that play the game of hidden_game.h. */
#ifndef MOVEX_TESTS_HIDDEN_PARTY_H
#define MOVEX_TESTS_HIDDEN_PARTY_H

#include "hidden_game.h"
#include "party.h"

/* The clients of a party; each who plays sits at the place of that number. */
enum { ANN, BEN, CID, DAN };

/* A party of which the first `players` clients sit; all is revealed once `needed` have moved (0: not by that). */
void hidden_start(party *p, match_carrier carrier, int clients, int players, int needed);
/* The same of a party that has started. */
void hidden_sit_down(party *p, int players, int needed);
/* Hides a bid. */
void hidden_bid(party *p, int who, int amount);
/* What a client shows. */
const hidden_table *hidden_seen(const party *p, int who);
/* What a viewer may know, by the master. */
hidden_table hidden_view(const party *p, const char *viewer);
/* The last client says that time is up, and all is revealed. */
void hidden_reveal(party *p);

#endif
