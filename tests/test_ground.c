/* What everything else stands on: bytes, map, memory, log, format, names, random values, lists. */
#include "bytes.h"
#include "format.h"
#include "list.h"
#include "log.h"
#include "map.h"
#include "memory.h"
#include "meter.h"
#include "name.h"
#include "random.h"
#include "support.h"

#include <movex/type.h>

#include <stdio.h>
#include <string.h>

/* ---- bytes */

static uint64_t random_number(uint64_t *random)
{
    return meter_random(random) >> meter_below(random, 64);
}

START_TEST(numbers_have_one_form_and_come_back)
{
    uint64_t      random = 1;
    unsigned char bytes[MOVEX_MAX_NUMBER];
    for (int run = 0; run < 20000; run++) {
        uint64_t value = run < 64    ? UINT64_C(1) << run
                         : run < 128 ? (UINT64_C(1) << (run - 64)) - 1
                                     : random_number(&random);
        if (run == 128) value = UINT64_MAX;
        movex_writer writer = movex_writer_over(bytes, sizeof bytes);
        movex_write_number(&writer, value);
        size_t length = (size_t)(writer.at - bytes);
        must_equal(length, movex_number_size(value));
        movex_reader reader = movex_reader_over(bytes, length);
        must_equal(movex_read_number(&reader), value);
        must(!reader.failed && movex_reader_left(&reader) == 0);
        for (size_t cut = 0; cut < length; cut++) {
            reader = movex_reader_over(bytes, cut);
            must_equal(movex_read_number(&reader), 0);
            must(reader.failed);
        }
        if (length == 0 || length >= MOVEX_MAX_NUMBER) continue;
        bytes[length - 1] |= 0x80; /* the same value with a zero behind it: not its shortest form */
        bytes[length] = 0;
        reader = movex_reader_over(bytes, length + 1);
        movex_read_number(&reader);
        must(reader.failed);
    }
}
END_TEST

START_TEST(every_row_of_three_bytes_is_one_number_or_none)
{
    for (unsigned i = 0; i < 1u << 24; i += i < 1u << 17 ? 1 : 251) {
        const unsigned char bytes[3] = {i & 0xff, i >> 8 & 0xff, i >> 16};
        movex_reader        reader = movex_reader_over(bytes, 3);
        uint64_t            value = movex_read_number(&reader);
        if (reader.failed) {
            bool padded =
                (bytes[0] >= 0x80 && bytes[1] == 0) || (bytes[0] >= 0x80 && bytes[1] >= 0x80 && bytes[2] == 0);
            bool unended = bytes[0] >= 0x80 && bytes[1] >= 0x80 && bytes[2] >= 0x80;
            must_msg(padded || unended, "%06x was refused", i);
            continue;
        }
        unsigned char again[MOVEX_MAX_NUMBER];
        movex_writer  writer = movex_writer_over(again, sizeof again);
        movex_write_number(&writer, value);
        size_t length = (size_t)(writer.at - again);
        must_equal(length, (size_t)(reader.at - bytes));
        must(memcmp(again, bytes, length) == 0);
    }
}
END_TEST

START_TEST(numbers_past_64_bits_are_refused)
{
    unsigned char bytes[12];
    memset(bytes, 0xff, sizeof bytes);
    for (unsigned last = 0; last < 256; last++) {
        bytes[9] = (unsigned char)last;
        movex_reader reader = movex_reader_over(bytes, sizeof bytes);
        uint64_t     value = movex_read_number(&reader);
        must_msg(reader.failed == (last != 1), "last byte %02x", last);
        must_equal(value, last == 1 ? UINT64_MAX : 0);
    }
}
END_TEST

