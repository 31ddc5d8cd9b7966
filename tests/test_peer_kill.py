"""A room of three peers in processes of their own, all of whom play as fast as they can. Whoever is master is killed with SIGKILL,
often while one of the others is held up and behind, and comes again as a new member, over and over: the others go on, and what
anybody was told of is there, once.

usage: test_peer_kill.py MOVEXD PEER_PLAYER; prints TAP. 5 kills, or 50 if MOVEX_TEST_LONG is set, over websockets between the
peers and again at a relay; MOVEX_TEST_SEED repeats the choices of a run, as far as the machine's timing lets it.

The players note each answer, and each state that they have confirmed with the entries that led to it (tests/peer_player.c). At the
end all hold the same. Every state that anybody has seen, also who was killed later, must be what the entries make up to its
version. Of each process the entries must be its dispatches in order, from the first, without a gap and each once, and among them
all that it was told of, at the version that it was told.
"""

import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback

movexd, player_program = (os.path.realpath(path) for path in sys.argv[1:3])
scratch = tempfile.mkdtemp(prefix="peer-kill-")
long_run = bool(os.environ.get("MOVEX_TEST_LONG"))
seed = int(os.environ.get("MOVEX_TEST_SEED") or time.time_ns() % 1000000)
dice = random.Random(seed)
NAMES = ["alice", "bob", "carol"]
WINDOW = 8
PATIENCE_S = 30
GO_ON_S = 2  # after each loss they have gone on by then
IDS_OF_A_LIFE = 1 << 32
WORD = (1 << 64) - 1

started = []  # programs, all of which end with their test


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def wait_for(condition, what):
    """The first value of `condition` that is true; it is asked again and again."""
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        check(time.monotonic() < end, what())
        time.sleep(0.005)
    return value


def start(arguments, **streams):
    process = subprocess.Popen(arguments, text=True, **streams)
    started.append(process)
    return process


# ---- the players


class Life:
    """One process of a player; its output is read by a thread."""

    def __init__(self, name, number, addresses, relay):
        self.name, self.first_id = name, number * IDS_OF_A_LIFE + 1
        self.notes = os.path.join(scratch, f"{'relay' if relay else 'mesh'}-{name}-{number}")
        where = [relay] if relay else [addresses[name]] + [f"ws://{at}" for who, at in addresses.items() if who != name]
        self.process = start([player_program, name, self.notes, str(WINDOW), str(self.first_id), *where],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.began_at = time.monotonic()
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def __str__(self):
        return f"{self.name}, who has said {self.lines[-4:]}"

    def said(self, pattern):
        """All lines of that form."""
        check(self.process.poll() is None, f"a player has ended: {self}")
        return [found for line in self.lines if (found := re.fullmatch(pattern, line))]

    def tell(self, command):
        check(self.process.poll() is None, f"a player has ended: {self}")
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def master(self):
        """Who that is, and the term, as far as this one knows."""
        told = self.said(r"master (\S+) (\d+)")
        return (told[-1][1], int(told[-1][2])) if told else ("-", 0)

    def links(self):
        """To how many members it has links, itself included."""
        told = self.said(r"linked (\d+)")
        return int(told[-1][1]) if told else 0

    def went_on(self, term):
        """When something was accepted in a term after that; in seconds."""
        after = [int(found[2]) / 1000 for found in self.said(r"on (\d+) (\d+)") if int(found[1]) > term]
        return after[0] if after else None

    def end(self):
        """Waits for it; the exit code."""
        code = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        return code


class Room:
    """Three players, and all the lives that they have had."""

    def __init__(self, relay=None):
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in NAMES]
        self.addresses = {name: f"127.0.0.1:{one.getsockname()[1]}" for name, one in zip(NAMES, sockets)}
        for one in sockets:
            one.close()
        self.relay = relay
        self.lives = {name: [Life(name, 0, self.addresses, relay)] for name in NAMES}
        self.delays, self.returns = [], []  # in seconds: from a kill to the next answer, for each; from a start to being a member

    def living(self):
        return [lives[-1] for lives in self.lives.values()]

    def agrees(self):
        """All are at the table and members, and take the same one for the master: who, and the term. Before that, another loss would
        be the loss of a majority's memory."""
        masters = {life.master() for life in self.living()}
        whole = len(masters) == 1 and all(life.said("bound") and life.links() == len(NAMES) for life in self.living())
        return masters.pop() if whole and "-" not in {name for name, _ in masters} else None

    def tell_of_all(self):
        return "; ".join(map(str, self.living()))

    def lose_master(self):
        name, term = wait_for(self.agrees, self.tell_of_all)
        time.sleep(dice.uniform(0.1, 0.6))
        if self.agrees() != (name, term):  # a machine that is so busy may elect another by itself
            return False
        others = [life for life in self.living() if life.name != name]
        behind = dice.choice(others) if dice.random() < 0.7 else None
        if behind:  # it lacks what the other two have agreed on, and must not be the next
            behind.process.send_signal(signal.SIGSTOP)
            time.sleep(dice.uniform(0.01, 0.15))
        killed_at = time.monotonic()
        self.lives[name][-1].process.send_signal(signal.SIGKILL)
        if behind:
            behind.process.send_signal(signal.SIGCONT)
        check(self.lives[name][-1].end() == -signal.SIGKILL, f"it had ended by itself: {self.lives[name][-1]}")
        time.sleep(dice.uniform(0, 0.6))
        self.lives[name].append(Life(name, len(self.lives[name]), self.addresses, self.relay))
        wait_for(lambda: all(life.went_on(term) for life in others), lambda: f"they do not go on: {self.tell_of_all()}")
        self.delays += [life.went_on(term) - killed_at for life in others]
        wait_for(self.agrees, self.tell_of_all)
        self.returns.append(time.monotonic() - self.lives[name][-1].began_at)
        return True

    def rest(self):
        """They stop and converge: the version at which all are."""
        wait_for(self.agrees, self.tell_of_all)
        for life in self.living():
            life.tell("rest")

        def same():
            at = {told[-1].groups() if (told := life.said(r"at (\d+) (\w+)")) else life.name for life in self.living()}
            return at.pop() if len(at) == 1 else None
        return int(wait_for(same, self.tell_of_all)[0])

    def end(self):
        for life in self.living():
            life.process.stdin.close()
        for life in self.living():
            check(life.end() == 0, f"has failed: {life}")
            check(re.fullmatch(r"done accepted=\d+ resyncs=0", life.lines[-1]), f"{life}")


