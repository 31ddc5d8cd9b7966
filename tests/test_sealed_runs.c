/* Random runs of a sealed type over the mock network, with lost connections, clients that start anew, and masters that crash: after
   each step everything is held against an account of its own, in which every view is folded from scratch as the semantics say. */
#include "master_internal.h"
#include "meter.h"
#include "seal.h"
#include "secrets_game.h"
#include "support.h"

#include <movex/client.h>
#include <movex/mock.h>
#include <movex/store_memory.h>

#include <movex/text.h>

enum { MOST_CLIENTS = 5, MOST_DISPATCHES = 2048, MOST_VERSIONS = 8192, SEAL_MS = 150, STEPS = 250 };

static const char *const names[MOST_CLIENTS] = {"c0", "c1", "c2", "c3", "c4"};

typedef struct half {
    uint32_t     action;
    bool         has_payload;
    secrets_move payload;
} half;

typedef struct dispatched { /* by the id in its payload */
    movex_ticket  ticket;
    int           client;
    uint32_t      life; /* of the client */
    bool          pair;
    half          hidden;
    unsigned char salt[MOVEX_SALT_SIZE];
    uint32_t      outcomes, in_log;
} dispatched;

typedef struct noted {
    uint64_t version, now_ms, seed;
    char     author[MOVEX_NAME_SIZE];
    half     shown;
    bool     sealed, opened;
    uint32_t id; /* sealed: index of the dispatch */
    int      reason;
} noted;

typedef struct run {
    uint64_t            seed, random, now_ms;
    bool                proven, kept;
    movex_mock         *net;
    movex_store_memory *disk;
    movex_master       *master;
    movex_rules        *rules;
    int                 client_count;
    movex_client       *clients[MOST_CLIENTS];
    movex_resource     *bound[MOST_CLIENTS];
    uint32_t            lives[MOST_CLIENTS];
    dispatched          dispatches[MOST_DISPATCHES];
    uint32_t            dispatch_count;
    uint32_t            salting; /* the dispatch that draws a salt now */
    /* the account */
    secrets  base;
    noted    entries[MOST_VERSIONS];
    uint32_t count;
    bool     due;
    uint64_t closing, version;
    uint64_t checksums[MOST_VERSIONS];
    int      forfeits[MOST_VERSIONS]; /* by version */
} run;

static run r;
static struct {
    uint64_t reveals, forfeits, unopened, refused, overturned, reconnects, restarts, snapshots, resumes, own;
} seen;

static movex_type type;

#define require(condition) must_msg(condition, "seed %llu: %s", (unsigned long long)r.seed, #condition)

static uint32_t below(uint32_t bound)
{
    return meter_below(&r.random, bound);
}

/* ---- the account */

static int apply(secrets *state, const noted *entry, const half *what, uint64_t seed)
{
    movex_random_source random = {.seed = seed};
    movex_context       context = {entry->author, entry->version, entry->now_ms, &random};
    secrets             scratch;
    return movex_apply(r.rules, state, what->action, what->has_payload ? &what->payload : NULL, &context, &scratch);
}

static int apply_shown(secrets *state, const noted *entry)
{
    return apply(state, entry, &entry->shown, entry->seed);
}

static int apply_hidden(secrets *state, const noted *entry)
{
    const dispatched *d = &r.dispatches[entry->id];
    return apply(state, entry, &d->hidden, movex_seal_seed(entry->seed, d->salt));
}

/* What `author` has done by its own halves, as far as they are known: in a reveal those that were opened, on its client those of
   its present life. NULL: nobody. */
static void fold(secrets *state, const char *author, bool opened, uint32_t life)
{
    *state = r.base;
    for (uint32_t i = 0; i < r.count; i++) {
        noted *entry = &r.entries[i];
        bool   own = entry->sealed && author && strcmp(entry->author, author) == 0;
        bool   known = own && (opened ? entry->opened : r.dispatches[entry->id].life == life);
        if (known) {
            int answer = apply_hidden(state, entry);
            if (opened) entry->reason = answer;
            if (answer == MOVEX_ACCEPT) continue;
        } else if (own && opened) {
            entry->reason = MOVEX_REFUSED_NOT_OPENED;
        }
        apply_shown(state, entry);
    }
}

static void check_master(const secrets *expected)
{
    const movex_codec *codec = movex_rules_state(r.rules);
    const char        *viewers[] = {NULL, "", names[0], names[1]};
    for (int i = 0; i < 4; i++) {
        secrets  held;
        uint64_t checksum;
        require(movex_master_view(r.master, &type, "main", viewers[i], &held, &checksum) == MOVEX_OK);
        require(movex_codec_equal(codec, &held, expected));
        require(checksum == movex_codec_checksum(codec, expected));
    }
    r.checksums[r.version] = movex_codec_checksum(codec, expected);
}

