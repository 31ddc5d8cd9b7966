// Messages of docs/wire.md, and ways to reach a server: by `ws`, and by bytes that `ws` would not send.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import WebSocket from 'ws';

export const ERROR = 0x02, HELLO = 0x10, WELCOME = 0x20, BOUND = 0x21, BIND_REFUSED = 0x22;
export const LIMIT = 6, MALFORMED = 8, PROTOCOL = 10, UNSUPPORTED = 11, ID_IN_USE = 13;
export const APPEND = 0, TAKE = 2, DRAW = 3, SAY = 6; // of the row game

export function number(value) {
    const bytes = [];
    let rest = BigInt(value);
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    return Buffer.from(bytes);
}

function readNumber(bytes) {
    let value = 0, at = 0;
    for (let shift = 0; ; shift += 7) {
        value += (bytes[at] & 0x7f) * 2 ** shift;
        if (bytes[at++] < 0x80) return value;
    }
}

export function blob(data) {
    const bytes = Buffer.from(data);
    return Buffer.concat([number(bytes.length), bytes]);
}

export function hello(id, protocol = 2) {
    return Buffer.concat([Buffer.from([HELLO]), number(protocol), number(65536), blob(id), blob(''), blob(''), Buffer.from([0])]);
}

export function bind(tag, id, fingerprint, type = 'row') {
    const print = Buffer.alloc(8);
    print.writeBigUInt64LE(fingerprint);
    return Buffer.concat([Buffer.from([0x11]), number(tag), blob(type), blob(id), print, number(0), Buffer.from([0])]);
}

export function dispatch(resource, sequence, action, payload = '') {
    return Buffer.concat([Buffer.from([0x13]), number(resource), number(sequence), number(action), blob(payload)]);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function within(ms, promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// What is still open, so that an attack that fails leaves nothing behind.
const open = new Set();
export function dropAll() {
    for (const drop of [...open]) drop();
    open.clear();
}

// ---- by `ws`

// A websocket that is open. `ended` is a promise of {code, status}: the code of the close (1006: none came), and the status
// of the ERROR before it (0: none came). `messages` are the frames that came, if `keep` says so.
export async function dial(target, options = {}) {
    const { protocols = 'movex.1', keep = true } = options;
    const socket = new WebSocket(`ws://127.0.0.1:${target.port}`, protocols, { perMessageDeflate: false });
    socket.messages = [];
    socket.status = 0;
    socket.on('message', (data) => {
        if (data[0] === ERROR) socket.status = data[1];
        if (keep) socket.messages.push(data);
    });
    socket.on('error', () => {});
    const drop = () => socket.terminate();
    open.add(drop);
    socket.ended = new Promise((resolve) => {
        socket.on('close', (code) => {
            open.delete(drop);
            resolve({ code, status: socket.status });
        });
    });
    await within(10000, new Promise((resolve, reject) => {
        socket.on('open', resolve);
        socket.on('close', () => reject(new Error('the handshake was refused')));
    }), 'a handshake');
    return socket;
}

async function hears(socket, kinds) {
    for (let tries = 0; tries < 2000; tries++) {
        for (const frame of socket.messages) if (kinds.includes(frame[0])) return frame;
        if (socket.readyState > WebSocket.OPEN) break;
        await sleep(5);
    }
    throw new Error(`none of the messages ${kinds} has come`);
}

let names = 0;
export function aName() {
    return `mallory-${++names}`;
}

// A session: HELLO has been sent and WELCOME has come.
export async function enter(target, options = {}) {
    const socket = await dial(target, options);
    socket.name = options.name ?? aName();
    socket.send(hello(socket.name));
    await hears(socket, [WELCOME]);
    return socket;
}

// A session that has bound a resource, which it calls `socket.resource`.
export async function sitDown(target, id, options = {}) {
    const socket = await enter(target, options);
    socket.send(bind(1, id, target.fingerprint));
    const frame = await hears(socket, [BOUND, BIND_REFUSED]);
    if (frame[0] !== BOUND) throw new Error('the bind was refused');
    socket.resource = readNumber(frame.subarray(2));
    return socket;
}

// The other side ends it, with one of these codes or statuses where they are given.
export async function isRefused(socket, { codes, statuses, ms = 15000 } = {}) {
    const end = await within(ms, socket.ended, 'an end');
    if (codes && !codes.includes(end.code)) throw new Error(`closed with ${end.code}, not ${codes}`);
    if (statuses && !statuses.includes(end.status)) throw new Error(`ended with status ${end.status}, not ${statuses}`);
}

// ---- by bytes

// A connection of TCP. `ended` is a promise of what came until its end.
export function connect(port, { read = true } = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: false, noDelay: true });
    const parts = [];
    socket.heard = () => Buffer.concat(parts).toString('latin1');
    const drop = () => socket.destroy();
    open.add(drop);
    socket.ended = new Promise((resolve) => {
        socket.on('close', () => {
            open.delete(drop);
            resolve(socket.heard());
        });
    });
    socket.on('error', () => {});
    if (read) socket.on('data', (data) => parts.push(data));
    return new Promise((resolve, reject) => {
        socket.on('connect', () => resolve(socket));
        socket.on('close', () => reject(new Error('no connection')));
    });
}

export function upgrade(headers = '', subprotocol = 'movex.1') {
    return `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
        (subprotocol ? `Sec-WebSocket-Protocol: ${subprotocol}\r\n` : '') + headers + '\r\n';
}

// A connection that has shaken hands, to be written to as no websocket library would.
export async function connectUpgraded(target) {
    const socket = await connect(target.port);
    socket.write(upgrade());
    for (let tries = 0; !socket.heard().includes('\r\n\r\n'); tries++) {
        if (tries === 2000 || socket.destroyed) throw new Error('the handshake was not answered');
        await sleep(5);
    }
    return socket;
}

// A frame of RFC 6455, with whatever first byte and length are asked for.
export function frame(first, payload, { masked = true, length = payload.length } = {}) {
    const mask = randomBytes(4), bit = masked ? 0x80 : 0;
    let header;
    if (length < 126) header = Buffer.from([first, bit | length]);
    else if (length < 65536) header = Buffer.from([first, bit | 126, length >> 8, length & 255]);
    else {
        header = Buffer.alloc(10);
        header[0] = first;
        header[1] = bit | 127;
        header.writeBigUInt64BE(BigInt(length), 2);
    }
    if (!masked) return Buffer.concat([header, payload]);
    const body = Buffer.from(payload);
    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
    return Buffer.concat([header, mask, body]);
}
