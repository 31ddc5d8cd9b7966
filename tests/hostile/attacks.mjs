// What a hostile client does. Each attack throws if it is not met as it has to be: refused where it breaks a rule, and with
// those words where the rule names some. `target`: {port, http, fingerprint, long, log}.
import { randomBytes } from 'node:crypto';
import {
    APPEND, DRAW, HELLO, ID_IN_USE, LIMIT, MALFORMED, PROTOCOL, SAY, TAKE, UNSUPPORTED, WELCOME, aName, bind, blob, connect,
    connectUpgraded, dial, dispatch, enter, frame, hello, isRefused, number, sitDown, sleep, upgrade, within,
} from './protocol.mjs';

const BINARY = 0x82, PING = 0x89;

async function times(count, action) {
    await Promise.all(Array.from({ length: count }, (_, i) => action(i)));
}

async function inBatches(count, size, action) {
    for (let done = 0; done < count; done += size) await times(Math.min(size, count - done), (i) => action(done + i));
}

// Random bytes that are neither a HELLO nor a message that a master understands.
function garbage(first = 0x80) {
    const bytes = randomBytes(1 + Math.floor(Math.random() * 2000));
    bytes[0] |= first;
    return bytes;
}

async function garbageBeforeHello(target) {
    await times(40, async () => {
        const socket = await dial(target);
        socket.send(garbage());
        await isRefused(socket, { statuses: [MALFORMED, PROTOCOL] });
    });
    for (const [message, status] of [
        [dispatch(0, 1, DRAW), PROTOCOL], [hello('x'.repeat(32)), 5], [hello(''), 5], [hello('a\nb'), 5],
        [hello('late', 3), UNSUPPORTED], [hello(aName()).subarray(0, 9), MALFORMED], [hello('honest-0'), ID_IN_USE],
    ]) {
        const socket = await dial(target);
        socket.send(message);
        await isRefused(socket, { statuses: [status] });
    }
}

async function garbageAfterHello(target) {
    await times(40, async () => {
        const socket = await enter(target);
        socket.send(garbage());
        await isRefused(socket, { statuses: [MALFORMED] });
    });
    for (const [message, status] of [
        [hello(aName()), PROTOCOL], [Buffer.from([WELCOME]), MALFORMED],
        [bind(1, 'x', 1n).subarray(0, 8), MALFORMED], [Buffer.from([1, 0, 0]), MALFORMED],
    ]) {
        const socket = await enter(target);
        socket.send(message);
        await isRefused(socket, { statuses: [status] });
    }
    const of = (socket, ...rest) => dispatch(socket.resource, ...rest);
    for (const [make, status] of [
        [(s) => of(s, 3, DRAW), PROTOCOL], [(s) => of(s, 1, 99), MALFORMED], [(s) => of(s, 1, DRAW, 'x'), MALFORMED],
        [(s) => of(s, 1, APPEND), MALFORMED], [(s) => of(s, 1, SAY, blob('x'.repeat(64))), MALFORMED],
    ]) {
        const socket = await sitDown(target, 'garbage');
        socket.send(make(socket));
        await isRefused(socket, { statuses: [status] });
    }
}

async function textFrames(target) {
    for (const arrive of [dial, enter]) {
        await times(20, async () => {
            const socket = await arrive(target);
            socket.send(randomBytes(40).toString('base64'));
            await isRefused(socket, { codes: [1003] });
        });
    }
}

async function longFrames(target) {
    const cases = [
        (s) => s.send(Buffer.alloc(65537, HELLO)),
        (s) => s.send(Buffer.alloc(8 << 20)),
        (s) => {
            s.send(Buffer.alloc(40000), { fin: false });
            s.send(Buffer.alloc(40000), { fin: true });
        },
    ];
    for (const arrive of [dial, enter])
        for (const send of cases)
            await times(4, async () => {
                const socket = await arrive(target);
                send(socket);
                await isRefused(socket, { codes: [1009, 1006] }); // a reset can overtake the words
            });
    const empty = await dial(target);
    empty.send(Buffer.alloc(0));
    await isRefused(empty, { codes: [1002] });
    const lengths = [2 ** 31, 2 ** 40, 2 ** 52];
    await times(lengths.length, async (i) => {
        const socket = await connectUpgraded(target);
        socket.write(frame(BINARY, Buffer.alloc(100), { length: lengths[i] }));
        await within(15000, socket.ended, `a frame of ${lengths[i]} bytes`);
    });
    // A message in chunks without an end is refused once it is longer than any may be.
    const chunks = await enter(target);
    const chunk = Buffer.concat([Buffer.from([1, 0]), blob(Buffer.alloc(60000))]);
    for (let sent = 0; sent < (20 << 20) && chunks.readyState === 1; sent += chunk.length) {
        chunks.send(chunk);
        if (chunks.bufferedAmount > 1 << 20) await sleep(5);
    }
    await isRefused(chunks, { statuses: [LIMIT, 0] });
}

