#include "raft_net.h"

#include "hash.h"

#include <movex/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define holds(n, condition, ...)                                                                                       \
    do {                                                                                                               \
        if (condition) break;                                                                                          \
        fprintf(stderr, "# seed %llu, at %llu ms\n", (unsigned long long)(n)->seed, (unsigned long long)(n)->now_ms);  \
        ck_abort_msg(__VA_ARGS__);                                                                                     \
    } while (0)

enum { SNAPSHOT_BYTES = 3000, STEP_MS = 5 };

static raft_seat *seat_of(raft_net *n, uint64_t number)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->seats[i].raft && n->seats[i].number == number) return &n->seats[i];
    return NULL;
}

/* ---- lives */

static movex_raft *begin(raft_net *n, const raft_seat *s, const movex_raft_config *config)
{
    movex_raft *raft = movex_raft_new(config);
    while (!raft && n->may_fail && config->error->status == MOVEX_ERR_MEMORY) raft = movex_raft_new(config);
    holds(n, raft, "%s: %s", s->name, config->error->text);
    return raft;
}

void raft_net_enter(raft_net *n, uint32_t seat)
{
    raft_seat        *s = &n->seats[seat];
    movex_error       error = {.text = ""};
    movex_raft_config config = n->config;
    config.self = (movex_raft_member){.number = ++n->numbers};
    movex_text_set(config.self.name, s->name);
    config.seed = meter_random(&n->random);
    config.error = &error;
    config.allocator = n->allocator;
    /* One alone begins at once, and others come to it. */
    if (seat >= n->config.founders || (n->config.founders == 1 && n->last_committed && !s->disk)) config.anew = true;
    if (s->disk && s->entered && !s->left) config.anew = n->config.anew;
    s->store = s->disk ? movex_store_memory_open(s->disk) : (movex_store){0};
    config.store = s->store;
    s->raft = begin(n, s, &config);
    if (s->disk && s->anew && !config.anew && movex_raft_number(s->raft) == config.self.number) {
        /* Nothing of what it was had come to its disk, and it comes as it came then. */
        movex_raft_free(s->raft);
        config.anew = true;
        s->raft = begin(n, s, &config);
    }
    s->number = movex_raft_number(s->raft);
    s->told = s->chain = s->checked = 0;
    s->apart = s->paused = s->leaving = s->left = false;
    s->entered++;
    s->anew = config.anew;
}

void raft_net_start(raft_net *n, uint32_t founders, uint32_t count, unsigned with_disk)
{
    n->count = count;
    n->config.founders = founders;
    n->branches = n->config.survivor_goes_on;
    holds(n, movex_allocator_resolve(&n->config.allocator, &n->allocator), "allocator");
    for (uint32_t i = 0; i < count; i++) {
        snprintf(n->seats[i].name, sizeof n->seats[i].name, "m%u", (unsigned)i);
        if (with_disk >> i & 1)
            n->seats[i].disk =
                movex_store_memory_new(&(movex_store_memory_config){.seed = n->seed + i, .flush_ms = n->flush_ms});
        if (i < founders) raft_net_enter(n, i);
    }
}

static void forget(raft_net *n, uint32_t seat)
{
    raft_seat *s = &n->seats[seat];
    movex_raft_free(s->raft);
    if (s->store.ops) s->store.ops->destroy(s->store.self);
    s->raft = NULL;
    s->store = (movex_store){0};
}

void raft_net_link(raft_net *n, uint32_t a, uint32_t b, bool linked)
{
    if (n->linked[a][b] == linked) return;
    n->linked[a][b] = n->linked[b][a] = linked;
    for (int way = 0; way < 2; way++) {
        raft_seat *s = &n->seats[way ? a : b], *other = &n->seats[way ? b : a];
        if (!s->raft) continue;
        if (!linked) {
            movex_raft_part(s->raft, other->number);
            continue;
        }
        movex_error error;
        uint64_t    room = movex_raft_room(other->raft);
        if (!room && other->anew) room = n->room; /* it remembers whence it was removed */
        int status = movex_raft_meet(s->raft, &other->raft->self, room, n->config.founders, &error);
        holds(n, status == MOVEX_OK, "%s meets %s: %s", s->name, other->name, error.text);
    }
}

