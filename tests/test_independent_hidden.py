"""The client written from the documents alone, where players may not know the same: pairs, reveals, redacted states.

It holds its own view's checksum against the master's after every entry (independent_client.py), so a test that ends without
a mismatch has compared each version of each view.

usage: test_independent_hidden.py MOVEXD GAMES.so; prints TAP
"""

import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is
from independent_client import (
    AWAY, BY_NAME, CONFIRM, ENTRY, GOODBYE, HERE, MASTER_ONLY, OVERTURNED, OWN, PATCHED, REVEALS, SEEDED, SNAPSHOT, Client,
    Type, write_dispatch_private, write_hello)
from independent_encoding import Field, Struct
from test_independent import ERR_ID_IN_USE, ERR_MALFORMED, Server, Tests, entries, meet, run, same

# ---- the games of tests/bluff_game.c, once more

REFUSED_PAIR, REFUSED_OVERTAKEN, REFUSED_TOO_MANY_HIDDEN = -7, -8, -9
SIT, BID, READY, STEAL, AGAIN = range(5)
FULL, NOT_YOURS, TOO_MUCH, NOT_YET = 1, 2, 3, 4
READY_BID = 255


def reduce_bluff(state, action, payload, context):
    players, bids, purses = state["player"], state["bid"], state["purse"]
    if action == SIT:
        seat = 1 if players[0] else 0
        if players[seat]:
            return FULL
        players[seat], purses[seat] = context.author, 100
        return 0
    if action == AGAIN:
        if not all(bids):
            return NOT_YET
        state.update(bid=[0, 0], rounds=state["rounds"] + 1)
        return 0
    seat = payload["seat"]
    own = seat < 2 and players[seat] == context.author
    if action == STEAL:
        if seat >= 2 or own:
            return NOT_YOURS
        thief = 1 - seat
        more = bids[thief] if players[thief] == context.author and bids[thief] != READY_BID else 0
        if payload["amount"] > purses[seat] + more:
            return TOO_MUCH
        purses[seat] -= payload["amount"]
        state["luck"] = (state["luck"] + context.random.below(1000)) % 2**64
        return 0
    if not own:
        return NOT_YOURS
    if action == READY:
        bids[seat] = READY_BID
        state["luck"] ^= context.random.draw()
    else:
        amount = payload["amount"]
        if amount == 0 or amount > purses[seat]:
            return TOO_MUCH
        bids[seat] = amount
        purses[seat] -= amount
        if amount % 2:
            state["luck"] ^= context.random.draw()
    state["at_ms"] = context.now_ms
    return 0


SEAT_AND_AMOUNT = Struct(Field("seat", "u8"), Field("amount", "u8"))
BLUFF = Type("bluff", 1, Struct(
    Field("player", "text", "array", 2, size=32), Field("bid", "u8", "array", 2), Field("purse", "i16", "array", 2),
    Field("rounds", "u32"), Field("luck", "u64"), Field("at_ms", "u64")), [
        ("sit", CONFIRM, None), ("bid", 0, SEAT_AND_AMOUNT), ("ready", 0, Struct(Field("seat", "u8"))),
        ("steal", 0, SEAT_AND_AMOUNT), ("again", 0, None)], reduce_bluff, hidden_as={"bid": "ready"})

H_SIT, SHUFFLE, DRAW, PICK, PASS = range(5)
H_FULL, NOT_SEATED, NO_CARD = 1, 2, 3
PASSED, CARDS = 200, 24


def reduce_hands(state, action, payload, context):
    """SHUFFLE runs on the master alone."""
    players, hands = state["player"], state["hands"]
    if action == H_SIT:
        if context.author in players or b"" not in players:
            return H_FULL
        players[players.index(b"")] = context.author
        return 0
    if not context.author or context.author not in players:
        return NOT_SEATED
    seat = players.index(context.author)
    cards = hands[seat]["cards"]
    if action == DRAW:
        if state["left"] == 0 or len(cards) == 4:
            return NO_CARD
        state["left"] -= 1
        cards.append(state["deck"][state["left"]])
        state["deck"][state["left"]] = 0
    elif action == PICK:
        if payload["card"] == 0 or payload["card"] not in cards:
            return NO_CARD
        state["picked"][seat] = payload["card"]
    else:
        state["picked"][seat] = PASSED
    return 0


