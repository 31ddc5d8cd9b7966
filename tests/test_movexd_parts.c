/* The parts of movexd that need no network: its log lines and its command line. */
#include "support.h"

#include "../tools/movexd/log.h"
#include "../tools/movexd/options.h"

#include <movex/schema.h>

#include <string.h>

static movexd_line    line;
static movexd_options options;

static const char *text_of_line(void)
{
    line.text[line.length] = '\0';
    return line.text;
}

/* The line with one field of that value, without what comes before the field. */
static const char *field(const char *value)
{
    movexd_line_begin(&line, 0, MOVEXD_INFO, "test");
    size_t start = line.length;
    movexd_line_text(&line, "key", value);
    return text_of_line() + start;
}

START_TEST(a_line_has_time_level_and_event)
{
    movexd_line_begin(&line, 1795205624123, MOVEXD_INFO, "subscribed");
    movexd_line_text(&line, "peer", "alice");
    movexd_line_resource(&line, "tictactoe", "table-1");
    movexd_line_resource(&line, "", "nothing");
    movexd_line_number(&line, "version", 3);
    movexd_line_checksum(&line, 0x123456789abcdef);
    ck_assert_str_eq(text_of_line(), "2026-11-20T20:13:44.123Z level=info event=subscribed peer=alice "
                                     "resource=tictactoe:table-1 version=3 checksum=0123456789abcdef");
}
END_TEST

START_TEST(values_cannot_forge)
{
    ck_assert_str_eq(field("plain-1.2:3/4"), " key=plain-1.2:3/4");
    ck_assert_str_eq(field("two words"), " key=\"two words\"");
    ck_assert_str_eq(field("a=b"), " key=\"a=b\"");
    ck_assert_str_eq(field("x\" event=\"y"), " key=\"x\\\" event=\\\"y\"");
    ck_assert_str_eq(field("back\\slash"), " key=\"back\\\\slash\"");
    ck_assert_str_eq(field("one\ntwo\r\x1b[2J"), " key=\"one\\ntwo\\x0d\\x1b[2J\"");
    ck_assert_str_eq(field("\xc3\xa9\x7f"), " key=\"\\xc3\\xa9\\x7f\"");
    ck_assert_str_eq(field(""), "");
    ck_assert_str_eq(field(NULL), "");
    movexd_line_begin(&line, 0, MOVEXD_INFO, "test");
    movexd_line_resource(&line, "game", "a b");
    ck_assert_ptr_nonnull(strstr(text_of_line(), " resource=\"game:a b\""));
}
END_TEST

/* Around the length at which a line is full, by any number of bytes and with escapes on the edge: never past its end, always
   with closed quotes, and nothing after the cut. */
START_TEST(long_values_are_cut)
{
    static char value[MOVEXD_LINE_SIZE * 2];
    const char *ends[] = {"...\n", "...\"\n"};
    for (size_t length = MOVEXD_LINE_SIZE - 120; length < MOVEXD_LINE_SIZE + 20; length++) {
        for (int quoted = 0; quoted < 2; quoted++) {
            memset(value, 'x', length);
            value[length] = '\0';
            if (quoted) value[length - 1] = '\n';
            movexd_log log = {.stream = tmpfile(), .level = MOVEXD_INFO};
            ck_assert_ptr_nonnull(log.stream);
            movexd_line_begin(&line, 0, MOVEXD_INFO, "test");
            size_t whole =
                line.length + strlen(" key=") + length + (quoted ? 2 : 0); /* one more quote, one more escape */
            movexd_line_text(&line, "key", value);
            bool cut = line.full;
            movexd_line_text(&line, "next", "1");
            movexd_log_write(&log, &line);
            ck_assert_uint_le(line.length, MOVEXD_LINE_SIZE);
            ck_assert_int_eq(ftell(log.stream), (long)line.length);
            const char *end = ends[quoted];
            if (cut) ck_assert_mem_eq(line.text + line.length - strlen(end), end, strlen(end));
            ck_assert_int_eq(cut, whole > MOVEXD_LINE_SIZE - 8);
            fclose(log.stream);
        }
    }
}
END_TEST

START_TEST(levels_filter)
{
    movexd_log   log = {.level = MOVEXD_WARNING};
    movexd_level level = MOVEXD_INFO;
    ck_assert(movexd_log_wants(&log, MOVEXD_ERROR));
    ck_assert(movexd_log_wants(&log, MOVEXD_WARNING));
    ck_assert(!movexd_log_wants(&log, MOVEXD_INFO));
    ck_assert(movexd_level_parse("debug", &level));
    ck_assert_int_eq(level, MOVEXD_DEBUG);
    ck_assert(!movexd_level_parse("loud", &level));
}
END_TEST

#define PARSE(...)                                                                                                     \
    movexd_options_parse(&options, (int)MOVEX_COUNT_OF(((char *[]){(char[]){"movexd"}, __VA_ARGS__})),                 \
                         (char *[]){(char[]){"movexd"}, __VA_ARGS__, NULL})