void raft_net_kill(raft_net *n, uint32_t seat)
{
    if (!n->seats[seat].raft) return;
    for (uint32_t i = 0; i < n->count; i++) raft_net_link(n, seat, i, false);
    if (n->seats[seat].disk) movex_store_memory_crash(n->seats[seat].disk);
    forget(n, seat);
}

void raft_net_end(raft_net *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        forget(n, i);
        movex_store_memory_free(n->seats[i].disk);
    }
    while (n->packet_count) free(n->packets[--n->packet_count].bytes);
}

/* ---- what is told */

static uint64_t link_of(uint64_t chain, const void *bytes, size_t length)
{
    return movex_xxh64(bytes, length, chain) | 1;
}

static void take_entry(raft_net *n, raft_seat *s, const movex_raft_event *event)
{
    holds(n, event->index > s->told && event->index < RAFT_ENTRIES, "%s: told of %llu after %llu", s->name,
          (unsigned long long)event->index, (unsigned long long)s->told);
    s->told = event->index;
    s->chain = link_of(s->chain, event->bytes, event->length);
    if (n->branches) return;
    uint64_t *known = &n->chain[event->index];
    if (!*known) *known = s->chain;
    holds(n, *known == s->chain, "%s: another sequence at %llu", s->name, (unsigned long long)event->index);
}

static void take_snapshot(raft_net *n, raft_seat *s, const movex_raft_event *event)
{
    s->restored++;
    s->told = event->index;
    s->chain = 0;
    if (!event->length) return;
    uint64_t at;
    holds(n, event->length == SNAPSHOT_BYTES, "%s: a snapshot of %zu bytes", s->name, event->length);
    memcpy(&at, event->bytes, sizeof at);
    memcpy(&s->chain, (const char *)event->bytes + sizeof at, sizeof s->chain);
    holds(n, at <= event->index, "%s: a snapshot of later", s->name);
    if (!n->branches && at) holds(n, n->chain[at] == s->chain, "%s: another snapshot", s->name);
}

void raft_net_drain(raft_net *n, uint32_t seat)
{
    raft_seat       *s = &n->seats[seat];
    movex_raft_event event;
    while (s->raft && movex_raft_next(s->raft, &event)) {
        switch (event.kind) {
        case MOVEX_RAFT_ENTRY: take_entry(n, s, &event); break;
        case MOVEX_RAFT_RESTORED: take_snapshot(n, s, &event); break;
        case MOVEX_RAFT_MASTERED: s->masters += event.number == s->number; break;
        case MOVEX_RAFT_UNDONE:
            s->undone++;
            s->checked = 0;
            holds(n, n->branches, "%s: undone", s->name);
            break;
        case MOVEX_RAFT_MEMBERS: n->room = movex_raft_room(s->raft); break;
        case MOVEX_RAFT_LEFT: s->left = true; break;
        default: break;
        }
    }
}

/* ---- what must hold */

static uint64_t digest_at(const raft_seat *s, uint64_t index)
{
    const raft_entry *entry = movex_raft_entry_at(s->raft, index);
    return movex_xxh64(entry->length ? movex_raft_content(s->raft, entry) : "", entry->length, entry->kind);
}

static void check_committed(raft_net *n, raft_seat *s)
{
    const movex_raft *raft = s->raft;
    for (uint64_t i = s->checked + 1; i <= raft->committed; i++) {
        if (i <= raft->log.snapshot_index) continue;
        uint64_t term = movex_raft_term_at(raft, i), digest = digest_at(s, i);
        holds(n, i < RAFT_ENTRIES, "too many entries");
        if (!n->committed_term[i]) {
            n->committed_term[i] = term;
            n->committed_digest[i] = digest;
            n->committed_in[i] = raft->term;
            if (i > n->last_committed) n->last_committed = i;
        }
        holds(n, n->committed_term[i] == term && n->committed_digest[i] == digest,
              "%s has committed another entry %llu, of term %llu; others of term %llu", s->name, (unsigned long long)i,
              (unsigned long long)term, (unsigned long long)n->committed_term[i]);
    }
    s->checked = raft->committed;
}

