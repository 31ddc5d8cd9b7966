"""The games at a table on a terminal: what stands on the screen while others play and somebody types.

usage: test_tables_terminal.py MOVEXD RPS RPS.so THIRTYONE   ; prints TAP
"""

import re
import sys

from test_chat_terminal import Chat, Server

SEQUENCE = re.compile("\033\\[[0-9;?]*[A-Za-z]|\033[78]")


class Player(Chat):
    """A program whose output goes to a screen of our own, which understands as much as these programs use."""

    def __init__(self, arguments, rows=24, columns=80):
        self.size = (rows, columns)
        super().__init__(arguments, rows, columns)

    def resize(self, rows, columns, tell=True):
        self.size = (rows, columns)
        super().resize(rows, columns, tell)

    def rows(self, styled=False):
        height, width = self.size
        grid, row, column, saved = [[" "] * width for _ in range(height)], 0, 0, (0, 0)
        text, at = self.output.decode("utf-8", "ignore"), 0
        while at < len(text):
            sequence = SEQUENCE.match(text, at)
            if sequence:
                what = sequence.group()
                if what == "\033[H":
                    row, column = 0, 0
                elif what == "\033[2J":
                    grid = [[" "] * width for _ in range(height)]
                elif what == "\033[K":
                    grid[row][column:] = [" "] * (width - column)
                elif what == "\0337":
                    saved = (row, column)
                elif what == "\0338":
                    row, column = saved
                at = sequence.end()
                continue
            if text[at] == "\r":
                column = 0
            elif text[at] == "\n":
                row += 1
                if row == height:
                    grid, row = grid[1:] + [[" "] * width], height - 1
            elif text[at] >= " ":
                grid[row][column] = text[at]
                column = min(column + 1, width - 1)
            at += 1
        return ["".join(line).rstrip() for line in grid]

    def has_not(self, pattern):
        self.settles()
        return not any(re.search(pattern, row) for row in self.rows())


def play_rps(movexd, program, game, check):
    server = Server(movexd, game)
    ann = Player([program, server.url(), "ann"])
    players = [ann]
    try:
        check("who is first waits", ann.shows(r"^  ann +-$", r"^  \(free\)$", "^  waiting for a second player$"))
        bob = Player([program, server.url(), "bob"], 24, 30)
        players.append(bob)
        check("two can play", ann.shows("^  your move$", "^  bob is here$") and bob.shows("^  your move$"))
        check("a narrow window breaks lines at words", bob.shows(r"^  r rock, p paper, s$", r"^  scissors, q quit$", r"^  >$"))
        bob.types("s")
        check("what is typed is seen", bob.shows("^  > s$"))
        ann.types("r\r")
        check("one's own move is known", ann.shows(r"^  ann +rock \(hidden from others\)$", "^  waiting for bob$"))
        check("that of others is not", bob.shows(r"^  ann +hidden$") and bob.has_not("rock$"))
        check("what was typed meanwhile still stands", bob.shows("^  > s$"))
        ann.types("p\r")
        check("one may think again", ann.shows(r"^  ann +paper \(hidden from others\)$"))
        bob.types("\r")
        check("both are revealed", bob.shows(r"^  ann +paper$", r"^  bob +scissors$", "^  you have won$"))
        check("to both", ann.shows(r"^  bob +scissors$", "^  bob has won$", "^  ann had hidden: paper$"))
        carl = Player([program, server.url(), "carl"])
        players.append(carl)
        check("others watch", carl.shows("^  both seats are taken: you watch$", "^  watching: carl$", "^  bob has won$"))
        carl.types("r\r")
        check("and cannot play", carl.shows("^  you have no seat at this table$"))
        ann.types("n\r")
        check("a new round", bob.shows("^  your move$", r"^  ann +-$"))
        bob.process.kill()
        check("who is cut off is away", ann.shows("^  bob is away; the seat is kept$", r"^  bob +-, away$"))
        ann.types("q\r")
        check("q leaves", ann.ends(0))
    finally:
        end([server.process] + [player.process for player in players])


def comes_to_turn(player):
    """Asks for cards until it is one's turn: a bot that was dealt 31 ends a round before."""
    for _ in range(5):
        player.types("n\r")
        player.shows(r"^  (your turn|.* had 31)$")
        if any(row == "  your turn" for row in player.rows()):
            return True
    return False


def play_thirtyone(program, check):
    ann = Player([program, "--bots", "1", "--pause-ms", "50"])
    cards = r"\d:[0-9AJQK]+[SHDC\u2660\u2665\u2666\u2663]  "
    try:
        check("a bot comes", ann.shows("^    you$", "^    ann$", "^  n deal, s stand up, q quit >$"))
        check("cards are dealt", comes_to_turn(ann))
        check("one's own are known, and the other's hidden", ann.shows(r"^  > you .*= \d+$", r"^    ann [*-]{3}  ##  ##  ##$"))
        ann.types("d\r")
        check("a card is drawn", ann.shows(rf"^  > you [*-]{{3}}  {cards}{cards}{cards}", "^  which card do you discard"))
        ann.types("9\r")
        check("there is no ninth", ann.shows("^  not understood: 9$"))
        ann.types("4\r")
        check("one is discarded", ann.shows(r"^  (> you|  you) [*-]{3}  [0-9AJQK]+\S  [0-9AJQK]+\S  [0-9AJQK]+\S   = \d+"))
        check("the bot plays, and it is told", ann.shows("^  ann (draws a card|takes the|knocks)"))
        check("and one's turn comes again, or the hands lie open", ann.shows(r"^  (your turn|the round is over|.* had 31)$"))
        ann.types("q\r")
        check("q leaves", ann.ends(0))
    finally:
        end([ann.process])


def end(processes):
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def main():
    results = []

    def check(name, good):
        results.append(good)
        print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)

    movexd, rps, rps_game, thirtyone = sys.argv[1:5]
    play_rps(movexd, rps, rps_game, check)
    play_thirtyone(thirtyone, check)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
