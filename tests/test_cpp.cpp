/* The headers in C++17: what is described there is the same as in C, and both play with each other. */
#include "cpp_samples.h"
#include "support.h"

#include <movex/checked.h>
#include <movex/faulty.h>
#include <movex/game.h>
#include <movex/leak.h>
#include <movex/local.h>
#include <movex/movex.h>
#include <movex/simulation.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <unistd.h>

/* The example itself; its program under a name of its own. */
static int counter_in_cpp();
#define main counter_in_cpp
#include "../examples/counter_cpp.cpp"
#undef main

MOVEX_GAME("counter", &counter_type);

namespace
{

enum class suit : uint8_t { clubs, hearts, spades };
struct classy {
    suit one;
    suit some[3];
};
MOVEX_SCHEMA(classy_schema, classy, MOVEX_ENUM(classy, one, CPP_SUITS), MOVEX_ENUMS(classy, some, CPP_SUITS));

/* movex_text_set takes arrays alone: of a pointer it cannot know the size. */
template <typename Text, typename = void> struct can_be_set : std::false_type {
};
template <typename Text>
struct can_be_set<Text, std::void_t<decltype(movex_text_set(std::declval<Text &>(), ""))>> : std::true_type {
};
static_assert(can_be_set<char[8]>::value, "an array is set");
static_assert(!can_be_set<char *>::value, "a pointer is not");
static_assert(!can_be_set<const char[8]>::value, "nor is a constant");

struct sample {
    const char         *name;
    const movex_schema *in_c, *in_cpp;
};
const sample samples[] = {
    {"singles", c_singles_schema, &cpp_singles_schema}, {"arrays", c_arrays_schema, &cpp_arrays_schema},
    {"grids", c_grids_schema, &cpp_grids_schema},       {"lists", c_lists_schema, &cpp_lists_schema},
    {"nested", c_nested_schema, &cpp_nested_schema},
};

void check_same_schema(const movex_schema *c, const movex_schema *cpp);

void check_same_field(const movex_field *c, const movex_field *cpp)
{
    ck_assert_str_eq(c->name, cpp->name);
    ck_assert_msg(c->kind == cpp->kind && c->shape == cpp->shape && c->offset == cpp->offset, "%s", c->name);
    ck_assert_msg(c->element_size == cpp->element_size && c->capacity == cpp->capacity && c->columns == cpp->columns,
                  "%s", c->name);
    ck_assert_msg(c->count_offset == cpp->count_offset && c->count_size == cpp->count_size, "%s", c->name);
    ck_assert_pstr_eq(c->count_name, cpp->count_name);
    ck_assert_uint_eq(c->value_count, cpp->value_count);
    ck_assert_int_eq(c->value_names != nullptr, cpp->value_names != nullptr);
    for (uint64_t i = 0; c->value_names && i < c->value_count; i++)
        ck_assert_str_eq(c->value_names[i], cpp->value_names[i]);
    ck_assert_int_eq(c->schema != nullptr, cpp->schema != nullptr);
    if (c->schema) check_same_schema(c->schema, cpp->schema);
}

void check_same_schema(const movex_schema *c, const movex_schema *cpp)
{
    ck_assert_ptr_ne(c, cpp); /* each language has made its own */
    ck_assert_str_eq(c->name, cpp->name);
    ck_assert_uint_eq(c->size, cpp->size);
    ck_assert_uint_eq(c->alignment, cpp->alignment);
    ck_assert_uint_eq(c->field_count, cpp->field_count);
    for (uint32_t i = 0; i < c->field_count; i++) check_same_field(&c->fields[i], &cpp->fields[i]);
}

uint64_t schema_fingerprint(const movex_schema *schema)
{
    movex_error  error;
    movex_codec *codec = movex_codec_new(schema, nullptr, &error);
    ck_assert_msg(codec != nullptr, "%s", error.text);
    uint64_t fingerprint = movex_codec_fingerprint(codec);
    movex_codec_free(codec);
    return fingerprint;
}

uint64_t type_fingerprint(const movex_type *type)
{
    movex_error  error;
    movex_rules *rules = movex_rules_new(type, nullptr, &error);
    ck_assert_msg(rules != nullptr, "%s", error.text);
    uint64_t fingerprint = movex_rules_fingerprint(rules);
    movex_rules_free(rules);
    return fingerprint;
}

movex_master *make_master(const movex_type *type)
{
    movex_master_config config = {};
    config.types = MOVEX_TYPES(type);
    movex_master *master = movex_master_new(&config);
    ck_assert_ptr_nonnull(master);
    return master;
}

movex_client *make_client(movex_master *master, const char *id)
{
    movex_client_config config = {};
    config.id = id;
    config.io = movex_local_connect(master);
    movex_client *client = movex_client_new(&config);
    ck_assert_ptr_nonnull(client);
    return client;
}

/* A master of one type, and a client of each: their sums must be the same. */
void check_match(const movex_type *of_master)
{
    movex_master   *master = make_master(of_master);
    movex_client   *alice = make_client(master, "alice"), *bob = make_client(master, "bob");
    movex_resource *a = movex_bind(alice, &counter_type, "main"), *b = movex_bind(bob, &counter_type_in_c, "main");
    const add       much = {41}, too_little = {0};
    ck_assert_uint_ne(movex_dispatch(a, INCREMENT, nullptr), 0);
    ck_assert_uint_ne(movex_dispatch(b, ADD, &much), 0);
    for (uint64_t now_ms = 0; movex_version(a) < 2 || movex_version(b) < 2; now_ms++) {
        ck_assert_uint_lt(now_ms, 1000);
        movex_master_poll(master, now_ms);
        movex_client_poll(alice, now_ms);
        movex_client_poll(bob, now_ms);
    }
    ck_assert_int_eq(static_cast<const counter *>(movex_state(a))->count, 42);
    ck_assert_int_eq(static_cast<const counter *>(movex_state(b))->count, 42);
    ck_assert_uint_eq(movex_checksum(a), movex_checksum(b));
    ck_assert_int_eq(movex_try(a, ADD, &too_little), NOT_POSITIVE);
    ck_assert_int_eq(movex_try(b, ADD, &too_little), NOT_POSITIVE);
    ck_assert_uint_eq(movex_client_stats(alice).mismatches + movex_client_stats(bob).mismatches, 0);
    movex_client_free(alice);
    movex_client_free(bob);
    movex_master_free(master);
}

/* What a program prints. */
std::string printed_by(int (*program)())
{
    std::fflush(stdout);
    std::FILE *file = std::tmpfile();
    int        before = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    int code = program();
    std::fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    ck_assert_int_eq(code, 0);

    char text[256];
    std::rewind(file);
    size_t length = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    return std::string(text, length);
}

} // namespace

