/* What only the master may know: decks, hands, what it shuffles and deals. */
#include "cards_game.h"
#include "party.h"

#include <movex/mock.h>

#include <string.h>

enum { ANN, BEN, CID, DAN };

static const cards *seen(const party *p, int who)
{
    return movex_state(p->resources[who]);
}

static cards view(const party *p, const char *viewer)
{
    cards state;
    ck_assert_int_eq(movex_master_view(p->m.master, p->type, "main", viewer, &state, NULL), MOVEX_OK);
    return state;
}

static movex_ticket sit(party *p, int who)
{
    movex_ticket ticket = movex_dispatch(p->resources[who], CARDS_SIT, &(cards_place){(uint8_t)who});
    party_settle(p);
    return ticket;
}

static void shuffle(party *p)
{
    ck_assert_int_eq(movex_master_dispatch(p->m.master, p->type, "main", CARDS_SHUFFLE,
                                           &(cards_shuffle){.salt = 0x1234, .first = 100}, NULL),
                     MOVEX_OK);
    party_settle(p);
}

static void deal(party *p, uint8_t count)
{
    ck_assert_int_eq(movex_master_dispatch(p->m.master, p->type, "main", CARDS_DEAL, &(cards_deal){count}, NULL),
                     MOVEX_OK);
    party_settle(p);
}

static movex_ticket choose(party *p, int who, uint8_t index)
{
    movex_ticket ticket = movex_dispatch_private(p->resources[who], CARDS_CHOOSE, &(cards_pick){(uint8_t)who, index},
                                                 CARDS_CHOSEN, &(cards_place){(uint8_t)who});
    ck_assert_uint_ne(ticket, 0);
    return ticket;
}

static bool is_blank(const uint8_t *hand, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (hand[i]) return false;
    return true;
}

/* Three who play, two who watch, cards in hand. */
static void start_with(party *p, match_carrier carrier, const movex_type *type, movex_limits limits)
{
    party_start_with(p, carrier, (movex_master_config){.types = MOVEX_TYPES(type), .limits = limits, .grace_ms = 60000},
                     type, 5);
    for (int i = 0; i < 3; i++) sit(p, i);
    shuffle(p);
    deal(p, 3);
}

static const movex_type *const all_types[] = {&cards_type, &cards_each_type};

/* With and without the hook that groups viewers, over every emitter. */
enum { TYPES = 2, WAYS = TYPES * MATCH_CARRIERS };
static void start(party *p, int way)
{
    start_with(p, (match_carrier)(way / TYPES), all_types[way % TYPES], (movex_limits){0});
}

START_TEST(each_sees_its_own)
{
    party p;
    start(&p, _i);
    cards truth = view(&p, NULL);
    ck_assert_int_eq(truth.left, CARDS_DECK - 9);
    ck_assert(!is_blank(truth.deck, truth.left));
    for (int i = 0; i < 5; i++) {
        ck_assert(is_blank(seen(&p, i)->deck, CARDS_DECK));
        ck_assert_int_eq(seen(&p, i)->left, truth.left);
        for (int seat = 0; seat < 3; seat++) {
            const uint8_t *hand = seen(&p, i)->seats[seat].hand;
            ck_assert_int_eq(seen(&p, i)->seats[seat].count, 3);
            if (i == seat)
                ck_assert(memcmp(hand, truth.seats[seat].hand, 3) == 0);
            else
                ck_assert(is_blank(hand, 3));
        }
    }
    cards open = view(&p, "");
    for (int seat = 0; seat < 3; seat++) ck_assert(is_blank(open.seats[seat].hand, 3));
    cards stranger = view(&p, "nobody in particular");
    ck_assert(memcmp(&open, &stranger, sizeof open) == 0);
    party_finish(&p);
}
END_TEST

