/* movex log: every record of a journal in a line. */
#include "journal.h"
#include "show.h"

#include <inttypes.h>
#include <stdio.h>

static void show_line(const movex_replay *replay, const movex_replay_record *record, bool json)
{
    if (json) {
        show_record_json(stdout, replay, record);
    } else {
        printf("%10" PRIu64 "  %6" PRIu64 "  %-13s  ", record->offset, record->version,
               movex_replay_kind_name(record->kind));
        show_record(stdout, replay, record);
    }
    putchar('\n');
}

static int list(const journal *opened, bool json)
{
    movex_replay_record record;
    int                 status;
    do {
        status = movex_replay_next(opened->replay, &record);
        if (record.size) show_line(opened->replay, &record, json); /* also the one that cannot be played again */
    } while (status == MOVEX_OK);
    return status == MOVEX_ERR_AGAIN ? journal_end(opened) : journal_complain(opened);
}

int command_log(const arguments *given)
{
    journal opened;
    int     code = journal_open(&opened, given) ? list(&opened, given->json) : FAILURE;
    journal_close(&opened);
    return code;
}
