#define _POSIX_C_SOURCE 200809L

#include "log.h"

#include <movex/schema.h>
#include <movex/system.h>

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* The end of every line is kept free for what closes it: "...", a quote, a line feed. */
enum { LINE_LIMIT = MOVEXD_LINE_SIZE - 8 };

bool movexd_level_parse(const char *name, movexd_level *level)
{
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(level_names); i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level = (movexd_level)i;
        return true;
    }
    return false;
}

/* Appends bytes whole or not at all; false if they did not fit. */
static bool append(movexd_line *line, const char *bytes, size_t length)
{
    if (line->length + length > LINE_LIMIT) return false;
    memcpy(line->text + line->length, bytes, length);
    line->length += length;
    return true;
}

static bool append_text(movexd_line *line, const char *text)
{
    return append(line, text, strlen(text));
}

/* Into the room at the end of the line that is kept for it. */
static void append_closing(movexd_line *line, const char *text)
{
    size_t length = strlen(text);
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static bool is_plain(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f && byte != '"' && byte != '=' && byte != '\\';
}

static bool append_escaped(movexd_line *line, unsigned char byte)
{
    char text[5];
    if (byte == '\n') return append_text(line, "\\n");
    if (byte == '"' || byte == '\\') {
        snprintf(text, sizeof text, "\\%c", byte);
    } else if (byte < ' ' || byte >= 0x7f) {
        snprintf(text, sizeof text, "\\x%02x", byte);
    } else {
        snprintf(text, sizeof text, "%c", byte);
    }
    return append_text(line, text);
}

static bool needs_quotes(const char *text)
{
    for (; *text; text++)
        if (!is_plain((unsigned char)*text)) return true;
    return false;
}

/* Appends ` key=` and a value in three parts, with quotes around them if any of them needs it. */
static void append_field(movexd_line *line, const char *key, const char *first, const char *separator,
                         const char *second)
{
    const char *const parts[] = {first, separator, second};
    bool              quoted = needs_quotes(first) || needs_quotes(second);
    if (line->full || line->length + strlen(key) + strlen(" =\"") > LINE_LIMIT) {
        line->full = true;
        return;
    }
    append_text(line, " ");
    append_text(line, key);
    append_text(line, quoted ? "=\"" : "=");
    for (uint32_t i = 0; i < MOVEX_COUNT_OF(parts); i++)
        for (const char *c = parts[i]; !line->full && *c; c++) line->full = !append_escaped(line, (unsigned char)*c);
    if (line->full) append_closing(line, "...");
    if (quoted) append_closing(line, "\"");
}

void movexd_line_begin(movexd_line *line, uint64_t unix_ms, movexd_level level, const char *event)
{
    time_t    seconds = (time_t)(unix_ms / 1000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    line->full = false;
    int length = snprintf(line->text, LINE_LIMIT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ level=%s", utc.tm_year + 1900,
                          utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(unix_ms % 1000),
                          level_names[level]);
    line->length = length > 0 ? (size_t)length : 0;
    movexd_line_text(line, "event", event);
}

void movexd_line_text(movexd_line *line, const char *key, const char *value)
{
    if (value && *value) append_field(line, key, value, "", "");
}

void movexd_line_number(movexd_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    append_field(line, key, text, "", "");
}

void movexd_line_checksum(movexd_line *line, uint64_t checksum)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, checksum);
    append_field(line, "checksum", text, "", "");
}

void movexd_line_resource(movexd_line *line, const char *type, const char *id)
{
    if (type && *type) append_field(line, "resource", type, ":", id);
}

bool movexd_log_wants(const movexd_log *log, movexd_level level)
{
    return level <= log->level;
}

void movexd_log_write(const movexd_log *log, movexd_line *line)
{
    append_closing(line, "\n");
    fwrite(line->text, 1, line->length, log->stream);
    fflush(log->stream);
}

void movexd_log_failure(const movexd_log *log, const char *event, const char *key, const char *value, const char *cause)
{
    movexd_line line;
    movexd_line_begin(&line, movex_system_unix_ms(), MOVEXD_ERROR, event);
    movexd_line_text(&line, key, value);
    movexd_line_text(&line, "cause", cause);
    movexd_log_write(log, &line);
}
