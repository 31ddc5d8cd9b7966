/* The parts of the chat that need no terminal: the line that is typed, characters, the transcript, the room. */
#include "../examples/chat/input.h"
#include "../examples/chat/transcript.h"
#include "../examples/common/utf8.h"
#include "support.h"

#include <movex/text.h>

#include <stdio.h>
#include <string.h>

extern const movex_type chat_local_type;

/* Types all of `keys`; returns what the last byte did. */
static input_outcome type(input_line *line, const char *keys)
{
    input_outcome outcome = INPUT_NOTHING;
    for (; *keys; keys++) outcome = input_take(line, *keys);
    return outcome;
}

START_TEST(typing)
{
    static const struct {
        const char   *keys, *text;
        input_outcome last;
    } cases[] = {
        {"hello", "hello", INPUT_CHANGED},
        {"hello\x7f\x7f", "hel", INPUT_CHANGED},
        {"\x7f\x08", "", INPUT_CHANGED},
        {"gr\xc3\xbc\xc3", "gr\xc3\xbc", INPUT_NOTHING},
        {"gr\xc3\xbc\x7f", "gr", INPUT_CHANGED},
        {"\xe6\x97\xa5\xe6\x9c\xac\x7f", "\xe6\x97\xa5", INPUT_CHANGED},
        {"ae\xcc\x81\x7f", "a", INPUT_CHANGED}, /* with its accent */
        {"a\xff\xc3z", "a", INPUT_NOTHING},     /* no UTF-8: not taken */
        {"a\xc3\rb", "ab", INPUT_CHANGED},      /* half a character, then Enter */
        {"a\xc2\x9b", "a", INPUT_NOTHING},      /* a control character of two bytes */
        {"two words\x17", "two ", INPUT_CHANGED},
        {"two words  \x17", "two ", INPUT_CHANGED},
        {"two words\x15", "", INPUT_CHANGED},
        {"a\033[A\033[1;5Cb\033OPc\033xd\033[15~", "abcd", INPUT_NOTHING},
        {"a\033[5~", "a", INPUT_PAGE_UP},
        {"a\033[6~", "a", INPUT_PAGE_DOWN},
        {"a\033[6;5~", "a", INPUT_PAGE_DOWN},
        {"a\t\x01z", "az", INPUT_CHANGED},
        {"\x0c", "", INPUT_REDRAW},
        {"\x04", "", INPUT_LEAVE},
        {"a\x04", "a", INPUT_NOTHING},
        {"a\r", "a", INPUT_ENTERED},
        {"a\n", "a", INPUT_ENTERED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        input_line    line = {0};
        input_outcome last = type(&line, cases[i].keys);
        ck_assert_msg(strcmp(line.text, cases[i].text) == 0, "case %zu: %s", i, line.text);
        ck_assert_msg(last == cases[i].last, "case %zu: outcome %d", i, (int)last);
        ck_assert_uint_eq(line.length, strlen(line.text));
    }
}
END_TEST

START_TEST(a_full_line)
{
    input_line line = {0};
    for (size_t i = 0; i < sizeof line.text - 2; i++) ck_assert_int_eq(input_take(&line, 'x'), INPUT_CHANGED);
    ck_assert_int_eq(type(&line, "\xc3\xbc"), INPUT_FULL); /* has two bytes, and there is room for one */
    ck_assert_int_eq(type(&line, "y"), INPUT_CHANGED);
    ck_assert_int_eq(type(&line, "z"), INPUT_FULL);
    ck_assert_uint_eq(strlen(line.text), sizeof line.text - 1);
    input_clear(&line);
    ck_assert_int_eq(type(&line, "z"), INPUT_CHANGED);
    ck_assert_str_eq(line.text, "z");
}
END_TEST

START_TEST(characters)
{
    static const struct {
        const char *text;
        size_t      step;
        uint32_t    code;
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc3\xbc", 2, 0xfc},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},             /* begins nothing */
        {"\xc0\x80", 0, 0},         /* too long for its code */
        {"\xe0\x80\x80", 0, 0},     /* too */
        {"\xf0\x80\x80\x80", 0, 0}, /* too */
        {"\xed\xa0\x80", 0, 0},     /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", 0, 0}, /* past the last code */
        {"\xf5\x80\x80\x80", 0, 0}, /* too */
        {"\xc3"
         "a",
         0, 0},
        {"\xc3", 2, 0}, /* the end is missing */
        {"\xe2\x82", 3, 0},
        {"\xf0\x9f\x98", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code;
        size_t   length = strlen(cases[i].text), step = utf8_step(cases[i].text, length, &code);
        ck_assert_msg(step == cases[i].step, "case %zu: %zu", i, step);
        if (cases[i].code) ck_assert_uint_eq(code, cases[i].code);
    }
    ck_assert_uint_eq(utf8_columns('a'), 1);
    ck_assert_uint_eq(utf8_columns(0xfc), 1);
    ck_assert_uint_eq(utf8_columns(0x301), 0);
    ck_assert_uint_eq(utf8_columns(0x65e5), 2);
    ck_assert_uint_eq(utf8_columns(0x1f600), 2);
}
END_TEST

START_TEST(shown_text)
{
    static const struct {
        const char *text, *shown;
        size_t      size;
    } cases[] = {
        {"plain \xc3\xbc", "plain \xc3\xbc", 32},
        {"\033[2Jx\r\n\x7f", "?[2Jx???", 32},
        {"\xc2\x9b", "?", 32},
        {"a\xff\xe2\x82", "a???", 32},
        {"a\xe2\x80\xae"
         "b",
         "a?b", 32},
        {"abcdef", "abc", 4},
        {"ab\xc3\xbc", "ab", 4}, /* not half a character */
        {"", "", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char   shown[32];
        size_t length = utf8_copy_shown(shown, cases[i].size, cases[i].text);
        ck_assert_msg(strcmp(shown, cases[i].shown) == 0, "case %zu: %s", i, shown);
        ck_assert_uint_eq(length, strlen(shown));
    }
}
END_TEST

/* A room in which the messages from `first` to `last` are kept; their ids are ten times their numbers. */
static room room_of(uint32_t first, uint32_t last)
{
    room made = {0};
    for (uint32_t number = first; number <= last; number++) {
        message *added = &made.messages[made.count++];
        added->id = number * 10;
        added->at_ms = number;
        movex_text_set(added->author, "ann");
        snprintf(added->text, sizeof added->text, "%u", (unsigned)number);
    }
    return made;
}

/* Which message is the first new one; 0: none is. */
static unsigned first_new(const chat_transcript *transcript, const room *seen, transcript_sequel sequel)
{
    transcript_sequel found;
    uint32_t          index = transcript_find_new(transcript, seen, &found);
    ck_assert_int_eq(found, sequel);
    ck_assert_uint_le(index, seen->count);
    return index < seen->count ? (unsigned)seen->messages[index].id / 10 : 0;
}

START_TEST(following_a_room)
{
    static chat_transcript transcript;
    room                   seen = room_of(1, 3);
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_GOES_ON), 1);
    for (int i = 0; i < 3; i++) transcript_add_message(&transcript, &seen.messages[i]);
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_GOES_ON), 0);
    seen = room_of(1, 5);
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_GOES_ON), 4);
    seen = room_of(3, 102); /* full, and the last that was seen is the oldest */
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_GOES_ON), 4);
    seen = room_of(4, 103);
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_HAS_A_GAP), 4);
    seen = room_of(1, 2); /* shorter than it was */
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_BEGINS_ANEW), 1);
    seen = room_of(1, 3);
    movex_text_set(seen.messages[2].author, "bob"); /* the same id is another message */
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_BEGINS_ANEW), 1);
    seen = room_of(1, 0);
    ck_assert_uint_eq(first_new(&transcript, &seen, TRANSCRIPT_BEGINS_ANEW), 0);
}
END_TEST