static void check_master(raft_net *n, const raft_seat *s)
{
    const movex_raft *raft = s->raft;
    if (raft->role != MOVEX_RAFT_MASTER) return;
    holds(n, raft->term < RAFT_TERMS, "term %llu", (unsigned long long)raft->term);
    uint64_t *known = &n->master_of[raft->term];
    if (!*known) *known = s->number;
    holds(n, *known == s->number, "term %llu has two masters", (unsigned long long)raft->term);
    /* Who leads has all that was committed in earlier terms. */
    for (uint64_t i = raft->log.snapshot_index + 1; i <= n->last_committed; i++)
        if (n->committed_term[i] && n->committed_in[i] < raft->term)
            holds(n, i <= movex_raft_last(raft) && movex_raft_term_at(raft, i) == n->committed_term[i],
                  "%s leads without the committed entry %llu", s->name, (unsigned long long)i);
}

/* Who follows a master holds what it has told that one: by that it may be committed. */
static void check_promises(raft_net *n, const raft_seat *s)
{
    if (s->raft->role != MOVEX_RAFT_MASTER) return;
    for (uint32_t i = 0; i < s->raft->other_count; i++) {
        const raft_seat *other = seat_of(n, s->raft->others[i].member.number);
        uint64_t         match = s->raft->others[i].match;
        if (!other || other->raft->term != s->raft->term || match <= other->raft->log.snapshot_index) continue;
        bool holds_it = match <= movex_raft_last(other->raft) &&
                        (match <= s->raft->log.snapshot_index ||
                         movex_raft_term_at(other->raft, match) == movex_raft_term_at(s->raft, match));
        holds(n, holds_it, "%s has told %s that it holds %llu, and does not", other->name, s->name,
              (unsigned long long)match);
    }
}

static void check_matching(raft_net *n, const raft_seat *a, const raft_seat *b)
{
    uint64_t last =
        movex_raft_last(a->raft) < movex_raft_last(b->raft) ? movex_raft_last(a->raft) : movex_raft_last(b->raft);
    bool same = false;
    for (uint64_t i = last; i > a->raft->log.snapshot_index && i > b->raft->log.snapshot_index; i--) {
        uint64_t term = movex_raft_term_at(a->raft, i);
        bool     now = term == movex_raft_term_at(b->raft, i);
        if (now)
            now = digest_at(a, i) == digest_at(b, i);
        else
            holds(n, !same, "%s and %s agree beyond %llu and not there", a->name, b->name, (unsigned long long)i);
        if (term == movex_raft_term_at(b->raft, i))
            holds(n, now, "%s and %s have two entries %llu of term %llu", a->name, b->name, (unsigned long long)i,
                  (unsigned long long)term);
        if (same) break; /* the rest was compared when it came */
        same = now;
    }
}

void raft_net_check(raft_net *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        raft_seat *s = &n->seats[i];
        if (!s->raft) continue;
        movex_raft_check(s->raft);
        if (n->branches) continue;
        check_committed(n, s);
        check_master(n, s);
        check_promises(n, s);
        for (uint32_t j = 0; j < i; j++)
            if (n->seats[j].raft) check_matching(n, s, &n->seats[j]);
    }
}

/* ---- messages */

static void put(raft_net *n, uint64_t from, uint64_t to, const void *bytes, size_t length)
{
    raft_packet *packet = &n->packets[n->packet_count++];
    holds(n, n->packet_count < RAFT_MESSAGES, "too many messages");
    *packet = (raft_packet){.from = from, .to = to, .bytes = malloc(length), .length = length};
    memcpy(packet->bytes, bytes, length);
    packet->due_ms = n->now_ms + meter_below(&n->random, n->latency_ms + 1);
    if (meter_below(&n->random, 1000) < n->lateness) packet->due_ms += meter_below(&n->random, 2000);
}

