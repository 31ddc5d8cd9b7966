/* movex diff: where two journals, or two saved states, part. */
#include "journal.h"
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAME = 0, DIFFERENT = 1, TROUBLE = 2 };

typedef struct comparison {
    const arguments *given;
    movexd_games     games;
    const char      *names[2]; /* of the files */
    journal          sides[2];
    void            *states[2]; /* with the game: room for one of each */
} comparison;

/* ---- saved states */

/* What movex_rules_save begins with. */
static const char saved[] = "MOVEXST";

static bool is_saved(const unsigned char *bytes, size_t length)
{
    return length >= sizeof saved - 1 && memcmp(bytes, saved, sizeof saved - 1) == 0;
}

/* The rules of the type whose state was saved; NULL, and it has been said why, if there are none. */
static movex_rules *rules_of(const comparison *c, const unsigned char *bytes, size_t length, void **state)
{
    movex_error error = {.text = ""};
    for (uint32_t i = 0; i < c->games.type_count; i++) {
        movex_rules *rules = movex_rules_new(c->games.types[i], NULL, &error);
        *state = rules ? malloc(c->games.types[i]->state->size) : NULL;
        int status = *state ? movex_rules_load(rules, *state, bytes, length, &error) : MOVEX_ERR_MEMORY;
        if (status == MOVEX_OK) return rules;
        free(*state);
        *state = NULL;
        movex_rules_free(rules);
        if (status != MOVEX_ERR_UNKNOWN_TYPE) break;
    }
    fprintf(stderr, "movex: %s\n", error.text);
    return NULL;
}

static int compare_loaded(const comparison *c, const movex_rules *rules, const void *a, void *b,
                          const unsigned char *bytes, size_t length)
{
    const movex_codec *codec = movex_rules_state(rules);
    movex_error        error;
    if (!b || movex_rules_load(rules, b, bytes, length, &error) != MOVEX_OK) {
        fprintf(stderr, "movex: %s: %s\n", c->names[1], b ? error.text : "out of memory");
        return TROUBLE;
    }
    if (movex_codec_equal(codec, a, b)) return SAME;
    if (!c->given->quiet) show_changes(stdout, codec, a, b);
    if (!c->given->quiet) putchar('\n');
    return DIFFERENT;
}

static int compare_saved(const comparison *c)
{
    const journal *a = &c->sides[0], *b = &c->sides[1];
    void          *state, *other;
    if (!c->games.types) {
        bool same = a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
        if (!same && !c->given->quiet) puts("the states differ; with the game it can be said where");
        return same ? SAME : DIFFERENT;
    }
    movex_rules *rules = rules_of(c, a->bytes, a->length, &state);
    if (!rules) return TROUBLE;
    other = malloc(movex_rules_type(rules)->state->size);
    int result = compare_loaded(c, rules, state, other, b->bytes, b->length);
    if (result == SAME && !c->given->quiet) puts("the same");
    free(state);
    free(other);
    movex_rules_free(rules);
    return result;
}

/* ---- journals */

