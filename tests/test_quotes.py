"""Checks that what the documents quote is still so: blocks of C in the sources, blocks of output in what a program prints.

usage: test_quotes.py SOURCE_ROOT FIRST_GAME   (the program of docs/first-game.md); prints TAP
"""

import pathlib
import re
import subprocess
import sys

SOURCES = {
    "README.md": ["examples/counter.c"],
    "docs/secrets.md": [
        "examples/rps.c",
        "examples/rps/main.c",
        "examples/thirtyone/game.c",
        "examples/thirtyone/bot.c",
    ],
    "docs/testing.md": ["examples/first_game/matches.c", "examples/first_game/simulation.c", "examples/leaks.c"],
    "docs/first-game.md": [
        "examples/first_game/nim.h",
        "examples/first_game/nim.c",
        "examples/first_game/main.c",
        "examples/first_game/module.c",
        "examples/first_game/player.c",
        "tests/test_first_game.c",
    ],
}


def blocks(text, language):
    return re.findall(r"^```" + language + r"\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    ran = subprocess.run([program], stdout=subprocess.PIPE, timeout=30, text=True, check=True)
    checks = []
    for document, files in SOURCES.items():
        text = (root / document).read_text(encoding="utf-8")
        sources = [(root / name).read_text(encoding="utf-8") for name in files]
        quotes = blocks(text, "c")
        checks.append((f"{document} quotes sources", len(quotes) > 0))
        for quote in quotes:
            first = quote.splitlines()[0].strip()
            checks.append((f"{document}: {first}", any(quote in source for source in sources)))
        for quote in blocks(text, "text"):
            first = quote.splitlines()[0].strip()
            checks.append((f"{document}: output: {first}", quote in ran.stdout))
    print(f"1..{len(checks)}")
    for number, (name, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name.replace('#', '')}")
    return 0 if all(good for _, good in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
