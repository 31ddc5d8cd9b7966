#define _POSIX_C_SOURCE 200809L

#include "transcript.h"

#include "../common/utf8.h"

#include <movex/text.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_same(const message *a, const message *b)
{
    return a->id == b->id && a->at_ms == b->at_ms && movex_text_equals(a->author, b->author);
}

uint32_t transcript_find_new(const chat_transcript *transcript, const room *seen, transcript_sequel *sequel)
{
    *sequel = TRANSCRIPT_GOES_ON;
    if (transcript->last.id == 0) return 0;
    for (uint32_t i = seen->count; i-- > 0;)
        if (is_same(&seen->messages[i], &transcript->last)) return i + 1;
    bool full = seen->count == MOVEX_COUNT_OF(seen->messages);
    *sequel = full && seen->messages[0].id > transcript->last.id ? TRANSCRIPT_HAS_A_GAP : TRANSCRIPT_BEGINS_ANEW;
    return 0;
}

static transcript_line *next_line(chat_transcript *transcript)
{
    if (transcript->count < TRANSCRIPT_LINES) return &transcript->lines[transcript->count++];
    transcript_line *oldest = &transcript->lines[transcript->first];
    transcript->first = (transcript->first + 1) % TRANSCRIPT_LINES;
    return oldest;
}

const transcript_line *transcript_add_message(chat_transcript *transcript, const message *said)
{
    transcript_line *line = next_line(transcript);
    transcript->last = *said;
    transcript_show_message(line, TRANSCRIPT_MESSAGE, said);
    return line;
}

const transcript_line *transcript_add_notice(chat_transcript *transcript, const char *text)
{
    transcript_line notice = {.kind = TRANSCRIPT_NOTICE, .text = "* "};
    utf8_copy_shown(notice.text + 2, sizeof notice.text - 2, text);
    if (transcript->count > 0 && strcmp(transcript_at(transcript, 0)->text, notice.text) == 0) return NULL;
    transcript_line *line = next_line(transcript);
    *line = notice;
    return line;
}

const transcript_line *transcript_at(const chat_transcript *transcript, uint32_t back)
{
    return &transcript->lines[(transcript->first + transcript->count - 1 - back) % TRANSCRIPT_LINES];
}

void transcript_show_message(transcript_line *line, transcript_kind kind, const message *said)
{
    struct tm here = {0};
    time_t    at = (time_t)(said->at_ms / 1000);
    char      author[sizeof said->author];
    localtime_r(&at, &here);
    utf8_copy_shown(author, sizeof author, said->author);
    line->kind = kind;
    int length =
        snprintf(line->text, sizeof line->text, "%02d:%02d:%02d %s: ", here.tm_hour, here.tm_min, here.tm_sec, author);
    utf8_copy_shown(line->text + length, sizeof line->text - (size_t)length, said->text);
}
