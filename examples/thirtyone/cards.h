/* Playing cards: a number each, so that a hand is a list of bytes. */
#ifndef THIRTYONE_CARDS_H
#define THIRTYONE_CARDS_H

#include <movex/type.h>

enum { CARDS_IN_DECK = 52, CARDS_IN_SUIT = 13, CARDS_SUITS = 4 };

/* 1 to 52: ace to king of spades, of hearts, of diamonds, of clubs. */
enum {
    CARDS_NONE = 0,
    CARDS_HIDDEN = 53, /* a card of which one sees the back */
    CARDS_VALUES       /* how many numbers there are */
};

/* 0 to 3. */
unsigned cards_suit(uint8_t card);

/* 1 (ace) to 13 (king). */
unsigned cards_rank(uint8_t card);

/* Writes all cards of a deck, in order. */
void cards_fill(uint8_t deck[CARDS_IN_DECK]);

/* Shuffles, by the random values of the entry that does it (Fisher and Yates; Durstenfeld 1964). */
void cards_shuffle(uint8_t *cards, unsigned count, const movex_context *context);

/* A card in at most 4 bytes with its zero, such as "10S"; "##" for a hidden one. */
void cards_name(uint8_t card, char name[4]);

#endif