// Frames that RFC 6455 forbids.
async function illegalFrames(target) {
    const some = Buffer.from('some');
    const cases = {
        'a reserved bit': frame(0xc2, some),
        'a reserved opcode': frame(0x83, some),
        'a reserved control opcode': frame(0x8b, some),
        'a frame that is not masked': frame(BINARY, some, { masked: false }),
        'a long ping': frame(PING, Buffer.alloc(126)),
        'a very long ping': frame(PING, Buffer.alloc(70000)),
        'a ping in fragments': frame(0x09, some),
        'a continuation of nothing': frame(0x80, some),
        'a message inside another': Buffer.concat([frame(0x02, some), frame(0x02, some)]),
        'a close of one byte': frame(0x88, Buffer.alloc(1)),
        'a close without a reason': frame(0x88, Buffer.alloc(0)),
        'a close with a code that is none': frame(0x88, Buffer.from([0, 1])),
        'a close that is not UTF-8': frame(0x88, Buffer.from([3, 0xe8, 0xff, 0xfe])),
        'a long close': frame(0x88, Buffer.alloc(200)),
        'data after a close': Buffer.concat([frame(0x88, Buffer.from([3, 0xe8])), frame(BINARY, Buffer.alloc(5000, 0x10))]),
    };
    const all = Object.entries(cases);
    await times(2 * all.length, async (i) => {
        const [name, bytes] = all[i >> 1];
        const socket = await connectUpgraded(target);
        socket.write(Buffer.concat([i % 2 ? frame(BINARY, hello(aName())) : Buffer.alloc(0), bytes]));
        await within(15000, socket.ended, name);
    });
}

// Fragments by the thousand, most of them empty, and good messages in pieces of a byte.
async function fragments(target) {
    const empty = Buffer.concat(Array.from({ length: 500 }, () => frame(0x00, Buffer.alloc(0))));
    await times(4, async () => {
        const socket = await connectUpgraded(target);
        socket.write(frame(0x02, Buffer.from([HELLO])));
        for (let i = 0; i < 100 && !socket.destroyed; i++) {
            socket.write(empty);
            if (socket.writableLength > 1 << 20) await sleep(5);
        }
        socket.resetAndDestroy();
    });
    await times(20, async () => {
        const socket = await dial(target), whole = hello(aName());
        for (let i = 0; i < whole.length; i++) socket.send(whole.subarray(i, i + 1), { fin: i === whole.length - 1 });
        for (let tries = 0; tries < 1000 && !socket.messages.length; tries++) await sleep(5);
        if (socket.messages[0]?.[0] !== WELCOME) throw new Error('a HELLO in pieces was not understood');
        socket.close();
        await isRefused(socket);
    });
}

// Frames that begin and do not end; long: until the server has had enough of them.
async function halfFrames(target) {
    const held = [];
    await times(100, async (i) => {
        const socket = await connectUpgraded(target);
        if (i % 2) socket.write(frame(BINARY, hello(aName())));
        socket.write(frame(i % 3 ? BINARY : 0x02, Buffer.alloc(i * 100), { length: 60000 }));
        held.push(socket);
    });
    const drip = setInterval(() => held.forEach((socket) => socket.destroyed || socket.write('x')), 20);
    await sleep(target.long ? 5000 : 1000);
    clearInterval(drip);
    if (target.long) await times(held.length, (i) => within(60000, held[i].ended, 'half a frame'));
    held.forEach((socket) => socket.resetAndDestroy());
}

async function halfHandshakes(target) {
    const held = [], whole = upgrade();
    await inBatches(target.long ? 2000 : 300, 100, async (i) => {
        const socket = await connect(target.port);
        socket.write(whole.slice(0, (i * 7) % (whole.length - 1)));
        held.push(socket);
    });
    const drip = setInterval(() => held.forEach((socket) => socket.destroyed || socket.write('x')), 500);
    await sleep(target.long ? 3000 : 1000);
    clearInterval(drip);
    if (target.long) await times(held.length, (i) => within(60000, held[i].ended, 'half a handshake'));
    held.forEach((socket) => socket.resetAndDestroy());
}