START_TEST(a_failed_reader_stays_failed_and_reads_zero)
{
    const unsigned char bytes[] = {5, 6, 7, 8, 9, 10, 11, 12, 13};
    movex_reader        reader = movex_reader_over(bytes, sizeof bytes);
    must_equal(movex_read_number_to(&reader, 5), 5);
    must_equal(movex_read_number_to(&reader, 5), 0);
    must(reader.failed);
    must_equal(movex_read_u8(&reader), 0);
    must_equal(movex_read_u64(&reader), 0);
    must(!movex_read_bytes(&reader, 0));

    reader = movex_reader_over(bytes, 8);
    must_equal(movex_read_u64(&reader), UINT64_C(0x0c0b0a0908070605));
    must(movex_read_bytes(&reader, 0));
    must(!movex_read_bytes(&reader, SIZE_MAX));
}
END_TEST

/* ---- map: against an array that is searched from the start */

typedef struct pair {
    uint64_t key;
    uint64_t name; /* tells values of one key apart */
    bool     there;
} pair;

static bool has_name(const void *value, const void *wanted)
{
    return ((const pair *)value)->name == *(const uint64_t *)wanted;
}

static void check_map(const movex_map *map, const pair *pairs, uint32_t count)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < count; i++) {
        const pair *found = movex_map_get(map, pairs[i].key, has_name, &pairs[i].name);
        must(found == (pairs[i].there ? &pairs[i] : NULL));
        there += pairs[i].there;
    }
    must_equal(map->count, there);
    must((map->capacity & (map->capacity - 1)) == 0);
    must(map->count <= map->capacity / 4 * 3);
}

START_TEST(map_agrees_with_a_naive_one)
{
    enum { PAIRS = 200 };
    meter           m = {.fail_one_in = 4, .random = (uint64_t)_i};
    movex_allocator allocator = meter_allocator(&m);
    movex_map       map = {0};
    uint64_t        random = (uint64_t)_i * 1000 + 7;
    pair            pairs[PAIRS] = {{0}};
    uint32_t        used = 3 + meter_below(&random, PAIRS - 3);
    uint32_t        keys = 1 + meter_below(&random, 60); /* few: many values of one key */
    for (uint32_t i = 0; i < used; i++)
        pairs[i] = (pair){.key = _i & 1 ? meter_below(&random, keys) : meter_random(&random), .name = i};
    for (int step = 0; step < 1500; step++) {
        pair *one = &pairs[meter_below(&random, used)];
        if (one->there) {
            movex_map_remove(&map, one->key, one);
            one->there = false;
        } else {
            uint64_t failed = m.failed;
            one->there = movex_map_put(&map, &allocator, one->key, one);
            must(one->there == (m.failed == failed));
        }
        if (step % 16 == 0) check_map(&map, pairs, used);
    }
    check_map(&map, pairs, used);
    movex_map_free(&map, &allocator);
    must_equal(m.blocks + m.wrong, 0);
}
END_TEST

START_TEST(map_with_exact_keys)
{
    movex_allocator allocator = movex_allocator_default();
    movex_map       map = {0};
    uint32_t        values[1000];
    must(!movex_map_get(&map, 0, NULL, NULL));
    for (uint32_t i = 0; i < 1000; i++) must(movex_map_put(&map, &allocator, i, &values[i]));
    for (uint32_t i = 0; i < 1000; i += 2) movex_map_remove(&map, i, &values[i]);
    for (uint32_t i = 0; i < 1000; i++) must(movex_map_get(&map, i, NULL, NULL) == (i % 2 ? &values[i] : NULL));
    movex_map_free(&map, &allocator);
}
END_TEST

/* ---- memory */

START_TEST(allocators_are_taken_whole_or_not)
{
    meter           m = {0};
    movex_allocator whole = meter_allocator(&m), part = whole, none = {.user = &m}, resolved;
    part.reallocate = NULL;
    must(movex_allocator_resolve(&whole, &resolved) && resolved.allocate == whole.allocate);
    must(!movex_allocator_resolve(&part, &resolved));
    must(movex_allocator_resolve(&none, &resolved) && resolved.allocate == movex_allocator_default().allocate);
    must(movex_allocator_resolve(NULL, &resolved) && resolved.release);
}
END_TEST

