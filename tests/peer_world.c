#include "peer_world.h"

#include "meter.h"
#include "raft_internal.h"

#include <movex/text.h>

#include <stdio.h>
#include <string.h>

/* As must and must_equal of meter.h, with the seed that repeats it. */
#define holds(w, condition, ...)                                                                                       \
    do {                                                                                                               \
        if (condition) break;                                                                                          \
        fprintf(stderr, "# seed %llu, at %llu ms\n", (unsigned long long)(w)->seed, (unsigned long long)(w)->now_ms);  \
        ck_abort_msg(__VA_ARGS__);                                                                                     \
    } while (0)
#define holds_it(w, condition) holds(w, condition, "%s", #condition)
#define equals(w, a, b) holds(w, (a) == (b), "%s is %lld, %s is %lld", #a, (long long)(a), #b, (long long)(b))

static movex_peer_config config_of(const peer_world *w, uint32_t seat, const char **addresses)
{
    movex_peer_config config = w->config;
    const peer_seat  *s = &w->seats[seat];
    uint32_t          n = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (i != seat) addresses[n++] = w->seats[i].name;
    config.id = s->name;
    config.room = "friday";
    config.peers = addresses;
    config.peer_count = n;
    config.io = movex_mock_listen_as(w->net, s->name);
    config.allocator = s->allocator;
    config.store = s->disk ? movex_store_memory_open(s->disk) : (movex_store){0};
    return config;
}

void peer_world_enter(peer_world *w, uint32_t seat)
{
    const movex_type *types[] = {w->type, NULL};
    const char       *addresses[PEER_SEATS];
    peer_seat        *s = &w->seats[seat];
    movex_error       error = {.text = ""};
    movex_peer_config config = config_of(w, seat, addresses);
    config.types = types;
    config.seed = meter_random(&w->random) | 1;
    config.error = &error;
    s->peer = movex_peer_new(&config);
    while (!s->peer && s->allocator.allocate && error.status == MOVEX_ERR_MEMORY) {
        config.io = movex_mock_listen_as(w->net, s->name); /* the ones before were given up with it */
        config.store = s->disk ? movex_store_memory_open(s->disk) : (movex_store){0};
        s->peer = movex_peer_new(&config);
    }
    holds(w, s->peer, "%s: %s", s->name, error.text);
    s->at = movex_bind(movex_peer_client(s->peer), w->type, "main");
    holds_it(w, s->at || s->allocator.allocate);
    s->paused = s->apart = s->leaving = false;
}

void peer_world_start(peer_world *w, uint32_t count, unsigned with_store, const movex_peer_config *config)
{
    movex_mock *net = w->net;
    uint64_t    random = w->random, seed = w->seed;
    movex_allocator first = w->seats[0].allocator;
    *w = (peer_world){.net = net, .count = count, .type = &tally_type, .random = random, .seed = seed};
    w->seats[0].allocator = first;
    if (config) w->config = *config;
    if (!w->net) w->net = movex_mock_new(NULL);
    holds_it(w, w->net && count <= PEER_SEATS);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(w->seats[i].name, sizeof w->seats[i].name, "p%u", (unsigned)i);
        if (with_store >> i & 1) w->seats[i].disk = movex_store_memory_new(&(movex_store_memory_config){.seed = i});
    }
    w->branches = w->config.survivor_goes_on;
    for (uint32_t i = 0; i < count; i++) peer_world_enter(w, i);
}

void peer_world_end(peer_world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        movex_peer_free(w->seats[i].peer);
        movex_store_memory_free(w->seats[i].disk);
    }
    movex_mock_free(w->net);
    w->net = NULL;
}

/* Of a dispatch without one. */
#define NO_ID UINT64_MAX

/* ---- lives */

/* As the game adds them up. */
static uint64_t mix(uint64_t value)
{
    value *= 0x9e3779b97f4a7c15;
    return value ^ (value >> 29);
}

static void forget(peer_seat *s)
{
    memset(s->hides, 0, sizeof s->hides);
    movex_peer_free(s->peer);
    s->peer = NULL;
    s->at = NULL;
    s->unknown += s->waiting;
    s->waiting = 0;
    for (uint32_t i = 0; i < PEER_DONE; i++) { /* whether these are undone nobody is told any more */
        if (!s->done[i] || !s->may_be_undone[i]) continue;
        s->unknown++;
        s->undone++;
        s->undone_sum += mix(s->done[i]);
    }
    s->snapshots = 0;
    s->lives++;
    memset(s->done, 0, sizeof s->done);
    memset(s->pending, 0, sizeof s->pending);
}

