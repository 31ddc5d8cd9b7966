// Honest players go on while hostile clients attack their server; prints TAP.
// usage: node run.mjs MOVEXD GAMES.so HOSTILE_MATCH SANITIZERS [ATTACK...]
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { attacks } from './attacks.mjs';
import { dropAll, sleep, within } from './protocol.mjs';

const [movexd, games, matchProgram, sanitizers, ...only] = process.argv.slice(2);
const long = Boolean(process.env.MOVEX_TEST_LONG), sanitized = sanitizers !== 'none';
const PLAYERS = 6;
// From an action to its outcome, in milliseconds: all but one in a hundred, and every one. The machine may be busy with other
// things, and sanitizers slow it down.
const MOST = sanitized ? 1000 : 500, LONGEST = 4 * MOST;
// What the process may have grown by, in KiB, once all attackers are gone; what malloc keeps for later is in it.
const GROWTH = 8192;

const keep = process.env.KEEP_LOG;
const scratch = mkdtempSync(join(tmpdir(), 'hostile-')), logFile = join(scratch, 'log');
const children = [];
let count = 0, failed = false;

function ok(name, problem, detail = '') {
    console.log(`${problem ? 'not ok' : 'ok'} ${++count} - ${name}${problem ? '' : detail}`);
    if (!problem) return;
    failed = true;
    console.log(`# ${String(problem.stack ?? problem).split('\n').join('\n# ')}`);
    console.log(`# ${log().split('\n').slice(-20).join('\n# ')}`);
}

const log = () => readFileSync(logFile, 'utf8');

async function until(what, ms, found) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
        const value = await found();
        if (value) return value;
    }
    throw new Error(`${what}: not within ${ms} ms`);
}

function start(program, args, options) {
    const child = spawn(program, args, options);
    child.done = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
    children.push(child);
    return child;
}

// The server, on ports that the system chooses. Its log goes to a file, as nobody may have time to read it.
async function serve() {
    const file = openSync(logFile, 'w');
    const server = start(movexd, ['--listen', '127.0.0.1:0', '--http', '0', '--grace-seconds', '1', '--idle-seconds', '1', games],
        { stdio: ['ignore', file, file] });
    closeSync(file);
    const port = (event) => until(event, 20000, () => log().match(new RegExp(`event=${event} address=127\\.0\\.0\\.1:(\\d+)`))?.[1]);
    return { server, port: await port('listening'), http: await port('http') };
}

class Match {
    constructor(port) {
        this.child = start(matchProgram, [`ws://127.0.0.1:${port}`, String(PLAYERS)], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }
    line() {
        return within(20000, this.lines.next().then(({ value }) => value), 'a line of the match');
    }
    async report() {
        this.child.stdin.write('\n');
        return JSON.parse(await this.line());
    }
    async end() {
        this.child.stdin.end();
        return JSON.parse(await this.line());
    }
}

function wrong(figures) {
    for (const name of ['mismatches', 'resyncs', 'expired', 'disconnects', 'oddities'])
        if (figures[name]) return `the match noticed: ${JSON.stringify(figures)}`;
    if (!figures.agreed || !figures.answered) return `the match stands still: ${JSON.stringify(figures)}`;
    if (figures.p99 > MOST || figures.longest > LONGEST) return `the match slows down: ${JSON.stringify(figures)}`;
    return null;
}

const shown = (figures) => ` (${figures.answered} actions, ms: median ${figures.p50}, 99% ${figures.p99}, longest ${figures.longest})`;

const resident = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'latin1').match(/VmRSS:\s+(\d+) kB/)[1]);

async function health(port) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(15000) });
    return answer.json();
}

// The server's own figures are those of the match alone again.
function alone(target) {
    return until('the attackers are forgotten', 60000, async () => {
        const figures = await health(target.http).catch(() => null);
        return figures?.links === PLAYERS && figures.sessions === PLAYERS && figures.resources === 2 &&
            figures.subscriptions === PLAYERS && figures;
    });
}

async function attacked(name, target, match, pid) {
    let problem = null, figures = null;
    try {
        const before = log().length;
        await within(300000, attacks[name].run(target), name);
        const said = log().slice(before);
        for (const pattern of attacks[name].log ?? []) if (!pattern.test(said)) throw new Error(`the log does not say ${pattern}`);
        await sleep(200);
    } catch (error) {
        problem = error;
    }
    dropAll();
    try {
        figures = await match.report();
        problem ??= wrong(figures);
    } catch (error) {
        problem ??= error;
    }
    ok(name, problem, figures ? `${shown(figures)}, ${resident(pid)} KiB` : '');
}

async function run() {
    const { server, port, http } = await serve();
    const match = new Match(port), fingerprint = BigInt(`0x${await match.line()}`);
    const target = { port, http, fingerprint, long, log };
    await sleep(1000);
    ok('the match goes on by itself', wrong(await match.report()));
    await alone(target);
    const before = resident(server.pid);
    for (const name of only.length ? only : Object.keys(attacks)) await attacked(name, target, match, server.pid);
    let problem = null, after = 0;
    try {
        await alone(target);
        const small = () => (after = resident(server.pid)) <= before + GROWTH;
        for (let tries = 0; !sanitized && !small() && tries < 150; tries++) await sleep(100); // movexd looks every ten seconds
        if (!sanitized && !small()) problem = `${before} KiB before, ${after} KiB after`;
    } catch (error) {
        problem = error;
    }
    ok('memory comes back', problem, ` (${before} KiB before, ${after} KiB after)`);
    const last = await match.end();
    ok('the match ends as it should', wrong(last));
    server.kill('SIGTERM');
    const code = await within(20000, server.done, 'the end of movexd');
    ok('movexd stops when it is told to', code === 0 ? null : `it ended with ${code}`);
    ok('the log has no failure', log().match(/^.*(level=error|runtime error|AddressSanitizer).*$/m)?.[0]);
}

try {
    await run();
} catch (error) {
    ok('the test itself', error);
}
console.log(`1..${count}`);
for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
if (keep) writeFileSync(keep, log());
rmSync(scratch, { recursive: true });
process.exit(failed ? 1 : 0);
