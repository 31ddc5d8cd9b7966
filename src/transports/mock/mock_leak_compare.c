/* Two runs compared, for one viewer: as long as the inputs are the same, the outputs must be. */
#include "mock_leak_internal.h"

#include <inttypes.h>
#include <movex/text.h>
#include <stdio.h>
#include <string.h>

/* Both runs of one viewer. */
typedef struct both {
    const movex_leak_record *runs;
    const leak_viewer       *viewers[2];
    size_t                   agreed; /* inputs are the same before this one */
    uint64_t                 until;  /* the step in which they first differ; UINT64_MAX: never */
} both;

static const leak_event *input(const both *b, int run, size_t index)
{
    const leak_events *inputs = &b->viewers[run]->inputs;
    return index < inputs->count ? &inputs->events[index] : NULL;
}

static const unsigned char *bytes_of(const both *b, int run, const leak_event *event)
{
    return event->length ? b->runs[run].bytes + event->at : (const unsigned char *)"";
}

/* Where the bytes of two events first differ: in the length of the shorter, if not before. */
static size_t first_difference(const both *b, const leak_event *first, const leak_event *second)
{
    const unsigned char *x = bytes_of(b, 0, first), *y = bytes_of(b, 1, second);
    size_t               at = 0, shorter = first->length < second->length ? first->length : second->length;
    while (at < shorter && x[at] == y[at]) at++;
    return at;
}

static bool same_bytes(const both *b, const leak_event *first, const leak_event *second)
{
    return first->length == second->length && first_difference(b, first, second) == first->length;
}

static bool same_input(const both *b, const leak_event *first, const leak_event *second)
{
    return first->kind == second->kind && first->what == second->what && first->step == second->step &&
           first->ms == second->ms && first->due_ms == second->due_ms && first->log == second->log &&
           first->view == second->view && strcmp(first->peer, second->peer) == 0 && same_bytes(b, first, second);
}

static bool same_time(const leak_event *first, const leak_event *second)
{
    return first->step == second->step && first->ms == second->ms && first->inputs == second->inputs;
}

static void find_agreement(both *b)
{
    const leak_event *first, *second;
    do {
        first = input(b, 0, b->agreed);
        second = input(b, 1, b->agreed);
        if (!first || !second || !same_input(b, first, second)) break;
        b->agreed++;
    } while (true);
    b->until = UINT64_MAX;
    if (first && first->step < b->until) b->until = first->step;
    if (second && second->step < b->until) b->until = second->step;
}

/* The output at `index` if it can be compared: what is the same in both runs has come after it, or nothing that differs has
   come before the end of its step. */
static const leak_event *output(const both *b, int run, size_t index)
{
    const leak_events *outputs = &b->viewers[run]->outputs;
    const leak_event  *event = index < outputs->count ? &outputs->events[index] : NULL;
    return event && (event->inputs < b->agreed || event->step < b->until) ? event : NULL;
}

/* ---- reports */

static const char *entry_before(const both *b, int run, const leak_event *event, char *text, size_t size)
{
    size_t count = event->entries;
    if (count == 0) return "nothing was ordered before";
    const leak_entry *e = &b->runs[run].entries[count - 1];
    bool              by = e->action[0] && e->author[0];
    snprintf(text, size, "last was %s:%s version %" PRIu64 ", %s%s%s", e->type, e->id, e->version,
             e->action[0] ? e->action : "its state replaced", by ? " by " : "", by ? e->author : "");
    return text;
}

/* The first output that differs. */
static void describe_leak(const both *b, const leak_event *first, const leak_event *second, char *text, size_t size)
{
    char              before[5 * MOVEX_NAME_SIZE], what[96];
    int               run = first ? 0 : 1;
    const leak_event *event = first ? first : second;
    const char       *entry = entry_before(b, run, event, before, sizeof before);
    const char       *kind = event->what == MOVEX_IO_CLOSED ? "the end of its link, number" : "frame";
    if (!first || !second)
        snprintf(what, sizeof what, "is sent with secret %d alone", run);
    else if (!same_time(first, second))
        snprintf(what, sizeof what, "is sent at %" PRIu64 " ms with secret 1%s", second->ms,
                 first->ms == second->ms ? ", but in another order" : "");
    else if (first->length != second->length)
        snprintf(what, sizeof what, "differs at byte %zu, and has %zu or %zu bytes", first_difference(b, first, second),
                 first->length, second->length);
    else
        snprintf(what, sizeof what, "differs at byte %zu of %zu", first_difference(b, first, second), first->length);
    int length = snprintf(text, size, "%s: %s %" PRIu64 " at %" PRIu64 " ms %s; %s", b->viewers[0]->id, kind,
                          event->number, event->ms, what, entry);
    if (length >= (int)size) memcpy(text + size - 4, "...", 4); /* the longest names, and the largest numbers */
}