static void reveal(void)
{
    secrets state;
    for (int i = 0; i < r.client_count; i++) fold(&state, names[i], true, 0);
    state = r.base;
    for (uint32_t i = 0; i < r.count; i++) {
        const noted *entry = &r.entries[i];
        bool         stands = !entry->sealed || entry->reason != MOVEX_ACCEPT;
        int          answer = stands ? apply_shown(&state, entry) : apply_hidden(&state, entry);
        seen.overturned += answer != MOVEX_ACCEPT && !(entry->sealed && stands);
        if (!entry->sealed || !stands) continue;
        r.forfeits[entry->version] = entry->reason;
        seen.forfeits++;
        seen.unopened += entry->reason == MOVEX_REFUSED_NOT_OPENED;
        seen.refused += entry->reason != MOVEX_REFUSED_NOT_OPENED;
    }
    r.base = state;
    r.count = 0;
    r.due = false;
    r.closing = 0;
    seen.reveals++;
}

static half decode(uint32_t action, const void *bytes, size_t length)
{
    half               what = {.action = action};
    const movex_codec *codec = movex_rules_payload(r.rules, action);
    what.has_payload = codec != NULL;
    if (codec) require(movex_codec_decode(codec, &what.payload, bytes, length, NULL) == MOVEX_OK);
    return what;
}

static void note_entry(const movex_ordered *ordered)
{
    movex_hosted                 hosted;
    const movex_master_resource *resource = movex_master_resource_named(r.master, &type, "main");
    const movex_entry           *entry = movex_log_find(&resource->log, ordered->version);
    noted                       *kept = &r.entries[r.count];
    require(movex_master_find(r.master, &type, "main", &hosted) && entry);
    *kept = (noted){.version = ordered->version, .now_ms = entry->now_ms, .seed = entry->seed, .sealed = entry->seals};
    movex_text_set(kept->author, ordered->author);
    kept->shown = decode(entry->action, movex_log_payload(&resource->log, entry), entry->payload_length);
    kept->id = kept->shown.has_payload ? kept->shown.payload.id : 0;
    require(ordered->hides == entry->seals);
    if (kept->id && ordered->author[0]) require(++r.dispatches[kept->id].in_log == 1);
    if (!kept->sealed && r.count == 0) {
        require(apply_shown(&r.base, kept) == MOVEX_ACCEPT);
        return;
    }
    require(!(kept->sealed && (r.due || r.closing)));
    if (kept->sealed) require(r.dispatches[kept->id].pair);
    secrets state;
    r.count++;
    fold(&state, NULL, false, 0);
    r.due = r.due || type.can_reconcile(&state);
}

static void note_step(const movex_ordered *ordered)
{
    require(r.count > 0 && r.due);
    if (!r.closing) {
        require(!ordered->author[0] && !ordered->reveals);
        r.closing = ordered->version;
    }
    for (uint32_t i = 0; i < r.count; i++) {
        noted *entry = &r.entries[i];
        if (!entry->sealed || strcmp(entry->author, ordered->author) != 0) continue;
        const dispatched *d = &r.dispatches[entry->id];
        require(!entry->opened);
        entry->opened = d->life == r.lives[d->client];
    }
    if (ordered->reveals) reveal();
}

static void ordered(void *user, movex_master *master, const movex_ordered *what)
{
    secrets state;
    (void)user, (void)master;
    require(what->version == r.version + 1 && what->version < MOST_VERSIONS);
    r.version = what->version;
    if (what->replaced) {
        r.count = 0;
        r.due = false;
        r.closing = 0;
        require(movex_master_view(r.master, &type, "main", NULL, &r.base, NULL) == MOVEX_OK);
    } else if (what->unseals) {
        note_step(what);
    } else {
        note_entry(what);
    }
    fold(&state, NULL, false, 0);
    check_master(&state);
}

/* ---- who plays */

static int salt(void *user, void *bytes, size_t length)
{
    unsigned char *at = bytes;
    (void)user;
    for (size_t i = 0; i < length; i++) at[i] = (unsigned char)meter_random(&r.random);
    memcpy(r.dispatches[r.salting].salt, bytes, length);
    return MOVEX_OK;
}

static void start_client(int i)
{
    r.clients[i] = movex_client_new(&(movex_client_config){.id = names[i],
                                                           .io = movex_mock_connect_as(r.net, names[i]),
                                                           .entropy = salt,
                                                           .reconnect_min_ms = 5,
                                                           .reconnect_max_ms = 60,
                                                           .handshake_ms = 600});
    r.bound[i] = movex_bind(r.clients[i], &type, "main");
    require(r.bound[i]);
    r.lives[i]++;
}

static const movex_type *const types[] = {&type, NULL};

