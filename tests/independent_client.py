"""A second client for the protocol, which shares no line with the library.

Written from docs/wire.md and docs/encoding.md alone, with nothing but Python's standard library. It takes nothing on trust:
whatever those documents forbid raises Violation. What it says of a message is what they say; where they and the library
part ways, this client stops, and one of them is wrong.

    values, encoding: independent_encoding.py
    messages    read_message and the write functions (wire.md, section 3)
    websocket   Websocket: RFC 6455, the client's side
    protocol    Client, Resource: wire.md, sections 4 to 8
"""

import base64
import hashlib
import os
import select
import socket
import struct
import time

from independent_encoding import Chain, Random, Reader, blob, check, is_line, number

CONFIRM, MASTER_ONLY = 1, 2  # flags of an action type
NAME_MAX, TEXT_MAX, MESSAGE_MAX = 31, 255, 16 << 20

# ---- types


class Type:
    """`actions`: (name, flags, Struct or None); `reduce(state, action, payload, context)` returns 0, or the reason to refuse,
    and may have changed the state then. `reserved`: names of the actions `wake`, `joined` and `left`. `hidden_as`: {name of
    an action: name of what may be shown in its stead}; a type with that has `can_reconcile`."""

    def __init__(self, name, version, state, actions, reduce, reserved=(None, None, None), hidden_as=None, redacts=False):
        self.name, self.version, self.state, self.actions, self.reduce = name, version, state, actions, reduce
        self.reserved, self.hidden_as, self.redacts = reserved, hidden_as or {}, redacts
        self.patched = redacts or any(flags & MASTER_ONLY for _, flags, _ in actions)
        most = max([payload.most() for _, _, payload in actions if payload], default=0)
        self.fold_limit = min(256, 16384 // max(most, 1)) if self.hidden_as and not self.patched else 0

    def fingerprint(self):
        chain = Chain()
        chain.bytes(self.name.encode())
        chain.value(self.version)
        chain.value(self.state.fingerprint())
        for name, flags, payload in self.actions:
            chain.bytes(name.encode())
            chain.value(flags)
            chain.value(payload.fingerprint() if payload else 0)
            chain.value(self.index(self.hidden_as.get(name)))
        for name in self.reserved:
            chain.value(self.index(name))
        chain.value((1 if self.hidden_as else 0) + (2 if self.redacts else 0))
        return chain.hash

    def index(self, name):
        return [other for other, _, _ in self.actions].index(name) if name else 2**32 - 1


class Context:
    def __init__(self, author, version, now_ms, seed):
        self.author, self.version, self.now_ms, self.random = author, version, now_ms, Random(seed)


# ---- messages

CHUNK, ERROR = 0x01, 0x02
HELLO, BIND, UNBIND, DISPATCH, RESYNC, GOODBYE, FORGET, DISPATCH_PRIVATE = range(0x10, 0x18)
WELCOME, BOUND, BIND_REFUSED, UNBOUND, SNAPSHOT, OUTCOME, SUBSCRIBER, OVERTURNED = range(0x20, 0x28)
ENTRY = 0x40
OWN, SEEDED, BY_NAME, PATCHED, REVEALS, NEXT = 1, 2, 4, 8, 16, 32
PROTOCOL = 2
LEFT, HERE, AWAY = 0, 1, 2


class Message:
    """What came: `kind`, the fields by their names in wire.md, and the bytes it took."""

    def __init__(self, kind, **fields):
        self.kind = kind
        self.__dict__.update(fields)

    def __repr__(self):
        return "Message(" + ", ".join(f"{key}={value!r}" for key, value in vars(self).items()) + ")"


class Record:
    """What a reveal says of one entry: `half` is (action, payload, seed), or None for one's own; or there is an author."""

    def __init__(self, back, author=None, half=None):
        self.back, self.author, self.half = back, author, half

    def __repr__(self):
        return f"Record({vars(self)})"


def read_records(r, halves, version):
    count = r.number()
    records, reader = [], Reader(r.blob() if count else b"")
    for _ in range(count):
        record = Record(reader.number())
        check(record.back < (records[-1].back if records else version), "records that are out of order, or of version 0")
        if not halves:
            record.author = reader.name()
        elif marks := reader.u8():
            check(marks in (1, 3), f"marks of {marks}")
            record.half = (reader.index(), reader.blob(), reader.u64() if marks == 3 else None)
        records.append(record)
    reader.end()
    return records


def read_snapshot(r):
    m = Message(SNAPSHOT, number=r.index(), version=r.number(), now_ms=r.number(), checksum=r.u64(), sequence=r.number(),
                revealed=r.number())
    check(m.revealed <= m.version, "a reveal of a later version")
    m.records = read_records(r, False, m.revealed)
    m.state = r.blob()
    return m


def read_subscriber(r):
    m = Message(SUBSCRIBER, number=r.index(), slot=r.index(), presence=r.u8(), named=r.flag(), id=None, info=None)
    check(m.presence <= AWAY, f"a presence of {m.presence}")
    if m.named:
        m.id, m.info = r.name(), r.text(TEXT_MAX)
        check(is_line(m.info), "info with control characters")
    return m


def read_entry(r, flags):
    check(flags & (OWN | BY_NAME) != OWN | BY_NAME, "an entry that is OWN and BY_NAME")
    check(flags & (OWN | NEXT) != NEXT, "an entry that is NEXT and not OWN")
    m = Message(ENTRY, flags=flags, number=r.index(), version=r.number(), elapsed_ms=r.number(), sequence=None, author=None,
                slot=None, action=None, payload=None, seed=None, patch=None, records=None)
    if flags & OWN:
        m.sequence = None if flags & NEXT else r.number()
    else:
        if flags & BY_NAME:
            m.author = r.text(NAME_MAX)
            check(is_line(m.author), "an author that is no name")
        else:
            m.slot = r.index()
        m.action, m.payload = r.index(), r.blob()
    if flags & SEEDED:
        m.seed = r.u64()
    m.checksum = r.u64()
    if flags & PATCHED:
        m.patch = r.blob()
        check(m.patch or flags & REVEALS, "a patch of nothing")
    if flags & REVEALS:
        m.records = read_records(r, not flags & PATCHED, m.version)
        check(m.records, "a reveal of nothing")
    return m


READERS = {
    CHUNK: lambda r: Message(CHUNK, last=r.flag(), part=r.blob()),
    ERROR: lambda r: Message(ERROR, status=r.status(), reason=r.reason(), text=r.text(TEXT_MAX)),
    WELCOME: lambda r: Message(WELCOME, protocol=r.number(), max_frame=r.number(), epoch=r.number(), now_ms=r.number(),
                               pending=r.index(), resumed=r.flag(), token=r.raw(16)),
    BOUND: lambda r: Message(BOUND, tag=r.number(), number=r.index(), subscription=r.number(), sequence=r.number(),
                             subscribers=r.number(), resumed=r.flag()),
    BIND_REFUSED: lambda r: Message(BIND_REFUSED, tag=r.number(), status=r.status(), reason=r.reason(), text=r.text(TEXT_MAX)),
    UNBOUND: lambda r: Message(UNBOUND, number=r.index(), status=r.status(), text=r.text(TEXT_MAX)),
    SNAPSHOT: read_snapshot,
    OUTCOME: lambda r: Message(OUTCOME, number=r.index(), sequence=r.number(), reason=r.reason()),
    SUBSCRIBER: read_subscriber,
    OVERTURNED: lambda r: Message(OVERTURNED, number=r.index(), sequence=r.number(), reason=r.reason()),
}


def read_message(r):
    kind = r.u8()
    if ENTRY <= kind <= ENTRY + 63:
        return read_entry(r, kind - ENTRY)
    check(kind in READERS, f"a message of kind 0x{kind:02x}")
    m = READERS[kind](r)
    check(kind not in (ERROR, BIND_REFUSED) or m.status != 0, "a failure with status 0")
    check(kind != CHUNK or m.part, "an empty chunk")
    check(kind != OVERTURNED or m.reason, "overturned for no reason")
    return m


def write_hello(max_frame, id, info=b"", credentials=b"", token=None, protocol=PROTOCOL):
    return (bytes([HELLO]) + number(protocol) + number(max_frame) + blob(id) + blob(info) + blob(credentials) +
            (b"\1" + token if token else b"\0"))


def write_bind(tag, type_name, id, fingerprint, subscription=0, held=None):
    """`held`: (epoch, version, checksum, answered, base, revealed), or None."""
    message = bytes([BIND]) + number(tag) + blob(type_name) + blob(id) + struct.pack("<Q", fingerprint) + number(subscription)
    if not held:
        return message + b"\0"
    epoch, version, checksum, answered, base, revealed = held
    return (message + b"\1" + number(epoch) + number(version) + struct.pack("<Q", checksum) + number(answered) + number(base) +
            number(revealed))


def write_dispatch(resource_number, sequence, action, payload=b""):
    return bytes([DISPATCH]) + number(resource_number) + number(sequence) + number(action) + blob(payload)


def write_dispatch_private(resource_number, sequence, revealed, action, payload, shown, shown_payload):
    return (bytes([DISPATCH_PRIVATE]) + number(resource_number) + number(sequence) + number(revealed) + number(action) +
            blob(payload) + number(shown) + blob(shown_payload))


# ---- websocket (RFC 6455)


class Closed(Exception):
    """The link is gone."""


class Websocket:
    def __init__(self, port, host="127.0.0.1", subprotocol="movex.1"):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.fill(time.monotonic() + 10)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        check(lines[0].split()[1] == "101", f"the handshake was answered by {lines[0]}")
        check(fields.get("sec-websocket-accept") == accept, "a wrong Sec-WebSocket-Accept")
        check(fields.get("sec-websocket-protocol") == subprotocol, "another subprotocol")

    def fill(self, deadline):
        """More bytes; False if there are none before the deadline."""
        ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of file")
        self.buffer += data
        return True

    def header(self):
        """(bytes of the header, of the payload) of the frame at the buffer's start, or None if that is not whole."""
        if len(self.buffer) < 2:
            return None
        check(not self.buffer[1] & 0x80, "a masked frame from a server")
        length, size = self.buffer[1] & 0x7F, 2
        if length >= 126:
            size = 4 if length == 126 else 10
            if len(self.buffer) < size:
                return None
            length = int.from_bytes(self.buffer[2:size], "big")
        return (size, length) if len(self.buffer) >= size + length else None

    def part(self, deadline):
        """(final, opcode, payload) of the next frame, or None."""
        while not (found := self.header()):
            if not self.fill(deadline):
                return None
        size, length = found
        first, payload = self.buffer[0], self.buffer[size : size + length]
        self.buffer = self.buffer[size + length :]
        check(not first & 0x70, "a reserved bit of a websocket frame")
        return bool(first & 0x80), first & 0x0F, payload

    def receive(self, deadline):
        """The next binary message, or None if there is none before the deadline."""
        whole = b""
        started = False
        while True:
            part = self.part(deadline)
            if part is None:
                check(not started, "half a websocket message")
                return None
            final, opcode, payload = part
            if opcode == 9:
                self.write(10, payload)
            elif opcode == 8:
                raise Closed("a websocket close")
            elif opcode != 10:
                check(opcode == (0 if started else 2), f"a websocket frame of opcode {opcode}")
                whole, started = whole + payload, True
                if final:
                    return whole

    def write(self, opcode, payload):
        mask = os.urandom(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else (
            b"\xfe" + length.to_bytes(2, "big") if length < 65536 else b"\xff" + length.to_bytes(8, "big"))
        key = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")
        try:
            self.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)
        except OSError as error:
            raise Closed(str(error)) from error

    def send(self, payload):
        self.write(2, payload)

    def drop(self):
        """Ends the connection as a pulled plug does: with a reset, not a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


# ---- protocol


class Resource:
    """As one client has bound it: the confirmed state and the dispatches that have no outcome."""

    def __init__(self, kind, id):
        self.type, self.id = kind, id
        self.state, self.version, self.now_ms, self.checksum, self.epoch = None, 0, 0, 0, 0
        self.base = (None, 0)  # state and version to fold from
        self.entries = []  # since: (author, now_ms, action, payload, seed)
        self.revealed = 0  # the version of the last reveal
        self.names = []  # of that: (version, author)
        self.forget_link()
        self.forget_session()

    def forget_link(self):
        self.tag, self.number, self.bound, self.resyncing, self.refused = 0, None, False, False, None
        self.told = 0  # the greatest sequence that the master has named since BOUND
        self.slots = {}  # slot: [id, info, presence]
        self.subscribers_due, self.snapshot_due = 0, False

    def forget_session(self):
        self.subscription = 0  # what the session calls it
        self.sequence = 0  # of the last dispatch
        self.answered = 0  # the last whose outcome is known
        self.unanswered = {}  # sequence: (action, payload), of a pair (action, payload, shown, its payload, revealed)
        self.outcomes = {}  # sequence: reason
        self.overturned = {}  # sequence: reason
        self.told_before = {}  # the same, of those that may be told once more, as this is another link

    def presence(self):
        return {id: presence for id, _, presence in self.slots.values()}

    def settle(self, sequence, reason):
        check(sequence in self.unanswered, f"an answer to {sequence}, which is not open")
        del self.unanswered[sequence]
        self.outcomes[sequence] = reason
        self.answered = max(self.answered, sequence)

    def reduced(self, state, version, entry, seed_needed=True):
        """The state after an entry. Folded again, it may not come to use its seed, though it did when it was seen."""
        author, now_ms, action, payload, seed = entry
        check(action < len(self.type.actions), "an action that the type does not have")
        _, flags, schema = self.type.actions[action]
        if flags & MASTER_ONLY:
            check(seed is None, "a seed of what only the master draws")
            return state
        data = schema.decode(payload) if schema else None
        check(schema or not payload, "a payload for an action that has none")
        context = Context(author, version, now_ms, seed)
        trial = self.type.state.decode(self.type.state.encode(state))
        accepted = self.type.reduce(trial, action, data, context) == 0
        check(seed is None or context.random.draws > 0 or not seed_needed, "a seed that was not used")
        return trial if accepted else state

    def apply(self, m, author, action, payload):
        """Applies an entry; True if the state is then the master's."""
        kind, now_ms = self.type, self.now_ms + m.elapsed_ms
        entry = (author, now_ms, action, payload, m.seed)
        self.state = self.reduced(self.state, m.version, entry)
        self.version, self.now_ms = m.version, now_ms
        self.entries.append(entry)
        if m.flags & PATCHED:
            check(m.flags & REVEALS or kind.patched, "a patch for what can be computed")
            self.state = kind.state.patched(self.state, m.patch)
        elif m.flags & REVEALS:
            self.fold_again(m)
        if m.flags & REVEALS:
            self.note_reveal(m.version, m.records)
            self.rest_here()
        self.checksum = kind.state.checksum(self.state)
        return self.checksum == m.checksum

    def fold_again(self, m):
        state, first = self.base[0], self.base[1] + 1
        halves = {m.version - record.back: record for record in m.records}
        check(min(halves) >= first, "halves of entries that are not kept")
        check(len(self.entries) <= self.type.fold_limit, "halves past the fold limit")
        for version, entry in enumerate(self.entries, first):
            record = halves.get(version)
            if record:
                record.author = entry[0]
            if record and record.half:
                entry = entry[:2] + record.half
            state = self.reduced(state, version, entry, seed_needed=bool(record and record.half))
        self.state = state

    def note_reveal(self, version, records):
        self.revealed, self.names = version, [(version - record.back, record.author) for record in records]

    def rest_here(self):
        """From here on it can be folded again."""
        self.base, self.entries = (self.state, self.version), []


class Client:
    def __init__(self, port, id, info=b"", max_frame=65536):
        self.port, self.id, self.info, self.max_frame = port, id, info, max_frame
        self.token, self.welcome, self.resources, self.seen = None, None, [], []
        self.mismatches, self.chunks, self.tags = 0, 0, 0

    # -- sending

    def connect(self, token=None):
        """A new link, HELLO and WELCOME; sends BIND for what was bound before. True if the session goes on."""
        self.link = Websocket(self.port)
        self.parts, self.by_number, self.order, self.error, self.welcome = None, {}, [], None, None
        self.send(write_hello(self.max_frame, self.id, self.info, token=token or self.token))
        self.until(lambda: self.welcome)
        bound, self.resources = self.resources, []
        for resource in bound:
            if not self.welcome.resumed:
                resource.forget_session()
                resource.rest_here()
            resource.forget_link()
            resource.told_before = dict(resource.overturned)
            self.bind_resource(resource)
        return self.welcome.resumed

    def send(self, *messages):
        """All in one frame; a message that is too long for one is sent in chunks."""
        most = self.welcome.max_frame if self.welcome else 65536
        frame = b"".join(messages)
        if len(frame) <= most:
            self.link.send(frame)
            return
        for message in messages:
            if len(message) <= most:
                self.link.send(message)
                continue
            room = most - 12
            for at in range(0, len(message), room):
                self.link.send(bytes([CHUNK, at + room >= len(message)]) + blob(message[at : at + room]))

    def bind(self, kind, id):
        return self.bind_resource(Resource(kind, id))

    def bind_resource(self, resource):
        self.tags += 1
        resource.tag = self.tags
        held = None
        if resource.state is not None:
            held = (resource.epoch, resource.version, resource.checksum, resource.answered, resource.base[1], resource.revealed)
        self.resources.append(resource)
        self.order.append(resource)
        self.send(write_bind(resource.tag, resource.type.name.encode(), resource.id, resource.type.fingerprint(),
                             resource.subscription, held))
        return resource

    def dispatch(self, resource, action, payload=None, flush=True):
        """Returns the sequence, or, without `flush`, the message."""
        _, _, schema = resource.type.actions[action]
        resource.sequence += 1
        resource.unanswered[resource.sequence] = (action, schema.encode(payload) if schema else b"")
        message = self.dispatch_again(resource, resource.sequence)
        if not flush:
            return message
        self.send(message)
        return resource.sequence

    def dispatch_private(self, resource, action, payload, shown, shown_payload=None, flush=True):
        """A pair. Returns as dispatch does."""
        resource.sequence += 1
        encoded = [schema.encode(data) if schema else b"" for (_, _, schema), data in
                   ((resource.type.actions[action], payload), (resource.type.actions[shown], shown_payload))]
        resource.unanswered[resource.sequence] = (action, encoded[0], shown, encoded[1], resource.revealed)
        message = self.dispatch_again(resource, resource.sequence)
        if not flush:
            return message
        self.send(message)
        return resource.sequence

    def dispatch_again(self, resource, sequence):
        action, payload, *pair = resource.unanswered[sequence]
        if not pair:
            return write_dispatch(resource.number, sequence, action, payload)
        shown, shown_payload, revealed = pair
        return write_dispatch_private(resource.number, sequence, revealed, action, payload, shown, shown_payload)

    def act(self, resource, action, payload=None):
        """Dispatches and awaits the outcome: the reason."""
        sequence = self.dispatch(resource, action, payload)
        self.until(lambda: sequence in resource.outcomes)
        return resource.outcomes[sequence]

    def act_privately(self, resource, action, payload, shown, shown_payload=None):
        """As act."""
        sequence = self.dispatch_private(resource, action, payload, shown, shown_payload)
        self.until(lambda: sequence in resource.outcomes)
        return resource.outcomes[sequence]

    def unbind(self, resource):
        self.send(bytes([UNBIND]) + number(resource.number))
        self.until(lambda: resource not in self.resources)

    def forget(self):
        """Ends the subscriptions of earlier links that have not been bound again."""
        self.send(bytes([FORGET]))

    def resync(self, resource):
        resource.resyncing = True
        self.send(bytes([RESYNC]) + number(resource.number))

    # -- receiving

    def until(self, condition, seconds=10):
        """Takes messages until the condition is met."""
        deadline = time.monotonic() + seconds
        while not condition():
            check(self.take(deadline), f"nothing came in {seconds} s; the last: {self.seen[-3:]}")

    def settle_down(self, seconds=0.2):
        """Takes what comes until nothing has come for so long."""
        while self.take(time.monotonic() + seconds):
            pass

    def take(self, deadline):
        frame = self.link.receive(deadline)
        if frame is None:
            return False
        check(1 <= len(frame) <= self.max_frame, f"a frame of {len(frame)} bytes")
        reader = Reader(frame)
        while reader.left():
            check(self.error is None, "a message after ERROR")
            message = read_message(reader)
            if message.kind == CHUNK:
                self.take_chunk(message)
            else:
                check(self.parts is None, "a message between chunks")
                self.handle(message)
        return True

    def take_chunk(self, chunk):
        self.chunks += 1
        self.parts = (self.parts or b"") + chunk.part
        check(len(self.parts) <= MESSAGE_MAX, "too long a message in chunks")
        if not chunk.last:
            return
        reader, self.parts = Reader(self.parts), None
        check(len(reader.data) > self.max_frame, "chunks for what fits into a frame")
        message = read_message(reader)
        reader.end()
        check(message.kind != CHUNK, "a chunk in chunks")
        self.handle(message)

    def handle(self, m):
        self.seen.append(m)
        if m.kind == ERROR:
            self.error = m
            return
        check((m.kind == WELCOME) == (self.welcome is None), f"{m} is out of place")
        if m.kind == WELCOME:
            check(m.protocol == PROTOCOL and m.max_frame >= 256 and m.pending >= 1, f"{m} promises too little")
            self.welcome, self.token = m, m.token
        elif m.kind in (BOUND, BIND_REFUSED):
            self.handle_bind_answer(m)
        else:
            self.handle_resource(m)

    def handle_bind_answer(self, m):
        self.must_be_free()
        check(self.order and self.order[0].tag == m.tag, "an answer that is not to the oldest BIND")
        resource = self.order.pop(0)
        if m.kind == BIND_REFUSED:
            resource.refused = m
            self.resources.remove(resource)
            return
        check(m.number not in self.by_number, "a number that is in use")
        check(m.subscribers >= 1, "no subscribers, the receiver included")
        check(m.subscription >= 1, "a subscription without a name")
        check(resource.subscription in (0, m.subscription), "another subscription than the one named")
        resource.subscription = m.subscription
        check(not m.resumed or resource.state is not None, "resumed without having been asked to")
        check(m.sequence <= resource.sequence, "a sequence that was never sent")
        self.by_number[m.number] = resource
        resource.number, resource.bound = m.number, True
        resource.handled = resource.told = m.sequence
        resource.subscribers_due, resource.snapshot_due = m.subscribers, not m.resumed
        if m.resumed:
            resource.epoch = self.welcome.epoch

    def must_be_free(self, but=None):
        """Nothing comes between BOUND and what belongs to it."""
        for resource in self.by_number.values():
            check(resource is but or not resource.subscribers_due, "BOUND was interrupted")

    def handle_resource(self, m):
        resource = self.by_number.get(m.number)
        if resource is None:
            check(m.kind in (OUTCOME, UNBOUND) , f"{m} for a number that is not bound")
            return
        self.must_be_free(but=resource)
        check(m.kind in (OUTCOME, SUBSCRIBER) or not resource.subscribers_due, f"{m} before all subscribers")
        check(m.kind in (OUTCOME, SUBSCRIBER, SNAPSHOT, UNBOUND) or not resource.snapshot_due, f"{m} before the snapshot")
        if m.kind == ENTRY and m.flags & NEXT:
            m.sequence = resource.told + 1
        if m.kind in (OUTCOME, SNAPSHOT) or m.kind == ENTRY and m.flags & OWN:
            resource.told = max(resource.told, m.sequence)
        if m.kind == OUTCOME:
            resource.settle(m.sequence, m.reason)
        elif m.kind == SUBSCRIBER:
            self.handle_subscriber(resource, m)
        elif m.kind == SNAPSHOT:
            self.handle_snapshot(resource, m)
        elif m.kind == ENTRY:
            self.handle_entry(resource, m)
        elif m.kind == OVERTURNED:
            check(resource.outcomes.get(m.sequence) == 0, "overturned, but never accepted")
            again = resource.told_before.pop(m.sequence, None) == m.reason
            check(again or m.sequence not in resource.overturned, "overturned twice, or for another reason")
            resource.overturned[m.sequence] = m.reason
        else:
            resource.bound = False
            resource.unbound = m
            del self.by_number[m.number]
            self.resources.remove(resource)

    def handle_subscriber(self, resource, m):
        if resource.subscribers_due:
            check(m.named and m.presence != LEFT, "one of the first subscribers without a name, or gone")
            resource.subscribers_due -= 1
            check(resource.subscribers_due or any(id == self.id for id, _, _ in resource.slots.values()) or m.id == self.id,
                  "the receiver is not among the subscribers")
        if m.named:
            check(all(id != m.id or slot == m.slot for slot, (id, _, _) in resource.slots.items()), "one id in two slots")
            resource.slots[m.slot] = [m.id, m.info, m.presence]
        elif m.slot in resource.slots:
            resource.slots[m.slot][2] = m.presence
        if m.presence == LEFT:
            resource.slots.pop(m.slot, None)

    def handle_snapshot(self, resource, m):
        state = resource.type.state.decode(m.state)
        check(resource.type.state.checksum(state) == m.checksum, "the checksum of a snapshot is not that of its state")
        check(m.version or m.now_ms == 0, "a time without an entry")
        resource.state, resource.version, resource.now_ms, resource.checksum = state, m.version, m.now_ms, m.checksum
        resource.epoch, resource.snapshot_due, resource.resyncing = self.welcome.epoch, False, False
        resource.revealed = m.revealed
        if m.records:
            resource.note_reveal(m.revealed, m.records)
        resource.rest_here()
        for sequence in [s for s in resource.unanswered if s <= m.sequence]:
            resource.settle(sequence, 0)

    def handle_entry(self, resource, m):
        if m.flags & OWN:
            check(m.sequence in resource.unanswered, "an own entry that was not dispatched")
            check(m.sequence == min(resource.unanswered), "answers that are out of order")
            author, (action, payload, *_) = self.id, resource.unanswered[m.sequence]
            resource.settle(m.sequence, 0)
        else:
            if m.flags & BY_NAME:
                author = m.author
            else:
                check(m.slot in resource.slots, f"an entry by slot {m.slot}, which nobody holds")
                author = resource.slots[m.slot][0]
            action, payload = m.action, m.payload
            masters = action < len(resource.type.actions) and resource.type.actions[action][1] & MASTER_ONLY
            check(not masters or not payload, "a payload that is the master's alone")
        if resource.resyncing:
            return  # left out: the snapshot that is on its way holds it
        follows = m.version == resource.version + 1
        check(resource.type.hidden_as or not m.flags & REVEALS, "a reveal of a type that hides nothing")
        if not follows or not resource.apply(m, author, action, payload):
            self.mismatches += 1
            self.resync(resource)