START_TEST(what_is_confirmed_is_not_tried)
{
    party p;
    start(&p, _i);
    uint8_t before = seen(&p, ANN)->seats[ANN].count;
    ck_assert_uint_ne(movex_dispatch(p.resources[ANN], CARDS_TAKE, NULL), 0);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, before);
    party_settle(&p);
    cards truth = view(&p, NULL);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, before + 1);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].hand[before], truth.seats[ANN].hand[before]);
    ck_assert_int_ne(seen(&p, ANN)->seats[ANN].hand[before], 0);
    ck_assert_int_eq(seen(&p, BEN)->seats[ANN].hand[before], 0);
    party_finish(&p);
}
END_TEST

START_TEST(a_card_is_played)
{
    party p;
    start(&p, _i);
    uint8_t card = seen(&p, BEN)->seats[BEN].hand[1];
    movex_dispatch(p.resources[BEN], CARDS_PLAY, &(cards_pick){BEN, 1});
    ck_assert_int_eq(seen(&p, BEN)->table[0], card); /* its player can tell at once */
    party_settle(&p);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(seen(&p, i)->table[0], card); /* the others are told */
    party_finish(&p);
}
END_TEST

START_TEST(who_sits_down_sees_its_hand_from_then_on)
{
    party       p;
    movex_event event;
    start(&p, _i);
    ck_assert(is_blank(seen(&p, DAN)->seats[DAN].hand, CARDS_HAND));
    party_events(&p, DAN, MOVEX_EVENT_ACCEPTED, NULL);
    movex_ticket ticket = sit(&p, DAN);
    ck_assert_int_eq(party_events(&p, DAN, MOVEX_EVENT_ACCEPTED, &event), 1);
    ck_assert_uint_eq(event.ticket, ticket);
    for (int i = 0; i < 2; i++) movex_dispatch(p.resources[DAN], CARDS_TAKE, NULL);
    party_settle(&p);
    ck_assert(!is_blank(seen(&p, DAN)->seats[DAN].hand, 2));
    ck_assert(is_blank(seen(&p, 4)->seats[DAN].hand, CARDS_HAND));
    movex_dispatch(p.resources[4], CARDS_SIT,
                   &(cards_place){DAN}); /* what is taken is refused, as a deliberate answer */
    party_settle(&p);
    ck_assert_int_eq(party_events(&p, 4, MOVEX_EVENT_REFUSED, &event), 1);
    ck_assert_int_eq(event.reason, CARDS_TAKEN);
    party_finish(&p);
}
END_TEST

/* ---- with pairs */

START_TEST(hidden_choices)
{
    party p;
    start(&p, _i);
    for (int round = 0; round < 3; round++) {
        uint8_t chosen[3];
        for (int who = 0; who < 3; who++) {
            int seat = (who + round) % 3;
            chosen[seat] = seen(&p, seat)->seats[seat].hand[0];
            choose(&p, seat, 0);
            ck_assert_int_eq(seen(&p, seat)->seats[seat].choice, chosen[seat]);
            party_settle(&p);
            if (who == 2) break;
            ck_assert_int_eq(seen(&p, seat)->seats[seat].choice, chosen[seat]);
            for (int i = 0; i < 5; i++)
                if (i != seat) ck_assert_int_eq(seen(&p, i)->seats[seat].choice, 0);
            ck_assert_int_eq(view(&p, "").seats[seat].choice, 0);
            ck_assert_int_eq(view(&p, NULL).seats[seat].choice, chosen[seat]);
            movex_dispatch(p.resources[4], CARDS_SAY, &(cards_say){"well"}); /* in between */
            party_settle(&p);
        }
        for (int i = 0; i < 5; i++) {
            for (int seat = 0; seat < 3; seat++) ck_assert_int_eq(seen(&p, i)->seats[seat].choice, chosen[seat]);
            ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 1);
            for (int seat = 0; seat < 3; seat++) /* hands are secret still */
                ck_assert(i == seat || is_blank(seen(&p, i)->seats[seat].hand, CARDS_HAND));
        }
        movex_dispatch(p.resources[CID], CARDS_NEXT, NULL);
        movex_dispatch(p.resources[CID], CARDS_TAKE, NULL);
        party_settle(&p);
    }
    party_finish(&p);
}
END_TEST

