/* movex replay: plays a journal again, and shows what there was. */
#include "journal.h"
#include "show.h"
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The state at the version at which it stands, as was asked. False if it cannot be had. */
static bool show_state(const journal *opened, const arguments *given)
{
    const movex_rules *rules = movex_replay_rules(opened->replay);
    const char        *viewer = arguments_viewer(given);
    void              *state = malloc(movex_rules_type(rules)->state->size);
    uint64_t           checksum;
    bool               shown = state && movex_replay_view(opened->replay, viewer, state, &checksum) == MOVEX_OK;
    if (shown && given->json) {
        fputs(",\"viewer\":", stdout);
        if (viewer)
            show_string(stdout, viewer);
        else
            fputs("null", stdout);
        printf(",\"view_checksum\":\"%016" PRIx64 "\",\"state\":", checksum);
    }
    if (shown) show_json(stdout, movex_rules_state(rules), state);
    if (shown && !given->json) putchar('\n');
    free(state);
    return shown;
}

static void show_json_start(const movex_replay *replay, const movex_replay_position *at)
{
    fputs("{\"journal\":", stdout);
    show_string(stdout, movex_replay_name(replay));
    if (at->stands)
        printf(",\"first\":%" PRIu64 ",\"version\":%" PRIu64 ",\"checksum\":\"%016" PRIx64 "\",\"now_ms\":%" PRIu64
               ",\"hidden\":%" PRIu32,
               at->first, at->version, at->checksum, at->now_ms, at->hidden);
    printf(",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"torn\":%" PRIu64, at->records, at->offset, at->torn);
    printf(",\"replayed\":%s", movex_replay_rules(replay) ? "true" : "false");
}

static void show_line(const movex_replay *replay, const movex_replay_position *at)
{
    printf("%s: ", movex_replay_name(replay));
    if (at->stands)
        printf("version %" PRIu64 ", checksum %016" PRIx64, at->version, at->checksum);
    else
        printf("%" PRIu64 " records", at->records);
    puts(movex_replay_rules(replay) ? "" : " (records only: the game is not given)");
}

static int show(const journal *opened, const arguments *given, int code)
{
    movex_replay_position at = movex_replay_at(opened->replay);
    bool                  wants_state = given->has_version || given->viewing != VIEW_DEFAULT;
    bool                  shown = true;
    if (given->json)
        show_json_start(opened->replay, &at);
    else if (!given->quiet)
        show_line(opened->replay, &at);
    if (wants_state) shown = show_state(opened, given);
    if (given->json) puts("}");
    return shown ? code : FAILURE;
}

static int play(journal *opened, const arguments *given)
{
    movex_replay *replay = opened->replay;
    bool          wants_state = given->has_version || given->viewing != VIEW_DEFAULT;
    if (wants_state && !movex_replay_rules(replay)) {
        fputs("movex: to show states, the game is needed\n", stderr);
        return WRONG_USAGE;
    }
    if (given->step) return step_through(opened, arguments_viewer(given));
    int status = given->has_version ? movex_replay_seek(replay, given->version) : movex_replay_finish(replay);
    if (status != MOVEX_OK) return journal_complain(opened);
    return show(opened, given, given->has_version ? SUCCESS : journal_end(opened));
}

int command_replay(const arguments *given)
{
    journal opened;
    int     code = journal_open(&opened, given) ? play(&opened, given) : FAILURE;
    journal_close(&opened);
    return code;
}
