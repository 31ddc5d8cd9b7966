#!/usr/bin/env bash
# What was recorded can be replayed, and always is the same; what was changed in it is found.
set -euo pipefail
program=$(realpath "$1") # from where it is run
movex=$(realpath "$2")
. "$(dirname "$0")/../tap.sh"
cd "$scratch"

recorded() { "$program" record "$1" 2 >/dev/null; }
replays_alike() { "$program" replay a >first && "$program" replay a >second && cmp first second; }
is_refused() { ! "$program" replay a >changed && grep -q 'cannot be recovered' changed; }

# For each resource of each recording its name, its version and the checksum of everything: as a master that goes on with it
# says, and as movex does.
by_masters() {
    awk '$2 == "version" { name = $1; version = $3 + 0 } $1 == "*" { print name, version, $2 }' first | sort
}
by_movex() {
    local journal
    for journal in a/*/*%3a*.journal; do
        "$movex" replay "$journal" games --json --all || [ "$?" -eq 3 ] || return # 3: torn
    done | sed -E 's/.*"journal":"([^"]*)".*"version":([0-9]+).*"view_checksum":"([0-9a-f]+)".*/\1 \2 \3/' | sort
}
movex_agrees() { by_masters >masters && by_movex >movexes && [ -s masters ] && diff masters movexes; }
movex_refuses() { ! "$movex" replay "$longest" games 2>words && grep -q ', byte [0-9]*: ' words; }

ok 'runs are recorded' recorded a
ok 'again: to the byte the same' recorded b
ok 'both are alike' diff -r a b
ok 'what was recorded can be replayed' replays_alike
ok 'everybody sees something' grep -q '  c0 ' first
ok 'movex sees the same' movex_agrees
# One bit, in the middle of the longest file.
longest=$(find a -name '*.journal' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
python3 - "$longest" <<'END'
import sys
with open(sys.argv[1], 'r+b') as file:
    data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    file.seek(0)
    file.write(data)
END
ok 'a changed bit is found' is_refused
ok 'by movex as well' movex_refuses
echo "1..$count"
exit "$failed"