/* Reveals of redacted types are always differences: the halves would tell what redact blanks. */
START_TEST(a_reveal_is_a_difference)
{
    party p;
    start(&p, _i);
    for (int who = 0; who < 3; who++) choose(&p, who, 0);
    uint64_t before[5];
    for (int i = 0; i < 5; i++) before[i] = movex_client_stats(p.clients[i]).reveals;
    party_settle(&p);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(movex_client_stats(p.clients[i]).reveals, before[i] + 1);
        ck_assert_uint_ge(movex_client_stats(p.clients[i]).patches, 1);
        movex_revealed revealed;
        uint32_t       count = 0;
        while (movex_revealed_at(p.resources[i], count, &revealed)) count++;
        ck_assert_uint_eq(count, 3);
    }
    party_finish(&p);
}
END_TEST

/* ---- connections */

/* A cut, with and without something missed; in the middle of what is hidden, and across the reveal. */
START_TEST(coming_back)
{
    for (int who = 0; who < 4; who++) {
        party p;
        start(&p, _i);
        choose(&p, ANN, 1);
        party_settle(&p);
        uint64_t resumes = movex_client_stats(p.clients[who]).resumes;
        match_cut(&p.m, p.clients[who]); /* nothing is missed: goes on without a snapshot */
        match_until(&p.m, movex_client_stats(p.clients[who]).connects == 2);
        party_settle(&p);
        ck_assert_uint_eq(movex_client_stats(p.clients[who]).resumes, resumes + 1);
        if (who != BEN) choose(&p, BEN, 0);
        party_settle(&p);

        party_lose(&p, who);
        for (int i = 0; i < 3; i++)
            if (i != who && i != ANN && !(i == BEN && who != BEN)) choose(&p, i, 0);
        movex_dispatch(p.resources[(who + 1) % 4], CARDS_SAY, &(cards_say){"gone?"});
        match_until(&p.m, movex_text_equals(view(&p, "").said, "gone?"));
        party_find_again(&p, who);
        party_settle(&p);
        ck_assert_str_eq(seen(&p, who)->said, "gone?");
        ck_assert_int_ne(seen(&p, ANN)->seats[ANN].choice, 0);
        if (who == BEN || who == CID) choose(&p, who, 0);
        party_settle(&p);
        for (int i = 0; i < 4; i++) {
            ck_assert_int_ne(seen(&p, i)->seats[ANN].choice, 0);
            ck_assert_int_eq(party_events(&p, i, MOVEX_EVENT_REVEALED, NULL), 1);
        }
        party_finish(&p);
    }
}
END_TEST

START_TEST(late_joiners_and_bots)
{
    party p;
    start(&p, _i);
    choose(&p, ANN, 1);
    party_settle(&p);
    int late = party_join(&p, "zoe");
    ck_assert_int_eq(seen(&p, late)->seats[ANN].choice, 0);
    ck_assert_uint_eq(movex_checksum(p.resources[late]), movex_checksum(p.resources[DAN]));
    /* A bot thinks with what it may know. */
    cards    fork, own;
    uint64_t checksum;
    movex_fork(p.resources[BEN], &fork);
    ck_assert_int_eq(movex_master_view(p.m.master, p.type, "main", "ben", &own, &checksum), MOVEX_OK);
    ck_assert_uint_eq(checksum, movex_checksum(p.resources[BEN]));
    ck_assert(movex_codec_equal(movex_rules_state(movex_resource_rules(p.resources[BEN])), &fork, &own));
    movex_context as_ben = {.author = "ben", .version = movex_version(p.resources[BEN]) + 1};
    ck_assert_int_eq(
        movex_apply(movex_resource_rules(p.resources[BEN]), &fork, CARDS_PLAY, &(cards_pick){BEN, 0}, &as_ben, NULL),
        MOVEX_ACCEPT);
    ck_assert_int_eq(fork.table[0], own.seats[BEN].hand[0]);
    ck_assert_int_eq(seen(&p, BEN)->played, 0);
    ck_assert_int_eq(movex_try(p.resources[BEN], CARDS_PLAY, &(cards_pick){BEN, 7}), CARDS_NONE);
    ck_assert_int_eq(movex_try(p.resources[BEN], CARDS_SHUFFLE, &(cards_shuffle){0}), MOVEX_ACCEPT);
    ck_assert_int_eq(movex_master_view(p.m.master, p.type, "no such", "", &fork, NULL), MOVEX_ERR_NOT_FOUND);
    choose(&p, BEN, 0);
    choose(&p, CID, 0);
    party_settle(&p);
    ck_assert_int_ne(seen(&p, late)->seats[ANN].choice, 0);
    party_finish(&p);
}
END_TEST

