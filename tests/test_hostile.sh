#!/usr/bin/env bash
# Attacks by a websocket client that is not ours (tests/hostile), which script/test installs.
# usage: test_hostile.sh MOVEXD GAMES.so HOSTILE_MATCH SANITIZERS [ATTACK...]
set -u

here=$(realpath "$(dirname "$0")")/hostile
if ! command -v node >/dev/null; then
    echo "1..0 # SKIP there is no node to attack with (Debian package nodejs)"
    exit
fi
if [ ! -e "$here/node_modules/ws/package.json" ]; then
    echo "1..0 # SKIP node's ws is not there: run npm ci in tests/hostile, as script/test does"
    exit
fi
# What is attacked is the same; through threads it takes as long again.
if [[ $1 == *with_threads.sh && -z ${MOVEX_TEST_LONG-} ]]; then
    echo "1..0 # SKIP attacked through threads with --long alone"
    exit
fi
exec node "$here/run.mjs" "$@"