void peer_world_kill(peer_world *w, uint32_t seat)
{
    peer_seat *s = &w->seats[seat];
    if (!s->peer) return;
    movex_mock_partition(w->net, s->name, false);
    movex_mock_crash(w->net, s->name, meter_below(&w->random, 400));
    if (s->disk) movex_store_memory_crash(s->disk);
    forget(s);
}

void peer_world_pause(peer_world *w, uint32_t seat, bool paused)
{
    w->seats[seat].paused = paused;
}

void peer_world_part(peer_world *w, uint32_t seat, bool apart)
{
    if (w->seats[seat].apart == apart || !w->seats[seat].peer) return;
    w->seats[seat].apart = apart;
    movex_mock_partition(w->net, w->seats[seat].name, apart);
}

static bool dispatch(peer_world *w, uint32_t seat, uint32_t action)
{
    peer_seat *s = &w->seats[seat];
    if (!s->peer || !s->at || s->leaving || s->waiting == PEER_PENDING / 2) return false;
    tally_id     id = {s->last_id + 1};
    movex_ticket ticket = action == TALLY_KEEP   ? movex_dispatch_private(s->at, TALLY_KEEP, &id, TALLY_NOD, NULL)
                          : action == TALLY_MARK ? movex_dispatch(s->at, TALLY_MARK, &id)
                                                 : movex_dispatch(s->at, action, NULL);
    if (!ticket) return false;
    s->last_id++;
    equals(w, s->pending[ticket % PEER_PENDING], 0);
    s->pending[ticket % PEER_PENDING] = action == TALLY_OPEN ? NO_ID : id.id;
    s->hides[ticket % PEER_PENDING] = action == TALLY_KEEP;
    s->waiting++;
    return true;
}

bool peer_world_act(peer_world *w, uint32_t seat)
{
    return dispatch(w, seat, TALLY_MARK);
}

bool peer_world_seal(peer_world *w, uint32_t seat)
{
    return dispatch(w, seat, TALLY_KEEP);
}

/* Also what is revealed by an entry that is not committed. */
static bool is_sealed(const peer_world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const peer_seat *s = &w->seats[i];
        movex_hosted     hosted;
        if (!s->peer || !s->peer->master || !movex_master_find(s->peer->master, w->type, "main", &hosted)) continue;
        if (hosted.hidden || hosted.version != movex_version(s->at)) return true;
    }
    return false;
}

void peer_world_open(peer_world *w, uint32_t most_ms)
{
    for (uint32_t ms = 0; ms < most_ms; ms++) {
        bool is_at_rest = peer_world_is_settled(w);
        if (is_at_rest && !is_sealed(w)) return;
        if (is_at_rest && ms % 500 == 0) dispatch(w, (uint32_t)peer_world_master(w), TALLY_OPEN);
        peer_world_run(w, 1);
    }
    holds(w, false, "what is sealed is not opened after %u ms", (unsigned)most_ms);
}

/* ---- what must hold */

static uint64_t take_ticket(const peer_world *w, peer_seat *s, movex_ticket ticket)
{
    uint64_t id = s->pending[ticket % PEER_PENDING];
    holds(w, id, "%s: ticket %u has two outcomes", s->name, (unsigned)ticket);
    s->pending[ticket % PEER_PENDING] = 0;
    s->waiting--;
    return id;
}

/* A sealed half counts when it is revealed. If a snapshot has told of it, it is not known which entry it is. */
static void take_sealed(peer_world *w, peer_seat *s, const movex_event *event, uint64_t id)
{
    bool exact = s->snapshots == movex_peer_stats(s->peer).snapshots;
    holds_it(w, s->sealed_count < PEER_SEALED && event->version < PEER_VERSIONS);
    s->unknown += !exact;
    if (exact)
        s->sealed[s->sealed_count++] =
            (peer_sealed){.ticket = event->ticket, .id = id, .version = event->version, .life = s->lives};
}

static void take_overturned(peer_seat *s, movex_ticket ticket)
{
    for (uint32_t i = 0; i < s->sealed_count; i++)
        if (s->sealed[i].life == s->lives && s->sealed[i].ticket == ticket) s->sealed[i].overturned = true;
}

/* ---- what has become of what was sealed */

static uint8_t seat_named(const peer_world *w, const char *name)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (strcmp(w->seats[i].name, name) == 0) return (uint8_t)i;
    holds(w, false, "nobody is called %s", name);
    return 0;
}