/* True if the other run has that input as well, only later in the same step. */
static bool comes_later(const both *b, int run, const leak_event *wanted)
{
    const leak_event *event;
    for (size_t i = b->agreed; (event = input(b, run, i)) != NULL && event->step <= wanted->step; i++)
        if (run ? same_input(b, wanted, event) : same_input(b, event, wanted)) return true;
    return false;
}

/* Which of the two inputs that differ first the other run does not have: 0 or 1. If both, it is the first run's, or that of an
   entry. */
static int find_stray(const both *b, const leak_event *first, const leak_event *second)
{
    if (!first || !second) return first ? 0 : 1;
    if (first->kind == second->kind) return 0;
    if (first->step != second->step) return first->step < second->step ? 0 : 1;
    if (comes_later(b, 1, first)) return 1;
    if (comes_later(b, 0, second)) return 0;
    return second->kind == LEAK_ENTRY ? 1 : 0;
}

/* Why the runs are incomparable from where their inputs differ, and whether that is the game's fault. */
static movex_leak_verdict describe_end(const both *b, char *text, size_t size)
{
    const leak_event  *first = input(b, 0, b->agreed), *second = input(b, 1, b->agreed);
    int                run = find_stray(b, first, second);
    const leak_event  *event = run ? second : first;
    bool               paired = first && second && first->kind == second->kind;
    bool               other_view = paired && first->view != second->view;
    const char        *why = "the public log differs";
    char               before[5 * MOVEX_NAME_SIZE];
    movex_leak_verdict verdict = MOVEX_LEAK_FOUND;
    if (event->kind == LEAK_OWN || event->kind == LEAK_OTHER) {
        why = event->kind == LEAK_OWN ? "it sends something else itself" : "others send, or are lost, at other times";
        verdict = MOVEX_LEAK_INCOMPARABLE;
    } else if (other_view) {
        why = "its view differs";
    } else if (event->kind == LEAK_BOUND && paired && first->number == second->number) {
        why = "what it binds has another past"; /* of which it is told nothing, perhaps */
        verdict = MOVEX_LEAK_INCOMPARABLE;
    }
    if (event->may_show) verdict = MOVEX_LEAK_SHOWN;
    snprintf(text, size, "%s: %s, from %" PRIu64 " ms on%s; %s", b->viewers[0]->id, why, event->ms,
             verdict == MOVEX_LEAK_SHOWN ? "" : ", before the secret may show",
             entry_before(b, run, event, before, sizeof before));
    return verdict;
}

/* ---- comparing */

static void count_all(const leak_events *outputs, movex_leak_report *report)
{
    for (size_t i = 0; i < outputs->count; i++) {
        if (outputs->events[i].what != MOVEX_IO_MESSAGE) continue;
        report->all_frames++;
        report->all_bytes += outputs->events[i].length;
    }
}

/* Counts outputs that are the same; false with the first two that are not. */
static bool compare_outputs(const both *b, movex_leak_report *report, const leak_event **first,
                            const leak_event **second)
{
    for (size_t i = 0;; i++) {
        *first = output(b, 0, i);
        *second = output(b, 1, i);
        if (!*first && !*second) return true;
        bool same = *first && *second && (*first)->what == (*second)->what && same_time(*first, *second) &&
                    strcmp((*first)->peer, (*second)->peer) == 0 && same_bytes(b, *first, *second);
        if (!same) return false;
        if ((*first)->what != MOVEX_IO_MESSAGE) continue;
        report->frames++;
        report->bytes += (*first)->length;
    }
}

void movex_leak_compare(const movex_leak_record runs[2], size_t index, movex_leak_report *report)
{
    both               b = {.runs = runs, .viewers = {&runs[0].viewers[index], &runs[1].viewers[index]}};
    const leak_event  *first, *second;
    char               text[MOVEX_ERROR_TEXT_SIZE] = "";
    movex_leak_verdict verdict = MOVEX_LEAK_NONE;
    find_agreement(&b);
    count_all(&b.viewers[0]->outputs, report);
    if (!compare_outputs(&b, report, &first, &second)) {
        verdict = MOVEX_LEAK_FOUND;
        describe_leak(&b, first, second, text, sizeof text);
    } else if (b.until != UINT64_MAX) {
        verdict = describe_end(&b, text, sizeof text);
    }
    report->viewers++;
    report->comparable += verdict == MOVEX_LEAK_NONE;
    if (verdict <= report->verdict) return;
    report->verdict = verdict;
    movex_text_set(report->viewer, b.viewers[0]->id);
    memcpy(report->text, text, sizeof text);
}
