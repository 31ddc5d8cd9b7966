"""The client of independent_client.py, written from the documents alone, plays against movexd and a client of the library.

usage: test_independent.py MOVEXD GAMES.so ROW_PLAYER; prints TAP
"""

import atexit
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True  # the source tree stays as it is
from independent_client import (
    AWAY, BY_NAME, CHUNK, ENTRY, GOODBYE, HELLO, HERE, OUTCOME, OWN, RESYNC, SEEDED, SNAPSHOT, UNBIND, Client, Closed, Type,
    Websocket, read_message, write_bind, write_dispatch, write_hello)
from independent_encoding import Field, Reader, Struct, blob, number, xxh64

# ---- the games of tests/row_game.c and tests/atlas_game.c, once more

FULL, EMPTY, TAKEN = 1, 2, 3
REFUSE, REFUSED_RESERVED, REFUSED_NOT_BOUND = -1, -3, -4
ERR_LIMIT, ERR_MALFORMED, ERR_PROTOCOL, ERR_UNSUPPORTED, ERR_ID_IN_USE = 6, 8, 10, 11, 13
ERR_ARGUMENT, ERR_DENIED, ERR_UNKNOWN_TYPE, ERR_FINGERPRINT, ERR_EXISTS = 5, 12, 14, 15, 17
APPEND, SWAP, TAKE, DRAW, STAMP, CLAIM, SAY = range(7)
REDRAW, ROLL, ARM, RING, JOINED, LEAVING = range(6)


def reduce_row(state, action, payload, context):
    numbers = state["numbers"]
    if action == APPEND:
        if len(numbers) == 16:
            return FULL
        numbers.append(payload["number"])
    elif action == SWAP:
        a, b = payload["a"], payload["b"]
        if a >= len(numbers) or b >= len(numbers):
            return EMPTY
        numbers[a], numbers[b] = numbers[b], numbers[a]
    elif action == TAKE:
        if not numbers:
            return EMPTY
        numbers.pop()
    elif action == DRAW:
        state["drawn"] = context.random.draw() ^ context.random.draw()
    elif action == STAMP:
        state.update(stamp_ms=context.now_ms, stamp_version=context.version, stamper=context.author)
    elif action == CLAIM:
        if state["owner"]:
            return TAKEN
        state.update(owner=context.author, numbers=[])
    elif action == SAY:
        state["said"] = payload["text"]
    return 0


ROW_STATE = Struct(
    Field("numbers", "i32", "list", 16, count="count", count_size=4), Field("drawn", "u64"), Field("stamp_ms", "u64"),
    Field("stamp_version", "u64"), Field("stamper", "text", size=32), Field("owner", "text", size=32),
    Field("said", "text", size=64),
    memory=("count", "numbers", "drawn", "stamp_ms", "stamp_version", "stamper", "owner", "said"))
ROW = Type("row", 0, ROW_STATE, [
    ("append", 0, Struct(Field("number", "i32"))), ("swap", 0, Struct(Field("a", "u8"), Field("b", "u8"))), ("take", 0, None),
    ("draw", 0, None), ("stamp", 0, None), ("claim", 1, None), ("say", 0, Struct(Field("text", "text", size=64)))], reduce_row)


def reduce_atlas(state, action, payload, context):
    if action == REDRAW:
        state["map"] = payload
    elif action == ROLL:
        if payload["sides"] == 0:
            return 1
        state["rolls"] = [context.random.below(payload["sides"]) for _ in range(7)]
    elif action == ARM:
        state["alarm_ms"] = context.now_ms + payload["delay_ms"]
    else:
        state["visitor"] = context.author
        if action == RING:
            state.update(alarm_ms=0, rings=state["rings"] - 1)
        else:
            state["visits"] += 1 if action == JOINED else -1
    return 0


PLACE = Struct(Field("name", "text", size=12), Field("x", "i16"), Field("y", "i16"), Field("port", "bool"),
               memory=("x", "y", "name", "port"))
