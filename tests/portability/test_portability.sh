#!/usr/bin/env bash
# What was recorded can be replayed, and always is the same; what was changed in it is found.
set -euo pipefail
program=$(realpath "$1") # from where it is run
. "$(dirname "$0")/../tap.sh"
cd "$scratch"

recorded() { "$program" record "$1" 2 >/dev/null; }
replays_alike() { "$program" replay a >first && "$program" replay a >second && cmp first second; }
is_refused() { ! "$program" replay a >changed && grep -q 'cannot be recovered' changed; }

ok 'runs are recorded' recorded a
ok 'again: to the byte the same' recorded b
ok 'both are alike' diff -r a b
ok 'what was recorded can be replayed' replays_alike
ok 'everybody sees something' grep -q '  c0 ' first
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
echo "1..$count"
exit "$failed"