/* Somebody was told of a reveal. Of entry `version`: by whom it was, and that it is revealed. */
static peer_fate *take_fate(peer_world *w, const peer_seat *s, uint64_t version, const char *author, uint64_t reveal)
{
    holds_it(w, version < reveal && reveal < PEER_VERSIONS);
    peer_fate *fate = &w->fates[version];
    uint8_t    seat = seat_named(w, author);
    if (!fate->reveal) *fate = (peer_fate){.reveal = (uint32_t)reveal, .author = seat};
    holds(w, fate->reveal == reveal && fate->author == seat, "%s: version %llu is revealed twice", s->name,
          (unsigned long long)version);
    return fate;
}

/* What one was told since the last look: of the last reveal, after which all that is not forfeited is in the state. */
typedef struct reveal_told {
    uint64_t version; /* 0: of none */
    uint64_t forfeited[PEER_PENDING];
    uint8_t  authors[PEER_PENDING];
    uint32_t count;
} reveal_told;

static void take_forfeit(peer_world *w, const movex_event *event, reveal_told *told)
{
    holds_it(w, told->count < PEER_PENDING && event->version < PEER_VERSIONS);
    told->authors[told->count] = seat_named(w, event->peer);
    told->forfeited[told->count++] = event->version;
}

static bool is_forfeited(const reveal_told *told, uint64_t version)
{
    for (uint32_t i = 0; i < told->count; i++)
        if (told->forfeited[i] == version) return true;
    return false;
}

static void take_reveal(peer_world *w, const peer_seat *s, const reveal_told *told)
{
    movex_revealed revealed;
    for (uint32_t i = 0; told->version && movex_revealed_at(s->at, i, &revealed); i++) {
        peer_fate *fate = take_fate(w, s, revealed.version, revealed.author, told->version);
        if (!is_forfeited(told, revealed.version)) fate->applied = true;
    }
    for (uint32_t i = 0; i < told->count; i++) {
        peer_fate *fate = &w->fates[told->forfeited[i]];
        fate->forfeited = true;
        holds(w, fate->reveal && fate->author == told->authors[i] && !fate->applied,
              "%s: version %llu is forfeited for some, and for others it is not", s->name,
              (unsigned long long)told->forfeited[i]);
    }
    for (uint32_t i = 0; told->version && movex_revealed_at(s->at, i, &revealed); i++)
        holds(w, !w->fates[revealed.version].applied || !w->fates[revealed.version].forfeited,
              "%s: version %llu is forfeited for some, and for others it is not", s->name,
              (unsigned long long)revealed.version);
}

/* What comes too late to be sealed is refused, and anything while too much is; another master knows that, and not why. */
static void take_refused(peer_world *w, peer_seat *s, const movex_event *event)
{
    bool hides = s->hides[event->ticket % PEER_PENDING];
    holds(w, event->reason == MOVEX_REFUSED_TOO_MANY_SEALED || event->reason == MOVEX_REFUSED_BEFORE_RESTART ||
                 (hides && (event->reason == MOVEX_REFUSED_OVERTAKEN || event->reason == MOVEX_REFUSED_TOO_MANY_HIDDEN)),
          "%s: refused: %s", s->name, event->text);
    take_ticket(w, s, event->ticket);
    s->refused++;
}

static void take_accepted(peer_world *w, peer_seat *s, const movex_event *event)
{
    bool     hides = s->hides[event->ticket % PEER_PENDING];
    uint64_t id = take_ticket(w, s, event->ticket);
    if (id == NO_ID) return;
    if (hides) {
        take_sealed(w, s, event, id);
        return;
    }
    s->accepted++;
    s->accepted_sum += mix(id);
    s->provisional += event->provisional;
    holds_it(w, !event->provisional || w->branches);
    if (!w->branches) return;
    holds_it(w, event->ticket < PEER_DONE);
    s->done[event->ticket] = id;
    s->may_be_undone[event->ticket] = event->provisional;
}

static void take_undone(peer_world *w, peer_seat *s, movex_ticket ticket)
{
    holds(w, w->branches && ticket < PEER_DONE && s->done[ticket], "%s: ticket %u is undone, and was not accepted", s->name, (unsigned)ticket);
    holds(w, s->may_be_undone[ticket], "%s: ticket %u is undone, and was told for certain", s->name, (unsigned)ticket);
    s->undone++;
    s->undone_sum += mix(s->done[ticket]);
    s->done[ticket] = 0;
}