/* Links that hold less than a round takes. */
static bool is_slow(void)
{
    return r.seed % 5 == 0;
}

static void start_master(void)
{
    movex_error         error = {.text = ""};
    movex_master_config config = {.types = types,
                                  .seed = r.seed,
                                  .grace_ms = 400,
                                  .ids_are_proven = r.proven,
                                  .observer = {.ordered = ordered},
                                  .limits = {.journal_bytes = r.seed % 2 ? 600 : 0,
                                             .queue_bytes = is_slow() ? 400 : 0,
                                             .backlog_bytes = is_slow() ? 128 : 0},
                                  .error = &error};
    if (r.kept) config.store = movex_store_memory_open(r.disk);
    r.master = movex_master_new(&config);
    must_msg(r.master, "seed %llu: %s", (unsigned long long)r.seed, error.text);
    require(movex_master_attach(r.master, movex_mock_listen(r.net)) == MOVEX_OK);
}

static void take_event(int i, const movex_event *event)
{
    require(event->kind != MOVEX_EVENT_MISMATCH && event->kind != MOVEX_EVENT_CLOSED);
    if (event->kind == MOVEX_EVENT_FORFEITED) {
        require(r.forfeits[event->version] == event->reason);
        require(event->reason != MOVEX_ACCEPT && event->peer[0]);
    }
    bool outcome =
        event->kind == MOVEX_EVENT_ACCEPTED || event->kind == MOVEX_EVENT_REFUSED || event->kind == MOVEX_EVENT_EXPIRED;
    for (uint32_t id = 1; outcome && id < r.dispatch_count; id++) {
        dispatched *d = &r.dispatches[id];
        if (d->client != i || d->life != r.lives[i] || d->ticket != event->ticket) continue;
        require(++d->outcomes == 1);
        if (event->kind == MOVEX_EVENT_ACCEPTED) require(d->in_log == 1);
        if (event->kind == MOVEX_EVENT_REFUSED) require(d->in_log == 0);
    }
}

static void check_client(int i)
{
    const movex_resource *resource = r.bound[i];
    if (!movex_in_sync(resource)) return;
    uint64_t version = movex_version(resource);
    require(version <= r.version && movex_checksum(resource) == r.checksums[version]);
    if (version != r.version || movex_pending(resource)) return;
    secrets expected;
    fold(&expected, names[i], false, r.lives[i]);
    require(movex_codec_equal(movex_rules_state(r.rules), movex_state(resource), &expected));
    fold(&expected, NULL, false, 0);
    require(movex_codec_equal(movex_rules_state(r.rules), movex_confirmed_state(resource), &expected));
    seen.own += !movex_codec_equal(movex_rules_state(r.rules), movex_state(resource), &expected);
}

static void poll_all(void)
{
    movex_mock_poll(r.net, ++r.now_ms);
    if (r.kept) movex_store_memory_poll(r.disk, r.now_ms);
    for (int i = 0; i < r.client_count; i++) {
        movex_event event;
        movex_client_poll(r.clients[i], r.now_ms);
        while (movex_client_next(r.clients[i], &event)) take_event(i, &event);
        check_client(i);
    }
    movex_master_poll(r.master, r.now_ms);
    const movex_master_resource *resource = movex_master_resource_named(r.master, &type, "main");
    if (resource) movex_master_resource_check(resource);
}

static void dispatch(int i)
{
    static const uint32_t open[] = {SECRETS_APPEND, SECRETS_SWAP, SECRETS_TAKE, SECRETS_BID,   SECRETS_DRAW,
                                    SECRETS_STAMP,  SECRETS_MARK, SECRETS_WISH, SECRETS_CLAIM, SECRETS_OPEN};
    static const uint32_t pairs[] = {SECRETS_HIDE_APPEND, SECRETS_HIDE_BID, SECRETS_HIDE_SWAP, SECRETS_HIDE_DRAW};
    if (r.dispatch_count >= MOST_DISPATCHES) return;
    uint32_t     id = r.dispatch_count++;
    dispatched  *d = &r.dispatches[id];
    secrets_move m = {.id = id, .value = below(1000), .a = (uint8_t)below(6), .b = (uint8_t)below(6)};
    *d = (dispatched){.client = i, .life = r.lives[i], .pair = below(5) < 3};
    r.salting = id;
    if (d->pair) {
        d->hidden = (half){pairs[below(4)], true, m};
        secrets_move shown = {.id = id};
        d->ticket =
            movex_dispatch_private(r.bound[i], d->hidden.action, &m, secrets_shown_for(d->hidden.action), &shown);
    } else {
        uint32_t action = open[below(10)];
        if (action == SECRETS_OPEN && below(4)) action = SECRETS_APPEND;
        d->ticket = movex_dispatch(r.bound[i], action, &m);
    }
    require(d->ticket);
}

