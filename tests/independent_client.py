"""A second client for the protocol, which shares no line with the library.

Written from docs/wire.md and docs/encoding.md alone, with nothing but Python's standard library. It takes nothing on trust:
whatever those documents forbid raises Violation. What it says of a message is what they say; where they and the library
part ways, this client stops, and one of them is wrong.

    values      number, text, blob ... (wire.md, section 2)
    encoding    Struct, Field: encoding, image, checksum, fingerprint (encoding.md)
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

MASK64 = 2**64 - 1
NAME_MAX, TEXT_MAX, MESSAGE_MAX = 31, 255, 16 << 20


class Violation(Exception):
    """The other side has done what the documents forbid."""


def check(condition, what):
    if not condition:
        raise Violation(what)


# ---- XXH64, from the specification of xxHash

P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK64


def xxh_round(lane, word):
    return rotate((lane + word * P2) & MASK64, 31) * P1 & MASK64


def xxh64(data, seed=0):
    at, length = 0, len(data)
    if length >= 32:
        lanes = [(seed + P1 + P2) & MASK64, (seed + P2) & MASK64, seed, (seed - P1) & MASK64]
        while at + 32 <= length:
            words = struct.unpack_from("<4Q", data, at)
            lanes = [xxh_round(lane, word) for lane, word in zip(lanes, words)]
            at += 32
        h = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK64
        for lane in lanes:
            h = ((h ^ xxh_round(0, lane)) * P1 + P4) & MASK64
    else:
        h = (seed + P5) & MASK64
    h = (h + length) & MASK64
    while at + 8 <= length:
        h = (rotate(h ^ xxh_round(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4) & MASK64
        at += 8
    if at + 4 <= length:
        h = (rotate(h ^ struct.unpack_from("<I", data, at)[0] * P1 & MASK64, 23) * P2 + P3) & MASK64
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * P5 & MASK64, 11) * P1 & MASK64
    h = (h ^ h >> 33) * P2 & MASK64
    h = (h ^ h >> 29) * P3 & MASK64
    return h ^ h >> 32


# ---- random values (wire.md, section 8)


class Random:
    def __init__(self, seed):
        self.state, self.draws = seed, 0

    def draw(self):
        check(self.state is not None, "an action that draws came without a seed")
        self.draws += 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK64
        return z ^ z >> 31

    def below(self, bound):
        if bound == 0:
            return 0
        least = (2**32 - bound) % bound
        while True:
            product = (self.draw() >> 32) * bound
            if product & 0xFFFFFFFF >= least:
                return product >> 32


# ---- values


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def blob(data):
    return number(len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def raw(self, length):
        check(length <= self.left(), "ends early")
        self.at += length
        return bytes(self.data[self.at - length : self.at])

    def u8(self):
        return self.raw(1)[0]

    def u64(self):
        return struct.unpack("<Q", self.raw(8))[0]

    def number(self, most=MASK64):
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            check(shift < 70, "a number of more than 64 bits")
        check(byte != 0 or shift == 7, "a number that is not in its shortest form")
        check(value <= most, f"{value} is more than {most}")
        return value

    def index(self):
        return self.number(2**32 - 1)

    def flag(self):
        value = self.u8()
        check(value <= 1, f"a flag of {value}")
        return bool(value)

    def blob(self):
        return self.raw(self.number())

    def text(self, most):
        value = self.raw(self.number(most))
        check(0 not in value, "a zero in a text")
        return value

    def name(self):
        value = self.text(NAME_MAX)
        check(is_line(value) and value, f"{value} is no name")
        return value

    def status(self):
        return self.number(255)

    def reason(self):
        value = self.number()
        value = value // 2 if value % 2 == 0 else -(value + 1) // 2
        check(-64 <= value < 2**31, f"a reason of {value}")
        return value

    def end(self):
        check(self.left() == 0, f"{self.left()} bytes left over")


def is_line(data):
    """Well-formed UTF-8 without control characters."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)


# ---- encoding