START_TEST(arrays_and_buffers_grow_or_stay)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        meter           m = {.fail_one_in = 3, .random = seed};
        movex_allocator allocator = meter_allocator(&m);
        uint64_t       *array = NULL, random = seed;
        uint32_t        capacity = 0, first = 1 + meter_below(&random, 9);
        movex_buffer    buffer = {0};
        for (uint32_t step = 1; step < 60; step++) {
            uint32_t before = capacity, needed = meter_below(&random, step * 4);
            bool     grown = movex_grow(&allocator, &array, &capacity, sizeof *array, needed, first);
            must(grown ? capacity >= needed : capacity == before && needed > before);
            for (uint32_t i = 0; i < before; i++) must_equal(array[i], i + 1);
            for (uint32_t i = before; i < capacity; i++) {
                must_equal(array[i], 0);
                array[i] = i + 1;
            }
            size_t more = meter_below(&random, 300), length = buffer.length;
            if (!movex_buffer_reserve(&buffer, &allocator, more)) continue;
            must(buffer.length == length && buffer.capacity - length >= more);
            for (size_t i = 0; i < length; i++) must_equal(buffer.bytes[i], i & 0xff);
            for (size_t i = 0; i < more; i++, buffer.length++) buffer.bytes[buffer.length] = buffer.length & 0xff;
        }
        must(!movex_grow(&allocator, &array, &capacity, SIZE_MAX / 4, capacity + 1, first));
        must(!movex_buffer_reserve(&buffer, &allocator, SIZE_MAX - 5));
        movex_release(&allocator, array, capacity * sizeof *array);
        movex_release(&allocator, NULL, 77);
        movex_buffer_free(&buffer, &allocator);
        must_equal(m.blocks + m.bytes + m.wrong, 0);
    }
}
END_TEST

/* ---- log: against a row of everything that was ever appended */

typedef struct written {
    movex_entry   entry;
    char          author[MOVEX_NAME_SIZE];
    unsigned char payload[700];
} written;

static written random_entry(uint64_t *random, uint32_t version, uint64_t before_ms, uint32_t largest)
{
    written one = {.entry = {.session = meter_below(random, 4), .sequence = version, .checksum = meter_random(random)}};
    one.entry.now_ms = before_ms + meter_below(random, 3);
    one.entry.drew = meter_below(random, 2);
    one.entry.action = meter_below(random, 100);
    one.entry.author_length = (uint8_t)(meter_below(random, 3) ? meter_below(random, 12) : 0);
    one.entry.payload_length = meter_below(random, 4) ? meter_below(random, largest) : 0;
    for (uint32_t i = 0; i < one.entry.author_length; i++) one.author[i] = (char)('a' + meter_below(random, 26));
    for (uint32_t i = 0; i < one.entry.payload_length; i++) one.payload[i] = (unsigned char)meter_random(random);
    return one;
}

static uint32_t length_of(const written *one)
{
    return one->entry.author_length + one->entry.payload_length;
}

static void check_kept(const movex_log *log, const written *one, uint64_t version)
{
    const movex_entry *kept = movex_log_find(log, version);
    must(kept);
    must(kept->session == one->entry.session && kept->sequence == one->entry.sequence);
    must(kept->now_ms == one->entry.now_ms && kept->checksum == one->entry.checksum);
    must(kept->action == one->entry.action && kept->drew == one->entry.drew);
    must(kept->author_length == one->entry.author_length && kept->payload_length == one->entry.payload_length);
    const char *author = movex_log_author(log, kept);
    const void *payload = movex_log_payload(log, kept);
    if (kept->author_length) must(memcmp(author, one->author, kept->author_length) == 0);
    if (kept->payload_length) must(memcmp(payload, one->payload, kept->payload_length) == 0);
}