#define WORD(word)                                                                                                     \
    (char[])                                                                                                           \
    {                                                                                                                  \
        word                                                                                                           \
    }

START_TEST(defaults)
{
    ck_assert_int_eq(PARSE(WORD("game.so")), MOVEXD_SERVE);
    ck_assert_uint_eq(options.game_count, 1);
    ck_assert_uint_eq(options.address_count, 1);
    ck_assert_str_eq(options.addresses[0], "127.0.0.1:9000");
    ck_assert_uint_eq(options.idle_ms, 0);
    ck_assert_uint_eq(options.grace_ms, 30000);
    ck_assert_int_eq(options.log_level, MOVEXD_INFO);
    ck_assert_ptr_null(options.data);
    ck_assert_int_eq(options.sync, MOVEXD_SYNC_ALWAYS);
}
END_TEST

START_TEST(a_relay)
{
    ck_assert_int_eq(PARSE(WORD("--relay")), MOVEXD_SERVE);
    ck_assert(options.relay.on);
    ck_assert_uint_eq(options.game_count, 0);
    ck_assert_ptr_null(options.relay.token_file);
    ck_assert_uint_eq(options.relay.rooms, 1000);
    ck_assert_uint_eq(options.relay.members, 32);
    ck_assert_uint_eq(options.relay.links, 1000);
    ck_assert_uint_eq(options.relay.bytes_per_second, 1048576);
    ck_assert_uint_eq(options.relay.queue_bytes, 4194304);
    ck_assert_uint_eq(options.relay.join_seconds, 10);
    ck_assert_uint_eq(options.relay.idle_seconds, 0);
    ck_assert_int_eq(PARSE(WORD("--relay-queue=200000"), WORD("--relay"), WORD("--relay-token"), WORD("t")),
                     MOVEXD_SERVE);
    ck_assert_uint_eq(options.relay.queue_bytes, 200000);
    ck_assert_ptr_nonnull(options.relay.token_file);
    ck_assert_int_eq(PARSE(WORD("--relay"), WORD("--grace-seconds"), WORD("1")), MOVEXD_WRONG_USAGE);
    ck_assert_str_eq(options.problem, "--grace-seconds means nothing to --relay");
    ck_assert_int_eq(PARSE(WORD("--relay"), WORD("--relay-rate"), WORD("1000")), MOVEXD_WRONG_USAGE);
    ck_assert_str_eq(options.problem, "--relay-rate needs a number from 1024 to 1073741824, not 1000");
}
END_TEST

START_TEST(options_and_games_in_any_order)
{
    char *arguments[] = {WORD("movexd"),
                         WORD("a.so"),
                         WORD("--listen"),
                         WORD(":1"),
                         WORD("--idle-seconds=60"),
                         WORD("b.so"),
                         WORD("--listen=:2"),
                         WORD("--log"),
                         WORD("warning"),
                         WORD("--grace-seconds"),
                         WORD("0"),
                         WORD("--"),
                         WORD("--c.so"),
                         NULL};
    ck_assert_int_eq(movexd_options_parse(&options, 13, arguments), MOVEXD_SERVE);
    ck_assert_uint_eq(options.game_count, 3);
    ck_assert_str_eq(options.games[0], "a.so");
    ck_assert_str_eq(options.games[1], "b.so");
    ck_assert_str_eq(options.games[2], "--c.so");
    ck_assert_uint_eq(options.address_count, 2);
    ck_assert_str_eq(options.addresses[0], ":1");
    ck_assert_str_eq(options.addresses[1], ":2");
    ck_assert_uint_eq(options.idle_ms, 60000);
    ck_assert_uint_eq(options.grace_ms, 1);
    ck_assert_int_eq(options.log_level, MOVEXD_WARNING);
}
END_TEST

START_TEST(what_is_kept_and_when)
{
    static char directory[] = "/var/lib/m";
    ck_assert_int_eq(PARSE(WORD("game.so"), WORD("--data"), directory), MOVEXD_SERVE);
    ck_assert_ptr_eq(options.data, directory);
    ck_assert_int_eq(options.sync, MOVEXD_SYNC_ALWAYS);
    ck_assert_int_eq(PARSE(WORD("--sync=always"), WORD("game.so"), WORD("--data=d")), MOVEXD_SERVE);
    ck_assert_int_eq(options.sync, MOVEXD_SYNC_ALWAYS);
    ck_assert_int_eq(PARSE(WORD("--data=d"), WORD("--sync"), WORD("never"), WORD("game.so")), MOVEXD_SERVE);
    ck_assert_int_eq(options.sync, MOVEXD_SYNC_NEVER);
    ck_assert_int_eq(PARSE(WORD("--data=d"), WORD("--sync=interval"), WORD("game.so")), MOVEXD_SERVE);
    ck_assert_int_eq(options.sync, MOVEXD_SYNC_INTERVAL);
    ck_assert_uint_eq(options.sync_ms, 1000);
    ck_assert_int_eq(PARSE(WORD("--sync-ms=1"), WORD("--data=d"), WORD("--sync=interval"), WORD("game.so")),
                     MOVEXD_SERVE);
    ck_assert_uint_eq(options.sync_ms, 1);
}
END_TEST

