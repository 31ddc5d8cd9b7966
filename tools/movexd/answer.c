#include "answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- text that grows; once memory has run out, nothing more is added and `bytes` is NULL */

static bool reserve(movexd_answer *answer, size_t more)
{
    size_t needed = MOVEXD_ANSWER_ROOM + answer->length + more, capacity = answer->capacity;
    if (!answer->bytes && capacity) return false;
    if (needed <= capacity) return true;
    if (!capacity) capacity = 1024;
    while (capacity < needed) capacity *= 2;
    unsigned char *bytes = realloc(answer->bytes, capacity);
    if (!bytes) free(answer->bytes);
    answer->bytes = bytes;
    answer->capacity = capacity;
    return bytes != NULL;
}

/* As if memory had run out. */
static void give_up(movexd_answer *answer)
{
    free(answer->bytes);
    answer->bytes = NULL;
    if (!answer->capacity) answer->capacity = 1; /* so that nothing is added any more */
}

static char *end_of(const movexd_answer *answer)
{
    return (char *)answer->bytes + MOVEXD_ANSWER_ROOM + answer->length;
}

static void add_bytes(movexd_answer *answer, const char *bytes, size_t length)
{
    if (!reserve(answer, length)) return;
    memcpy(end_of(answer), bytes, length);
    answer->length += length;
}

static void add(movexd_answer *answer, const char *text)
{
    add_bytes(answer, text, strlen(text));
}

/* A string of JSON. Names are UTF-8 without control characters, messages are our own, but a path is anybody's. */
static void add_string(movexd_answer *answer, const char *text)
{
    add(answer, "\"");
    for (; *text; text++) {
        char escaped[8];
        if (*text == '"' || *text == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*text);
        else
            snprintf(escaped, sizeof escaped, "%c", *text);
        add(answer, escaped);
    }
    add(answer, "\"");
}

static void add_key(movexd_answer *answer, const char *key)
{
    add(answer, *(end_of(answer) - 1) == '{' ? "\"" : ",\"");
    add(answer, key);
    add(answer, "\":");
}

static void add_number(movexd_answer *answer, const char *key, uint64_t value)
{
    char text[24];
    if (!reserve(answer, 1)) return;
    snprintf(text, sizeof text, "%" PRIu64, value);
    add_key(answer, key);
    add(answer, text);
}

static void add_text(movexd_answer *answer, const char *key, const char *value)
{
    if (!reserve(answer, 1)) return;
    add_key(answer, key);
    add_string(answer, value);
}

/* --- answers */

/* What everybody may know of a resource. Its checksum is that of its public view: one over secrets would tell of them. */
static void add_resource(movexd_answer *answer, const movex_hosted *hosted, uint64_t checksum)
{
    char text[24]; /* as text: many readers of JSON keep 53 bits of a number */
    snprintf(text, sizeof text, "%016" PRIx64, checksum);
    add_text(answer, "type", hosted->type->name);
    add_text(answer, "id", hosted->id);
    add_number(answer, "version", hosted->version);
    add_text(answer, "checksum", text);
    add_number(answer, "subscribers", hosted->subscribers);
}

static const char public_viewer[] = "";

static void ask_all(const movexd_hosts *hosts, movexd_question *question, void *argument)
{
    for (uint32_t i = 0; i < hosts->count; i++) hosts->ask(hosts->user, i, question, argument);
}

/* Of all masters. */
typedef struct condition {
    bool     keeps, fails;
    uint64_t unflushed, resources, subscriptions, protocol_errors;
    uint64_t links, sessions; /* each master has all of them, but for those on their way */
} condition;

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void look(void *argument, const movex_master *master, movex_store store)
{
    condition  *all = argument;
    movex_stats stats = movex_master_stats(master);
    all->keeps |= store.self != NULL;
    all->fails |= store.self && store.ops->status(store.self, NULL) != MOVEX_OK;
    if (store.self) all->unflushed += store.ops->taken(store.self) - store.ops->durable(store.self);
    all->resources += stats.resources;
    all->subscriptions += stats.subscriptions;
    all->protocol_errors += stats.protocol_errors;
    all->links = larger(all->links, stats.links);
    all->sessions = larger(all->sessions, stats.sessions);
}

/* A server that can keep nothing is not well: what it is asked for is refused. The cause is in the log, as it has paths; so are
   the figures of what comes and goes: a player could tell from them how long another's hidden half is, or that it was refused. */
static void health(movexd_answer *answer, const movexd_hosts *hosts, uint64_t uptime_s)
{
    condition all = {0};
    ask_all(hosts, look, &all);
    if (all.fails) answer->status = 503;
    add(answer, "{");
    add_text(answer, "status", all.fails ? "failing" : "ok");
    add_text(answer, "version", movex_version_text());
    add_number(answer, "uptime_s", uptime_s);
    add_text(answer, "data", !all.keeps ? "none" : all.fails ? "failing" : "ok");
    add_number(answer, "unflushed", all.unflushed);
    add_number(answer, "links", all.links);
    add_number(answer, "sessions", all.sessions);
    add_number(answer, "resources", all.resources);
    add_number(answer, "subscriptions", all.subscriptions);
    add_number(answer, "protocol_errors", all.protocol_errors);
    add(answer, "}\n");
}