static void drain(peer_world *w, peer_seat *s)
{
    reveal_told told = {0};
    for (movex_event event; s->peer && movex_peer_next(s->peer, &event);) {
        switch (event.kind) {
        case MOVEX_EVENT_ACCEPTED: take_accepted(w, s, &event); break;
        case MOVEX_EVENT_UNDONE: take_undone(w, s, event.ticket); break;
        case MOVEX_EVENT_EXPIRED:
            take_ticket(w, s, event.ticket);
            s->unknown++;
            break;
        case MOVEX_EVENT_MASTER: s->masters++; break;
        case MOVEX_EVENT_REFUSED: take_refused(w, s, &event); break;
        case MOVEX_EVENT_REVEALED: told.version = event.version; break;
        case MOVEX_EVENT_FORFEITED: take_forfeit(w, &event, &told); break;
        case MOVEX_EVENT_OVERTURNED: take_overturned(s, event.ticket); break;
        case MOVEX_EVENT_MISMATCH: holds(w, false, "%s: %s", s->name, event.text); break;
        case MOVEX_EVENT_PEER_REFUSED:
            holds(w, event.status == MOVEX_ERR_ID_IN_USE, "%s: %s refused: %s", s->name, event.peer, event.text);
            break;
        case MOVEX_EVENT_CLOSED:
            if (s->allocator.allocate && event.status == MOVEX_ERR_MEMORY) {
                holds_it(w, event.text[0] && movex_peer_poll(s->peer, w->now_ms) == MOVEX_ERR_MEMORY);
                s->gave_up++;
                peer_world_kill(w, (uint32_t)(s - w->seats));
                break;
            }
            holds(w, s->leaving && event.status == MOVEX_OK, "%s has given up: %s", s->name, event.text);
            forget(s);
            break;
        case MOVEX_EVENT_BIND_REFUSED: /* the program's to try again */
            holds(w, event.status == MOVEX_ERR_MEMORY || event.status == MOVEX_ERR_STORE, "%s: %s", s->name, event.text);
            movex_unbind(s->at);
            s->at = NULL;
            break;
        default: break;
        }
    }
    if (s->peer && s->at) take_reveal(w, s, &told);
    if (s->peer) s->snapshots = movex_peer_stats(s->peer).snapshots;
    /* Without memory it is tried until it can be done. */
    if (s->peer && !s->at) s->at = movex_bind(movex_peer_client(s->peer), w->type, "main");
}

static void check(peer_world *w, const peer_seat *s)
{
    if (!s->peer || !s->at || movex_version(s->at) == 0) return;
    uint64_t version = movex_version(s->at), *known = &w->checksums[version % PEER_VERSIONS];
    holds_it(w, version < PEER_VERSIONS);
    if (!w->branches) {
        if (*known == 0) *known = movex_checksum(s->at);
        holds(w, *known == movex_checksum(s->at), "%s: version %llu is another one", s->name, (unsigned long long)version);
    }
    movex_stats stats = movex_peer_stats(s->peer);
    equals(w, stats.mismatches, 0);
    equals(w, stats.resyncs, 0);
    equals(w, stats.protocol_errors, 0);
    movex_raft_check(s->peer->raft);
    movex_mesh_check(s->peer->mesh);
    movex_tunnels_check(s->peer->tunnels);
    movex_files_check(&s->peer->files);
    if (s->peer->room_store) movex_room_store_check(s->peer->room_store);
}

void peer_world_run(peer_world *w, uint32_t ms)
{
    while (ms-- > 0) {
        w->now_ms++;
        movex_mock_poll(w->net, w->now_ms);
        for (uint32_t i = 0; i < w->count; i++) {
            peer_seat *s = &w->seats[i];
            if (s->disk) movex_store_memory_poll(s->disk, w->now_ms);
            if (!s->peer || s->paused) continue;
            /* Clocks of different machines have nothing in common. */
            movex_peer_poll(s->peer, movex_mock_clock(w->net, s->name) + i * 1000003);
            drain(w, s);
            check(w, s);
        }
    }
}

int peer_world_master(const peer_world *w)
{
    int      master = -1;
    uint64_t term = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const peer_seat *s = &w->seats[i];
        if (!s->peer || s->paused || s->apart || movex_peer_term(s->peer) < term) continue;
        if (movex_peer_term(s->peer) > term) master = -1;
        term = movex_peer_term(s->peer);
        if (movex_peer_is_master(s->peer)) master = (int)i;
    }
    return master;
}

uint32_t peer_world_await_master(peer_world *w, uint32_t most_ms)
{
    for (uint32_t ms = 0; ms <= most_ms; ms++) {
        if (peer_world_master(w) >= 0) return ms;
        peer_world_run(w, 1);
    }
    return UINT32_MAX;
}

static bool is_there(const peer_world *w, uint64_t number, uint32_t without)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const peer_seat *s = &w->seats[i];
        if (s->peer && s->peer->number == number) return i != without && !s->leaving && !s->paused && !s->apart;
    }
    return false;
}

