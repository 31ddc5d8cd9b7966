#include "player.h"

#include "payload.h"

#include <stdio.h>
#include <string.h>

/* An action with its payload, as it was read. */
typedef struct deed {
    uint32_t    action;
    const void *payload; /* NULL: none */
} deed;

static bool complain(player *p, const char *what, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "movex: %s: %s\n", what, why);
    p->failed = true;
    return false;
}

static bool ends_word(char letter)
{
    return letter == 0 || letter == ' ' || letter == '\t' || letter == '{';
}

/* The action whose name the text begins with, the longest, and the text moved behind it. */
static bool read_action(const movex_type *type, const char **text, uint32_t *action)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < type->action_count; i++) {
        size_t length = strlen(type->actions[i].name);
        if (length <= longest || strncmp(*text, type->actions[i].name, length) != 0 || !ends_word((*text)[length]))
            continue;
        longest = length;
        *action = i;
    }
    *text += longest;
    return longest > 0;
}

static void skip_spaces(const char **text)
{
    *text += strspn(*text, " \t\r");
}

static bool read_deed(player *p, const char **text, void *room, deed *read)
{
    char problem[512] = "";
    skip_spaces(text);
    if (!read_action(p->type, text, &read->action)) return complain(p, *text, "there is no such action; try 'help'");
    const movex_action_type *action = &p->type->actions[read->action];
    read->payload = action->payload ? room : NULL;
    if (action->payload && !payload_parse(action->payload, text, room, problem, sizeof problem))
        return complain(p, action->name, problem);
    skip_spaces(text);
    return true;
}

/* `as` and another action: what the others are shown. */
static bool read_shown(player *p, const char **text, deed *shown, bool *hides)
{
    *hides = strncmp(*text, "as", 2) == 0 && ((*text)[2] == ' ' || (*text)[2] == '\t');
    if (!*hides) return true;
    *text += 2;
    return read_deed(p, text, p->payloads[1], shown);
}

static void help(const player *p)
{
    for (uint32_t i = 0; i < p->type->action_count; i++) {
        const movex_schema *payload = p->type->actions[i].payload;
        fputs(p->type->actions[i].name, stdout);
        for (uint32_t k = 0; payload && k < payload->field_count; k++) printf(" %s=", payload->fields[k].name);
        if (p->type->actions[i].hidden_as) printf(" [as %s]", p->type->actions[i].hidden_as);
        putchar('\n');
    }
    puts("state");
}

static void dispatch(player *p, const char *text)
{
    deed done, shown;
    bool hides = false;
    if (!read_deed(p, &text, p->payloads[0], &done) || !read_shown(p, &text, &shown, &hides)) return;
    if (*text) {
        complain(p, text, "is too much for this action");
        return;
    }
    movex_ticket ticket =
        hides ? movex_dispatch_private(p->resource, done.action, done.payload, shown.action, shown.payload)
              : movex_dispatch(p->resource, done.action, done.payload);
    if (!ticket) complain(p, p->type->actions[done.action].name, movex_client_error(p->client)->text);
    if (ticket && !p->first) p->first = ticket;
}

void player_line(player *p, const char *line)
{
    const char *text = line;
    uint32_t    action;
    skip_spaces(&text);
    if (!*text || *text == '#') return;
    const char *word = text;
    if (!read_action(p->type, &word, &action) && strcmp(text, "state") == 0)
        player_state(p);
    else if (word == text && strcmp(text, "help") == 0)
        help(p);
    else
        dispatch(p, text);
}
