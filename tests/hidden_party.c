#include "hidden_party.h"

void hidden_sit_down(party *p, int players, int needed)
{
    for (int i = 0; i < players; i++) {
        hidden_do(p->resources[i], HIDDEN_SIT, (uint8_t)i, 0);
        party_settle(p); /* over a network they would come in any order */
    }
    hidden_do(p->resources[ANN], HIDDEN_SETUP, 0, needed);
    party_settle(p);
}

void hidden_start(party *p, match_carrier carrier, int clients, int players, int needed)
{
    party_start(p, carrier, &hidden_type, clients);
    hidden_sit_down(p, players, needed);
}

void hidden_bid(party *p, int who, int amount)
{
    ck_assert_uint_ne(hidden_hide(p->resources[who], HIDDEN_BID, (uint8_t)who, amount), 0);
}

const hidden_table *hidden_seen(const party *p, int who)
{
    return movex_state(p->resources[who]);
}

hidden_table hidden_view(const party *p, const char *viewer)
{
    hidden_table table;
    ck_assert_int_eq(movex_master_view(p->m.master, p->type, "main", viewer, &table, NULL), MOVEX_OK);
    return table;
}

void hidden_reveal(party *p)
{
    hidden_do(p->resources[p->count - 1], HIDDEN_TIME_UP, 0, 0);
    party_settle(p);
}