START_TEST(a_put_is_redacted_too)
{
    party p;
    start(&p, _i);
    choose(&p, ANN, 1);
    party_settle(&p);
    cards put = view(&p, NULL);
    memset(put.seats[BEN].hand, 77, put.seats[BEN].count);
    ck_assert_int_eq(movex_master_put(p.m.master, p.type, "main", &put), MOVEX_OK);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, BEN)->seats[BEN].hand[0], 77);
    ck_assert_int_eq(seen(&p, CID)->seats[BEN].hand[0], 0);
    choose(&p, BEN, 0);
    party_settle(&p);
    party_finish(&p);
}
END_TEST

/* A client that dispatches what is the master's to run: allowed, unless the reducer says no; it learns what it may see. */
START_TEST(a_client_asks_for_what_the_master_runs)
{
    party p;
    start(&p, _i);
    movex_dispatch(p.resources[ANN], CARDS_DEAL, &(cards_deal){1});
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, 3);
    party_settle(&p);
    ck_assert_int_eq(seen(&p, ANN)->seats[ANN].count, 4);
    ck_assert_int_ne(seen(&p, ANN)->seats[ANN].hand[3], 0);
    party_finish(&p);
}
END_TEST

/* ---- equal views */

START_TEST(equal_views_are_made_once)
{
    uint64_t patches[2], reduces[2], hashed[2];
    for (int many = 0; many < 2; many++) {
        party p;
        party_start(&p, MATCH_LOCAL, &cards_type, many ? 8 : 4);
        for (int i = 0; i < 3; i++) sit(&p, i);
        shuffle(&p);
        deal(&p, 3);
        movex_stats before = movex_master_stats(p.m.master);
        movex_dispatch(p.resources[ANN], CARDS_PLAY, &(cards_pick){ANN, 0});
        deal(&p, 1);
        movex_stats after = movex_master_stats(p.m.master);
        patches[many] = after.patches - before.patches;
        reduces[many] = after.reduces - before.reduces;
        hashed[many] = after.bytes_hashed - before.bytes_hashed;
        party_finish(&p);
    }
    /* Five more who watch make no difference: three hands and the public view. */
    ck_assert_uint_eq(patches[0], patches[1]);
    ck_assert_uint_eq(reduces[0], reduces[1]);
    ck_assert_uint_eq(hashed[0], hashed[1]);
    ck_assert_uint_gt(patches[0], 0);
}
END_TEST

/* ---- faults and limits */

START_TEST(a_redact_that_breaks_the_schema_shows_nothing)
{
    party p;
    start(&p, _i);
    movex_dispatch(p.resources[4], CARDS_BREAK, NULL);
    party_settle(&p); /* the same for client and master */
    const cards nothing = {0};
    ck_assert(memcmp(seen(&p, ANN), &nothing, sizeof nothing) == 0);
    ck_assert(memcmp(seen(&p, 4), &nothing, sizeof nothing) == 0);
    ck_assert_int_eq(view(&p, NULL).seats[ANN].count, 3);
    party_finish(&p);
}
END_TEST