/* `whole`: nothing has failed. Then as much is kept as fits, less what the wrap may waste: one largest entry. */
static void check_log(const movex_log *log, const written *all, uint32_t count, uint32_t largest, bool whole)
{
    uint64_t sum = 0;
    movex_log_check(log);
    must_equal(log->version, count);
    must_equal(log->now_ms, count ? all[count - 1].entry.now_ms : 0);
    for (uint32_t k = 0; k < log->count; k++) check_kept(log, &all[count - 1 - k], count - k);
    must(!movex_log_find(log, count - log->count));
    must(!movex_log_find(log, (uint64_t)count + 1));
    must(!movex_log_find(log, UINT64_MAX));
    for (uint32_t k = 1; whole && k <= count && k <= log->limit; k++) {
        if (length_of(&all[count - k]) >= log->arena_limit) break;
        sum += length_of(&all[count - k]);
        if (sum + largest >= log->arena_limit) break;
        must_msg(log->count >= k, "version %u of %u should be kept", count - k + 1, count);
    }
}

START_TEST(log_agrees_with_a_naive_one)
{
    enum { ENTRIES = 400 };
    uint64_t        random = (uint64_t)_i;
    bool            failing = _i % 3 == 0;
    meter           m = {.fail_one_in = failing ? 2 + meter_below(&random, 5) : 0, .random = random};
    movex_allocator allocator = meter_allocator(&m);
    uint32_t        largest_payload = 1 + meter_below(&random, _i % 4 ? 40 : 700), largest = 0;
    written        *all = malloc(ENTRIES * sizeof *all);
    movex_log       log;
    movex_log_init(&log, 1 + meter_below(&random, 40), 1 + meter_below(&random, _i % 5 ? 700 : 60));
    check_log(&log, all, 0, 0, !failing);
    for (uint32_t count = 0; count < ENTRIES; count++) {
        all[count] = random_entry(&random, count + 1, log.now_ms, largest_payload);
        bool     first_failure = m.failed == 0;
        uint32_t length = length_of(&all[count]);
        if (length > largest) largest = length;
        movex_log_append(&log, &allocator, &all[count].entry, all[count].author, all[count].payload, NULL);
        check_log(&log, all, count + 1, largest, m.failed == 0);
        if (first_failure && m.failed == 0 && length < log.arena_limit) must(log.count >= 1);
        must(log.arena_capacity <= log.arena_limit);
    }
    movex_log_free(&log, &allocator);
    must_equal(m.blocks + m.bytes + m.wrong, 0);
    free(all);
}
END_TEST

/* ---- format */

START_TEST(lines_are_cut_to_fit_and_counted_in_full)
{
    char expected[128], text[40];
    for (size_t capacity = 0; capacity <= sizeof text; capacity++) {
        memset(text, '#', sizeof text);
        movex_format format = movex_format_into(capacity ? text : NULL, capacity);
        movex_format_text(&format, "n=");
        movex_format_unsigned(&format, UINT64_MAX);
        movex_format_text(&format, NULL);
        movex_format_text(&format, " ");
        movex_format_signed(&format, INT64_MIN);
        movex_format_bytes(&format, "|x", 1);
        movex_format_hex(&format, 0xbeef, 6);
        snprintf(expected, sizeof expected, "n=18446744073709551615 -9223372036854775808|00beef");
        must_equal(format.length, strlen(expected));
        if (capacity == 0) continue;
        must_equal(strlen(text), strlen(expected) < capacity ? strlen(expected) : capacity - 1);
        must(strncmp(text, expected, strlen(text)) == 0);
        for (size_t i = capacity; i < sizeof text; i++) must_equal(text[i], '#');
    }
}
END_TEST

START_TEST(errors_are_put_together)
{
    movex_error error;
    char        long_text[400];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = 0;
    must_equal(movex_error_set(&error, MOVEX_ERR_LIMIT, "a", "b", "", "c", NULL), MOVEX_ERR_LIMIT);
    ck_assert_str_eq(error.text, "abc");
    must_equal(error.status, MOVEX_ERR_LIMIT);
    movex_error_set(&error, MOVEX_ERR_MEMORY, long_text, long_text, NULL);
    must_equal(strlen(error.text), MOVEX_ERROR_TEXT_SIZE - 1);
    must_equal(movex_error_set(NULL, MOVEX_ERR_DENIED, "a", NULL), MOVEX_ERR_DENIED);
}
END_TEST