async function controlFrames(target) {
    await times(8, async (i) => {
        const socket = await connectUpgraded(target), load = Buffer.alloc(i % 2 ? 125 : 0, 'p');
        socket.write(frame(BINARY, hello(aName())));
        if (i < 4) socket.pause(); // the pongs are for nobody
        const batch = Buffer.concat(Array.from({ length: 200 }, () => frame(i % 3 ? PING : 0x8a, load)));
        for (const end = Date.now() + (target.long ? 5000 : 1000); Date.now() < end && !socket.destroyed;) {
            socket.write(batch);
            await sleep(socket.writableLength > 1 << 18 ? 10 : 0);
        }
        socket.resetAndDestroy();
    });
}

// Connections opened and dropped at every stage, with and without a word.
async function connectAndDrop(target) {
    await inBatches(target.long ? 10000 : 1000, 100, async (i) => {
        const socket = i % 5 < 3 ? await connect(target.port) : await connectUpgraded(target);
        if (i % 5 === 1) socket.write('GET / HT');
        if (i % 5 === 2) socket.write(upgrade());
        if (i % 5 === 4) socket.write(frame(BINARY, Buffer.concat([hello(aName()), bind(1, `drop-${i}`, target.fingerprint)])));
        if (i % 2) socket.resetAndDestroy();
        else socket.end();
        socket.unref();
        await within(15000, socket.ended, 'a connection that was dropped');
    });
}

// Many at once that say nothing, or nothing after the upgrade. Those must run out by themselves.
async function holdOpen(target) {
    const held = [];
    await inBatches(target.long ? 8000 : 500, 100, async (i) => {
        held.push(i % 2 ? await connect(target.port) : await connectUpgraded(target));
    });
    if (target.long) await times(held.length, (i) => within(90000, held[i].ended, 'a silent connection'));
    else await sleep(1000);
    held.forEach((socket) => socket.resetAndDestroy());
}

// That the server has accepted at least so many actions meanwhile: an attack that does not arrive is none.
async function arrives(target, least, attack) {
    const actions = async () => (await (await fetch(`http://127.0.0.1:${target.http}/resources`)).json())
        .reduce((sum, resource) => sum + resource.version, 0);
    const before = await actions();
    await attack();
    const count = (await actions()) - before;
    if (count < least) throw new Error(`only ${count} actions have arrived`);
}

// As many messages as go through, a batch for each frame and `pause` ms, for some seconds or until `enough()`; `make(sequence)`
// makes one.
async function flood(socket, seconds, make, enough = () => false, pause = 0) {
    let sequence = 0;
    for (const end = Date.now() + seconds * 1000; Date.now() < end && socket.readyState === 1;) {
        if (sequence % 10000 === 0 && enough()) break;
        const batch = [];
        for (let i = 0; i < 100; i++) batch.push(make(++sequence));
        socket.send(Buffer.concat(batch));
        while (socket.bufferedAmount > 1 << 16 && socket.readyState === 1) await sleep(1);
        await sleep(pause);
    }
    socket.terminate();
}

async function floodOfActions(target) {
    const sockets = [];
    for (let i = 0; i < 4; i++) sockets.push(await sitDown(target, 'flood', { keep: true }));
    await arrives(target, 10000, () => times(4, (i) => flood(sockets[i], target.long ? 10 : 2,
        (n) => dispatch(sockets[i].resource, n, i % 2 ? DRAW : TAKE))));
}

async function floodOfRequests(target) {
    const sockets = [];
    for (let i = 0; i < 4; i++) sockets.push(await sitDown(target, 'requests'));
    const kinds = [
        () => Buffer.concat([Buffer.from([0x14]), number(sockets[0].resource)]), // RESYNC
        (n) => bind(n + 1, 'requests', target.fingerprint, 'nothing'),
        (n) => bind(n + 1, 'requests', 5n),
        (n) => Buffer.concat([Buffer.from([0x12]), number(n + 100)]), // UNBIND
    ];
    await times(4, (i) => flood(sockets[i], target.long ? 10 : 2, kinds[i]));
}

// Each binds as much as it may, again and again under other names.
async function floodOfResources(target) {
    await times(target.long ? 20 : 4, async (who) => {
        const socket = await enter(target);
        for (let i = 0; i < 1100; i += 100) {
            socket.send(Buffer.concat(Array.from({ length: 100 }, (_, j) =>
                bind(i + j + 1, `flood-${who}-${i + j}`, target.fingerprint))));
            await sleep(20);
        }
        socket.terminate();
    });
}

// Subscribers of a busy resource who never read: they get no more than a backlog; long: and are closed in the end.
async function slowReaders(target) {
    const readers = [];
    for (let i = 0; i < 8; i++) {
        const reader = await sitDown(target, 'busy');
        reader.pause();
        readers.push(reader);
    }
    const writer = await sitDown(target, 'busy');
    // By the master, or by the emitter, whose pings they do not answer either.
    const gone = () => target.log().match(/event=away peer=mallory-\d+ /g)?.length ?? 0;
    const wanted = gone() + (target.long ? readers.length : 0);
    await arrives(target, 3000, () => flood(writer, target.long ? 60 : 5, // no faster than it may
        (n) => dispatch(writer.resource, n, SAY, blob(String(n).padStart(60, 'x'))), () => target.long && gone() === wanted, 30));
    if (gone() < wanted) throw new Error('who does not read is kept');
    readers.forEach((reader) => reader.terminate());
}

