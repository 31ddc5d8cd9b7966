"""movexd --data under load, killed with SIGKILL at random moments and started again: what players were told of is there, once.

usage: test_movexd_kill.py MOVEXD TALLY_PLAYER TALLY.so TALLY_CHANGED.so TALLY_OTHER_RULE.so; prints TAP. 10 kills, or 100 if
MOVEX_TEST_LONG is set; MOVEX_TEST_SEED repeats the choices of a run, as far as the machine's timing lets it.

The players note each answer, and each state that they have confirmed with the entries that led to it. At the end, these entries
must be what the server has, every state that anybody has seen must be what they make up to its version, and every accepted
dispatch must be one of them, which is no other's.
"""

import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

movexd, player_program, game, changed_game, other_game = (os.path.realpath(path) for path in sys.argv[1:6])
scratch = tempfile.mkdtemp(prefix="movexd-kill-")
long_run = bool(os.environ.get("MOVEX_TEST_LONG"))
seed = int(os.environ.get("MOVEX_TEST_SEED") or time.time_ns() % 1000000)
dice = random.Random(seed)
MARK, KEEP, NOD, OPEN = range(4)
PLAYERS, RESOURCES, WINDOW = 5, 3, 8
PATIENCE_S = 40


started = []  # programs, all of which end with their test


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


# ---- the server


