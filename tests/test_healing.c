/* I5: any bit of the canonical part of a client's confirmed state, flipped, is found at the next message for the resource;
   the event names the field, one resync heals it, and nothing pending is lost. */
#include "match.h"
#include "row_game.h"

#include <string.h>

static const movex_type *const types[] = {&row_type, NULL};

typedef struct where {
    const char *path;
    size_t      offset, size;
} where;

/* All that is encoded, each text with the zero that ends it. */
static const where fields[] = {
    {"numbers[0]", offsetof(row, numbers), 4},        {"numbers[1]", offsetof(row, numbers) + 4, 4},
    {"numbers[2]", offsetof(row, numbers) + 8, 4},    {"drawn", offsetof(row, drawn), 8},
    {"stamp_ms", offsetof(row, stamp_ms), 8},         {"stamp_version", offsetof(row, stamp_version), 8},
    {"stamper", offsetof(row, stamper), 4},           {"owner", offsetof(row, owner), 1},
    {"said", offsetof(row, said), 6},                 {"numbers", offsetof(row, count), 4},
};

static void flip(const movex_resource *resource, size_t bit)
{
    union {
        const void    *read_only;
        unsigned char *bytes;
    } confirmed = {.read_only = movex_confirmed_state(resource)};
    confirmed.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

static const char *name_of(size_t byte)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (byte >= fields[i].offset && byte < fields[i].offset + fields[i].size) return fields[i].path;
    return NULL;
}

START_TEST(every_flipped_bit_is_found_named_and_healed)
{
    match m;
    match_start_types(&m, MATCH_LOCAL, types);
    movex_client   *a = match_client(&m, "ann"), *b = match_client(&m, "ben");
    movex_resource *ra = movex_bind(a, &row_type, "main"), *rb = movex_bind(b, &row_type, "main");
    match_until(&m, movex_in_sync(ra) && movex_in_sync(rb));
    for (int i = 1; i <= 3; i++) movex_dispatch(ra, ROW_APPEND, &(row_append){i * 1000});
    movex_dispatch(ra, ROW_DRAW, NULL);
    movex_dispatch(ra, ROW_STAMP, NULL);
    movex_dispatch(ra, ROW_SAY, &(row_say){"hello"});
    match_until(&m, movex_version(rb) == 6);
    uint64_t found = 0;
    for (size_t bit = 0; bit < 8 * sizeof(row); bit++) {
        const char *name = name_of(bit / 8);
        if (!name) continue; /* padding, or a slot or tail that is not in use */
        int      outcomes = 0;
        uint32_t before = ((const row *)movex_confirmed_state(ra))->count;
        flip(rb, bit);
        /* Pending while it is found; a flip of the count may have it refused here, at once. */
        movex_ticket own = movex_dispatch(rb, ROW_SWAP, &(row_swap){0, 0});
        ck_assert_uint_ne(own, 0);
        movex_dispatch(ra, ROW_SWAP, &(row_swap){0, 0});
        bool        told = false;
        movex_event event;
        uint64_t    limit = m.now_ms + 20000;
        while (!told || !movex_in_sync(rb) || movex_pending(rb) || movex_pending(ra) ||
               movex_version(rb) != movex_version(ra)) {
            match_poll(&m);
            ck_assert_msg(m.now_ms < limit, "bit %zu of %s: waited in vain", bit, name);
            while (movex_client_next(b, &event)) {
                outcomes += event.ticket == own;
                if (event.kind != MOVEX_EVENT_MISMATCH) continue;
                ck_assert_msg(strstr(event.text, name), "bit %zu of %s: %s", bit, name, event.text);
                told = true;
                found++;
            }
            while (movex_client_next(a, &event)) {}
        }
        ck_assert_int_eq(outcomes, 1);
        ck_assert_uint_eq(movex_client_stats(b).mismatches, found);
        ck_assert_uint_eq(movex_client_stats(b).resyncs, found);
        ck_assert_uint_eq(movex_checksum(rb), movex_checksum(ra));
        ck_assert_uint_eq(((const row *)movex_state(rb))->count, before);
    }
    ck_assert_uint_eq(found, 8 * (4 * 3 + 8 * 3 + 4 + 1 + 6 + 4));
    match_end(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("healing");
    TCase *tcase = tcase_create("I5");
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_flipped_bit_is_found_named_and_healed);
    return movex_test_main(suite);
}