/* What one is told when there is no room for its view: the outcome of what it has done, and that it is taken off. */
static void must_be_crowded_out(party *p, int who, movex_ticket ticket)
{
    int accepted = 0, removed = 0;
    for (int i = 0; i < 1000 && !removed; i++) {
        match_poll(&p->m);
        for (movex_event event; movex_client_next(p->clients[who], &event);) {
            if (event.kind == MOVEX_EVENT_ACCEPTED && event.ticket == ticket) accepted++;
            if (event.kind != MOVEX_EVENT_REMOVED) continue;
            ck_assert_int_eq(event.status, MOVEX_ERR_LIMIT);
            ck_assert_ptr_nonnull(strstr(event.text, "different views"));
            removed++;
        }
    }
    ck_assert_int_eq(removed, 1);
    ck_assert_int_eq(accepted, 1);
    movex_unbind(p->resources[who]);
    p->resources[who] = NULL;
}

static void nobody_was_disturbed(party *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->clients[i]) ck_assert_uint_eq(movex_client_stats(p->clients[i]).connects, 1);
}

START_TEST(so_many_views)
{
    party p;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&cards_type), .limits = {.views = 3}},
                     &cards_type, 4);
    sit(&p, ANN);
    sit(&p, BEN);
    shuffle(&p);
    deal(&p, 2);
    ck_assert_uint_eq(movex_checksum(p.resources[CID]), movex_checksum(p.resources[DAN]));
    /* Would be the fourth: cid's own trouble alone. */
    movex_ticket ticket = movex_dispatch(p.resources[CID], CARDS_SIT, &(cards_place){CID});
    must_be_crowded_out(&p, CID, ticket);
    int said = 0;
    for (movex_master_event event; movex_master_next(p.m.master, &event);)
        said += event.kind == MOVEX_MASTER_REJECTED && event.status == MOVEX_ERR_LIMIT &&
                strcmp(event.peer, "cid") == 0 && strcmp(event.id, "main") == 0;
    ck_assert_int_eq(said, 1);
    ck_assert(strcmp(seen(&p, ANN)->seats[CID].name, "cid") == 0);
    movex_dispatch(p.resources[ANN], CARDS_PLAY, &(cards_pick){ANN, 0});
    match_until(&p.m, seen(&p, DAN)->played == 1);
    p.resources[CID] = movex_bind(p.clients[CID], &cards_type, "main"); /* still seated: his view is one of his own */
    movex_event event = {0};
    match_until(&p.m, party_events(&p, CID, MOVEX_EVENT_BIND_REFUSED, &event) == 1);
    ck_assert_int_eq(event.status, MOVEX_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(event.text, "different views"));
    movex_unbind(p.resources[CID]);
    party_leave(&p, DAN); /* there is room now */
    p.resources[CID] = movex_bind(p.clients[CID], &cards_type, "main");
    match_until(&p.m, movex_in_sync(p.resources[CID]));
    nobody_was_disturbed(&p);
    party_finish(&p);
}
END_TEST

/* A third view is one too many for who comes; who shares one of the two may. */
START_TEST(one_view_too_many_to_bind)
{
    party p;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&cards_type), .limits = {.views = 2}},
                     &cards_type, 2);
    sit(&p, ANN);
    ck_assert_int_eq(party_join(&p, "cid"), CID); /* sees what ben sees */
    movex_master_dispatch(p.m.master, &cards_type, "main", CARDS_SHUFFLE, &(cards_shuffle){.first = 1}, NULL);
    party_settle(&p);
    nobody_was_disturbed(&p);
    party_finish(&p);

    party_start_with(&p, MATCH_LOCAL,
                     (movex_master_config){.types = MOVEX_TYPES(&cards_each_type), .limits = {.views = 2}},
                     &cards_each_type, 2);
    movex_client   *client = match_client(&p.m, "cid");
    movex_resource *resource = movex_bind(client, &cards_each_type, "main");
    movex_event     event;
    match_until(&p.m, match_event(client, MOVEX_EVENT_BIND_REFUSED, &event));
    ck_assert_int_eq(event.status, MOVEX_ERR_LIMIT);
    movex_unbind(resource);
    party_leave(&p, BEN);
    resource = movex_bind(client, &cards_each_type, "main");
    match_until(&p.m, movex_in_sync(resource));
    match_leave(&p.m, client);
    party_finish(&p);
}
END_TEST

