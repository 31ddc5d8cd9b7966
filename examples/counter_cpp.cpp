// counter.c in C++17: the same type (master and clients may be of either language), run by the same program.
#include <movex/local.h>
#include <movex/movex.h>

#include <cstdio>

struct counter {
    int32_t count;
};
struct add {
    int32_t by;
};

MOVEX_SCHEMA(counter_schema, counter, MOVEX_FIELD(counter, count));
MOVEX_SCHEMA(add_schema, add, MOVEX_FIELD(add, by));

enum { INCREMENT, ADD };
enum { NOT_POSITIVE = 1 }; // this game's own reasons to refuse an action

static int reduce(void *state, const movex_action *action, const movex_context *)
{
    auto *c = static_cast<counter *>(state);
    switch (action->type) {
    case INCREMENT: c->count += 1; return MOVEX_ACCEPT;
    case ADD: {
        auto *a = static_cast<const add *>(action->payload);
        if (a->by <= 0) return NOT_POSITIVE;
        c->count += a->by;
        return MOVEX_ACCEPT;
    }
    }
    return MOVEX_REFUSE;
}

static constexpr movex_action_type actions[] = {
    {"increment", nullptr, 0, nullptr, nullptr}, // INCREMENT: C++17 cannot name the index, so the order is the enum's
    {"add", &add_schema, 0, nullptr, nullptr},   // ADD
};

// Members by name, as C's designated initialisers have them; still a constant, made by the compiler.
static constexpr movex_type counter_type = [] {
    movex_type type = {};
    type.name = "counter";
    type.state = &counter_schema;
    type.actions = actions;
    type.action_count = MOVEX_COUNT_OF(actions);
    type.reduce = reduce;
    return type;
}();

static movex_client *new_client(movex_master *master, const char *id)
{
    movex_client_config config = {};
    config.id = id;
    config.io = movex_local_connect(master);
    return movex_client_new(&config);
}

int main()
{
    movex_master_config config = {};
    config.types = MOVEX_TYPES(&counter_type);
    movex_master *master = movex_master_new(&config);
    movex_client *alice = new_client(master, "alice");
    movex_client *bob = new_client(master, "bob");

    movex_resource *a = movex_bind(alice, &counter_type, "main");
    movex_resource *b = movex_bind(bob, &counter_type, "main");

    const add much = {41};
    movex_dispatch(a, INCREMENT, nullptr); // seen by alice at once, by bob when the master has ordered it
    movex_dispatch(b, ADD, &much);

    for (uint64_t now_ms = 0; movex_version(a) < 2 || movex_version(b) < 2; now_ms++) {
        movex_master_poll(master, now_ms); // the library never reads a clock and never blocks
        movex_client_poll(alice, now_ms);
        movex_client_poll(bob, now_ms);
    }

    auto *seen_by_alice = static_cast<const counter *>(movex_state(a));
    auto *seen_by_bob = static_cast<const counter *>(movex_state(b));
    std::printf("alice sees %d, bob sees %d, checksums %s\n", static_cast<int>(seen_by_alice->count),
                static_cast<int>(seen_by_bob->count), movex_checksum(a) == movex_checksum(b) ? "agree" : "differ");

    movex_client_free(alice);
    movex_client_free(bob);
    movex_master_free(master);
    return 0;
}