MAP = Struct(
    Field("places", "struct", "list", 20, count="place_count", count_size=1, schema=PLACE),
    Field("notes", "text", "list", 3, size=16, count="note_count", count_size=2), Field("capital", "struct", schema=PLACE),
    Field("season", "enum", size=2, values=2, names=("spring", "autumn")),
    Field("terrain", "enum", "array", 15, columns=5, size=1, values=3), Field("scale", "float"),
    Field("ratios", "double", "array", 2), Field("open", "bool"), Field("depth", "i64"),
    memory=("open", "depth", "terrain", "scale", "ratios", "season", "places", "place_count", "notes", "note_count", "capital"))
ATLAS_STATE = Struct(
    Field("map", "struct", schema=MAP), Field("rolls", "u32", "array", 7), Field("alarm_ms", "u64"), Field("rings", "i8"),
    Field("visits", "u16"), Field("visitor", "text", size=32),
    memory=("rolls", "map", "alarm_ms", "rings", "visits", "visitor"))
ATLAS = Type("atlas", 3, ATLAS_STATE, [
    ("redraw", 0, MAP), ("roll", 0, Struct(Field("sides", "u32"))), ("arm", 1, Struct(Field("delay_ms", "u32"))),
    ("ring", 0, None), ("joined", 0, None), ("left", 0, None)], reduce_atlas, ("ring", "joined", "left"))


def bits(value, kind="d"):
    return int.from_bytes(struct.pack("<" + kind, value), "little")


def a_map(places):
    return {
        "places": [{"name": b"place %d" % i, "x": -300 * i, "y": i, "port": i % 2 == 1} for i in range(places)],
        "notes": [b"", "naïve".encode()], "capital": {"name": b"elevenbytes", "x": -32768, "y": 32767, "port": True},
        "season": 1, "terrain": [i % 3 for i in range(15)], "scale": bits(0.1, "f"), "ratios": [bits(-0.0), 0x7FF8 << 48],
        "open": True, "depth": -(2**63)}


# ---- the other side


