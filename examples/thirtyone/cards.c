#include "cards.h"

#include <stdio.h>

unsigned cards_suit(uint8_t card)
{
    return (card - 1u) / CARDS_IN_SUIT;
}

unsigned cards_rank(uint8_t card)
{
    return (card - 1u) % CARDS_IN_SUIT + 1;
}

void cards_fill(uint8_t deck[CARDS_IN_DECK])
{
    for (unsigned i = 0; i < CARDS_IN_DECK; i++) deck[i] = (uint8_t)(i + 1);
}

void cards_shuffle(uint8_t *cards, unsigned count, const movex_context *context)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned other = movex_random_below(context, i);
        uint8_t  card = cards[i - 1];
        cards[i - 1] = cards[other];
        cards[other] = card;
    }
}

void cards_name(uint8_t card, char name[4])
{
    static const char *const ranks[] = {"A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K"};
    if (card == CARDS_NONE || card > CARDS_IN_DECK) {
        snprintf(name, 4, "%s", card == CARDS_NONE ? "" : "##");
    } else {
        snprintf(name, 4, "%s%c", ranks[cards_rank(card) - 1], "SHDC"[cards_suit(card)]);
    }
}