# ---- what they have noted, and the game once more


def mix(value):
    value = value * 0x9E3779B97F4A7C15 & WORD
    return value ^ value >> 29


def read_notes(life, log, seen):
    """Adds to the entries and the states that were seen; returns what was accepted, by id: at which version, and whether just there."""
    accepted = {}
    with open(life.notes, encoding="ascii") as file:
        for line in file:
            if not line.endswith("\n"):
                break  # it was killed while it wrote
            kind, version, value = line.split()
            version = int(version)
            if kind in "Aa":
                check(int(value) not in accepted, f"{life.name} was told of {value} twice")
                accepted[int(value)] = (version, kind == "A")
            elif kind == "S":
                seen.append((version, int(value, 16), life.name))
            else:
                check(log.setdefault(version, int(value, 16)) == int(value, 16), f"version {version} is two entries")
    return accepted


def check_lives(name, lives, accepted, entries):
    """`entries` are those of one player: id and version, in their order."""
    at = 0
    for life, told in zip(lives, accepted):
        expected = life.first_id
        while at < len(entries) and entries[at][0] == expected:
            version = entries[at][1]
            told_at, exact = told.pop(expected, (version, True))
            check(told_at == version if exact else told_at >= version, f"{name}: {entries[at]} was told at {told_at}")
            expected, at = expected + 1, at + 1
        check(not told, f"{name} was told of what is lost: {sorted(told.items())[:5]}")
    check(at == len(entries), f"{name}: {entries[at:at + 3]} are there twice, or without those before them")


def check_notes(room, last):
    log, seen, chains, of_seats = {}, [], [0], {}
    accepted = {name: [read_notes(life, log, seen) for life in lives] for name, lives in room.lives.items()}
    check(sorted(log) == list(range(1, last + 1)), f"{len(log)} of {last} entries are known")
    for version in range(1, last + 1):
        chains.append(mix(chains[-1] ^ log[version]))
        of_seats.setdefault(log[version] >> 56, []).append((log[version] & (1 << 48) - 1, version))
    for version, chain, name in seen:
        check(version <= last and chains[version] == chain, f"{name} has seen another version {version}")
    for entries in of_seats.values():
        made = {(number, (version, True)) for number, version in entries}
        owners = [name for name, lives in accepted.items() if any(made & told.items() for told in lives)]
        check(len(owners) == 1, f"{entries[0]} and what is by the same one: {owners} have been told that they made it")
        check_lives(owners[0], room.lives[owners[0]], accepted.pop(owners[0]), entries)
    check(not any(told for lives in accepted.values() for told in lives), "somebody was told of much, and nothing is there")


# ---- the tests


def figures(times):
    return f"{round(statistics.median(times) * 1000)} ms (median) and {round(max(times) * 1000)} ms (worst)"


def play_and_kill(kills, relay=None):
    room = Room(relay)
    lost = 0
    while lost < kills:
        lost += room.lose_master()
    last = room.rest()
    room.end()
    check_notes(room, last)
    print(f"# {kills} masters killed, {last} entries; from a kill to the next answer {figures(room.delays)}, "
          f"from a start to being a member {figures(room.returns)}")
    check(max(room.delays) <= GO_ON_S, f"they go on after {sorted(room.delays)} s")


def play_and_kill_at_a_relay(kills):
    relay = start([movexd, "--relay", "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(relay.stderr), daemon=True)
    reader.start()
    found = wait_for(lambda: re.search(r"event=listening address=(127\.0\.0\.1:\d+)", "".join(lines)),
                     lambda: f"movexd does not listen: {lines}")
    play_and_kill(kills, f"ws://{found[1]}")
    relay.send_signal(signal.SIGTERM)
    check(relay.wait(PATIENCE_S) == 0, "a stop is not clean")


tests = [
    ("masters are killed again and again, and nothing is lost or there twice", play_and_kill),
    ("the same at a relay", play_and_kill_at_a_relay),
]
failed = False
print(f"# seed {seed}")
for index, (title, test) in enumerate(tests):
    try:
        test(50 if long_run else 5)
        print(f"ok {index + 1} - {title}", flush=True)
    except Exception:
        failed = True
        print(f"not ok {index + 1} - {title}")
        print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    for process in started:
        process.kill()
        process.wait()
    started.clear()
print(f"1..{len(tests)}")
if failed:
    print(f"# what they have noted: {scratch}")
else:
    shutil.rmtree(scratch, ignore_errors=True)
sys.exit(failed)
