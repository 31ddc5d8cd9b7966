/* Records: every cut and every changed bit is found, wherever a file is read in pieces; and any bytes may come. */
#include "meter.h"
#include "support.h"

#include "../src/core/bytes.h"
#include "../src/core/hash.h"
#include "../src/core/record.h"
#include "../src/core/store.h"

#include <movex/store_memory.h>

#include <string.h>

enum { RECORDS = 6, ROOM = 1 << 20, MOST = 100000 };

static const uint32_t lengths[RECORDS] = {1, 7, 100, 8, 31, 3};
static const uint64_t seed = 77;

static unsigned char file[ROOM];
static size_t        starts[RECORDS + 1];

static size_t write_record(unsigned char *to, uint64_t offset, uint32_t length, uint64_t with)
{
    for (uint32_t i = 0; i < length; i++) to[MOVEX_RECORD_HEADER + i] = (unsigned char)(offset + i * 3);
    movex_record_seal(to, length, offset, with);
    return length + MOVEX_RECORD_FRAME;
}

static size_t write_records(void)
{
    size_t at = 0;
    for (int i = 0; i < RECORDS; i++) {
        starts[i] = at;
        at += write_record(file + at, at, lengths[i], seed);
    }
    return starts[RECORDS] = at;
}

/* How many whole records there are, and how it ended. */
static int count(const unsigned char *bytes, size_t length, movex_record_state *state, size_t *stop)
{
    const unsigned char *payload;
    size_t               at = 0, size;
    int                  records = 0;
    while ((*state = movex_record_read(bytes + at, length - at, true, at, seed, MOST, &payload, &size)) ==
           MOVEX_RECORD_WHOLE) {
        must(payload == bytes + at + MOVEX_RECORD_HEADER && size <= length - at - MOVEX_RECORD_FRAME);
        at += size + MOVEX_RECORD_FRAME;
        records++;
    }
    *stop = at;
    return records;
}

START_TEST(a_record_is_what_the_header_says)
{
    unsigned char record[MOVEX_RECORD_FRAME + 3] = {0}, head[12] = {3, 0, 0, 0, 0x39, 0x30};
    memcpy(record + MOVEX_RECORD_HEADER, "abc", 3);
    movex_record_seal(record, 3, 0x3039, seed);
    uint64_t hash = movex_xxh64(head, sizeof head, seed);
    must(record[0] == 3 && record[1] == 0 && record[2] == 0 && record[3] == 0);
    for (int i = 0; i < 4; i++) must_equal(record[4 + i], (unsigned char)(hash >> 8 * i));
    must(memcmp(record + 8, "abc", 3) == 0);
    must_equal(movex_load_u64(record + 11), movex_xxh64("abc", 3, hash));
}
END_TEST