void raft_net_collect(raft_net *n, uint32_t seat)
{
    raft_seat  *s = &n->seats[seat];
    const void *bytes;
    size_t      length;
    uint64_t    to;
    uint32_t    times = 0;
    while (s->raft && movex_raft_send(s->raft, &to, &bytes, &length)) {
        const unsigned char *first = bytes;
        n->sent[first[0]]++;
        holds(n, ++times < 100000, "%s never ends", s->name);
        if (meter_below(&n->random, 1000) < n->loss) continue;
        put(n, s->number, to, bytes, length);
        if (meter_below(&n->random, 1000) < n->doubling) put(n, s->number, to, bytes, length);
    }
}

static void take(raft_net *n, raft_seat *s, const raft_packet *packet)
{
    int status = movex_raft_receive(s->raft, packet->from, packet->bytes, packet->length);
    holds(n, status == MOVEX_OK || (status == MOVEX_ERR_MEMORY && n->may_fail), "%s was sent what is no message: %d",
          s->name, status);
}

void raft_net_deliver(raft_net *n, uint32_t i)
{
    raft_packet packet = n->packets[i];
    n->packets[i] = n->packets[--n->packet_count];
    raft_seat *s = seat_of(n, packet.to);
    if (s && !s->left) take(n, s, &packet);
    free(packet.bytes);
}

static bool is_stopped(raft_net *n, const raft_packet *packet)
{
    const raft_seat *to = seat_of(n, packet->to), *from = seat_of(n, packet->from);
    return packet->due_ms > n->now_ms || (to && (to->apart || to->paused)) || (from && from->apart);
}

void raft_net_apart(raft_net *n, uint32_t seat, bool apart)
{
    n->seats[seat].apart = apart;
}

static void dial(raft_net *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const raft_seat *a = &n->seats[i], *b = &n->seats[j];
            bool             can = a->raft && b->raft && !a->left && !b->left && !a->apart && !b->apart;
            if (can && !n->linked[i][j] && meter_below(&n->random, 10) == 0) raft_net_link(n, i, j, true);
        }
}

/* Who was removed comes again as another; who has left is gone. */
static void come_again(raft_net *n, uint32_t seat)
{
    raft_seat *s = &n->seats[seat];
    bool       leaving = s->leaving;
    if (!s->left) return;
    for (uint32_t i = 0; i < n->count; i++) raft_net_link(n, seat, i, false);
    forget(n, seat);
    if (leaving) return;
    n->config.anew = true;
    raft_net_enter(n, seat);
    n->config.anew = false;
}

static void step(raft_net *n)
{
    n->now_ms += STEP_MS;
    if (!n->by_hand) dial(n);
    for (uint32_t i = 0; i < n->packet_count;) /* in no order: the last takes the place of one that is gone */
        if (is_stopped(n, &n->packets[i]))
            i++;
        else
            raft_net_deliver(n, i);
    for (uint32_t i = 0; i < n->count; i++) {
        raft_seat *s = &n->seats[i];
        if (s->disk) movex_store_memory_poll(s->disk, n->now_ms);
        if (!s->raft || s->paused) continue;
        movex_raft_poll(s->raft, n->now_ms + i * 1000003);
        raft_net_drain(n, i);
        raft_net_collect(n, i);
        if (n->may_fail && movex_raft_failure(s->raft) != MOVEX_OK) {
            n->gave_up++;
            raft_net_kill(n, i);
            continue;
        }
        come_again(n, i);
    }
    raft_net_check(n);
}

void raft_net_run(raft_net *n, uint32_t ms)
{
    for (uint32_t t = 0; t < ms; t += STEP_MS) step(n);
}