/* A list in the making. */
typedef struct listing {
    movexd_answer *answer;
    bool           begun;
} listing;

static void list_some(void *argument, const movex_master *master, movex_store store)
{
    listing     *l = argument;
    movex_hosted hosted;
    uint32_t     cursor = 0;
    (void)store;
    for (; movex_master_each(master, &cursor, &hosted); l->begun = true) {
        uint64_t checksum = 0;
        movex_master_view(master, hosted.type, hosted.id, public_viewer, NULL, &checksum);
        add(l->answer, l->begun ? ",\n{" : "\n{");
        add_resource(l->answer, &hosted, checksum);
        add(l->answer, "}");
    }
}

static void list(movexd_answer *answer, const movexd_hosts *hosts)
{
    listing l = {.answer = answer};
    add(answer, "[");
    ask_all(hosts, list_some, &l);
    add(answer, "\n]\n");
}

static void state(movexd_answer *answer, const movex_master *master, const movex_hosted *hosted)
{
    const movex_codec *codec = movex_rules_state(hosted->rules);
    void              *shown = malloc(hosted->type->state->size);
    uint64_t           checksum;
    if (!shown || movex_master_view(master, hosted->type, hosted->id, public_viewer, shown, &checksum) != MOVEX_OK) {
        give_up(answer);
        free(shown);
        return;
    }
    add(answer, "{");
    add_resource(answer, hosted, checksum);
    add(answer, ",\"state\":");
    size_t length = movex_codec_json(codec, shown, NULL, 0);
    if (reserve(answer, length + 1)) {
        movex_codec_json(codec, shown, end_of(answer), length + 1);
        answer->length += length;
    }
    add(answer, "}\n");
    free(shown);
}

/* The resource whose type and id, with a slash between, are `name`. Both may contain slashes themselves, so the name is
   held against what is there rather than cut. */
static bool find(const movex_master *master, const char *name, movex_hosted *hosted)
{
    uint32_t cursor = 0;
    while (movex_master_each(master, &cursor, hosted)) {
        size_t length = strlen(hosted->type->name);
        if (strncmp(name, hosted->type->name, length) == 0 && name[length] == '/' &&
            strcmp(name + length + 1, hosted->id) == 0)
            return true;
    }
    return false;
}

bool movexd_answer_error(movexd_answer *answer, unsigned status, const char *message)
{
    *answer = (movexd_answer){.status = status};
    add(answer, "{");
    add_text(answer, "error", message);
    add(answer, "}\n");
    return answer->bytes != NULL;
}

/* The search for one resource. */
typedef struct search {
    movexd_answer *answer;
    const char    *name;
    bool           found;
} search;

static void seek(void *argument, const movex_master *master, movex_store store)
{
    search      *s = argument;
    movex_hosted hosted;
    (void)store;
    if (s->found || !find(master, s->name, &hosted)) return;
    s->found = true;
    state(s->answer, master, &hosted);
}

bool movexd_answer_make(movexd_answer *answer, const movexd_hosts *hosts, uint64_t uptime_s, const char *path)
{
    static const char resources[] = "/resources";
    *answer = (movexd_answer){.status = 200};
    if (strcmp(path, "/health") == 0) {
        health(answer, hosts, uptime_s);
    } else if (strcmp(path, resources) == 0 || strcmp(path, "/resources/") == 0) {
        list(answer, hosts);
    } else if (strncmp(path, "/resources/", sizeof resources) == 0) {
        search s = {.answer = answer, .name = path + sizeof resources};
        ask_all(hosts, seek, &s);
        if (!s.found) return movexd_answer_error(answer, 404, "there is no such resource");
    } else {
        return movexd_answer_error(answer, 404, "there are /health, /resources and /resources/TYPE/ID");
    }
    return answer->bytes != NULL;
}

bool movexd_answer_relay(movexd_answer *answer, const movexd_relay_stats *stats, uint64_t uptime_s, const char *path)
{
    if (strcmp(path, "/health") != 0) return movexd_answer_error(answer, 404, "of a relay there is /health");
    *answer = (movexd_answer){.status = 200};
    add(answer, "{");
    add_text(answer, "status", "ok");
    add_text(answer, "version", movex_version_text());
    add_number(answer, "uptime_s", uptime_s);
    add_number(answer, "links", stats->links);
    add_number(answer, "rooms", stats->rooms);
    add_number(answer, "members", stats->members);
    add_number(answer, "frames", stats->frames);
    add_number(answer, "bytes", stats->bytes);
    add_number(answer, "sent_away", stats->sent_away);
    add(answer, "}\n");
    return answer->bytes != NULL;
}

void movexd_answer_free(movexd_answer *answer)
{
    free(answer->bytes);
    *answer = (movexd_answer){0};
}