KINDS = ("bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "float", "double", "enum", "text", "struct")
SHAPES = ("single", "array", "list")
WIDTHS = {"bool": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8}
NANS = {"float": (0x7F800000, 0x7FFFFFFF, 0x7FC00000), "double": (0x7FF << 52, 2**63 - 1, 0x7FF8 << 48)}


class Field:
    """A member. Floats are held as the integers that their bits are, texts as bytes, enums as integers.
    `size`: of a text's array, or of an enum's member. `count` names a list's counter, of count_size bytes."""

    def __init__(self, name, kind, shape="single", capacity=1, columns=0, size=0, count=None, count_size=0, values=0,
                 names=None, schema=None):
        self.name, self.kind, self.shape, self.capacity, self.columns = name, kind, shape, capacity, columns
        self.count, self.count_size, self.values, self.names, self.schema = count, count_size, values, names, schema
        self.width = schema.size if schema else WIDTHS.get(kind, size)

    def zero_element(self):
        if self.kind == "struct":
            return self.schema.zero()
        return b"" if self.kind == "text" else False if self.kind == "bool" else 0

    def zero(self):
        if self.shape == "single":
            return self.zero_element()
        return [] if self.shape == "list" else [self.zero_element() for _ in range(self.capacity)]

    def elements(self, value):
        return [value] if self.shape == "single" else value

    def scalar(self, value):
        return int(value).to_bytes(self.width, "little", signed=self.kind[0] == "i")

    def encode_element(self, value):
        if self.kind == "struct":
            return self.schema.encode(value)
        return blob(value) if self.kind == "text" else self.scalar(value)

    def decode_element(self, reader):
        if self.kind == "struct":
            return self.schema.read(reader)
        if self.kind == "text":
            return reader.text(self.width - 1)
        value = int.from_bytes(reader.raw(self.width), "little", signed=self.kind[0] == "i")
        if self.kind == "bool":
            check(value <= 1, f"{self.name}: a bool of {value}")
            return bool(value)
        check(self.kind != "enum" or value < self.values, f"{self.name}: {value} is no value of the enum")
        if self.kind in NANS:
            infinity, mask, nan = NANS[self.kind]
            check(value & mask <= infinity or value == nan, f"{self.name}: a NaN that is not the canonical one")
        return value

    def encode(self, value):
        elements = self.elements(value)
        return (number(len(elements)) if self.shape == "list" else b"") + b"".join(map(self.encode_element, elements))

    def decode(self, reader):
        if self.shape == "single":
            return self.decode_element(reader)
        count = reader.number(self.capacity) if self.shape == "list" else self.capacity
        return [self.decode_element(reader) for _ in range(count)]

    def image(self, value):
        if self.kind == "struct":
            parts = map(self.schema.image, self.elements(value))
        elif self.kind == "text":
            parts = (text.ljust(self.width, b"\0") for text in self.elements(value))
        else:
            parts = map(self.scalar, self.elements(value))
        return b"".join(parts).ljust(self.width * self.capacity, b"\0")


class Struct:
    """`table`: the fields in the order of the schema; `memory`: the names of all members, counters included, in that of
    the struct (default: the table's)."""

    def __init__(self, *table, memory=None):
        self.table = table
        fields = {field.name: field for field in table}
        counters = {field.count: field for field in table if field.count}
        self.places, self.layout, at = {}, [], 0
        for member in memory or [field.name for field in table]:
            self.places[member] = at
            field, counts = fields.get(member), counters.get(member)
            self.layout.append((field, counts))
            at += counts.count_size if counts else field.width * field.capacity
        self.size = at

    def zero(self):
        return {field.name: field.zero() for field in self.table}

    def encode(self, state):
        return b"".join(field.encode(state[field.name]) for field in self.table)

    def read(self, reader):
        return {field.name: field.decode(reader) for field in self.table}

    def decode(self, data):
        reader = Reader(data)
        state = self.read(reader)
        reader.end()
        return state

    def image(self, state):
        return b"".join(len(state[counts.name]).to_bytes(counts.count_size, "little") if counts
                        else field.image(state[field.name]) for field, counts in self.layout)

    def checksum(self, state):
        image = self.image(state)
        return sum(xxh64(image[at : at + 256], at // 256) for at in range(0, len(image), 256)) & MASK64

    def fingerprint(self):
        chain = Chain()
        chain.value(len(self.table))
        for field in self.table:
            chain.text(field.name)
            for value in (KINDS.index(field.kind) + 1, SHAPES.index(field.shape) + 1, field.capacity, field.columns,
                          self.places[field.name], field.width, field.count_size, self.places[field.count] if field.count else 0):
                chain.value(value)
            chain.text(field.count)
            chain.value(field.values)
            for name in field.names or ():
                chain.text(name)
            chain.value(field.schema.fingerprint() if field.schema else 0)
        return chain.hash


class Chain:
    def __init__(self):
        self.hash = 0

    def bytes(self, data):
        self.hash = xxh64(data, self.hash)

    def value(self, value):
        self.bytes(struct.pack("<Q", value))

    def text(self, text):
        self.value(1 if text is not None else 0)
        if text is not None:
            self.bytes(text.encode())


class Type:
    """`actions`: (name, flags, Struct or None); `reduce(state, action, payload, context)` returns 0, or the reason to refuse,
    and may have changed the state then. `reserved`: names of the actions `wake`, `joined` and `left`."""

    def __init__(self, name, version, state, actions, reduce, reserved=(None, None, None)):
        self.name, self.version, self.state, self.actions, self.reduce = name, version, state, actions, reduce
        self.reserved = reserved

    def fingerprint(self):
        chain = Chain()
        chain.bytes(self.name.encode())
        chain.value(self.version)
        chain.value(self.state.fingerprint())
        for name, flags, payload in self.actions:
            chain.bytes(name.encode())
            chain.value(flags)
            chain.value(payload.fingerprint() if payload else 0)
        names = [name for name, _, _ in self.actions]
        for name in self.reserved:
            chain.value(names.index(name) if name else 2**32 - 1)
        return chain.hash


class Context:
    def __init__(self, author, version, now_ms, seed):
        self.author, self.version, self.now_ms, self.random = author, version, now_ms, Random(seed)


# ---- messages

CHUNK, ERROR = 0x01, 0x02
HELLO, BIND, UNBIND, DISPATCH, RESYNC, GOODBYE, FORGET = range(0x10, 0x17)
WELCOME, BOUND, BIND_REFUSED, UNBOUND, SNAPSHOT, OUTCOME, SUBSCRIBER = range(0x20, 0x27)
ENTRY = 0x40
OWN, SEEDED, BY_NAME = 1, 2, 4
LEFT, HERE, AWAY = 0, 1, 2


class Message:
    """What came: `kind`, the fields by their names in wire.md, and the bytes it took."""

    def __init__(self, kind, **fields):
        self.kind = kind
        self.__dict__.update(fields)

    def __repr__(self):
        return "Message(" + ", ".join(f"{key}={value!r}" for key, value in vars(self).items()) + ")"


def read_subscriber(r):
    m = Message(SUBSCRIBER, number=r.index(), slot=r.index(), presence=r.u8(), named=r.flag(), id=None, info=None)
    check(m.presence <= AWAY, f"a presence of {m.presence}")
    if m.named:
        m.id, m.info = r.name(), r.text(TEXT_MAX)
        check(is_line(m.info), "info with control characters")
    return m


def read_entry(r, flags):
    check(flags & (OWN | BY_NAME) != OWN | BY_NAME, "an entry that is OWN and BY_NAME")
    m = Message(ENTRY, flags=flags, number=r.index(), version=r.number(), elapsed_ms=r.number(), sequence=None, author=None,
                slot=None, action=None, payload=None, seed=None)
    if flags & OWN:
        m.sequence = r.number()
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
    SNAPSHOT: lambda r: Message(SNAPSHOT, number=r.index(), version=r.number(), now_ms=r.number(), checksum=r.u64(),
                                sequence=r.number(), state=r.blob()),
    OUTCOME: lambda r: Message(OUTCOME, number=r.index(), sequence=r.number(), reason=r.reason()),
    SUBSCRIBER: read_subscriber,
}


def read_message(r):
    kind = r.u8()
    if ENTRY <= kind <= ENTRY + 7:
        return read_entry(r, kind - ENTRY)
    check(kind in READERS, f"a message of kind 0x{kind:02x}")
    m = READERS[kind](r)
    check(kind not in (ERROR, BIND_REFUSED) or m.status != 0, "a failure with status 0")
    check(kind != CHUNK or m.part, "an empty chunk")
    return m


def write_hello(max_frame, id, info=b"", credentials=b"", token=None, protocol=1):
    return (bytes([HELLO]) + number(protocol) + number(max_frame) + blob(id) + blob(info) + blob(credentials) +
            (b"\1" + token if token else b"\0"))


def write_bind(tag, type_name, id, fingerprint, subscription=0, held=None):
    """`held`: (epoch, version, checksum, answered), or None."""
    message = bytes([BIND]) + number(tag) + blob(type_name) + blob(id) + struct.pack("<Q", fingerprint) + number(subscription)
    if not held:
        return message + b"\0"
    epoch, version, checksum, answered = held
    return message + b"\1" + number(epoch) + number(version) + struct.pack("<Q", checksum) + number(answered)


def write_dispatch(resource_number, sequence, action, payload=b""):
    return bytes([DISPATCH]) + number(resource_number) + number(sequence) + number(action) + blob(payload)


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
        self.forget_link()
        self.forget_session()

    def forget_link(self):
        self.tag, self.number, self.bound, self.resyncing, self.refused = 0, None, False, False, None
        self.slots = {}  # slot: [id, info, presence]
        self.subscribers_due, self.snapshot_due = 0, False

    def forget_session(self):
        self.subscription = 0  # what the session calls it
        self.sequence = 0  # of the last dispatch
        self.answered = 0  # the last whose outcome is known
        self.unanswered = {}  # sequence: (action, payload)
        self.outcomes = {}  # sequence: reason

    def presence(self):
        return {id: presence for id, _, presence in self.slots.values()}

    def settle(self, sequence, reason):
        check(sequence in self.unanswered, f"an answer to {sequence}, which is not open")
        del self.unanswered[sequence]
        self.outcomes[sequence] = reason
        self.answered = max(self.answered, sequence)

    def apply(self, m, author, action, payload):
        """Applies an entry; True if the state is then the master's."""
        kind, now_ms = self.type, self.now_ms + m.elapsed_ms
        _, _, schema = kind.actions[action]
        data = schema.decode(payload) if schema else None
        check(schema or not payload, "a payload for an action that has none")
        context = Context(author, m.version, now_ms, m.seed)
        trial = kind.state.decode(kind.state.encode(self.state))
        if kind.reduce(trial, action, data, context) == 0:
            self.state = trial
        check(m.seed is None or context.random.draws > 0, "a seed that was not used")
        self.version, self.now_ms, self.checksum = m.version, now_ms, kind.state.checksum(self.state)
        return self.checksum == m.checksum


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
            resource.forget_link()
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
            held = (resource.epoch, resource.version, resource.checksum, resource.answered)
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

    def dispatch_again(self, resource, sequence):
        return write_dispatch(resource.number, sequence, *resource.unanswered[sequence])

    def act(self, resource, action, payload=None):
        """Dispatches and awaits the outcome: the reason."""
        sequence = self.dispatch(resource, action, payload)
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
            check(m.protocol == 1 and m.max_frame >= 256 and m.pending >= 1, f"{m} promises too little")
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
        resource.handled = m.sequence
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
        if m.kind == OUTCOME:
            resource.settle(m.sequence, m.reason)
        elif m.kind == SUBSCRIBER:
            self.handle_subscriber(resource, m)
        elif m.kind == SNAPSHOT:
            self.handle_snapshot(resource, m)
        elif m.kind == ENTRY:
            self.handle_entry(resource, m)
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
        for sequence in [s for s in resource.unanswered if s <= m.sequence]:
            resource.settle(sequence, 0)

    def handle_entry(self, resource, m):
        if m.flags & OWN:
            check(m.sequence in resource.unanswered, "an own entry that was not dispatched")
            check(m.sequence == min(resource.unanswered), "answers that are out of order")
            author, (action, payload) = self.id, resource.unanswered[m.sequence]
            resource.settle(m.sequence, 0)
        else:
            if m.flags & BY_NAME:
                author = m.author
            else:
                check(m.slot in resource.slots, f"an entry by slot {m.slot}, which nobody holds")
                author = resource.slots[m.slot][0]
            check(m.action < len(resource.type.actions), "an action that the type does not have")
            action, payload = m.action, m.payload
        if resource.resyncing:
            return  # left out: the snapshot that is on its way holds it
        follows = m.version == resource.version + 1
        if not follows or not resource.apply(m, author, action, payload):
            self.mismatches += 1
            self.resync(resource)
