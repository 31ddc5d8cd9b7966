"""The values and the encoding of the protocol, for the client that shares no line with the library (independent_client.py).

Written from docs/wire.md and docs/encoding.md alone, with nothing but Python's standard library.

    values      number, text, blob ... (wire.md, section 2)
    random      Random (wire.md, section 8)
    encoding    Struct, Field: encoding, image, difference, checksum, fingerprint (encoding.md)
"""

import struct

MASK64 = 2**64 - 1
NAME_MAX = 31


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

    def most_element(self):
        """Bytes of the longest encoding of an element."""
        if self.kind == "text":
            return len(number(self.width - 1)) + self.width - 1
        return self.schema.most() if self.kind == "struct" else self.width

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

    def element_of_image(self, image):
        if self.kind == "struct":
            return self.schema.of_image(image)
        if self.kind != "text":
            return self.decode_element(Reader(image))
        text = image.split(b"\0")[0]
        check(len(text) < self.width and not image[len(text) :].strip(b"\0"), f"{self.name}: a text that is not settled")
        return text

    def of_image(self, image, count):
        """`count`: of a list."""
        elements = [self.element_of_image(image[at : at + self.width]) for at in range(0, len(image), self.width)]
        if self.shape != "list":
            return elements if self.shape == "array" else elements[0]
        check(count <= self.capacity, f"{self.name}: a count of {count}")
        check(not image[count * self.width :].strip(b"\0"), f"{self.name}: unused slots that are not zero")
        return elements[:count]


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

    def of_image(self, image):
        """The state of an image, if that is settled."""
        def part(name, size):
            return image[self.places[name] : self.places[name] + size]

        return {f.name: f.of_image(part(f.name, f.width * f.capacity), int.from_bytes(part(f.count, f.count_size), "little")
                                   if f.count else 0) for f in self.table}

    def patched(self, state, difference):
        """The state that the difference makes of it."""
        image, reader, at = bytearray(self.image(state)), Reader(difference), 0
        while reader.left():
            gap, length = reader.number(), reader.number()
            check(length > 0, "a run of no bytes")
            check(at == 0 or gap >= 3, "two runs that should be one")
            check(at + gap + length <= len(image), "a run outside the image")
            image[at + gap : at + gap + length] = reader.raw(length)
            at += gap + length
        return self.of_image(bytes(image))

    def most(self):
        return sum(len(number(f.capacity)) * (f.shape == "list") + f.most_element() * f.capacity for f in self.table)

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
