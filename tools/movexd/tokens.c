#define _POSIX_C_SOURCE 200809L
#include "tokens.h"

#include "relay_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `whole`: the line has no zero in it. */
static bool add(movexd_tokens *tokens, const char *line, bool whole, uint32_t number, char *cause, size_t cause_size)
{
    if (tokens->count == MOVEXD_MAX_TOKENS) {
        snprintf(cause, cause_size, "line %u: more than %u tokens", (unsigned)number, (unsigned)MOVEXD_MAX_TOKENS);
        return false;
    }
    if (!whole || !movex_relay_text_is_sound(line, 1, MOVEX_RELAY_TOKEN_MAX)) {
        snprintf(cause, cause_size, "line %u: a token has 1 to %u bytes and no control characters", (unsigned)number,
                 (unsigned)MOVEX_RELAY_TOKEN_MAX);
        return false;
    }
    tokens->texts[tokens->count] = strdup(line);
    if (tokens->texts[tokens->count]) {
        tokens->count++;
        return true;
    }
    snprintf(cause, cause_size, "out of memory");
    return false;
}

static bool read_lines(movexd_tokens *tokens, FILE *file, char *cause, size_t cause_size)
{
    char  *line = NULL;
    size_t capacity = 0;
    bool   sound = true;
    errno = 0;
    for (uint32_t number = 1; sound; number++) {
        ssize_t length = getline(&line, &capacity, file);
        if (length < 0) break;
        bool whole = strlen(line) == (size_t)length;
        line[strcspn(line, "\r\n")] = 0;
        if (!whole || *line) sound = add(tokens, line, whole, number, cause, cause_size);
    }
    free(line);
    if (sound && ferror(file)) snprintf(cause, cause_size, "%s", strerror(errno));
    return sound && !ferror(file);
}

bool movexd_tokens_read(movexd_tokens *tokens, const char *path, char *cause, size_t cause_size)
{
    *tokens = (movexd_tokens){0};
    FILE *file = fopen(path, "r");
    if (!file) {
        snprintf(cause, cause_size, "%s", strerror(errno));
        return false;
    }
    tokens->texts = calloc(MOVEXD_MAX_TOKENS, sizeof *tokens->texts);
    if (!tokens->texts) snprintf(cause, cause_size, "out of memory");
    bool read = tokens->texts && read_lines(tokens, file, cause, cause_size);
    fclose(file);
    if (read && tokens->count > 0) return true;
    if (read) snprintf(cause, cause_size, "there is no token in it");
    movexd_tokens_free(tokens);
    return false;
}

void movexd_tokens_free(movexd_tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->count; i++) free(tokens->texts[i]);
    free(tokens->texts);
    *tokens = (movexd_tokens){0};
}