HAND = Struct(Field("cards", "u8", "list", 4, count="count", count_size=1), memory=("count", "cards"))
HANDS = Type("hands", 2, Struct(
    Field("player", "text", "array", 3, size=32), Field("left", "u8"), Field("deck", "u8", "array", CARDS),
    Field("hands", "struct", "array", 3, schema=HAND), Field("picked", "u8", "array", 3), Field("shuffles", "u32")), [
        ("sit", CONFIRM, None), ("shuffle", MASTER_ONLY, Struct(Field("times", "u8"))), ("draw", CONFIRM, None),
        ("pick", 0, Struct(Field("card", "u8"))), ("pass", 0, None)], reduce_hands, hidden_as={"pick": "pass"}, redacts=True)


def bid(client, resource, seat, amount):
    """A hidden bid: the reason."""
    return client.act_privately(resource, BID, {"seat": seat, "amount": amount}, READY, {"seat": seat})


def revealing(client, resource):
    return [m for m in entries(client, resource) if m.flags & REVEALS]


class HiddenTests:
    """Each method is a test; they have a server in common."""

    rejected = Tests.rejected

    def __init__(self, server):
        self.server, self.port = server, server.port

    def table(self, name, kind=BLUFF, seats=2, watchers=1):
        """Clients that have bound one resource; the first `seats` of them sit."""
        players = [meet(self.port, b"%s %d" % (name, i), kind, name.decode()) for i in range(seats + watchers)]
        for client, resource in players[:seats]:
            assert client.act(resource, SIT) == 0
        self.meet_at(players, seats)
        return players

    def meet_at(self, players, version):
        for client, resource in players:
            client.until(lambda resource=resource: resource.version >= version)
            client.settle_down(0.02)
            assert resource.version == version, f"version {resource.version}, not {version}"
            assert client.mismatches == 0 and not client.error

    def all_same(self, players):
        version = max(resource.version for _, resource in players)
        self.meet_at(players, version)
        for _, resource in players[1:]:
            same(players[0][1], resource)

    def test_a_round(self):
        """Everybody sees a view of his own until both have bid; then all see the same, by halves."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"round")
        assert bid(ann, a, 0, 8) == 0
        self.meet_at(players, 3)
        assert (a.state["bid"], a.state["purse"]) == ([8, 0], [92, 100])
        assert b.state == e.state and (b.state["bid"], b.state["purse"]) == ([READY_BID, 0], [100, 100])
        assert a.checksum != b.checksum
        shown = entries(eve, e)[-1]
        assert (shown.action, shown.flags) == (READY, SEEDED) and shown.payload == b"\0"
        assert bob.act(b, STEAL, {"seat": 0, "amount": 10}) == 0
        self.meet_at(players, 4)
        assert (a.state["purse"], b.state["purse"]) == ([82, 100], [90, 100])
        assert bid(bob, b, 1, 30) == 0
        self.all_same(players)
        assert (e.state["bid"], e.state["purse"]) == ([8, 30], [82, 70])
        for client, resource in players:
            last, = revealing(client, resource)
            assert last.version == 5 and not last.flags & PATCHED, f"{last}"
            assert resource.revealed == 5 and resource.names == [(3, b"round 0"), (5, b"round 1")]
            assert not resource.overturned
        owns = {client.id: [record.half is None for record in revealing(client, resource)[0].records]
                for client, resource in players}
        assert owns == {b"round 0": [True, False], b"round 1": [False, True], b"round 2": [False, False]}
        assert revealing(bob, b)[0].flags & OWN
        assert ann.act(a, AGAIN) == 0
        self.all_same(players)

    def test_several_bids_with_random_values(self):
        """One's own seeds are one's own until the reveal; where the difference is shorter, it comes."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"luck")
        for round in range(6):
            for amount in (3, 1, 2, 5, 1)[: 1 + round]:
                assert bid(ann, a, 0, amount) == 0
            assert eve.error is None and bob.act(b, STEAL, {"seat": 0, "amount": 1}) == 0
            assert bid(bob, b, 1, 1 + round) == 0
            self.all_same(players)
            assert ann.act(a, AGAIN) == 0
        self.all_same(players)
        shown = {m.version: m.seed for m in entries(eve, e) if m.action == READY}
        own = {m.version: m.seed for m in entries(ann, a) if m.flags & OWN and m.flags & SEEDED}
        assert None not in shown.values() and len(own) >= 6 and not set(shown.values()) & set(own.values())
        forms = [m.flags & PATCHED for m in revealing(eve, e)]
        assert PATCHED in forms and 0 in forms, f"{forms}"
        halves = [record.half for m in revealing(eve, e) if not m.flags & PATCHED for record in m.records]
        assert set(own.values()) & {half[2] for half in halves if half[2] is not None}
        assert any(half[2] is not None for half in halves) and any(half[2] is None for half in halves)

    def test_what_a_reveal_overturns(self):
        """Accepted by those who could not know better; without effect once all know."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"overturn")
        assert bid(ann, a, 0, 60) == 0
        assert bob.act(b, STEAL, {"seat": 0, "amount": 70}) == 0  # in ann's view she has 40 left
        self.meet_at(players, 4)
        assert (a.state["purse"][0], b.state["purse"][0], e.state["purse"][0]) == (40, 30, 30)
        assert bid(bob, b, 1, 2) == 0
        self.all_same(players)
        assert a.state["purse"] == [40, 98]
        sequence = b.sequence - 1
        bob.until(lambda: b.overturned)
        assert b.overturned == {sequence: TOO_MUCH} and not a.overturned and not e.overturned
        assert b.outcomes[sequence] == 0

    def test_random_values_that_only_the_author_has_drawn(self):
        """A seed that others have not been sent cannot be folded with: then it is the difference for all."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"seeds")
        assert bid(ann, a, 0, 50) == 0
        assert ann.act(a, STEAL, {"seat": 1, "amount": 120}) == 0  # refused in all other views
        self.meet_at(players, 4)
        assert entries(ann, a)[-1].flags & SEEDED and not entries(bob, b)[-1].flags & SEEDED
        assert (a.state["purse"], b.state["purse"]) == ([50, -20], [100, 100])
        assert bob.act_privately(b, BID, {"seat": 1, "amount": 2}, READY, {"seat": 1}) == 0
        self.all_same(players)
        assert (a.state["purse"], a.state["bid"]) == ([50, -20], [50, 0]) and not a.overturned
        bob.until(lambda: b.overturned)  # he had no purse to bid from
        assert b.overturned == {b.sequence: TOO_MUCH}
        assert all(revealing(*player)[0].flags & PATCHED for player in players)

    def test_pairs_that_are_refused(self):
        players = (ann, a), (bob, b), (eve, e) = self.table(b"refused")
        seat = {"seat": 0}

        def pair(action, payload, shown, shown_payload, reason, revealed=None):
            if revealed is None:
                assert ann.act_privately(a, action, payload, shown, shown_payload) == reason
                return
            a.revealed, was = revealed, a.revealed
            assert ann.act_privately(a, action, payload, shown, shown_payload) == reason
            a.revealed = was

        some = {"seat": 0, "amount": 2}
        payloads = {SIT: None, BID: some, READY: seat, STEAL: {"seat": 1, "amount": 2}, AGAIN: None}
        for action, payload in payloads.items():
            for shown, shown_payload in payloads.items():
                if (action, shown) != (BID, READY):
                    pair(action, payload, shown, shown_payload, REFUSED_PAIR)
        pair(BID, some, READY, {"seat": 1}, REFUSED_PAIR)  # not covered
        pair(BID, {"seat": 1, "amount": 2}, READY, {"seat": 1}, NOT_YOURS)
        pair(BID, {"seat": 0, "amount": 101}, READY, seat, TOO_MUCH)
        pair(BID, some, READY, seat, REFUSED_OVERTAKEN, revealed=1)
        pair(BID, some, READY, seat, REFUSED_OVERTAKEN, revealed=2**64 - 1)
        assert a.version == 2 and eve.act(e, AGAIN) == NOT_YET
        assert bid(ann, a, 0, 2) == 0 and bid(bob, b, 1, 2) == 0  # nothing of it has stuck
        self.all_same(players)
        pair(BID, some, READY, seat, REFUSED_OVERTAKEN, revealed=0)
        repeat = a.sequence
        assert bid(ann, a, 0, 2) == 0  # under a condition that holds already: revealed at once
        self.all_same(players)
        assert a.revealed == a.version and a.names == [(a.version, b"refused 0")]
        a.unanswered[repeat] = (BID, b"\0\2", READY, b"\0", 0)  # a repeat is answered, not applied
        version = a.version
        del a.outcomes[repeat]
        ann.send(ann.dispatch_again(a, repeat))
        ann.until(lambda: not a.unanswered)
        assert a.outcomes[repeat] == REFUSED_OVERTAKEN and a.version == version

    def test_endless_hiding(self):
        """Refused at the master's limit, and open again after the reveal."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"endless")
        for _ in range(64):
            assert bid(ann, a, 0, 1) == 0
        for _ in range(20):
            assert bid(ann, a, 0, 1) == REFUSED_TOO_MANY_HIDDEN
        assert a.state["purse"][0] == 36
        self.meet_at(players, 66)
        assert bid(bob, b, 1, 1) == 0
        self.all_same(players)
        assert len(e.names) == 65 and bid(ann, a, 0, 1) == 0
        self.all_same(players)

    def test_who_comes_late(self):
        """Without the entries since the first that was hidden, a reveal is a difference."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"late")
        assert bid(ann, a, 0, 8) == 0
        late = meet(self.port, b"later", BLUFF, "late")
        self.meet_at(players, 3)
        assert late[1].version == 3 and late[1].base[1] == 3 and late[1].state == e.state
        ann.link.drop()  # and his own view is there for who comes back to it
        bob.until(lambda: b.presence()[b"late 0"] == AWAY)
        ann.seen.clear()
        assert ann.connect()
        ann.until(lambda: a.bound)
        assert not any(m.kind == SNAPSHOT for m in ann.seen) and a.base[1] < 3
        assert bid(bob, b, 1, 30) == 0
        self.all_same(list(players) + [late])
        last, = revealing(*late)
        assert last.flags & PATCHED and [record.author for record in last.records] == [b"late 0", b"late 1"]
        assert late[1].names == e.names
        for client, resource in players:
            assert not revealing(client, resource)[0].flags & PATCHED

    def test_past_the_fold_limit(self):
        """Whether the many entries come before the first that is hidden, or after it."""
        assert BLUFF.fold_limit == 256
        for many, before, after in ((253, True, False), (254, True, False), (254, False, True), (255, False, True)):
            name = b"limit %d %d" % (many, before)
            players = (ann, a), (bob, b), (eve, e) = self.table(name)
            late = meet(self.port, b"late for " + name, BLUFF, name.decode())  # whose base is version 2

            def spend(wanted):
                for _ in range(many if wanted else 0):
                    eve.dispatch(e, STEAL, {"seat": 0, "amount": 0})
                    eve.until(lambda: len(e.unanswered) < 32)
                eve.until(lambda: not e.unanswered)

            spend(before)
            assert bid(ann, a, 0, 8) == 0
            spend(after)
            assert bid(bob, b, 1, 30) == 0
            self.all_same(list(players) + [late])
            # From version 2 on, `many` and two: 256 are the most. The players have two more to fold.
            past, = revealing(*late)
            assert bool(past.flags & PATCHED) == (many + 2 > 256), f"{many} {before}: {past}"
            assert all(revealing(*player)[0].flags & PATCHED for player in players) == (many + 4 > 256)

    def test_a_lost_link_across_a_reveal(self):
        """Who has hidden nothing folds what he has missed; whose own view was another gets it whole, with the names."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"across")
        assert bid(ann, a, 0, 60) == 0
        assert ann.act(a, STEAL, {"seat": 1, "amount": 95}) == 0
        self.meet_at(players, 4)
        for client in (ann, eve):
            client.link.drop()
        bob.until(lambda: set(b.presence().values()) == {AWAY, HERE} and list(b.presence().values()).count(AWAY) == 2)
        assert bid(bob, b, 1, 4) == 0  # in his own view; the full one knows that he has 5
        assert bob.act(b, AGAIN) == 0 and b.version == 6
        for client, resource in ((eve, e), (ann, a)):
            client.seen.clear()
            assert client.connect()
            client.until(lambda resource=resource: resource.bound and resource.version == 6)
        caught_up = entries(eve, e)
        assert [m.flags & (BY_NAME | REVEALS | PATCHED) for m in caught_up] == [BY_NAME | REVEALS, BY_NAME]
        assert not entries(ann, a) and any(m.kind == SNAPSHOT for m in ann.seen)
        self.all_same(players)
        assert a.names == e.names == b.names == [(3, b"across 0"), (5, b"across 1")] and a.revealed == 5
        assert bid(ann, a, 0, 2) == 0 and bid(bob, b, 1, 1) == 0
        self.all_same(players)

    def test_a_pair_on_its_way_when_the_link_is_lost(self):
        """Its author has not seen his own view of it: he gets the revealed one whole, and the pair has its outcome."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"onway")
        ann.send(ann.dispatch_private(a, BID, {"seat": 0, "amount": 8}, READY, {"seat": 0}, flush=False))
        eve.until(lambda: e.version == 3)
        ann.link.drop()
        assert bid(bob, b, 1, 4) == 0
        ann.seen.clear()
        assert ann.connect()
        ann.until(lambda: a.bound and a.version == 4)
        assert [m.kind for m in ann.seen if m.kind in (SNAPSHOT, ENTRY)] == [SNAPSHOT] and a.outcomes[2] == 0
        self.all_same(players)
        for missed in (False, True):  # one that the master has not seen is sent again, and may be overtaken by then
            ann.link.drop()
            message = ann.dispatch_private(a, BID, {"seat": 0, "amount": 8}, READY, {"seat": 0}, flush=False)
            assert message
            bob.until(lambda: b.presence()[b"onway 0"] == AWAY)
            if missed:
                assert bid(bob, b, 1, 4) == 0  # revealed at once
            assert ann.connect()
            ann.until(lambda: a.bound and a.version == b.version)
            assert a.handled == a.sequence - 1
            ann.send(ann.dispatch_again(a, a.sequence))
            ann.until(lambda: not a.unanswered)
            assert a.outcomes[a.sequence] == (REFUSED_OVERTAKEN if missed else 0)
            self.all_same(players)

    def test_overturned_while_away(self):
        players = (ann, a), (bob, b), (eve, e) = self.table(b"absent")
        assert bid(ann, a, 0, 60) == 0
        assert eve.act(e, STEAL, {"seat": 0, "amount": 70}) == 0
        assert bob.act(b, STEAL, {"seat": 0, "amount": 20}) == 0
        for client in (bob, eve):
            client.link.drop()
        ann.until(lambda: list(a.presence().values()).count(AWAY) == 2)
        assert bob.connect()
        bob.until(lambda: b.bound)
        assert bid(bob, b, 1, 8) == 0
        eve.seen.clear()
        assert eve.connect()
        eve.until(lambda: e.bound and e.overturned)
        assert e.overturned == {1: TOO_MUCH} and not b.overturned
        self.all_same(players)
        eve.link.drop()  # the master cannot know how far it was heard, and says it again
        assert eve.connect()
        eve.until(lambda: e.bound)
        eve.settle_down(0.1)
        assert len([m for m in eve.seen if m.kind == OVERTURNED]) == 2

    def test_a_subscription_that_has_ended(self):
        """Its sequences are no other's: what it did is overturned without a word to the next one."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"ended")
        assert bid(ann, a, 0, 60) == 0
        for _ in range(3):
            assert eve.act(e, AGAIN) == NOT_YET
        assert eve.act(e, STEAL, {"seat": 0, "amount": 70}) == 0
        eve.unbind(e)
        again = eve.bind(BLUFF, b"ended")
        eve.until(lambda: again.state is not None)
        for _ in range(4):
            assert eve.act(again, STEAL, {"seat": 0, "amount": 0}) == 0
        assert bid(bob, b, 1, 8) == 0
        eve.until(lambda: again.revealed)
        eve.settle_down(0.1)
        assert not again.overturned and not any(m.kind == OVERTURNED for m in eve.seen)
        self.all_same([(ann, a), (bob, b), (eve, again)])

    def test_a_session_that_ends_with_something_hidden(self):
        """The id stays its owner's until the reveal, and so does the view."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"over")
        assert bid(ann, a, 0, 8) == 0
        ann.send(bytes([GOODBYE]))
        bob.until(lambda: b"over 0" not in b.presence())
        self.rejected(ERR_ID_IN_USE, write_hello(65536, b"over 0"))
        assert ann.connect() is False
        ann.until(lambda: a.bound and not a.snapshot_due)
        assert a.state["bid"] == [8, 0] and a.base[1] == a.version
        assert bid(bob, b, 1, 30) == 0
        self.all_same(players)
        self.rejected(ERR_ID_IN_USE, write_hello(65536, b"over 0"))  # that is the session of now
        ann.send(bytes([GOODBYE]))
        bob.until(lambda: b"over 0" not in b.presence())
        other = Client(self.port, b"over 0")
        assert other.connect() is False

    def test_a_resync_of_a_view(self):
        """The snapshot is of one's own view, while others hold theirs."""
        players = (ann, a), (bob, b), (eve, e) = self.table(b"healed")
        assert bid(ann, a, 0, 8) == 0
        a.state["purse"][1] += 1
        assert ann.act(a, STEAL, {"seat": 1, "amount": 1}) == 0 and ann.mismatches == 1
        ann.until(lambda: not a.resyncing)
        assert (a.state["bid"], a.state["purse"]) == ([8, 0], [92, 99])
        ann.mismatches = 0
        assert bid(bob, b, 1, 2) == 0
        self.all_same(players)
        assert revealing(ann, a)[0].flags & PATCHED and not revealing(eve, e)[0].flags & PATCHED

    def test_hostile_pairs(self):
        count = 0

        def case(*pair):
            nonlocal count
            count += 1
            client, bluff = meet(self.port, b"hostile %d" % count, BLUFF, "fence")
            client.send(write_dispatch_private(bluff.number, 1, 0, *pair))
            client.until(lambda: client.error)
            assert client.error.status == ERR_MALFORMED and client.error.text, f"{client.error}"

        case(5, b"", READY, b"\0")
        case(BID, b"\0\2", 5, b"")
        case(BID, b"\0\2", 2**32 - 1, b"")
        case(BID, b"\0", READY, b"\0")
        case(BID, b"\0\2\0", READY, b"\0")
        case(BID, b"\0\2", READY, b"")
        case(BID, b"\0\2", READY, b"\0\0")
        case(AGAIN, b"\0", READY, b"\0")

    # -- hands

    def deal(self, name, seats=3, watchers=1, cards=3):
        players = self.table(name, HANDS, seats, watchers)
        assert players[0][0].act(players[0][1], SHUFFLE, {"times": 2}) == 0
        version = seats + 1
        for _ in range(cards):
            for client, resource in players[:seats]:
                assert client.act(resource, DRAW) == 0
                version += 1
        self.meet_at(players, version)
        return players

    def test_hands(self):
        """Each sees his own cards; the deck nobody."""
        players = self.deal(b"hands")
        states = [resource.state for _, resource in players]
        held = [states[i]["hands"][i]["cards"] for i in range(3)]
        assert len({card for cards in held for card in cards}) == 9 and all(card for cards in held for card in cards)
        for i, state in enumerate(states):
            assert state["deck"] == [0] * CARDS and state["left"] == CARDS - 9
            for seat in range(3):
                assert state["hands"][seat]["cards"] == (held[seat] if seat == i else [0, 0, 0])
        assert len({resource.checksum for _, resource in players}) == 4
        client, eve = players[3]
        shuffle, = [m for m in entries(client, eve) if m.action == SHUFFLE]
        assert shuffle.flags == PATCHED and shuffle.payload == b""
        draws = [m for m in entries(client, eve) if m.action == DRAW]
        assert len(draws) == 9 and all(m.flags == 0 for m in draws)  # nothing of them is shown
        own = [m for m in entries(*players[0]) if m.flags & OWN and m.flags & PATCHED]
        assert len(own) == 4 and all(len(m.patch) < 30 for m in own)
        assert client.act(eve, DRAW) == NOT_SEATED and client.act(eve, SHUFFLE, {"times": 1}) == 0
        self.meet_at(players, eve.version)
        assert all(resource.state["left"] == CARDS and resource.state["shuffles"] == 2 for _, resource in players)

    def test_picks(self):
        """Pairs of a redacted type: revealed by the difference, to each in his own view."""
        players = self.deal(b"picks")
        cards = [players[i][1].state["hands"][i]["cards"][i] for i in range(3)]
        for i, (client, resource) in enumerate(players[:2]):
            assert client.act_privately(resource, PICK, {"card": cards[i]}, PASS) == 0
        assert players[0][0].act_privately(players[0][1], PICK, {"card": cards[1]}, PASS) == NO_CARD
        self.meet_at(players, players[0][1].version)
        assert [resource.state["picked"] for _, resource in players] == [
            [cards[0], PASSED, 0], [PASSED, cards[1], 0], [PASSED, PASSED, 0], [PASSED, PASSED, 0]]
        late = meet(self.port, b"late to pick", HANDS, "picks")
        assert late[1].state == players[3][1].state
        client, resource = players[2]
        assert client.act_privately(resource, PICK, {"card": cards[2]}, PASS) == 0
        everybody = players + [late]
        self.meet_at(everybody, resource.version)
        for i, (client, resource) in enumerate(everybody):
            last, = revealing(client, resource)
            assert last.flags & PATCHED and resource.state["picked"] == cards
            assert [author for _, author in resource.names] == [b"picks 0", b"picks 1", b"picks 2"]
            for seat in range(3):
                assert any(resource.state["hands"][seat]["cards"]) == (seat == i)
        assert late[1].checksum == players[3][1].checksum != players[0][1].checksum
        for pair in ((SHUFFLE, {"times": 1}, PASS, None), (PICK, {"card": cards[0]}, SHUFFLE, {"times": 1}), (DRAW, None, PASS, None)):
            assert players[0][0].act_privately(players[0][1], *pair) == REFUSED_PAIR

    def test_a_lost_link_of_a_redacted_view(self):
        """It goes on where nothing was missed, and else with a snapshot of the view."""
        players = self.deal(b"gone", seats=2)
        (ann, a), (bob, b), (eve, e) = players
        for missed in (False, True):
            ann.link.drop()
            bob.until(lambda: b.presence()[b"gone 0"] == AWAY)
            if missed:
                assert bob.act(b, DRAW) == 0
            ann.seen.clear()
            assert ann.connect()
            ann.until(lambda: a.bound and a.version == b.version)
            assert any(m.kind == SNAPSHOT for m in ann.seen) == missed
            assert any(a.state["hands"][0]["cards"]) and not any(a.state["hands"][1]["cards"])
            assert ann.act(a, PASS) == 0
            self.meet_at(players, a.version)

    def test_the_server_logged_no_error(self):
        assert self.server.process.poll() is None
        assert "level=error" not in self.server.log_text()


if __name__ == "__main__":
    sys.exit(run(HiddenTests(Server(sys.argv[1], os.path.abspath(sys.argv[2])))))
