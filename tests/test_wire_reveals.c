/* What messages say of hidden actions and their reveal: each in one form, and nothing else is taken. */
#include "meter.h"
#include "support.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* Reads one message, its first byte included. */
static bool is_message(movex_reader *reader)
{
    uint8_t kind = movex_read_u8(reader);
    union {
        movex_snapshot_message         snapshot;
        movex_overturned_message       overturned;
        movex_dispatch_private_message dispatch_private;
        movex_bind_message             bind;
        movex_entry_message            entry;
    } got;
    switch (kind) {
    case MOVEX_MESSAGE_SNAPSHOT: return movex_read_snapshot(reader, &got.snapshot);
    case MOVEX_MESSAGE_OVERTURNED: return movex_read_overturned(reader, &got.overturned);
    case MOVEX_MESSAGE_DISPATCH_PRIVATE: return movex_read_dispatch_private(reader, &got.dispatch_private);
    case MOVEX_MESSAGE_BIND: return movex_read_bind(reader, &got.bind);
    }
    return movex_read_entry(reader, kind & MOVEX_ENTRY_FLAGS, &got.entry);
}

/* Records as they stand in a reveal or a snapshot: each in one form, and one after the other. */
START_TEST(records_are_sound_or_refused)
{
    static const struct {
        const char *what;
        bool        halves;
        uint64_t    count, most;
        size_t      length;
        const char *bytes;
        bool        good;
    } cases[] = {
        {"none", false, 0, 5, 0, "", true},
        {"one name", false, 1, 5, 4, "\x05\x02xy", true},
        {"two names", false, 2, 5, 6, "\x05\x01x\x04\x01y", true},
        {"the entry itself last", false, 2, 5, 6, "\x01\x01x\x00\x01y", true},
        {"too far back", false, 1, 5, 4, "\x06\x02xy", false},
        {"the same entry twice", false, 2, 5, 6, "\x04\x01x\x04\x01x", false},
        {"out of order", false, 2, 5, 6, "\x03\x01x\x04\x01x", false},
        {"one more after the entry itself", false, 2, 5, 6, "\x00\x01x\x00\x01x", false},
        {"more than were counted", false, 1, 5, 6, "\x05\x01x\x04\x01y", false},
        {"less than were counted", false, 3, 5, 6, "\x05\x01x\x04\x01y", false},
        {"a name of nobody", false, 1, 5, 2, "\x05\x00", false},
        {"a name with a zero", false, 1, 5, 4, "\x05\x02x\x00", false},
        {"a name that is cut off", false, 1, 5, 3, "\x05\x02x", false},
        {"a name of 32 bytes", false, 1, 5, 34, "\x05\x20xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false},
        {"a number in two bytes", false, 1, 5, 4, "\x85\x00\x01x", false},
        {"no record at all", false, 1, 5, 0, "", false},
        {"a half that is known", true, 1, 5, 2, "\x05\x00", true},
        {"a half", true, 1, 5, 5, "\x05\x01\x07\x01z", true},
        {"a half with its seed", true, 1, 5, 12,
         "\x05\x03\x07\x00"
         "12345678",
         true},
        {"a half, one that is known, a half", true, 3, 5, 10, "\x05\x01\x07\x00\x04\x00\x00\x01\x07\x00", true},
        {"a seed without a half", true, 1, 5, 10,
         "\x05\x02"
         "12345678",
         false},
        {"an unknown mark", true, 1, 5, 4, "\x05\x05\x07\x00", false},
        {"a mark in two bytes", true, 1, 5, 5, "\x05\x81\x00\x07\x00", false},
        {"an action past 2^32 - 1", true, 1, 5, 8, "\x05\x01\x80\x80\x80\x80\x10\x00", false},
        {"a payload that is cut off", true, 1, 5, 5, "\x05\x01\x07\x02z", false},
        {"a seed that is cut off", true, 1, 5, 11,
         "\x05\x03\x07\x00"
         "1234567",
         false},
        {"no marks", true, 1, 5, 1, "\x05", false},
        {"halves out of order", true, 2, 5, 4, "\x03\x00\x04\x00", false},
        {"names as halves", true, 1, 5, 4, "\x05\x02xy", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *exact = malloc(cases[i].length + 1); /* so that reading past its end is found */
        memcpy(exact, cases[i].bytes, cases[i].length);
        exact = realloc(exact, cases[i].length ? cases[i].length : 1);
        movex_wire_records records = {cases[i].count, {exact, cases[i].length}};
        must_msg(movex_records_are_sound(&records, cases[i].halves, cases[i].most) == cases[i].good, "%s",
                 cases[i].what);
        free(exact);
    }
}
END_TEST

#define CHECKSUM "12345678"

/* What messages say of reveals: where records may be, and which versions they may name. */
START_TEST(reveals_in_messages)
{
    static const struct {
        const char *what;
        size_t      length;
        const char *bytes;
        bool        good;
    } cases[] = {
        {"SNAPSHOT", 16, "\x24\x01\x05\x00" CHECKSUM "\x00\x00\x00\x00", true},
        {"SNAPSHOT, a reveal after its version", 16, "\x24\x01\x05\x00" CHECKSUM "\x00\x06\x00\x00", false},
        {"SNAPSHOT, names", 20, "\x24\x01\x05\x00" CHECKSUM "\x00\x03\x01\x03\x02\x01x\x00", true},
        {"SNAPSHOT, a name of version 0", 20, "\x24\x01\x05\x00" CHECKSUM "\x00\x03\x01\x03\x03\x01x\x00", false},
        {"SNAPSHOT, names of no reveal", 20, "\x24\x01\x05\x00" CHECKSUM "\x00\x00\x01\x03\x00\x01x\x00", false},
        {"SNAPSHOT, halves", 22, "\x24\x01\x05\x00" CHECKSUM "\x00\x03\x01\x05\x02\x01\x07\x01z\x00", false},
        {"ENTRY, patched", 15, "\x49\x01\x05\x00\x02" CHECKSUM "\x01z", true},
        {"ENTRY, patched by nothing", 14, "\x49\x01\x05\x00\x02" CHECKSUM "\x00", false},
        {"ENTRY, reveals by nothing but names", 19, "\x59\x01\x05\x00\x02" CHECKSUM "\x00\x01\x03\x04\x01x", true},
        {"ENTRY, reveals nothing", 14, "\x51\x01\x05\x00\x02" CHECKSUM "\x00", false},
        {"ENTRY, patched, reveals nothing", 16, "\x59\x01\x05\x00\x02" CHECKSUM "\x01z\x00", false},
        {"ENTRY, reveals a half", 20, "\x51\x01\x05\x00\x02" CHECKSUM "\x01\x05\x04\x01\x07\x01z", true},
        {"ENTRY, reveals version 0", 20, "\x51\x01\x05\x00\x02" CHECKSUM "\x01\x05\x05\x01\x07\x01z", false},
        {"ENTRY, reveals by names without a patch", 18, "\x51\x01\x05\x00\x02" CHECKSUM "\x01\x03\x04\x01x", false},
        {"ENTRY, own by name, reveals", 17, "\x55\x01\x05\x00\x02" CHECKSUM "\x01\x02\x04\x00", false},
        {"ENTRY of version 0, reveals", 17, "\x51\x01\x00\x00\x02" CHECKSUM "\x01\x02\x00\x00", false},
        {"OVERTURNED", 4, "\x27\x01\x02\x03", true},
        {"OVERTURNED, for no reason", 4, "\x27\x01\x02\x00", false},
        {"OVERTURNED, reason -65", 5, "\x27\x01\x02\x81\x01", false},
        {"DISPATCH_PRIVATE", 9, "\x17\x01\x02\x03\x04\x01z\x05\x00", true},
        {"DISPATCH_PRIVATE, without what is shown", 7, "\x17\x01\x02\x03\x04\x01z", false},
        {"DISPATCH_PRIVATE, what is shown is cut off", 9, "\x17\x01\x02\x03\x04\x01z\x05\x01", false},
        {"BIND, goes on", 29, "\x11\x01\x01t\x01i" CHECKSUM "\x00\x01\x01\x05" CHECKSUM "\x00\x05\x05", true},
        {"BIND, folds from later than it holds", 29,
         "\x11\x01\x01t\x01i" CHECKSUM "\x00\x01\x01\x05" CHECKSUM "\x00\x06\x05", false},
        {"BIND, has seen a reveal to come", 29,
         "\x11\x01\x01t\x01i" CHECKSUM "\x00\x01\x01\x05" CHECKSUM "\x00\x05\x06", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        movex_reader reader = movex_reader_over(cases[i].bytes, cases[i].length);
        bool         good = is_message(&reader);
        must_msg(good == cases[i].good, "%s", cases[i].what);
        if (good) must_msg(movex_reader_left(&reader) == 0, "%s: %zu left", cases[i].what, movex_reader_left(&reader));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire, of reveals");
    TCase *cases = tcase_create("wire, of reveals");
    tcase_add_test(cases, records_are_sound_or_refused);
    tcase_add_test(cases, reveals_in_messages);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
