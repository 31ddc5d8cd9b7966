"""The chat on a terminal: what stands on the screen, key by key. The program draws all of its screen at once, so the last
frame that it wrote is what one sees.

usage: test_chat_terminal.py MOVEXD CHAT CHAT.so   ; prints TAP
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

FRAME = b"\033[?25l\033[H"
FRAME_END = b"\033[?25h"
PATIENCE = 20  # seconds


class Chat:
    """The program on a pseudo-terminal of its own."""

    def __init__(self, arguments, rows=12, columns=60):
        self.output = b""
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(slave)
        environment = dict(os.environ, TERM="xterm", TZ="UTC")
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=environment)

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:  # it is no controlling terminal, so the system tells nobody
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536)

    def rows(self, styled=False):
        """The rows of the last whole frame."""
        end = self.output.rfind(FRAME_END)
        start = self.output.rfind(FRAME, 0, end)
        if start < 0:
            return []
        frame = self.output[start + len(FRAME) : end].decode("utf-8").replace("\033[2K", "")
        if not styled:
            frame = re.sub("\033\\[[0-9;]*m", "", frame)
        return [row.rstrip() for row in frame.split("\r\n")]

    def shows(self, *patterns, styled=False):
        """Each pattern matches a row, in time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            rows = self.rows(styled)
            if rows and all(any(re.search(pattern, row) for row in rows) for pattern in patterns):
                return True
            self.read(0.05)
        print(f"# not shown: {patterns}")
        for row in self.rows(styled):
            print(f"#   {row!r}")
        return False

    def settles(self):
        """What is on its way has come."""
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            self.read(0.05)

    def types(self, keys):
        os.write(self.master, keys.encode("utf-8") if isinstance(keys, str) else keys)

    def ends(self, code):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        self.settles()
        return self.process.poll() == code

    def is_restored(self):
        leaves = self.output.endswith(b"\033[?7h\033[?1049l\033[?25h") or b"\033[?1049l\033[?25h" in self.output
        return leaves and termios.tcgetattr(self.slave) == self.before


class Server:
    def __init__(self, movexd, game, port=0):
        self.process = subprocess.Popen(
            [movexd, "--listen", f"127.0.0.1:{port}", game], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self.port = 0
        while not self.port:
            line = self.process.stderr.readline()
            if not line:
                raise SystemExit("movexd does not listen")
            found = re.search(r"event=listening address=127\.0\.0\.1:(\d+)", line)
            self.port = int(found.group(1)) if found else 0

    def url(self):
        return f"ws://127.0.0.1:{self.port}"


def run(movexd, program, game, check):
    server = Server(movexd, game)
    ann, bob = (Chat([program, server.url(), name]) for name in ("ann", "bob"))
    chats = [ann, bob]
    try:
        check("the room, and who is there", ann.shows(r"^ lobby: connected, 2 present$", r"^\* bob is here$", r"^>$"))
        check("the status is the last row but one", ann.rows()[-2].startswith(" lobby:") and len(ann.rows()) == 12)
        bob.shows("2 present")

        ann.types("gr\u00fc\u00dfe \u65e5\u672c")
        check("what is typed is shown", ann.shows("^> gr\u00fc\u00dfe \u65e5\u672c$"))
        bob.types("hello\r")
        check("a message comes, at a time", ann.shows(r"^\d\d:\d\d:\d\d bob: hello$"))
        check("and leaves what is typed alone", ann.shows("^> gr\u00fc\u00dfe \u65e5\u672c$"))
        ann.types("\x7f")
        check("a character is erased whole", ann.shows("^> gr\u00fc\u00dfe \u65e5$"))
        ann.types("\x17\x7f!\033[A\033[D\r")
        check("Enter says it", bob.shows("ann: gr\u00fc\u00dfe!$") and ann.shows("^>$"))

        server.process.send_signal(signal.SIGSTOP)
        ann.types("is this heard?\r")
        dim = "^\033\\[2m[0-9:]{8} ann: is this heard\\?\033\\[0m$"
        check("what is not confirmed is dim", ann.shows(dim, "1 on the way", styled=True))
        server.process.send_signal(signal.SIGCONT)
        check("and is so no more when it is", ann.shows(r"^[0-9:]{8} ann: is this heard\?$", styled=True))
        ann.settles()
        check("nothing is on the way then", ann.rows()[-2] == " lobby: connected, 2 present")

        bob.types("a line of some words that is wrapped when the window is narrow\r")
        ann.shows("narrow")
        ann.resize(9, 30)
        check("a narrow window", ann.shows(r"bob: a line of some$", r"^  words that is wrapped when$", r"^  the window is narrow$"))
        check("has as many rows as it has", len(ann.rows()) == 9)
        for i in range(20):
            bob.types(f"number {i}\r")
        check("the newest scroll in", ann.shows("bob: number 19$"))
        ann.types("\033[5~")
        check("PgUp shows what was before", ann.shows(r"^ \(PgDn for what is new\)$", "bob: number 7$"))
        ann.types("\033[5~" * 30)
        ann.settles()
        check("up to the first line, and no further", ann.rows()[0].startswith("* dialling") and ann.rows()[6] != "")
        ann.types("\033[6~" * 30)
        check("PgDn comes back", ann.shows("bob: number 19$", "^ lobby: connected"))

        carl = Chat([program, server.url(), "carl"])
        chats.append(carl)
        check("a newcomer sees what was said", carl.shows("bob: number 19$", "3 present"))
        carl.process.kill()
        check("who is cut off is away", bob.shows(r"^\* carl is here$", r"^\* carl is away$", "3 present"))

        server.process.kill()
        server.process.wait()
        check("a lost connection is told", bob.shows(r"^\* connection lost: ", "^ lobby: dialling"))
        bob.types("meanwhile\r")
        check("one can go on", bob.shows(r"bob: meanwhile$", "1 on the way"))
        server = Server(movexd, game, server.port)
        check("it is dialled again", bob.shows(r"^\* the server has begun this room anew$", "^ lobby: connected, 2 present$"))
        check("and what was said is said", ann.shows("bob: meanwhile$"))

        ann.types("\x04")
        check("Ctrl-D leaves", ann.ends(0))
        check("and gives the terminal back", ann.is_restored())
        check("which the others are told", bob.shows(r"^\* ann has left$", "1 present"))
        bob.process.send_signal(signal.SIGTERM)
        check("a signal ends it too", bob.ends(0) and bob.is_restored())

        wrong = Chat([program, server.url(), "x" * 40])
        chats.append(wrong)
        check("a name that is too long is refused", wrong.ends(1) and b"chat: " in wrong.output)
    finally:
        for process in [server.process] + [chat.process for chat in chats]:
            if process.poll() is None:
                process.kill()
                process.wait()


def main():
    results = []

    def check(name, good):
        results.append(good)
        print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)

    run(*sys.argv[1:4], check)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