START_TEST(schemas_are_the_same)
{
    const sample &sample = samples[_i];
    check_same_schema(sample.in_c, sample.in_cpp);
    ck_assert_uint_eq(schema_fingerprint(sample.in_c), schema_fingerprint(sample.in_cpp));
}
END_TEST

START_TEST(an_enum_class_is_an_enum)
{
    for (uint32_t i = 0; i < classy_schema.field_count; i++) {
        const movex_field &field = classy_schema.fields[i];
        ck_assert_int_eq(field.kind, MOVEX_KIND_ENUM);
        ck_assert_uint_eq(field.element_size, c_classy_schema->fields[i].element_size);
        ck_assert_uint_eq(field.capacity, c_classy_schema->fields[i].capacity);
        ck_assert_uint_eq(field.offset, c_classy_schema->fields[i].offset);
    }
    ck_assert_uint_ne(schema_fingerprint(&classy_schema), schema_fingerprint(c_classy_schema)); /* other names */
}
END_TEST

START_TEST(types_are_the_same)
{
    ck_assert_ptr_ne(&counter_type, &counter_type_in_c);
    ck_assert_uint_eq(type_fingerprint(&counter_type), type_fingerprint(&counter_type_in_c));
    movex_type other = counter_type;
    other.version++;
    ck_assert_uint_ne(type_fingerprint(&other), type_fingerprint(&counter_type_in_c));
}
END_TEST

START_TEST(a_master_in_c_and_clients_of_both_agree)
{
    check_match(&counter_type_in_c);
}
END_TEST

START_TEST(a_master_in_cpp_and_clients_of_both_agree)
{
    check_match(&counter_type);
}
END_TEST