class Server:
    """movexd, with a log that is shown if a test fails."""

    def __init__(self, program, games, *options):
        self.log = tempfile.NamedTemporaryFile("r", suffix=".log")
        with open(self.log.name, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([program, "--listen", "127.0.0.1:0", "--log", "debug", *options, games],
                                            stdout=subprocess.DEVNULL, stderr=log)
        atexit.register(self.process.kill)  # whatever ends this program
        deadline = time.monotonic() + 20
        while not (found := re.search(r"event=listening address=127\.0\.0\.1:(\d+)", self.log_text())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("movexd does not listen: " + self.log_text())
            time.sleep(0.02)
        self.port = int(found.group(1))

    def log_text(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


class Player:
    """tests/row_player.c: a client of the library."""

    def __init__(self, program, port, name, id):
        self.process = subprocess.Popen([program, f"ws://127.0.0.1:{port}", name, id], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline().strip()
        assert line, "the player of the library has given up"
        return line

    def ask(self, command):
        self.tell(command)
        return self.hear()

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(20)


def agree(resource, player):
    """The player of the library has reached the same version, and holds the same."""
    said = player.ask(f"wait {resource.version}")
    expected = f"state {resource.version} {resource.checksum:016x} 0"
    assert said == expected, f"{said}, not {expected}"


def same(a, b):
    assert (a.version, a.checksum, a.state) == (b.version, b.checksum, b.state), f"{vars(a)}\n{vars(b)}"


def meet(port, name, kind=ROW, id="here", **options):
    client = Client(port, name, **options)
    client.connect()
    resource = client.bind(kind, id.encode())
    client.until(lambda: resource.state is not None or resource.refused)
    return client, resource


def entries(client, resource):
    return [m for m in client.seen if m.kind == ENTRY and m.number == resource.number]


class Tests:
    """Each method is a test; they have a server in common."""

    def __init__(self, server, row_player):
        self.server, self.port, self.row_player = server, server.port, row_player

    def test_the_documents_example(self):
        """encoding.md's example, and what XXH64 makes of nothing."""
        assert xxh64(b"") == 0xEF46DB3751D8E999
        message = Struct(Field("author", "u16"), Field("text", "text", size=6))
        room = Struct(Field("turn", "u32"), Field("open", "bool"),
                      Field("messages", "struct", "list", 3, count="message_count", count_size=1, schema=message),
                      memory=("open", "turn", "messages", "message_count"))
        state = {"turn": 258, "open": True, "messages": [{"author": 7, "text": b"hi"}, {"author": 513, "text": b"yo!"}]}
        assert room.encode(state).hex() == "02010000010207000268690102" + "03796f21"
        assert room.decode(room.encode(state)) == state
        assert len(room.image(state)) == 30
        assert room.checksum(state) == 0xA52876A7944734FB
        assert room.fingerprint() == 0xA9E2D9B69946B3F9
        state["turn"] += 1
        state["messages"].pop()
        assert room.checksum(state) == 0xAF4432CE64DD6D90

    def test_every_action_alone(self):
        client, row = meet(self.port, b"solo", id="alone")
        assert row.version == 0 and row.state == ROW.state.zero() and client.welcome.resumed is False
        assert client.act(row, TAKE) == EMPTY and client.act(row, SWAP, {"a": 0, "b": 0}) == EMPTY
        for value in (5, -6, 2**31 - 1, -(2**31)):
            assert client.act(row, APPEND, {"number": value}) == 0
        assert client.act(row, SWAP, {"a": 0, "b": 3}) == 0 and client.act(row, TAKE) == 0
        assert client.act(row, SAY, {"text": "Grüße".encode()}) == 0 and client.act(row, DRAW) == 0
        assert client.act(row, STAMP) == 0
        assert row.state["stamper"] == b"solo" and row.state["stamp_version"] == row.version == 9
        assert client.act(row, CLAIM) == 0 and client.act(row, CLAIM) == TAKEN
        for _ in range(16):
            assert client.act(row, APPEND, {"number": 1}) == 0
        assert client.act(row, APPEND, {"number": 1}) == FULL
        assert row.version == 26 and client.mismatches == 0
        seeded = [m for m in entries(client, row) if m.flags & SEEDED]
        assert len(seeded) == 1 and all(m.flags & OWN for m in entries(client, row))

    def test_entries_of_others(self):
        """Two of this kind and one of the library, all of whom see what the others do."""
        alice, a = meet(self.port, b"alice", info=b"red")
        bob, b = meet(self.port, b"bob", info=b"blue")
        carol = Player(self.row_player, self.port, "carol", "here")
        try:
            for command, answer in (("take", "refused 2"), ("append 7", "accepted 1"), ("say hello, all", "accepted 2"),
                                    ("draw", "accepted 3"), ("stamp", "accepted 4"), ("claim", "accepted 5"),
                                    ("claim", "refused 3"), ("append -3", "accepted 6"), ("append 4", "accepted 7"),
                                    ("swap 0 1", "accepted 8"), ("take", "accepted 9")):
                said = carol.ask(command)
                assert said == answer, f"{command}: {said}"
            for client, row in ((alice, a), (bob, b)):
                client.until(lambda row=row: row.version == 9)
                assert row.state["stamper"] == b"carol" and row.state["numbers"] == [4]
            assert alice.act(a, DRAW) == 0 and alice.act(a, STAMP) == 0
            bob.until(lambda: b.version == a.version)
            agree(a, carol)
            for round in range(30):  # all three at once: the master orders them
                alice.dispatch(a, SAY, {"text": b"alice %d" % round})
                carol.tell(f"say carol {round}")
                bob.dispatch(b, (APPEND, TAKE, STAMP, DRAW)[round % 4], {"number": round} if round % 4 == 0 else None)
            said = [carol.hear() for _ in range(30)]
            assert all(line.startswith("accepted") for line in said), said
            for client, row in ((alice, a), (bob, b)):
                client.until(lambda row=row: not row.unanswered)
                client.settle_down()
            same(a, b)
            agree(a, carol)
            assert a.version > 90 and alice.mismatches + bob.mismatches == 0
            flags = {m.flags & (OWN | BY_NAME) for m in entries(alice, a)}
            assert flags == {0, OWN}, flags
            assert a.presence() == {b"alice": HERE, b"bob": HERE, b"carol": HERE}
            assert {info for _, info, _ in b.slots.values()} == {b"red", b"blue", b"in C"}
        finally:
            assert carol.stop() == 0
        alice.until(lambda: b"carol" not in a.presence())  # she has said goodbye
        for client in (alice, bob):
            client.send(bytes([GOODBYE]))

    def test_many_at_once(self):
        """Who binds while others do is told of all of them, and they of him."""
        clients = [Client(self.port, b"crowd %d" % i) for i in range(8)]
        for client in clients:
            client.connect()
        for round in range(10):
            rows = [client.bind(ROW, b"crowd %d" % round) for client in clients]
            for client, row in zip(clients, rows):
                client.until(lambda row=row: row.state is not None and len(row.slots) == len(clients))
                client.dispatch(row, SAY, {"text": b"here"})
            for client, row in zip(clients, rows):
                client.until(lambda row=row: row.version == len(clients))
                same(row, rows[0])

    def test_a_lost_link(self):
        """What was sent but not answered is answered once; entries missed come by name; the seat is kept."""
        lost, l = meet(self.port, b"lost", id="resume")
        other, o = meet(self.port, b"other", id="resume")
        assert lost.act(l, APPEND, {"number": 1}) == 0
        number_before = l.number
        lost.link.drop()
        other.until(lambda: o.presence().get(b"lost") == AWAY)
        for value in range(3):
            assert other.act(o, APPEND, {"number": value}) == 0
        lost.seen.clear()
        assert lost.connect() and lost.welcome.resumed
        lost.until(lambda: l.version == 4)
        assert not any(m.kind == SNAPSHOT for m in lost.seen)
        caught_up = entries(lost, l)
        assert [m.flags & (OWN | BY_NAME) for m in caught_up] == [BY_NAME] * 3 and {m.author for m in caught_up} == {b"other"}
        assert number_before is not None and l.sequence == l.handled == 1
        other.until(lambda: o.presence() == {b"lost": HERE, b"other": HERE})
        same(l, o)

        # Dispatches on their way when the link is lost: some that change, some that are refused.
        message = [lost.dispatch(l, action, payload, flush=False)
                   for action, payload in ((TAKE, None), (SWAP, {"a": 9, "b": 9}), (DRAW, None), (CLAIM, None), (CLAIM, None))]
        lost.send(*message)
        other.until(lambda: o.version == 7)
        lost.link.drop()
        assert other.act(o, SAY, {"text": b"meanwhile"}) == 0
        lost.seen.clear()
        assert lost.connect()
        lost.until(lambda: l.version == 8)
        assert l.outcomes == {1: 0, 2: 0, 3: EMPTY, 4: 0, 5: 0, 6: TAKEN} and not l.unanswered
        assert [m.flags & (OWN | BY_NAME) for m in entries(lost, l)] == [OWN, OWN, OWN, BY_NAME]
        same(l, o)

        # A repeat is answered and not applied, and so is a repeated refusal.
        version = l.version
        l.unanswered.update({1: (APPEND, b"\1\0\0\0"), 3: (SWAP, b"\t\t")})
        del l.outcomes[1], l.outcomes[3]
        lost.send(lost.dispatch_again(l, 1), lost.dispatch_again(l, 3))
        lost.until(lambda: not l.unanswered)
        assert l.outcomes[1] == 0 and l.outcomes[3] == EMPTY and l.version == version
        assert lost.act(l, DRAW) == 0

        # A link that takes over from one that is still there; the old one is closed without a word.
        old = lost.link
        lost.seen.clear()
        assert lost.connect()
        lost.until(lambda: l.bound)
        try:
            while old.receive(time.monotonic() + 5) is not None:
                pass
            raise AssertionError("the old link is still there")
        except Closed:
            pass
        assert lost.act(l, STAMP) == 0 and lost.mismatches + other.mismatches == 0
        lost.send(bytes([GOODBYE]))
        other.until(lambda: o.presence() == {b"other": HERE})

    def test_a_state_of_long_ago(self):
        """Too long away for the log, and a checksum that does not match, end in a snapshot; own dispatches are known by it."""
        client, row = meet(self.port, b"ancient", id="long")
        other, o = meet(self.port, b"busy", id="long")
        client.send(client.dispatch(row, DRAW, flush=False), client.dispatch(row, TAKE, flush=False),
                    client.dispatch(row, STAMP, flush=False))
        other.until(lambda: o.version == 2)
        client.link.drop()
        for _ in range(1200):
            other.dispatch(o, DRAW)
            other.until(lambda: len(o.unanswered) < 64)
        other.until(lambda: not o.unanswered)
        client.seen.clear()
        assert client.connect()
        client.until(lambda: row.bound and row.version == o.version)
        assert [m.kind for m in client.seen if m.kind in (SNAPSHOT, ENTRY)] == [SNAPSHOT]
        assert row.outcomes == {1: 0, 2: EMPTY, 3: 0} and not row.unanswered
        same(row, o)
        client.link.drop()
        row.checksum ^= 1
        client.seen.clear()
        assert client.connect()
        client.until(lambda: row.bound and not row.snapshot_due)
        assert any(m.kind == SNAPSHOT for m in client.seen)
        same(row, o)

    def test_resync(self):
        client, row = meet(self.port, b"wrong", id="resync")
        assert client.act(row, APPEND, {"number": 8}) == 0
        row.state["numbers"][0] = 9  # as damaged memory would be
        assert client.act(row, DRAW) == 0 and client.mismatches == 1
        client.until(lambda: not row.resyncing)
        assert row.state["numbers"] == [8] and client.act(row, DRAW) == 0 and client.mismatches == 1
        client.send(bytes([RESYNC]) + number(row.number + 1))  # not bound: ignored
        assert client.act(row, DRAW) == 0

    def test_a_session_that_is_gone(self):
        """Another token is no error for an id without a session: all begins anew, and BIND still may resume."""
        client, row = meet(self.port, b"gone", id="gone")
        assert client.act(row, APPEND, {"number": 8}) == 0
        client.send(bytes([GOODBYE]))
        try:
            while client.link.receive(time.monotonic() + 5) is not None:
                pass
        except Closed:
            pass
        client.seen.clear()
        assert not client.connect()  # under a new token, or the same
        client.until(lambda: row.bound)
        assert row.handled == 0 and not row.snapshot_due
        assert client.act(row, APPEND, {"number": 9}) == 0 and row.sequence == 1
        assert row.state["numbers"] == [8, 9] and client.mismatches == 0

    def test_unbinding(self):
        client, row = meet(self.port, b"leaver", id="unbind")
        other, o = meet(self.port, b"stayer", id="unbind")
        first, second = client.dispatch(row, DRAW, flush=False), client.dispatch(row, TAKE, flush=False)
        client.send(first, second, bytes([UNBIND]) + number(row.number))
        client.until(lambda: row not in client.resources)
        assert row.outcomes == {1: 0, 2: EMPTY} and row.unbound.status == 0
        other.until(lambda: o.presence() == {b"stayer": HERE})
        assert other.act(o, DRAW) == 0
        seen = len(client.seen)
        client.send(bytes([UNBIND]) + number(row.number), write_dispatch(row.number, 1, DRAW))  # neither is bound
        client.until(lambda: len(client.seen) == seen + 2)
        assert client.seen[-1].kind == OUTCOME and client.seen[-1].reason == REFUSED_NOT_BOUND
        again = client.bind(ROW, b"unbind")
        client.until(lambda: again.state is not None)
        assert again.sequence == again.handled == 0 and client.act(again, DRAW) == 0
        other.until(lambda: o.version == again.version)
        same(again, o)

    def test_forgetting(self):
        """Subscriptions of an earlier link that are not wanted any more are ended; those bound again go on."""
        client, kept = meet(self.port, b"forgetful", id="kept")
        row = client.bind(ROW, b"forget")
        client.until(lambda: row.state is not None)
        other, o = meet(self.port, b"mindful", id="forget")
        assert client.act(kept, DRAW) == 0
        client.link.drop()
        other.until(lambda: o.presence()[b"forgetful"] == AWAY)
        client.resources.remove(row)
        assert client.connect()
        client.until(lambda: kept.bound)
        client.forget()
        client.forget()  # nothing is left to be forgotten
        other.until(lambda: o.presence() == {b"mindful": HERE})
        assert client.act(kept, DRAW) == 0 and kept.sequence == 2
        client.bind_resource(row)  # by the name of the subscription that is no more
        client.until(lambda: row.refused)
        assert row.refused.status == ERR_DENIED
        again = client.bind(ROW, b"forget")
        client.until(lambda: again.state is not None)
        assert again.subscription != row.subscription
        twice = client.bind(ROW, b"forget")
        client.until(lambda: twice.refused)
        assert twice.refused.status == ERR_EXISTS
        assert client.act(again, DRAW) == 0 and other.act(o, DRAW) == 0

    def test_every_kind_of_member(self):
        """A state of several blocks, with lists, grids, texts, enums, floats and structs, and entries that no client asked for."""
        client, atlas = meet(self.port, b"mercator", ATLAS, "world")
        client.until(lambda: atlas.version == 1)
        other, o = meet(self.port, b"ortelius", ATLAS, "world")
        other.until(lambda: o.version == 2)
        assert o.state["visitor"] == b"ortelius" and o.state["visits"] == 2 and o.state["map"]["depth"] == -11000
        for places in (20, 0, 13):
            assert client.act(atlas, REDRAW, a_map(places)) == 0
        for sides in (6, 1, 3_000_000_000, 2**32 - 1, 2**31 + 1):
            assert client.act(atlas, ROLL, {"sides": sides}) == 0
        assert client.act(atlas, ROLL, {"sides": 0}) == 1
        assert client.act(atlas, ARM, {"delay_ms": 30}) == 0
        client.until(lambda: atlas.state["rings"] == -1)
        rung = [m for m in entries(client, atlas) if m.action == RING]
        assert len(rung) == 1 and rung[0].flags & BY_NAME and rung[0].author == b"" and atlas.state["visitor"] == b""
        for action in (RING, JOINED, LEAVING):
            assert client.act(atlas, action) == REFUSED_RESERVED
        other.until(lambda: o.version == atlas.version)
        same(atlas, o)
        other.unbind(o)
        client.until(lambda: atlas.state["visits"] == 1)
        assert atlas.state["visitor"] == b"ortelius" and client.mismatches + other.mismatches == 0
        third, t = meet(self.port, b"behaim", ATLAS, "world")
        third.until(lambda: t.version == atlas.version + 1)
        client.until(lambda: t.version == atlas.version)
        same(atlas, t)

    def test_short_frames(self):
        """A client that takes 256 bytes a frame gets what is longer in chunks, and may send in chunks."""
        big, b = meet(self.port, b"big", ATLAS, "chunks")
        assert big.act(b, REDRAW, a_map(20)) == 0
        small, s = meet(self.port, b"small", ATLAS, "chunks", max_frame=256)
        small.until(lambda: s.version == b.version + 1)
        assert small.chunks >= 2
        big.until(lambda: b.version == s.version)
        same(s, b)
        chunks = small.chunks
        assert big.act(b, REDRAW, a_map(19)) == 0
        small.until(lambda: s.version == b.version)
        assert small.chunks > chunks
        same(s, b)
        message = small.dispatch(s, REDRAW, a_map(18), flush=False)
        for at in range(0, len(message), 100):
            small.send(bytes([CHUNK, at + 100 >= len(message)]) + blob(message[at : at + 100]))
        big.until(lambda: b.version == s.version + 1)
        small.until(lambda: not s.unanswered)
        same(s, b)

    def test_two_resources_in_one_frame(self):
        """BINDs are answered in their order; every message may share a frame with others."""
        client = Client(self.port, b"twice")
        client.link = Websocket(self.port)
        client.parts, client.by_number, client.order, client.error, client.welcome = None, {}, [], None, None
        rows, held = [], []
        real_send, client.send = client.send, lambda *messages: held.extend(messages)
        for id in (b"left", b"right"):
            rows.append(client.bind(ROW, id))
        wrong = client.bind(Type("row", 2, ROW.state, ROW.actions, reduce_row), b"left")
        unknown = client.bind(Type("chess", 1, ROW.state, ROW.actions, reduce_row), b"left")
        nameless = client.bind(ROW, b"a\nb")
        client.send = real_send
        client.send(write_hello(65536, b"twice"), *held)
        client.until(lambda: nameless.refused)
        assert wrong.refused.status == ERR_FINGERPRINT and unknown.refused.status == ERR_UNKNOWN_TYPE
        assert nameless.refused.status == ERR_ARGUMENT and nameless.refused.text
        assert rows[0].number != rows[1].number
        for i, row in enumerate(rows):
            assert client.act(row, APPEND, {"number": i}) == 0
        assert [row.state["numbers"] for row in rows] == [[0], [1]]

    def rejected(self, status, *frames):
        """The frames end in ERROR with that status and a text, then in the link's end."""
        link = Websocket(self.port)
        for frame in frames:
            link.send(frame)
        said = None
        try:
            while frame := link.receive(time.monotonic() + 5):
                reader = Reader(frame)
                while reader.left():
                    m = read_message(reader)
                    assert said is None, f"{m} after ERROR"
                    said = m if m.kind == 2 else None
            raise AssertionError(f"not closed after {frames}")
        except Closed:
            pass
        assert said, f"closed without ERROR after {frames}"
        assert said.status == status and said.text, f"{said} after {frames}"

    def test_what_ends_a_link(self):
        bind = write_bind(1, b"row", b"fence", ROW.fingerprint())
        count = 0

        def case(status, *frames, hello=None):
            """`hello`: another than usual, b"" for none."""
            nonlocal count
            count += 1
            hello = write_hello(65536, b"hostile %d" % count) if hello is None else hello
            self.rejected(status, *((hello,) if hello else ()), *frames)

        def bound(status, *make):
            """After a bind, with the number that the master has given."""
            nonlocal count
            count += 1
            client, row = meet(self.port, b"hostile %d" % count, id="fence")
            client.link.send(b"".join(part(row) if callable(part) else part for part in make))
            try:
                client.until(lambda: client.error is not None)
                client.settle_down(5)
                raise AssertionError("not closed")
            except Closed:
                pass
            assert client.error.status == status and client.error.text, f"{client.error}"

        case(ERR_UNSUPPORTED, hello=write_hello(65536, b"future", protocol=3))
        case(ERR_UNSUPPORTED, hello=bytes([HELLO]) + number(7))  # the rest is not read
        case(ERR_ARGUMENT, hello=write_hello(65536, b""))
        case(ERR_ARGUMENT, hello=write_hello(65536, b"n" * 32))
        case(ERR_ARGUMENT, hello=write_hello(65536, b"a\xff"))
        case(ERR_ARGUMENT, hello=write_hello(65536, "a\u0085".encode()))
        case(ERR_ARGUMENT, hello=write_hello(65536, b"fine", info=b"\x1b[0m"))
        case(ERR_MALFORMED, hello=write_hello(255, b"short"))
        case(ERR_PROTOCOL, bind, hello=b"")
        case(ERR_PROTOCOL, write_hello(65536, b"again"))
        case(ERR_MALFORMED, b"\x7f")
        case(ERR_MALFORMED, b"\x60")
        case(ERR_MALFORMED, bytes([OUTCOME, 0, 1, 0]))  # from the wrong side
        case(ERR_MALFORMED, bytes([UNBIND]))
        case(ERR_MALFORMED, bytes([UNBIND, 0x80, 0]))  # not the shortest form of 0
        case(ERR_MALFORMED, bytes([UNBIND]) + number(2**32))
        case(ERR_MALFORMED, bytes([UNBIND]) + b"\xff" * 9 + b"\x02")
        case(ERR_MALFORMED, bind[:-1] + b"\x02")
        case(ERR_MALFORMED, bind[:-1])
        case(ERR_MALFORMED, bytes([CHUNK, 1, 0]))
        case(ERR_MALFORMED, bytes([CHUNK, 2, 1, 0x14]))
        case(ERR_MALFORMED, bytes([CHUNK, 1]) + blob(bind + b"\0"))  # one message exactly
        case(ERR_MALFORMED, bytes([CHUNK, 1]) + blob(bind[:-2]))
        case(ERR_PROTOCOL, bytes([CHUNK, 1]) + blob(bytes([CHUNK, 1, 1, RESYNC])))
        bound(ERR_PROTOCOL, lambda row: write_dispatch(row.number, 2, DRAW))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, 7))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, APPEND, b"\1\0\0"))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, APPEND, b"\1\0\0\0\0"))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, DRAW, b"\0"))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, SAY, b"\2a\0"))
        bound(ERR_MALFORMED, lambda row: write_dispatch(row.number, 1, SAY, blob(b"a" * 64)))
        _, witness = meet(self.port, b"witness", id="fence")
        assert witness.version == 0, "something of a hostile frame was applied"

    def test_a_goodbye_in_a_chunk(self):
        """Closes the link, but ends no session."""
        client, row = meet(self.port, b"half gone", id="goodbye")
        other, o = meet(self.port, b"watcher", id="goodbye")
        client.link.send(bytes([CHUNK, 1]) + blob(bytes([GOODBYE])))
        other.until(lambda: o.presence()[b"half gone"] == AWAY)
        assert client.connect()

    def test_ids_and_tokens(self):
        client, row = meet(self.port, b"owner", id="tokens")
        self.rejected(ERR_ID_IN_USE, write_hello(65536, b"owner"))
        self.rejected(ERR_ID_IN_USE, write_hello(65536, b"owner", token=bytes(16)))
        assert client.act(row, DRAW) == 0  # undisturbed
        error = Client(self.port, b"nobody")
        assert error.connect(token=bytes(16)) is False  # a token of nothing is no error
        client.link.send(bytes([2]) + number(5) + number(0) + blob(b"enough"))  # ERROR from this side: closed too
        try:
            client.settle_down(5)
            raise AssertionError("not closed after ERROR")
        except Closed:
            pass
        assert client.connect() and client.error is None

    def test_the_server_logged_no_error(self):
        assert self.server.process.poll() is None
        assert "level=error" not in self.server.log_text()


def run(tests):
    """All methods of `tests`, as TAP; then ends the server."""
    server = tests.server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    names = [name for name in dir(tests) if name.startswith("test_")]
    names.sort(key=lambda name: getattr(tests, name).__code__.co_firstlineno)
    print(f"1..{len(names) + 1}", flush=True)
    failed = False
    for count, name in enumerate(names, 1):
        try:
            getattr(tests, name)()
            good = True
        except Exception:
            good, failed = False, True
            for line in traceback.format_exc().splitlines() + server.log_text().splitlines()[-20:]:
                print("# " + line)
        print(f"{'ok' if good else 'not ok'} {count} - {name[5:].replace('_', ' ')}", flush=True)
    stopped = server.stop() == 0
    print(f"{'ok' if stopped else 'not ok'} {len(names) + 1} - movexd ends well")
    return 0 if stopped and not failed else 1


def main():
    movexd, games, row_player = sys.argv[1:]
    return run(Tests(Server(movexd, os.path.abspath(games)), row_player))


if __name__ == "__main__":
    sys.exit(main())