/* Who leaves does not count, nor who is silent: it may be removed at the very moment at which another one dies. */
static bool keeps_majority(const peer_world *w, const movex_raft_membership *membership, uint32_t without)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < membership->count; i++)
        there += membership->members[i].number && is_there(w, membership->members[i].number, without);
    return there > membership->count / 2;
}

/* Also of a membership that is not committed, and may come to be. */
bool peer_world_can_spare(const peer_world *w, uint32_t seat)
{
    uint64_t committed = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->seats[i].peer && w->seats[i].peer->raft->committed_membership_index > committed)
            committed = w->seats[i].peer->raft->committed_membership_index;
    if (!w->seats[seat].peer || !committed) return false;
    for (uint32_t i = 0; i < w->count; i++) {
        const movex_raft *raft = w->seats[i].peer ? w->seats[i].peer->raft : NULL;
        if (!raft) continue;
        if (raft->membership_index >= committed && !keeps_majority(w, &raft->membership, seat)) return false;
        if (raft->committed_membership_index == committed && !keeps_majority(w, &raft->committed_membership, seat)) return false;
    }
    return true;
}

bool peer_world_is_settled(const peer_world *w)
{
    const peer_seat *first = NULL;
    uint32_t         alive = 0;
    for (uint32_t i = 0; i < w->count; i++) alive += w->seats[i].peer != NULL;
    for (uint32_t i = 0; i < w->count; i++) {
        const peer_seat *s = &w->seats[i];
        movex_member     member;
        if (!s->peer) continue;
        if (!s->at || !movex_in_sync(s->at) || s->waiting || !movex_peer_member_at(s->peer, alive - 1, &member) ||
            movex_peer_member_at(s->peer, alive, &member) || strcmp(movex_peer_master(s->peer), "") == 0)
            return false;
        if (first && (movex_version(first->at) != movex_version(s->at) ||
                      movex_checksum(first->at) != movex_checksum(s->at)))
            return false;
        if (!first) first = s;
    }
    return first && peer_world_master(w) >= 0;
}

uint32_t peer_world_await_settled(peer_world *w, uint32_t most_ms)
{
    for (uint32_t ms = 0; ms <= most_ms; ms++) {
        if (peer_world_is_settled(w)) return ms;
        peer_world_run(w, 1);
    }
    return UINT32_MAX;
}

const tally *peer_world_state(const peer_world *w, uint32_t seat)
{
    return movex_confirmed_state(w->seats[seat].at);
}

/* Counts what was sealed as accepted if it was opened. */
static void judge_sealed(peer_world *w, uint32_t seat)
{
    peer_seat *s = &w->seats[seat];
    bool       all = !is_sealed(w);
    for (uint32_t i = 0; i < s->sealed_count; i++) {
        const peer_sealed *sealed = &s->sealed[i];
        const peer_fate   *fate = &w->fates[sealed->version];
        /* Of several reveals the last is told: there may be none who was told of this one. */
        s->untold += !fate->reveal && all;
        s->unknown += !fate->reveal && all;
        if (!fate->reveal) continue;
        equals(w, fate->author, seat);
        holds_it(w, fate->applied != fate->forfeited && (!sealed->overturned || fate->forfeited));
        s->forfeited += fate->forfeited;
        s->opened += fate->applied;
        s->accepted += fate->applied;
        s->accepted_sum += fate->applied ? mix(sealed->id) : 0;
    }
    s->sealed_count = 0;
}

void peer_world_must_be_whole(peer_world *w)
{
    const tally *state = NULL;
    for (uint32_t i = 0; i < w->count; i++) judge_sealed(w, i);
    for (uint32_t i = 0; i < w->count && !state; i++)
        if (w->seats[i].peer) state = peer_world_state(w, i);
    holds_it(w, state);
    for (uint32_t i = 0; i < w->count; i++) {
        const peer_seat  *s = &w->seats[i];
        const tally_seat *seat = NULL;
        for (int j = 0; j < TALLY_SEATS; j++)
            if (movex_text_equals(state->seats[j].name, s->name)) seat = &state->seats[j];
        uint64_t count = seat ? seat->count : 0, sum = seat ? seat->sum : 0, effective = s->accepted - s->undone;
        holds(w, count >= effective && count <= effective + s->unknown, "%s: %llu accepted, %llu unknown, %llu in the state",
                 s->name, (unsigned long long)effective, (unsigned long long)s->unknown, (unsigned long long)count);
        if (s->unknown == 0) equals(w, sum, s->accepted_sum - s->undone_sum);
        if (seat) equals(w, seat->disorder, 0);
    }
}