static bool is_same_half(const movex_replay_half *a, const movex_replay_half *b)
{
    bool same_payload = a->length == b->length && (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
    return a->action == b->action && same_payload && a->drew == b->drew && a->seed == b->seed;
}

/* The same was done, by the same. When is no difference, unless it makes one in the state. */
static bool is_same_entry(const movex_replay_record *a, const movex_replay_record *b)
{
    if (a->kind != b->kind || a->kind != MOVEX_REPLAY_ENTRY)
        return true; /* one file may begin where the other goes on */
    return strcmp(a->name, b->name) == 0 && a->hides == b->hides && a->seals == b->seals && a->reveals == b->reveals &&
           is_same_half(&a->shown, &b->shown) && (!a->hides || is_same_half(&a->hidden, &b->hidden));
}

/* Everything that is known at the version at which both stand. False if it differs. */
static bool is_same_version(comparison *c)
{
    movex_replay_record made[2];
    uint64_t            checksums[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        movex_replay_made_by(c->sides[i].replay, &made[i]);
        movex_replay_view(c->sides[i].replay, NULL, c->states[i], &checksums[i]);
    }
    return made[0].checksum == made[1].checksum && checksums[0] == checksums[1] && is_same_entry(&made[0], &made[1]);
}

static void tell_difference(comparison *c)
{
    const movex_rules  *rules = movex_replay_rules(c->sides[0].replay);
    movex_replay_record made;
    if (c->given->quiet) return;
    printf("version %" PRIu64 " differs\n", movex_replay_at(c->sides[0].replay).version);
    for (int i = 0; i < 2; i++) {
        movex_replay_made_by(c->sides[i].replay, &made);
        printf("%s, byte %" PRIu64 ", at %" PRIu64 " ms: ", c->names[i], made.offset, made.now_ms);
        show_record(stdout, c->sides[i].replay, &made);
        putchar('\n');
    }
    if (!rules || !c->states[0] || movex_codec_equal(movex_rules_state(rules), c->states[0], c->states[1])) return;
    show_changes(stdout, movex_rules_state(rules), c->states[0], c->states[1]);
    putchar('\n');
}

/* One of them has ended, or both have. */
static int compare_ends(const comparison *c, const int *statuses)
{
    movex_replay_position at[2];
    for (int i = 0; i < 2; i++) {
        at[i] = movex_replay_at(c->sides[i].replay);
        if (statuses[i] != MOVEX_OK && statuses[i] != MOVEX_ERR_AGAIN) {
            fprintf(stderr, "movex: %s: ", c->names[i]);
            journal_complain(&c->sides[i]);
            return TROUBLE;
        }
    }
    if (statuses[0] == statuses[1]) return SAME;
    int longer = statuses[0] == MOVEX_OK ? 0 : 1;
    if (!c->given->quiet)
        printf("%s ends with version %" PRIu64 ", and %s goes on; they are the same until then\n", c->names[!longer],
               at[!longer].version, c->names[longer]);
    return DIFFERENT;
}

/* Both go to the first version that both have. */
static int meet(comparison *c, int *statuses)
{
    movex_replay *a = c->sides[0].replay, *b = c->sides[1].replay;
    statuses[0] = movex_replay_step(a);
    statuses[1] = movex_replay_step(b);
    if (statuses[0] != MOVEX_OK || statuses[1] != MOVEX_OK) return compare_ends(c, statuses);
    uint64_t first = movex_replay_at(a).version;
    if (movex_replay_at(b).version > first) first = movex_replay_at(b).version;
    for (int i = 0; i < 2; i++) {
        int status = movex_replay_seek(c->sides[i].replay, first);
        if (status == MOVEX_OK) continue;
        journal_complain(&c->sides[i]);
        return status == MOVEX_ERR_NOT_FOUND ? DIFFERENT : TROUBLE;
    }
    return SAME;
}

static int compare_versions(comparison *c)
{
    int statuses[2], result = meet(c, statuses);
    while (result == SAME && statuses[0] == MOVEX_OK && statuses[1] == MOVEX_OK) {
        if (!is_same_version(c)) {
            tell_difference(c);
            return DIFFERENT;
        }
        for (int i = 0; i < 2; i++) statuses[i] = movex_replay_step(c->sides[i].replay);
        if (statuses[0] != MOVEX_OK || statuses[1] != MOVEX_OK) result = compare_ends(c, statuses);
    }
    return result;
}

static int compare_journals(comparison *c)
{
    movex_replay *a = c->sides[0].replay, *b = c->sides[1].replay;
    if (strcmp(movex_replay_type_name(a), movex_replay_type_name(b)) != 0 || !*movex_replay_type_name(a)) {
        fprintf(stderr, "movex: %s is the journal of %s, and %s of %s\n", c->names[0], movex_replay_name(a),
                c->names[1], movex_replay_name(b));
        return TROUBLE;
    }
    const movex_rules *rules = movex_replay_rules(a);
    for (int i = 0; i < 2 && rules; i++) c->states[i] = malloc(movex_rules_type(rules)->state->size);
    int result = rules && !(c->states[0] && c->states[1]) ? TROUBLE : compare_versions(c);
    if (result == SAME && !c->given->quiet) printf("the same, to version %" PRIu64 "\n", movex_replay_at(a).version);
    for (int i = 0; i < 2; i++) free(c->states[i]);
    return result;
}

/* ---- the whole */

static int compare(comparison *c)
{
    int saved_states = 0;
    for (int i = 0; i < 2; i++) {
        journal *side = &c->sides[i];
        side->bytes = journal_read(c->names[i], &side->length);
        if (!side->bytes) return TROUBLE;
        saved_states += is_saved(side->bytes, side->length);
    }
    if (saved_states == 2) return compare_saved(c);
    for (int i = 0; i < 2; i++)
        if (!journal_start(&c->sides[i], c->names[i], &c->games)) return TROUBLE;
    return compare_journals(c);
}

int command_diff(const arguments *given)
{
    comparison c = {.given = given, .names = {given->operands[0], given->operands[1]}};
    int result = journal_load(&c.games, given->operand_count > 2 ? given->operands[2] : NULL) ? compare(&c) : TROUBLE;
    for (int i = 0; i < 2; i++) journal_close(&c.sides[i]);
    movexd_games_free(&c.games);
    return result;
}