static void assert_problem(movexd_command command, const char *problem)
{
    ck_assert_int_eq(command, MOVEXD_WRONG_USAGE);
    ck_assert_str_eq(options.problem, problem);
}

START_TEST(wrong_usage_is_named)
{
    assert_problem(movexd_options_parse(&options, 1, (char *[]){WORD("movexd"), NULL}),
                   "name at least one game (a shared object)");
    assert_problem(PARSE(WORD("--port"), WORD("1")), "there is no option --port");
    assert_problem(PARSE(WORD("--listener=1")), "there is no option --listener=1");
    assert_problem(PARSE(WORD("game.so"), WORD("--listen")), "--listen needs a value");
    assert_problem(PARSE(WORD("game.so"), WORD("--listen=")), "--listen needs an address");
    assert_problem(PARSE(WORD("--idle-seconds"), WORD("soon")),
                   "--idle-seconds needs a number of seconds from 0 to 3600000, not soon");
    assert_problem(PARSE(WORD("--idle-seconds=-1")),
                   "--idle-seconds needs a number of seconds from 0 to 3600000, not -1");
    assert_problem(PARSE(WORD("--idle-seconds=3600001")),
                   "--idle-seconds needs a number of seconds from 0 to 3600000, not 3600001");
    assert_problem(PARSE(WORD("--grace-seconds=5s")),
                   "--grace-seconds needs a number of seconds from 0 to 3600000, not 5s");
    assert_problem(PARSE(WORD("game.so"), WORD("--data=")), "--data needs a directory");
    assert_problem(PARSE(WORD("game.so"), WORD("--sync=always")), "--sync needs --data as well");
    assert_problem(PARSE(WORD("game.so"), WORD("--data=d"), WORD("--sync=often")),
                   "--sync knows always, interval and never, not 'often'");
    assert_problem(PARSE(WORD("game.so"), WORD("--data=d"), WORD("--sync-ms=5")),
                   "--sync-ms needs --sync interval as well");
    assert_problem(PARSE(WORD("--sync-ms=0")), "--sync-ms needs a number of milliseconds from 1 to 60000, not 0");
    assert_problem(PARSE(WORD("--sync-ms=60001")),
                   "--sync-ms needs a number of milliseconds from 1 to 60000, not 60001");
    assert_problem(PARSE(WORD("--log"), WORD("loud")), "--log knows error, warning, info and debug, not 'loud'");
}
END_TEST

START_TEST(too_many_addresses)
{
    static char listen[] = "--listen=:1", game[] = "game.so";
    char       *arguments[MOVEXD_MAX_ADDRESSES + 3] = {WORD("movexd")};
    for (int more = 0; more < 2; more++) {
        for (int i = 1; i <= MOVEXD_MAX_ADDRESSES + more; i++) arguments[i] = listen;
        arguments[MOVEXD_MAX_ADDRESSES + 1 + more] = game;
        movexd_command command = movexd_options_parse(&options, MOVEXD_MAX_ADDRESSES + 2 + more, arguments);
        if (more) {
            assert_problem(command, "--listen is given more than 16 times");
        } else {
            ck_assert_int_eq(command, MOVEXD_SERVE);
        }
    }
}
END_TEST

START_TEST(help_and_version_win)
{
    ck_assert_int_eq(PARSE(WORD("--help")), MOVEXD_SHOW_HELP);
    ck_assert_int_eq(PARSE(WORD("-h")), MOVEXD_SHOW_HELP);
    ck_assert_int_eq(PARSE(WORD("--version")), MOVEXD_SHOW_VERSION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parts of movexd");
    TCase *log = tcase_create("log");
    tcase_add_test(log, a_line_has_time_level_and_event);
    tcase_add_test(log, values_cannot_forge);
    tcase_add_test(log, long_values_are_cut);
    tcase_add_test(log, levels_filter);
    suite_add_tcase(suite, log);

    TCase *command_line = tcase_create("command line");
    tcase_add_test(command_line, defaults);
    tcase_add_test(command_line, a_relay);
    tcase_add_test(command_line, options_and_games_in_any_order);
    tcase_add_test(command_line, what_is_kept_and_when);
    tcase_add_test(command_line, wrong_usage_is_named);
    tcase_add_test(command_line, too_many_addresses);
    tcase_add_test(command_line, help_and_version_win);
    suite_add_tcase(suite, command_line);
    return movex_test_main(suite);
}