/* ---- names */

/* Well-formed UTF-8 by the definition: decode the scalar value, refuse what is too long, a surrogate or out of range. */
static bool naive_is_clean(const unsigned char *b, size_t length)
{
    for (size_t at = 0; at < length;) {
        unsigned size = b[at] < 0x80 ? 1 : b[at] >> 5 == 6 ? 2 : b[at] >> 4 == 14 ? 3 : b[at] >> 3 == 30 ? 4 : 0;
        uint32_t scalar = size == 1 ? b[at] : b[at] & (0xffu >> (size + 1));
        if (size == 0 || at + size > length) return false;
        for (unsigned k = 1; k < size; k++) {
            if (b[at + k] >> 6 != 2) return false;
            scalar = scalar << 6 | (b[at + k] & 0x3f);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (scalar < least[size] || scalar > 0x10ffff || (scalar >= 0xd800 && scalar < 0xe000)) return false;
        if (scalar < 0x20 || (scalar >= 0x7f && scalar < 0xa0)) return false;
        at += size;
    }
    return true;
}

START_TEST(clean_text_agrees_with_the_definition_of_utf8)
{
    uint64_t random = 5;
    uint32_t clean = 0;
    for (uint32_t i = 0; i < 1u << 16; i++) {
        const unsigned char two[2] = {i & 0xff, i >> 8 & 0xff};
        must_msg(movex_text_is_clean((const char *)two, 2) == naive_is_clean(two, 2), "%04x", i);
    }
    static const unsigned char leads[] = {0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
                                          0xf1, 0xf3, 0xf4, 0xf5, 0xc2, 'a',  0xff};
    static const unsigned char tails[] = {0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 'a', 0};
    for (int run = 0; run < 200000; run++) {
        unsigned char bytes[6];
        size_t        length = meter_below(&random, 7);
        for (size_t k = 0; k < length; k++)
            bytes[k] = k == 0 || meter_below(&random, 3) == 0 ? leads[meter_below(&random, sizeof leads)]
                                                              : tails[meter_below(&random, sizeof tails)];
        bool expected = naive_is_clean(bytes, length);
        must(movex_text_is_clean((const char *)bytes, length) == expected);
        clean += expected && length > 2;
    }
    must(clean > 100);
}
END_TEST

START_TEST(faults_of_names_are_named)
{
    ck_assert_str_eq(movex_name_fault(NULL), "is missing");
    ck_assert_str_eq(movex_name_fault(""), "is empty");
    ck_assert_str_eq(movex_name_fault("12345678901234567890123456789012"), "is longer than 31 bytes");
    must(!movex_name_fault("1234567890123456789012345678901"));
    ck_assert_str_eq(movex_name_fault("a\nb"), "is not UTF-8 without control characters");
    ck_assert_str_eq(movex_name_fault("\xc2\x9b"), "is not UTF-8 without control characters");
    ck_assert_str_eq(movex_name_fault_in("a\0b", 3), "is not UTF-8 without control characters");
    must(!movex_name_fault("J\xc3\xbcrg \xe2\x99\x9e"));
}
END_TEST

/* ---- random values */

/* The published outputs for the seed 1234567 (Vigna's splitmix64.c). */
static const uint64_t published[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                     UINT64_C(16408922859458223821)};

START_TEST(splitmix_gives_the_published_values)
{
    uint64_t            state = 1234567;
    movex_random_source source = {.seed = 1234567};
    movex_context       context = {.author = "", .random = &source};
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        must_equal(movex_splitmix64(&state), published[i]);
        must_equal(movex_random(&context), published[i]);
        must_equal(source.draws, i + 1);
    }
    context.random = NULL;
    must_equal(movex_random(&context), 0);
    must_equal(movex_random_below(&context, 6), 0);
    must_equal(movex_random_below(&context, UINT32_MAX), 0);
}
END_TEST

