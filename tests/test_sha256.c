/* SHA-256 against the published vectors: those of FIPS 180-2, appendix B, and of the NIST's examples. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../src/core/sha256.h"

static void must_be(movex_sha256 *hash, const char *expected)
{
    unsigned char digest[MOVEX_SHA256_SIZE];
    char          text[2 * MOVEX_SHA256_SIZE + 1];
    movex_sha256_end(hash, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(text, expected);
}

static void must_hash(const char *message, const char *expected)
{
    movex_sha256 hash;
    movex_sha256_start(&hash);
    movex_sha256_add(&hash, message, strlen(message));
    must_be(&hash, expected);
}

#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

START_TEST(published_vectors)
{
    must_hash("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    must_hash("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    must_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    must_hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
              "nopqrstu",
              "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}
END_TEST

/* A million times 'a', in pieces of `piece` bytes, each one longer than the one before if `growing`. */
static void must_hash_a_million(size_t piece, bool growing)
{
    static unsigned char letters[4096];
    movex_sha256         hash;
    size_t               left = 1000000;
    memset(letters, 'a', sizeof letters);
    movex_sha256_start(&hash);
    for (size_t size = piece; left; size = growing && size < sizeof letters ? size + 1 : size) {
        size_t part = size < left ? size : left;
        movex_sha256_add(&hash, letters, part);
        left -= part;
    }
    must_be(&hash, MILLION_A);
}

START_TEST(a_million_letters_in_pieces)
{
    static const size_t pieces[] = {1, 3, 55, 56, 63, 64, 65, 127, 128, 4096};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) must_hash_a_million(pieces[i], false);
    must_hash_a_million(1, true);
}
END_TEST

START_TEST(lengths_and_numbers_are_a_part)
{
    movex_sha256  hash;
    unsigned char one[MOVEX_SHA256_SIZE], two[MOVEX_SHA256_SIZE];
    movex_sha256_start(&hash);
    movex_sha256_add_blob(&hash, "ab", 2);
    movex_sha256_add_blob(&hash, "c", 1);
    movex_sha256_end(&hash, one);
    movex_sha256_start(&hash);
    movex_sha256_add_blob(&hash, "a", 1);
    movex_sha256_add_blob(&hash, "bc", 2);
    movex_sha256_end(&hash, two);
    ck_assert(memcmp(one, two, sizeof one) != 0);
    movex_sha256_start(&hash);
    movex_sha256_add_number(&hash, 0x6362610000000000u >> 40); /* "abc", and zeros */
    movex_sha256_end(&hash, one);
    movex_sha256_start(&hash);
    movex_sha256_add(&hash, "abc\0\0\0\0", 8);
    movex_sha256_end(&hash, two);
    ck_assert(memcmp(one, two, sizeof one) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sha256");
    TCase *tests = tcase_create("sha256");
    tcase_add_test(tests, published_vectors);
    tcase_add_test(tests, a_million_letters_in_pieces);
    tcase_add_test(tests, lengths_and_numbers_are_a_part);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