/* All go to views that nobody held before, at once: what they leave does not count. */
static uint64_t turning_audience(const void *state, const char *viewer)
{
    return ((const cards *)state)->turn * 16 + (uint64_t)(viewer[0] - 'a');
}

START_TEST(all_move_at_once)
{
    movex_type type = cards_each_type;
    party      p;
    type.audience = turning_audience;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&type), .limits = {.views = 3}}, &type,
                     3);
    sit(&p, ANN);
    shuffle(&p);
    deal(&p, 3);
    for (uint8_t i = 0; i < 3; i++) {
        movex_dispatch(p.resources[ANN], CARDS_PLAY, &(cards_pick){ANN, 0});
        party_settle(&p);
        ck_assert_uint_eq(movex_master_stats(p.m.master).snapshots, 3);
    }
    nobody_was_disturbed(&p);
    party_finish(&p);
}
END_TEST

/* Two at once have no room, and that one goes is told by an entry that moves the other. */
START_TEST(several_have_no_room)
{
    party p;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&cards_type), .limits = {.views = 2}},
                     &cards_type, 4);
    sit(&p, ANN);
    movex_ticket bens = movex_dispatch(p.resources[BEN], CARDS_SIT, &(cards_place){BEN});
    movex_ticket cids = movex_dispatch(p.resources[CID], CARDS_SIT, &(cards_place){CID});
    must_be_crowded_out(&p, BEN, bens);
    must_be_crowded_out(&p, CID, cids);
    party_settle(&p);
    ck_assert_uint_eq(party_hosted(&p).subscribers, 2);
    nobody_was_disturbed(&p);
    party_finish(&p);
}
END_TEST

/* Who sees whose hand is what was said: the first letter is ann's, "a" for her own hand, "b" for ben's, and so on. */
static int shown_to(const cards *c, const char *viewer)
{
    static const char *const names[] = {"ann", "ben"};
    for (int i = 0; i < 2; i++)
        if (strcmp(viewer, names[i]) == 0 && c->said[i]) return c->said[i] - 'a';
    return CARDS_SEATS;
}

static void redact_as_said(void *state, const char *viewer)
{
    cards *c = state;
    int    shown = shown_to(c, viewer);
    memset(c->deck, 0, sizeof c->deck);
    for (int i = 0; i < CARDS_SEATS; i++)
        if (i != shown) memset(c->seats[i].hand, 0, sizeof c->seats[i].hand);
}

static uint64_t audience_as_said(const void *state, const char *viewer)
{
    return (uint64_t)shown_to(state, viewer);
}

