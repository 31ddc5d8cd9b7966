/* The file of `--relay-token`: the tokens that a relay accepts, one a line. */
#ifndef MOVEXD_TOKENS_H
#define MOVEXD_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOVEXD_MAX_TOKENS 1000

typedef struct movexd_tokens {
    char  **texts; /* NULL: there are none */
    uint32_t count;
} movexd_tokens;

/* Reads the file. Empty lines are passed over. False, with the cause in words that quote nothing of the file. */
bool movexd_tokens_read(movexd_tokens *tokens, const char *path, char *cause, size_t cause_size);

void movexd_tokens_free(movexd_tokens *tokens);

#endif