START_TEST(every_cut_is_found)
{
    movex_record_state state;
    size_t             stop, length = write_records();
    for (size_t cut = 0; cut <= length; cut++) {
        int records = 0;
        while (records < RECORDS && starts[records + 1] <= cut) records++;
        unsigned char *copy = malloc(cut + 1); /* so that AddressSanitizer sees the end */
        memcpy(copy, file, cut);
        must_equal(count(copy, cut, &state, &stop), records);
        must_equal(stop, starts[records]);
        must_equal(state, cut == starts[records] ? MOVEX_RECORD_END : MOVEX_RECORD_TORN);
        free(copy);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
    movex_record_state state;
    size_t             stop, length = write_records();
    for (size_t bit = 0; bit < length * 8; bit++) {
        int whole = 0;
        while (starts[whole + 1] <= bit / 8) whole++;
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
        must_equal(count(file, length, &state, &stop), whole);
        must_equal(stop, starts[whole]);
        must_equal(state, MOVEX_RECORD_CORRUPT);
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    must_equal(count(file, length, &state, &stop), RECORDS);
}
END_TEST

START_TEST(a_record_from_elsewhere_does_not_pass)
{
    movex_record_state   state;
    const unsigned char *payload;
    size_t               stop, size, length = write_records();
    memmove(file + 1, file, length); /* another place */
    must_equal(movex_record_read(file + 1, length, true, 1, seed, MOST, &payload, &size), MOVEX_RECORD_CORRUPT);
    write_record(file, 0, 5, seed + 1); /* another file */
    must_equal(count(file, 21, &state, &stop), 0);
    must_equal(state, MOVEX_RECORD_CORRUPT);
    memset(file, 0, 100); /* a hole */
    must_equal(count(file, 100, &state, &stop), 0);
    must_equal(state, MOVEX_RECORD_CORRUPT);
    write_record(file, 0, 1000, seed);
    must_equal(movex_record_read(file, 1016, true, 0, seed, 999, &payload, &size), MOVEX_RECORD_TOO_LONG);
    must_equal(movex_record_read(file, 1016, true, 0, seed, 1000, &payload, &size), MOVEX_RECORD_WHOLE);
    must_equal(movex_record_read(file, 7, false, 0, seed, 1000, &payload, &size), MOVEX_RECORD_MORE);
    must_equal(size, MOVEX_RECORD_HEADER);
    must_equal(movex_record_read(file, 8, false, 0, seed, 1000, &payload, &size), MOVEX_RECORD_MORE);
    must_equal(size, 1016);
}
END_TEST

START_TEST(any_bytes_may_come)
{
    uint64_t random = 5;
    for (int round = 0; round < 200000; round++) {
        unsigned char        bytes[64];
        const unsigned char *payload;
        size_t               size, length = meter_below(&random, sizeof bytes + 1);
        for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)meter_random(&random);
        if (length >= 8 && round % 2) { /* a header that is right, with any length */
            write_record(file, 0, 1, seed);
            unsigned char head[12] = {0};
            uint32_t      stated = round % 4 == 1 ? (uint32_t)meter_random(&random) : meter_below(&random, 60);
            for (int i = 0; i < 4; i++) head[i] = bytes[i] = (unsigned char)(stated >> 8 * i);
            uint64_t hash = movex_xxh64(head, sizeof head, seed);
            for (int i = 0; i < 4; i++) bytes[4 + i] = (unsigned char)(hash >> 8 * i);
        }
        bool               last = round % 3 == 0;
        movex_record_state state = movex_record_read(bytes, length, last, 0, seed, MOST, &payload, &size);
        must(state != MOVEX_RECORD_WHOLE && (state != MOVEX_RECORD_MORE || (!last && size > length)));
    }
}
END_TEST

/* ---- through a store */

static movex_store_memory *memory;
static movex_store         store;
static movex_store_file    number;

static void keep(const void *bytes, size_t length)
{
    must_equal(store.ops->replace(store.self, number, bytes, length, NULL), MOVEX_OK);
}

static void open_memory(void)
{
    memory = movex_store_memory_new(NULL);
    store = movex_store_memory_open(memory);
    must_equal(movex_store_check(store), MOVEX_OK);
    must_equal(store.ops->open(store.self, "f", 1, &number), MOVEX_OK);
}

static void close_memory(void)
{
    movex_store_destroy(store);
    movex_store_memory_free(memory);
}

START_TEST(a_file_larger_than_a_piece_is_read_to_its_end)
{
    meter           m = {0};
    movex_allocator allocator = meter_allocator(&m);
    size_t          at = 0;
    uint32_t        records = 0, length = 1;
    open_memory();
    for (; at + length + MOVEX_RECORD_FRAME < ROOM; records++, length = 1 + (length * 7 + 13) % MOST)
        at += write_record(file + at, at, length, seed);
    for (size_t cut = at; cut > at - 20; cut--) {
        const unsigned char *payload;
        size_t               size;
        uint32_t             seen = 0, expected = 1;
        uint64_t             offset = 0;
        keep(file, cut);
        movex_record_scan scan = movex_record_scan_from(store, number, 0, seed, MOST, &allocator);
        for (; movex_record_scan_next(&scan, &payload, &size) == MOVEX_RECORD_WHOLE; seen++) {
            must_equal(size, expected);
            must(memcmp(payload, file + offset + MOVEX_RECORD_HEADER, size) == 0);
            expected = 1 + (expected * 7 + 13) % MOST;
            offset += size + MOVEX_RECORD_FRAME;
            must_equal(scan.offset, offset);
        }
        must_equal(scan.state, cut == at ? MOVEX_RECORD_END : MOVEX_RECORD_TORN);
        must_equal(movex_record_scan_next(&scan, &payload, &size), scan.state);
        must_equal(seen, cut == at ? records : records - 1);
        must(scan.buffer.capacity <= 4 * MOST);
        must(!movex_record_scan_beyond(&scan, &offset));
        movex_record_scan_end(&scan);
    }
    must(records > 10 && m.blocks == 0 && m.wrong == 0);
    close_memory();
}
END_TEST

START_TEST(damage_is_told_from_a_torn_end)
{
    movex_allocator      allocator = movex_allocator_default();
    const unsigned char *payload;
    size_t               size, length = write_records();
    open_memory();
    for (size_t byte = 0; byte < length; byte++) {
        uint64_t next = 0;
        int      hit = 0;
        while (starts[hit + 1] <= byte) hit++;
        file[byte] ^= 0x10;
        keep(file, length);
        movex_record_scan scan = movex_record_scan_from(store, number, 0, seed, MOST, &allocator);
        while (movex_record_scan_next(&scan, &payload, &size) == MOVEX_RECORD_WHOLE) continue;
        must_equal(scan.state, MOVEX_RECORD_CORRUPT);
        must_equal(scan.offset, starts[hit]);
        must_equal(movex_record_scan_beyond(&scan, &next), hit + 1 < RECORDS);
        if (hit + 1 < RECORDS) must_equal(next, starts[hit + 1]);
        must_equal(scan.offset, starts[hit]);
        movex_record_scan_end(&scan);
        file[byte] ^= 0x10;
    }
    close_memory();
}
END_TEST

START_TEST(a_scan_says_why_it_cannot_read)
{
    const unsigned char *payload;
    size_t               size;
    meter                m = {.fail_at = 1};
    movex_allocator      allocator = meter_allocator(&m);
    open_memory();
    movex_record_scan scan = movex_record_scan_from(store, number, 0, seed, MOST, &allocator);
    must_equal(movex_record_scan_next(&scan, &payload, &size), MOVEX_RECORD_UNREADABLE);
    must_equal(scan.status, MOVEX_ERR_MEMORY);
    scan = movex_record_scan_from(store, number, 0, seed, MOST, &allocator);
    must_equal(movex_record_scan_next(&scan, &payload, &size), MOVEX_RECORD_UNREADABLE);
    must_equal(scan.status, MOVEX_ERR_NOT_FOUND);
    movex_record_scan_end(&scan);
    keep("", 0);
    scan = movex_record_scan_from(store, number, 0, seed, MOST, &allocator);
    must_equal(movex_record_scan_next(&scan, &payload, &size), MOVEX_RECORD_END);
    movex_record_scan_end(&scan);
    for (int state = MOVEX_RECORD_WHOLE; state <= MOVEX_RECORD_UNREADABLE; state++)
        must(strcmp(movex_record_state_text((movex_record_state)state), "unknown") != 0);
    close_memory();
}
END_TEST

START_TEST(a_store_must_be_whole)
{
    movex_store none = {0}, unmade = movex_store_memory_open(NULL);
    must_equal(movex_store_check(none), MOVEX_ERR_ARGUMENT);
    must_equal(movex_store_check(unmade), MOVEX_ERR_MEMORY);
    movex_store_destroy(none);
    movex_store_destroy(unmade);
    open_memory();
    movex_store_ops partial = *store.ops;
    partial.truncate = NULL;
    must_equal(movex_store_check((movex_store){.ops = &partial, .self = store.self}), MOVEX_ERR_ARGUMENT);
    close_memory();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_record_is_what_the_header_says);
    tcase_add_test(tests, every_cut_is_found);
    tcase_add_test(tests, every_flipped_bit_is_found);
    tcase_add_test(tests, a_record_from_elsewhere_does_not_pass);
    tcase_add_test(tests, any_bytes_may_come);
    tcase_add_test(tests, a_file_larger_than_a_piece_is_read_to_its_end);
    tcase_add_test(tests, damage_is_told_from_a_torn_end);
    tcase_add_test(tests, a_scan_says_why_it_cannot_read);
    tcase_add_test(tests, a_store_must_be_whole);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