/* One entry takes ann to where ben was, alone, and ben to a view for which there is no room: his trouble is not hers. */
START_TEST(no_room_while_somebody_takes_ones_place)
{
    party      p;
    movex_type type = cards_type;
    type.redact = redact_as_said;
    type.audience = audience_as_said;
    party_start_with(&p, MATCH_LOCAL, (movex_master_config){.types = MOVEX_TYPES(&type), .limits = {.views = 2}}, &type,
                     2);
    sit(&p, ANN);
    sit(&p, BEN);
    shuffle(&p);
    deal(&p, 3);
    movex_dispatch(p.resources[ANN], CARDS_SAY, &(cards_say){"ab"});
    party_settle(&p);
    movex_dispatch(p.resources[ANN], CARDS_SAY, &(cards_say){"bc"});
    party_settle(&p);
    ck_assert_uint_eq(movex_client_stats(p.clients[ANN]).connects, 1);
    ck_assert(!is_blank(seen(&p, ANN)->seats[BEN].hand, 3));
    ck_assert(is_blank(seen(&p, BEN)->seats[BEN].hand, 3)); /* he sees what is cid's, who does not sit */
    movex_dispatch(p.resources[ANN], CARDS_SAY, &(cards_say){"ca"});
    party_settle(&p);
    ck_assert(is_blank(seen(&p, BEN)->seats[BEN].hand, 3) && !is_blank(seen(&p, BEN)->seats[ANN].hand, 3));
    party_finish(&p);
}
END_TEST

/* ---- what leaves the master */

enum { MOST_TAPPED = 1 << 16 };
static struct {
    unsigned char bytes[MOST_TAPPED];
    size_t        length;
} tapped;

static void tap(void *user, const movex_mock_frame *frame)
{
    (void)user;
    if (frame->kind != MOVEX_IO_MESSAGE || frame->by_dialler || tapped.length + frame->length > MOST_TAPPED) return;
    memcpy(tapped.bytes + tapped.length, frame->data, frame->length);
    tapped.length += frame->length;
}

static bool was_tapped(const void *what, size_t length)
{
    for (size_t i = 0; i + length <= tapped.length; i++)
        if (memcmp(tapped.bytes + i, what, length) == 0) return true;
    return false;
}

static uint64_t drawn; /* the first random value of the last shuffle, as the reducer had it */

static int watching_reduce(void *state, const movex_action *action, const movex_context *context)
{
    if (action->type == CARDS_SHUFFLE) {
        movex_random_source copy = *context->random; /* which leaves the reducer's own draws as they are */
        drawn = copy.seed;
    }
    return cards_type.reduce(state, action, context);
}

/* Payload, seed, deck and hands of others: in no byte that goes to anybody. With redact, and without it where the type shows
   its state, but not how it came about. */
static void play_tapped(const movex_type *like, bool blanked)
{
    static const uint8_t marks[] = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x17, 0x28};
    movex_type           type = *like;
    cards_shuffle        how = {.first = 100};
    uint64_t             now_ms = 0;
    movex_client        *clients[3];
    movex_resource      *resources[3];
    static const char   *names[] = {"ann", "ben", "cid"};
    type.reduce = watching_reduce;
    memcpy(&how.salt, marks, sizeof marks);
    tapped.length = 0;
    movex_mock   *net = movex_mock_new(&(movex_mock_config){.tap = tap});
    movex_master *master = movex_master_new(&(movex_master_config){.types = MOVEX_TYPES(&type), .seed = 7});
    ck_assert_int_eq(movex_master_attach(master, movex_mock_listen(net)), MOVEX_OK);
    for (int i = 0; i < 3; i++) {
        clients[i] = movex_client_new(&(movex_client_config){.id = names[i], .io = movex_mock_connect(net)});
        resources[i] = movex_bind(clients[i], &type, "main");
    }