START_TEST(another_type_is_refused)
{
    movex_type other = counter_type;
    other.version++;
    movex_master   *master = make_master(&counter_type_in_c);
    movex_client   *client = make_client(master, "alice");
    movex_resource *resource = movex_bind(client, &other, "main");
    movex_event     event = {};
    ck_assert_ptr_nonnull(resource);
    for (uint64_t now_ms = 0; event.kind != MOVEX_EVENT_BIND_REFUSED; now_ms++) {
        ck_assert_uint_lt(now_ms, 1000);
        movex_master_poll(master, now_ms);
        movex_client_poll(client, now_ms);
        while (event.kind != MOVEX_EVENT_BIND_REFUSED && movex_client_next(client, &event)) continue;
    }
    ck_assert_int_eq(event.status, MOVEX_ERR_FINGERPRINT);
    movex_client_free(client);
    movex_master_free(master);
}
END_TEST

START_TEST(both_programs_print_the_same)
{
    std::string in_c = printed_by(counter_in_c), in_cpp = printed_by(counter_in_cpp);
    ck_assert_str_eq(in_c.c_str(), "alice sees 42, bob sees 42, checksums agree\n");
    ck_assert_str_eq(in_cpp.c_str(), in_c.c_str());
}
END_TEST

static const movex_type *const *constant_list = MOVEX_TYPES(&counter_type); /* outside of functions as well */

START_TEST(lists_of_types)
{
    const movex_type        *first = &counter_type, *second = &counter_type_in_c;
    const movex_type *const *one = MOVEX_TYPES(first);
    const movex_type *const *other = MOVEX_TYPES(second);
    const movex_type *const *both = MOVEX_TYPES(second, first);
    ck_assert(one[0] == first && one[1] == nullptr);
    ck_assert(other[0] == second && other[1] == nullptr);
    ck_assert(both[0] == second && both[1] == first && both[2] == nullptr);
    ck_assert(constant_list[0] == &counter_type && constant_list[1] == nullptr);
    for (const movex_type *type : {first, second}) {
        const movex_type *const *here = MOVEX_TYPES(type);
        ck_assert(here[0] == type && here[1] == nullptr);
    }
}
END_TEST

START_TEST(a_game_is_found_from_c)
{
    const movex_game *game = game_seen_by_c();
    ck_assert_ptr_eq(game, &movex_game_exports);
    ck_assert_uint_eq(game->interface, MOVEX_GAME_INTERFACE);
    ck_assert_str_eq(game->name, "counter");
    ck_assert_ptr_eq(game->types[0], &counter_type);
    ck_assert_ptr_null(game->types[1]);
}
END_TEST

START_TEST(texts_are_set)
{
    char text[6];
    std::memset(text, 'x', sizeof text);
    ck_assert(movex_text_set(text, "abc"));
    ck_assert_int_eq(std::memcmp(text, "abc\0\0", sizeof text), 0);
    ck_assert(!movex_text_set(text, "abcd\xc3\xbc")); /* cut where a character starts */
    ck_assert_str_eq(text, "abcd");
    ck_assert(movex_text_equals(text, "abcd"));
}
END_TEST

int main()
{
    Suite *suite = suite_create("cpp");
    TCase *schemas = tcase_create("schemas"), *types = tcase_create("types"), *macros = tcase_create("macros");
    tcase_add_loop_test(schemas, schemas_are_the_same, 0, static_cast<int>(MOVEX_COUNT_OF(samples)));
    tcase_add_test(schemas, an_enum_class_is_an_enum);
    tcase_add_test(types, types_are_the_same);
    tcase_add_test(types, a_master_in_c_and_clients_of_both_agree);
    tcase_add_test(types, a_master_in_cpp_and_clients_of_both_agree);
    tcase_add_test(types, another_type_is_refused);
    tcase_add_test(types, both_programs_print_the_same);
    tcase_add_test(macros, lists_of_types);
    tcase_add_test(macros, a_game_is_found_from_c);
    tcase_add_test(macros, texts_are_set);
    suite_add_tcase(suite, schemas);
    suite_add_tcase(suite, types);
    suite_add_tcase(suite, macros);
    return movex_test_main(suite);
}