START_TEST(random_below_is_in_bounds_and_fair)
{
    static const uint32_t bounds[] = {1, 2, 3, 6, 7, 52, 100, 1000};
    movex_random_source   source = {.seed = 99};
    movex_context         context = {.author = "", .random = &source};
    must_equal(movex_random_below(&context, 0), 0);
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        uint32_t bound = bounds[b], counts[1000] = {0}, draws = bound * 1000;
        double   square = 0;
        for (uint32_t i = 0; i < draws; i++) {
            uint32_t value = movex_random_below(&context, bound);
            must(value < bound);
            counts[value]++;
        }
        for (uint32_t i = 0; i < bound; i++) square += (counts[i] - 1000.0) * (counts[i] - 1000.0) / 1000.0;
        /* Chi-squared with bound - 1 degrees of freedom: mean bound - 1, variance twice that; six deviations. */
        double over = square - (bound - 1.0);
        must_msg(over * over <= 36 * 2.0 * (bound - 1.0) + 1e-9, "bound %u: chi-squared %g", bound, square);
    }
    /* A bound for which a third of the 32-bit draws must be thrown away: values below and above 2^31 stay even. */
    uint32_t low = 0, large = 3u << 30;
    for (int i = 0; i < 30000; i++) low += movex_random_below(&context, large) < 1u << 30;
    must(low > 9500 && low < 10500);
}
END_TEST

/* ---- lists */

START_TEST(list_agrees_with_an_array)
{
    enum { NODES = 12 };
    uint64_t   random = 3;
    movex_list list = {0};
    movex_node nodes[NODES] = {{0}}, *order[NODES];
    uint32_t   count = 0;
    for (int step = 0; step < 5000; step++) {
        movex_node *node = &nodes[meter_below(&random, NODES)];
        if (node->list) {
            uint32_t at = 0;
            while (order[at] != node) at++;
            memmove(order + at, order + at + 1, (--count - at) * sizeof *order);
            movex_list_remove(node);
        } else {
            movex_list_remove(node); /* of none: nothing */
            movex_list_append(&list, node);
            order[count++] = node;
        }
        uint32_t at = 0;
        for (movex_node *n = list.first, *before = NULL; n; before = n, n = n->next, at++) {
            must(at < count && n == order[at] && n->previous == before && n->list == &list);
        }
        must_equal(at, count);
        must(list.last == (count ? order[count - 1] : NULL));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ground");
    TCase *cases = tcase_create("ground");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, numbers_have_one_form_and_come_back);
    tcase_add_test(cases, every_row_of_three_bytes_is_one_number_or_none);
    tcase_add_test(cases, numbers_past_64_bits_are_refused);
    tcase_add_test(cases, a_failed_reader_stays_failed_and_reads_zero);
    tcase_add_loop_test(cases, map_agrees_with_a_naive_one, 0, 40);
    tcase_add_test(cases, map_with_exact_keys);
    tcase_add_test(cases, allocators_are_taken_whole_or_not);
    tcase_add_test(cases, arrays_and_buffers_grow_or_stay);
    tcase_add_loop_test(cases, log_agrees_with_a_naive_one, 0, 120);
    tcase_add_test(cases, lines_are_cut_to_fit_and_counted_in_full);
    tcase_add_test(cases, errors_are_put_together);
    tcase_add_test(cases, clean_text_agrees_with_the_definition_of_utf8);
    tcase_add_test(cases, faults_of_names_are_named);
    tcase_add_test(cases, splitmix_gives_the_published_values);
    tcase_add_test(cases, random_below_is_in_bounds_and_fair);
    tcase_add_test(cases, list_agrees_with_an_array);
    suite_add_tcase(suite, cases);
    return movex_test_main(suite);
}