#define PLAY(times)                                                                                                    \
    for (int k_ = 0; k_ < (times); k_++) {                                                                             \
        movex_mock_poll(net, ++now_ms);                                                                                \
        for (int i_ = 0; i_ < 3; i_++) movex_client_poll(clients[i_], now_ms);                                         \
        movex_master_poll(master, now_ms);                                                                             \
    }
    PLAY(10);
    for (int i = 0; i < 2; i++) movex_dispatch(resources[i], CARDS_SIT, &(cards_place){(uint8_t)i});
    PLAY(10);
    for (int round = 0; round < 4; round++) { /* by the master itself, and by a client that asks for it */
        if (round % 2) {
            movex_dispatch(resources[ANN], CARDS_SHUFFLE, &how);
            PLAY(5);
        } else {
            movex_master_dispatch(master, &type, "main", CARDS_SHUFFLE, &how, NULL);
        }
        movex_master_dispatch(master, &type, "main", CARDS_DEAL, &(cards_deal){1}, NULL);
        PLAY(5);
        ck_assert_uint_ne(drawn, 0);
        ck_assert_msg(!was_tapped(&drawn, sizeof drawn), "the seed");
        ck_assert_msg(!was_tapped(marks, sizeof marks), "the payload");
    }
    cards truth;
    ck_assert_int_eq(movex_master_view(master, &type, "main", NULL, &truth, NULL), MOVEX_OK);
    ck_assert(truth.left > 8);
    ck_assert(was_tapped(truth.deck, 4) != blanked); /* a search that finds what is there */
    ck_assert_uint_gt(tapped.length, 500);
    for (int i = 0; i < 3; i++) {
        uint64_t checksum;
        ck_assert_int_eq(movex_master_view(master, &type, "main", names[i], NULL, &checksum), MOVEX_OK);
        ck_assert_uint_eq(movex_checksum(resources[i]), checksum);
        ck_assert_uint_eq(movex_client_stats(clients[i]).mismatches, 0);
        movex_client_free(clients[i]);
    }
    movex_master_free(master);
    movex_mock_free(net);
}

START_TEST(how_the_master_shuffles_leaves_no_trace)
{
    play_tapped(&cards_type, true);
    play_tapped(&cards_each_type, true);
    play_tapped(&cards_open_type, false);
}
END_TEST

/* A type without redact, some of whose actions are the master's: all see all, and pairs are hidden as ever. */
START_TEST(without_redact)
{
    party p;
    start_with(&p, (match_carrier)_i, &cards_open_type, (movex_limits){.views = 4}); /* all, and three who hide */
    ck_assert(!is_blank(seen(&p, 4)->deck, CARDS_DECK));
    ck_assert_uint_eq(movex_checksum(p.resources[4]), movex_checksum(p.resources[ANN]));
    choose(&p, ANN, 1);
    choose(&p, BEN, 1);
    party_settle(&p);
    ck_assert_int_ne(seen(&p, ANN)->seats[ANN].choice, 0);
    ck_assert_int_eq(seen(&p, 4)->seats[ANN].choice, 0);
    deal(&p, 1);
    choose(&p, CID, 1);
    party_settle(&p);
    for (int i = 0; i < 5; i++) ck_assert_int_ne(seen(&p, i)->seats[ANN].choice, 0);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(movex_client_stats(p.clients[i]).connects, 1);
    party_finish(&p);
}
END_TEST

int main(void)
{
    const TTest *const all_ways[] = {
        each_sees_its_own,
        what_is_confirmed_is_not_tried,
        a_card_is_played,
        who_sits_down_sees_its_hand_from_then_on,
        hidden_choices,
        a_reveal_is_a_difference,
        coming_back,
        late_joiners_and_bots,
        a_put_is_redacted_too,
        a_client_asks_for_what_the_master_runs,
        a_redact_that_breaks_the_schema_shows_nothing,
    };
    Suite *suite = suite_create("redact");
    TCase *tcase = tcase_create("redact");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < sizeof all_ways / sizeof all_ways[0]; i++) tcase_add_loop_test(tcase, all_ways[i], 0, WAYS);
    tcase_add_loop_test(tcase, without_redact, 0, MATCH_CARRIERS);
    tcase_add_test(tcase, equal_views_are_made_once);
    tcase_add_test(tcase, so_many_views);
    tcase_add_test(tcase, no_room_while_somebody_takes_ones_place);
    tcase_add_test(tcase, one_view_too_many_to_bind);
    tcase_add_test(tcase, all_move_at_once);
    tcase_add_test(tcase, several_have_no_room);
    tcase_add_test(tcase, how_the_master_shuffles_leaves_no_trace);
    return movex_test_main(suite);
}