uint64_t raft_net_propose(raft_net *n, uint32_t seat)
{
    raft_seat *s = &n->seats[seat];
    uint64_t   content[2] = {++n->proposed, s->number};
    uint64_t   index = s->raft ? movex_raft_propose(s->raft, content, sizeof content) : 0;
    if (!s->raft) return 0;
    raft_net_drain(n, seat);
    if (!n->by_hand) raft_net_collect(n, seat);
    if (meter_below(&n->random, 30) == 0) raft_net_compact(n, seat);
    return index;
}

void raft_net_compact(raft_net *n, uint32_t seat)
{
    raft_seat    *s = &n->seats[seat];
    unsigned char snapshot[SNAPSHOT_BYTES] = {0};
    if (!s->raft || !s->told) return;
    memcpy(snapshot, &s->told, sizeof s->told);
    memcpy(snapshot + sizeof s->told, &s->chain, sizeof s->chain);
    movex_raft_compact(s->raft, s->told, snapshot, sizeof snapshot);
}

/* ---- looking */

int raft_net_master(const raft_net *n)
{
    int      master = -1;
    uint64_t term = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        const raft_seat *s = &n->seats[i];
        if (!s->raft || s->raft->term < term) continue;
        if (s->raft->term > term) master = -1;
        term = s->raft->term;
        if (movex_raft_master(s->raft) == s->number && s->raft->role == MOVEX_RAFT_MASTER) master = (int)i;
    }
    return master;
}

static bool keeps_majority(const raft_net *n, const movex_raft_membership *membership, uint32_t without)
{
    uint32_t with_memory = 0;
    for (uint32_t i = 0; i < membership->count; i++)
        for (uint32_t j = 0; j < n->count; j++) {
            const raft_seat *s = &n->seats[j];
            bool remembers = j != without && (s->raft || s->disk) && s->number == membership->members[i].number;
            with_memory += membership->members[i].number && remembers;
        }
    return with_memory > membership->count / 2;
}

bool raft_net_can_spare(const raft_net *n, uint32_t seat)
{
    uint64_t committed = 0;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->seats[i].raft && n->seats[i].raft->committed_membership_index > committed)
            committed = n->seats[i].raft->committed_membership_index;
    if (!n->seats[seat].raft || !committed) return false;
    for (uint32_t i = 0; i < n->count; i++) {
        const movex_raft *raft = n->seats[i].raft;
        if (!raft) {
            if (n->seats[i].disk && n->seats[i].entered) return false; /* what it knows is not looked at here */
            continue;
        }
        /* A founder that has heard of nothing could begin another room with one that has forgotten this one. */
        if (movex_raft_is_founder(raft)) return false;
        if (raft->membership_index >= committed && !keeps_majority(n, &raft->membership, seat)) return false;
        if (raft->committed_membership_index == committed && !keeps_majority(n, &raft->committed_membership, seat))
            return false;
    }
    return true;
}

bool raft_net_is_calm(const raft_net *n)
{
    const raft_seat *first = NULL;
    uint32_t         alive = 0, members = 0;
    for (uint32_t i = 0; i < n->count; i++) alive += n->seats[i].raft != NULL;
    for (uint32_t i = 0; i < n->count; i++) {
        const raft_seat *s = &n->seats[i];
        if (!s->raft) continue;
        if (!first) first = s;
        const movex_raft *a = s->raft, *b = first->raft;
        members += movex_raft_is_member(&a->committed_membership, s->number);
        if (a->committed != b->committed || movex_raft_last(a) != movex_raft_last(b) ||
            a->committed != movex_raft_last(a) || s->chain != first->chain || a->committed_membership.count != alive ||
            movex_raft_master(a) != movex_raft_master(b) || !movex_raft_master(a))
            return false;
    }
    return first && members == alive;
}

uint32_t raft_net_await_calm(raft_net *n, uint32_t most_ms)
{
    for (uint32_t ms = 0; ms <= most_ms; ms += STEP_MS) {
        if (raft_net_is_calm(n)) return ms;
        step(n);
    }
    return UINT32_MAX;
}