class Server:
    """A movexd; its log is read by a thread."""

    def __init__(self, data, *options, port=0, file_blocks=None, games=(game,)):
        def limit():
            if file_blocks:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_blocks * 1024, resource.RLIM_INFINITY))
        self.lines = []
        self.told = threading.Condition()
        self.process = subprocess.Popen(
            [movexd, "--listen", f"127.0.0.1:{port}", "--http", "0", "--data", data, "--log", "debug", *options, *games],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=limit)
        started.append(self.process)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.told:
                self.lines.append(line)
                self.told.notify()
        with self.told:
            self.lines.append("")
            self.told.notify()

    def says(self, pattern, optional=False):
        """The first line that matches, waited for; None if it is optional and movexd ends without."""
        end = time.monotonic() + PATIENCE_S
        at = 0
        with self.told:
            while True:
                for line in self.lines[at:]:
                    found = re.search(pattern, line)
                    if found:
                        return found
                at = len(self.lines)
                if optional and self.lines and self.lines[-1] == "":
                    return None
                check(time.monotonic() < end and not (self.lines and self.lines[-1] == ""),
                      f"movexd never says {pattern}: {''.join(self.lines)[-2000:]}")
                self.told.wait(1)

    def count(self, pattern):
        with self.told:
            return sum(1 for line in self.lines if re.search(pattern, line))

    def is_listening(self):
        self.port = int(self.says(r"event=listening address=127\.0\.0\.1:(\d+)")[1])
        self.web = int(self.says(r"event=http address=127\.0\.0\.1:(\d+)")[1])

    def asks(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def ends(self, number):
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        return code


def fails(code, pattern, data, *options, games=(game,)):
    """movexd does not start, for that reason."""
    run = subprocess.run([movexd, "--listen", "127.0.0.1:0", "--data", data, *options, *games], stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE_S, check=False)
    check(run.returncode == code, f"exit code {run.returncode}, not {code}: {run.stderr}")
    check(re.search(pattern, run.stderr), f"does not say {pattern}: {run.stderr}")


# ---- the players


class Players:
    def __init__(self, port, players=PLAYERS, resources=RESOURCES, window=WINDOW):
        self.notes = os.path.join(scratch, "notes")
        self.resources = resources
        self.process = subprocess.Popen(
            [player_program, f"ws://127.0.0.1:{port}", self.notes, str(players), str(resources), str(window)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.process)

    def have_ended(self):
        raise Failure(f"the players have ended: {self.process.stderr.read()}")

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            self.have_ended()
        return line

    def tell(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.have_ended()

    def go_on(self):
        self.tell("go")

    def rest(self):
        """They stop, and converge by themselves: version and checksum for each resource."""
        self.tell("rest")
        at = {}
        while (line := self.line()) != "resting\n":
            _, version, checksum, name = line.split()
            at[name] = (int(version), checksum)
        return at

    def end(self):
        self.process.stdin.close()
        figures = dict(word.split("=") for word in self.line().split()[1:])
        check(self.process.wait(PATIENCE_S) == 0, f"the players have failed: {self.process.stderr.read()}")
        return {key: int(value) for key, value in figures.items()}


def agree(server, at):
    shown = {one["id"]: (one["version"], one["checksum"]) for one in server.asks("/resources")}
    check(shown == at, f"the server shows {shown}, and the players have {at}")


# ---- what they have noted, and the game once more

WORD = (1 << 64) - 1


def mix(value):
    value = value * 0x9E3779B97F4A7C15 & WORD
    return value ^ value >> 29


class Account:
    """All that was noted of one resource."""

    def __init__(self):
        self.accepted = {}  # by author: (id, action, version, whether that is known)
        self.refused = {}
        self.seen = []
        self.log = {}

    def note(self, author, action, number, version, exact):
        """Ids grow with the dispatches of an author; OPEN comes behind all others that it has dispatched so far."""
        mine = self.accepted.setdefault(author, [])
        check(action == OPEN or all(number != own[0] for own in mine[-2 * WINDOW:]), f"{author} was told of {number} twice")
        mine.append((number if action != OPEN else max(mine)[0] + 0.5 if mine else 0.5, action, version, exact))

    def dispatches(self, log):
        """The entries of the log as their authors have made them; raises if one is nobody's, or told of without being there."""
        seats, mine = [], {}
        for author, all_of_it in self.accepted.items():
            mine[author] = iter(sorted(all_of_it))
        for version in range(1, len(log) + 1):
            seat, shown, number = log[version] >> 56, log[version] >> 48 & 0xFF, log[version] & (1 << 48) - 1
            if seat == len(seats):
                seats.append(self.author_of(version, seats))
            own, action, told, exact = next(mine[seats[seat]], (None, None, 0, True))
            check(shown == (NOD if action == KEEP else action) and (shown != MARK or own == number) and
                  (told == version if exact else told >= version),
                  f"version {version} is {log[version]:x}; {seats[seat]} was told of action {action}, {own}, at {told}")
            yield version, seat, own if action != OPEN else 0
        left = [next(all_of_it, None) for all_of_it in mine.values()]
        check(not any(left), f"accepted, and not in the log: {left}")
        self.seats = seats

    def author_of(self, version, seats):
        """Of the first entry of a seat: somebody must have been told of it, at that version. Who was told when a snapshot came as well
        (inexact) was told of a version that may be later; among several of them it is the one that was told of the first."""
        firsts = {author: min(all_of_it) for author, all_of_it in self.accepted.items() if author not in seats}
        found = [author for author, first in firsts.items() if first[2] == version and first[3]]
        if not found:
            shown, number = self.log[version] >> 48 & 0xFF, self.log[version] & (1 << 48) - 1
            found = [author for author, (own, action, told, exact) in sorted(firsts.items(), key=lambda one: one[1][2])
                     if not exact and told >= version and shown == (NOD if action == KEEP else action) and
                     (shown != MARK or own == number)][:1]
        check(len(found) == 1, f"version {version}: {found} have been told that they made it")
        return found[0]

    def compare(self, state, last):
        """Holds all of it together; returns how many entries there are."""
        check(sorted(self.log) == list(range(1, last + 1)), f"{len(self.log)} of {last} entries are known")
        done, chains = {}, [0]
        for version, seat, number in self.dispatches(self.log):
            chains.append(mix(chains[-1] ^ self.log[version]))
            count, total, before = done.setdefault(seat, (0, 0, 0))
            if number:
                check(number > before, f"version {version}: {number} after {before}")
                done[seat] = (count + 1, total + mix(number) & WORD, number)
        for version, chain, who in self.seen:
            check(version <= last and chains[version] == chain, f"{who} has seen another version {version}")
        check(state["chain"] == chains[-1], "the server has another log")
        for seat, name in enumerate(self.seats):
            shown = state["seats"][seat]
            check((shown["name"], shown["count"], shown["sum"], shown["last"], shown["disorder"]) == (name, *done[seat], 0),
                  f"of {name} the server has {shown}, and was to have {done[seat]}")
        twice = self.refused.keys() & {(who, own[0]) for who, mine in self.accepted.items() for own in mine}
        check(not twice, f"two outcomes: {sorted(twice)[:10]}")
        return last


def accounts(notes, resources):
    all_of_them = [Account() for _ in range(resources)]
    with open(notes, encoding="ascii") as file:
        for line in file:
            kind, at, *rest = line.split()
            account = all_of_them[int(at)]
            if kind in "Aa":
                # what opens has no id of its own: it comes after all that its author did before
                account.note(rest[1], int(rest[2]), int(rest[3]), int(rest[0]), kind == "A")
            elif kind == "R":
                check((rest[0], int(rest[2])) not in account.refused, f"two outcomes: {line}")
                account.refused[rest[0], int(rest[2])] = int(rest[3])
            elif kind == "S":
                account.seen.append((int(rest[0]), int(rest[1], 16), rest[2]))
            else:
                account.log[int(rest[0])] = int(rest[1], 16)
    return all_of_them


def compare_all(server, players, at):
    agree(server, at)
    return sum(account.compare(server.asks(f"/resources/tally/r{i}")["state"], at[f"r{i}"][0])
               for i, account in enumerate(accounts(players.notes, players.resources)))


# ---- torn ends


def journals(data):
    return sorted(os.path.join(data, name) for name in os.listdir(data) if name.endswith(".journal"))


def records(path):
    """Where the whole records of a file begin, and where the last one ends."""
    with open(path, "rb") as file:
        content = file.read()
    starts, at = [], 0
    while at + 16 <= len(content):
        length = struct.unpack_from("<I", content, at)[0] + 16
        if at + length > len(content):
            break
        starts.append(at)
        at += length
    return content, starts, at


def tear(path):
    """Adds what a write that a power cut has ended might leave behind the last whole record; how many bytes."""
    content, starts, end = records(path)
    record = content[starts[-1]:end]
    torn = dice.choice([lambda: record[:dice.randrange(1, len(record))],
                        lambda: dice.randbytes(dice.randrange(1, 200)),
                        lambda: bytes(dice.randrange(1, 200)),
                        lambda: record[:len(record) // 2] + bytes(len(record) - len(record) // 2)])()
    with open(path, "ab") as file:
        file.write(torn)
    return len(content) + len(torn) - end  # a kill may have left something as well


# ---- the tests


def play_and_kill(kills, torn, sync="always"):
    data = os.path.join(scratch, f"data-{sync}-{torn}")
    server = Server(data, "--sync", sync)
    server.is_listening()
    port = server.port
    players = Players(port)
    starts = []
    time.sleep(0.3)
    for kill in range(kills):
        if kill % 10 == 5:  # even the start itself
            server.ends(signal.SIGKILL)
            server = Server(data, "--sync", sync, port=port)
            time.sleep(dice.uniform(0, 0.05))
        else:
            time.sleep(dice.uniform(0.05, 0.6))
        check(server.ends(signal.SIGKILL) == -signal.SIGKILL, "the server had ended by itself")
        cut = {path: tear(path) for path in journals(data) if torn and dice.random() < 0.7}
        began = time.monotonic()
        server = Server(data, "--sync", sync, port=port)
        server.is_listening()
        starts.append(time.monotonic() - began)
        for path, length in cut.items():
            name = re.sub("%3a", ":", os.path.basename(path)[:-len(".journal")])
            field = "" if name == "sessions" else f" resource={name} "
            server.says(f'level=warning event=torn{field}.*cause="{length} bytes behind the last whole record were cut off"')
        check(torn or server.count("event=torn") == server.count("level=warning event=torn .*bytes behind"), "torn")
        check(server.count("event=recovered resource=tally:r") in (RESOURCES, 0) or kill < 2, "a resource is not named")
        check(not server.count("event=(rejected|events-dropped)"), "somebody was not let in")
        if kill % 25 == 24:
            time.sleep(0.2)
            compare_all(server, players, players.rest())
            players.go_on()
    time.sleep(0.2)
    at = players.rest()
    entries = compare_all(server, players, at)
    figures = players.end()
    check(figures["resyncs"] == 0 and figures["connects"] > kills, f"{figures}")
    check(server.ends(signal.SIGTERM) == 0, "a stop is not clean")
    print(f"# --sync {sync}: {kills} kills, {entries} entries, {figures}, started in {max(starts):.2f} s at the most")


def flush_now_and_then():
    """What an interval has put on the disk survives a kill."""
    data = os.path.join(scratch, "interval")
    options = ("--sync", "interval", "--sync-ms", "50")
    server = Server(data, *options)
    server.is_listening()
    port = server.port
    players = Players(port)
    for _ in range(3):
        time.sleep(0.3)
        players.rest()
        time.sleep(1)
        check(server.asks("/health")["unflushed"] == 0, "something is not on the disk")
        check(server.ends(signal.SIGKILL) == -signal.SIGKILL, "the server had ended by itself")
        server = Server(data, *options, port=port)
        server.is_listening()
        players.go_on()
    time.sleep(0.2)
    compare_all(server, players, players.rest())
    figures = players.end()
    check(figures["resyncs"] == 0, f"{figures}")
    check(server.ends(signal.SIGTERM) == 0, "a stop is not clean")


def stop_gracefully():
    data = os.path.join(scratch, "graceful")
    server = Server(data, "--idle-seconds", "600")
    server.is_listening()
    port = server.port
    players = Players(port)
    for _ in range(3):
        time.sleep(0.3)
        check(server.ends(signal.SIGTERM) == 0, "a stop is not clean")
        last = {found[1]: found[2] for line in server.lines
                if (found := re.search(r"event=resource resource=tally:(r\d) (version=\d+ checksum=\w+)", line))}
        server = Server(data, "--idle-seconds", "600", port=port)
        server.is_listening()
        for name, state in last.items():
            server.says(f"event=recovered resource=tally:{name} {state} subscribers={PLAYERS}")
        check(server.count("event=torn") == 0, "something is torn")
    compare_all(server, players, players.rest())
    figures = players.end()
    check(figures["resyncs"] == 0 and figures["connects"] == 4 * PLAYERS, f"{figures}")
    server.ends(signal.SIGTERM)


def say_when_it_cannot_be_kept():
    """A disk that takes no more: refused, not lost; and when it takes again, the match goes on."""
    data = os.path.join(scratch, "full")
    server = Server(data, file_blocks=64)
    server.is_listening()
    port = server.port
    players = Players(port, players=2, resources=1, window=4)
    server.says(r'level=error event=store status=MOVEX_ERR_SYSTEM cause="the file would be too large: cannot write ')
    health = server.asks("/health")
    check(health["status"] == "failing" and health["data"] == "failing", f"{health}")
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.says("level=warning event=store status=MOVEX_OK")
    check(server.asks("/health")["data"] == "ok", "still failing")
    compare_all(server, players, players.rest())
    players.go_on()
    time.sleep(0.2)
    server.ends(signal.SIGKILL)
    server = Server(data, port=port)
    server.is_listening()
    compare_all(server, players, players.rest())
    players.end()
    server.ends(signal.SIGTERM)


def a_directory_with_a_match():
    data = os.path.join(scratch, "errors")
    server = Server(data)
    server.is_listening()
    players = Players(server.port, players=2, resources=1)
    time.sleep(0.3)
    players.rest()
    players.end()
    return data, server


def refuse_what_is_not_right():
    data, server = a_directory_with_a_match()
    fails(1, r"event=data-failed directory=\S+ cause=\"in use by another program: ", data)
    check(server.ends(signal.SIGTERM) == 0, "a stop is not clean")
    said = r"level=error event=data-failed directory=\S+ cause=\"store: tally:r0, byte \d+: "
    fails(3, said + "it was kept by another version of the type", data, games=(changed_game,))
    fails(3, said, data, games=(other_game,))
    path = os.path.join(data, "tally%3ar0.journal")
    content, starts, _ = records(path)
    at = starts[len(starts) // 2] + 12
    damaged = bytearray(content)
    damaged[at] ^= 1
    with open(path, "wb") as file:
        file.write(damaged)
    fails(3, said + "a record is damaged, and whole ones follow it", data)
    with open(path, "rb") as file:
        check(file.read() == damaged, "what is damaged was touched")
    fails(1, 'event=data-failed directory=\\S+ cause="not a directory: ', path)
    fails(1, 'event=data-failed directory=\\S+ cause="no such file or directory: ', os.path.join(scratch, "no", "where"))


tests = [
    ("killed again and again, nothing is lost and nothing is there twice",
     lambda: play_and_kill(100 if long_run else 5, False)),
    ("the same with torn ends", lambda: play_and_kill(100 if long_run else 5, True)),
    ("the same when the disk is left to the system", lambda: play_and_kill(20 if long_run else 2, False, "never")),
    ("what was flushed at an interval survives", flush_now_and_then),
    ("a stop and a start are a reconnect, and nothing else", stop_gracefully),
    ("a disk that takes no more is told of, and nothing is lost", say_when_it_cannot_be_kept),
    ("what is locked, damaged, changed or no directory is refused", refuse_what_is_not_right),
]
failed = False
print(f"# seed {seed}")
for index, (name, test) in enumerate(tests):
    try:
        test()
        print(f"ok {index + 1} - {name}", flush=True)
    except Exception:
        failed = True
        print(f"not ok {index + 1} - {name}")
        print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    for process in started:
        process.kill()
        process.wait()
    started.clear()
print(f"1..{len(tests)}")
if not failed:
    shutil.rmtree(scratch, ignore_errors=True)
sys.exit(failed)