static void restart_client(int i)
{
    movex_stats stats = movex_client_stats(r.clients[i]);
    seen.reconnects += stats.connects ? stats.connects - 1 : 0;
    seen.snapshots += stats.snapshots;
    seen.resumes += stats.resumes;
    require(stats.mismatches == 0 && stats.resyncs == 0 && stats.protocol_errors == 0);
    movex_client_free(r.clients[i]);
    start_client(i);
}

/* What it has told is durable: it flushes at the end of each poll. */
static void restart_master(void)
{
    poll_all();
    movex_mock_crash(r.net, MOVEX_MOCK_MASTER, 0);
    movex_store_memory_crash(r.disk);
    movex_master_free(r.master);
    start_master();
    seen.restarts++;
}

static void step(void)
{
    int who = (int)below((uint32_t)r.client_count);
    if (below(3)) dispatch(who);
    if (below(60) == 0) movex_mock_cut(r.net, names[who]);
    if (below(90) == 0 && !r.closing) restart_client(who);
    if (r.kept && below(50) == 0) restart_master();
    if (below(120) == 0) {
        secrets state = {.pot = (int32_t)below(20)};
        require(movex_master_put(r.master, &type, "main", &state) == MOVEX_OK);
    }
    if (below(40) == 0) movex_master_dispatch(r.master, &type, "main", SECRETS_ENTER, NULL, NULL);
    for (uint32_t polls = below(12); polls > 0; polls--) poll_all();
}

static bool is_settled(void)
{
    for (int i = 0; i < r.client_count; i++)
        if (!movex_in_sync(r.bound[i]) || movex_pending(r.bound[i]) || movex_version(r.bound[i]) != r.version)
            return false;
    return true;
}

static void play(uint64_t seed)
{
    type = secrets_plain_type;
    type.sealed = true;
    type.seal_ms = SEAL_MS;
    memset(&r, 0, sizeof r);
    r.seed = seed;
    r.random = seed * 2654435761u + 1;
    r.dispatch_count = 1;
    r.proven = below(2);
    r.kept = seed % 3 != 0;
    r.client_count = 2 + (int)below(MOST_CLIENTS - 1);
    movex_mock_config net = {.queue_bytes = is_slow() ? 128 : 0,
                             .seed = seed,
                             .latency_ms = {below(3), below(20)},
                             .cut_per_mille = below(2) ? below(30) : 0};
    r.net = movex_mock_new(&net);
    r.disk = movex_store_memory_new(&(movex_store_memory_config){.seed = seed});
    r.rules = movex_rules_new(&type, NULL, NULL);
    movex_rules_init(r.rules, &r.base);
    r.checksums[0] = movex_codec_checksum(movex_rules_state(r.rules), &r.base);
    start_master();
    for (int i = 0; i < r.client_count; i++) start_client(i);
    while (!movex_master_resource_named(r.master, &type, "main")) poll_all();
    for (int i = 0; i < STEPS; i++) step();
    movex_mock_set_faults(r.net, NULL);
    /* Who has started anew without being proven waits for the reveal. */
    if (r.count && !r.due) movex_master_dispatch(r.master, &type, "main", SECRETS_OPEN, &(secrets_move){.id = 0}, NULL);
    poll_all(); /* which also drains what was refused at once */
    for (int i = 0; i < 5000 && !is_settled(); i++) poll_all();
    require(is_settled());
    for (int i = 0; i < r.client_count; i++) check_client(i);
    for (uint32_t id = 1; id < r.dispatch_count; id++) {
        const dispatched *d = &r.dispatches[id];
        require(d->outcomes == 1 || d->life != r.lives[d->client]);
    }
    for (int i = 0; i < r.client_count; i++) {
        restart_client(i);
        movex_client_free(r.clients[i]);
    }
    movex_master_free(r.master);
    movex_store_memory_free(r.disk);
    movex_mock_free(r.net);
    movex_rules_free(r.rules);
}

START_TEST(every_view_is_its_fold)
{
    memset(&seen, 0, sizeof seen);
    for (uint64_t seed = 1 + 40 * (uint64_t)_i; seed < 41 + 40 * (uint64_t)_i; seed++) play(seed);
    /* Runs in which something does not happen prove nothing about it. */
    must(seen.reveals > 200 && seen.unopened > 5 && seen.refused > 1 && seen.overturned > 5);
    must(seen.reconnects > 50 && seen.restarts > 20 && seen.snapshots > 50 && seen.resumes > 50 && seen.own > 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealed runs");
    TCase *tests = tcase_create("sealed runs");
    tcase_add_loop_test(tests, every_view_is_its_fold, 0, 4);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    return movex_test_main(suite);
}