START_TEST(lines_of_a_transcript)
{
    static chat_transcript transcript;
    char                   text[32];
    ck_assert_str_eq(transcript_add_notice(&transcript, "ann is here")->text, "* ann is here");
    ck_assert_ptr_null(transcript_add_notice(&transcript, "ann is here")); /* nothing new */
    ck_assert_uint_eq(transcript.count, 1);
    for (int i = 0; i < TRANSCRIPT_LINES + 10; i++) {
        snprintf(text, sizeof text, "line %d\033", i);
        ck_assert_ptr_nonnull(transcript_add_notice(&transcript, text));
        snprintf(text, sizeof text, "* line %d?", i);
        ck_assert_str_eq(transcript_at(&transcript, 0)->text, text);
    }
    ck_assert_uint_eq(transcript.count, TRANSCRIPT_LINES);
    ck_assert_str_eq(transcript_at(&transcript, TRANSCRIPT_LINES - 1)->text, "* line 10?");

    message said = {.id = 1, .at_ms = 3723000, .author = "a\033", .text = "t\033"};
    memset(said.text + 2, 'x', sizeof said.text - 3);
    const transcript_line *line = transcript_add_message(&transcript, &said);
    ck_assert_int_eq(line->kind, TRANSCRIPT_MESSAGE);
    ck_assert_uint_eq(strlen(line->text), 9 + 2 + 2 + sizeof said.text - 1); /* time, author, colon, all of the text */
    ck_assert_str_eq(line->text + strlen(line->text) - 1, "x");
    ck_assert_ptr_nonnull(strstr(line->text, ":02:03 a?: t?x")); /* the hour is that of the time zone */
}
END_TEST