async function wrongSubprotocols(target) {
    const names = ['', 'movex.2', 'movex', 'MOVEX.1', 'not a websocket', 'x'.repeat(3000), 'a, b, c', ', '.repeat(300)];
    for (const name of names) {
        const socket = await connect(target.port);
        socket.write(upgrade('', name));
        const heard = await within(15000, socket.ended, `the subprotocol ${name}`);
        if (heard.includes(' 101 ')) throw new Error(`the subprotocol ${name} was let in`);
    }
    for (const name of ['movex.2', 'chat'])
        await dial(target, { protocols: name }).then(
            () => { throw new Error(`ws was let in with ${name}`); }, () => {});
}

const nonsense = [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'x'.repeat(508), '\r\n\r\n\r\n\r\n',
    `GET /${'a'.repeat(70000)} HTTP/1.1\r\n\r\n`, `GET / HTTP/1.1\r\nX: ${'b'.repeat(70000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(10000)}\r\n`, 'GET / HTTP/9.9\r\n\r\n', 'BREW / HTCPCP/1.0\r\n\r\n',
    'GET /../../etc/passwd HTTP/1.0\r\n\r\n', 'GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    'CONNECT example:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET http://example/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
];

async function speakNonsense(port) {
    const held = [];
    for (const bytes of [...nonsense, ...Array.from({ length: 30 }, () => randomBytes(3000).toString('latin1'))]) {
        const socket = await connect(port);
        socket.write(Buffer.from(bytes, 'latin1'));
        held.push(socket);
    }
    await times(held.length, async (i) => {
        // Some end at once, what may still become a request after the time that one may take.
        const heard = await within(30000, held[i].ended, `nonsense ${i}`);
        if (heard.includes(' 101 ')) throw new Error(`nonsense ${i} was let in`);
    });
}

const httpGarbage = (target) => Promise.all([speakNonsense(target.port), speakNonsense(target.http)]);

async function httpPort(target) {
    const visits = Array.from({ length: target.long ? 60 : 40 }, async (_, i) => { // more than are served at once
        const socket = await connect(target.http, { read: false });
        socket.pause();
        if (i % 2) socket.write('GET /resources HTTP/1.1\r\nHost: localhost\r\n' + (i % 4 === 1 ? '\r\n' : 'X: '));
        await sleep(target.long ? 30000 : 1000);
        socket.resetAndDestroy();
    });
    const many = Array.from({ length: 100 }, () => 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n').join('');
    const asker = connect(target.http).then((socket) => {
        socket.write(many);
        return socket.ended;
    });
    const heard = await within(60000, asker, 'an answer for who comes after the silent ones');
    if (!heard.includes(' 200 ')) throw new Error('who comes after the silent ones has no answer');
    await Promise.all(visits);
}

// `log`: what the server's log must say of it. Who is turned away before the websocket is there is not in the log, but gets
// an answer of HTTP, or a close.
export const attacks = {
    'garbage before HELLO': { run: garbageBeforeHello, log: [/event=rejected status=MOVEX_ERR_PROTOCOL/, /status=MOVEX_ERR_ID_IN_USE/] },
    'garbage after HELLO': { run: garbageAfterHello, log: [/MALFORMED/, /PROTOCOL/] },
    'text frames': { run: textFrames, log: [/a text message/] },
    'frames that are too long': { run: longFrames, log: [/a frame longer than 65536 bytes/, /LIMIT/] },
    'frames that are illegal': { run: illegalFrames, log: [/event=(left|away) peer=mallory/, /status=MOVEX_ERR_CLOSED/] },
    'fragments': { run: fragments },
    'half frames': { run: halfFrames },
    'half handshakes': { run: halfHandshakes },
    'a flood of control frames': { run: controlFrames },
    'connections opened and dropped': { run: connectAndDrop },
    'connections held and silent': { run: holdOpen, log: [/event=rejected status=MOVEX_ERR_/] },
    'a flood of actions': { run: floodOfActions },
    'a flood of requests': { run: floodOfRequests },
    'a flood of resources': { run: floodOfResources },
    'readers that do not read': { run: slowReaders },
    'wrong subprotocols': { run: wrongSubprotocols },
    'garbage instead of HTTP': { run: httpGarbage },
    'abuse of the port of --http': { run: httpPort },
};