/* The room is the one of chat.c: described the same, and it comes to the same states. */
START_TEST(the_room_of_chat_c)
{
    movex_rules *here = movex_rules_new(&room_type, NULL, NULL), *there = movex_rules_new(&chat_local_type, NULL, NULL);
    static room  a, b, scratch;
    ck_assert(here && there);
    ck_assert_uint_eq(movex_rules_fingerprint(here), movex_rules_fingerprint(there));
    movex_rules_init(here, &a);
    movex_rules_init(there, &b);
    for (uint32_t i = 0; i < 500; i++) {
        say           said = {.text = ""};
        movex_context context = {.author = i % 3 ? "ann" : "bob", .version = i + 1, .now_ms = i * 7};
        uint32_t      action = i % 50 == 7 ? ENTER : i % 50 == 19 ? LEAVE : SAY;
        if (i % 11) snprintf(said.text, sizeof said.text, "message %u", (unsigned)i);
        const say *payload = action == SAY ? &said : NULL;
        int        reason = movex_apply(here, &a, action, payload, &context, &scratch);
        ck_assert_int_eq(reason, action == SAY && i % 11 == 0 ? EMPTY_TEXT : MOVEX_ACCEPT);
        ck_assert_int_eq(movex_apply(there, &b, action, payload, &context, &scratch), reason);
        ck_assert(movex_codec_equal(movex_rules_state(here), &a, &b));
    }
    ck_assert_uint_eq(a.count, 100);
    ck_assert_str_eq(a.messages[99].text, "message 499");
    movex_rules_free(here);
    movex_rules_free(there);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chat parts");
    TCase *parts = tcase_create("parts");
    tcase_add_test(parts, typing);
    tcase_add_test(parts, a_full_line);
    tcase_add_test(parts, characters);
    tcase_add_test(parts, shown_text);
    tcase_add_test(parts, following_a_room);
    tcase_add_test(parts, lines_of_a_transcript);
    tcase_add_test(parts, the_room_of_chat_c);
    suite_add_tcase(suite, parts);
    return movex_test_main(suite);
}
