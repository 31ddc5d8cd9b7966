#!/usr/bin/env bash
# movexd as a relay: command line, tokens, log and figures, and a mesh of real processes that outlives a kill of it.
# usage: test_movexd_relay.sh MOVEXD RELAY_MEMBER
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movexd=$(realpath "$1") member=$(realpath "$2")
. "$(dirname "$0")/tap.sh"
evidence=(out log alice bob carol mallory body)

# ends CODE PATTERN ARGUMENT...: movexd with these arguments ends with that code, and says what the pattern matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 10 "$movexd" "$@" >"$scratch/out" 2>"$scratch/log" </dev/null
    [ $? -eq "$code" ] && cat "$scratch/out" "$scratch/log" | grep -Eq -- "$pattern"
}

says() {
    in_time grep -Eq -- "$1" "$scratch/$2"
}

# says_times N PATTERN FILE: exactly so many lines.
says_times() {
    in_time bash -c '[ "$(grep -Ec -- "$2" "$3")" -eq "$1" ]' - "$1" "$2" "$scratch/$3"
}

# Starts movexd as a relay on port $1: sets server and port.
starts() {
    local listen=$1
    shift
    : >"$scratch/log"
    "$movexd" --relay --listen "127.0.0.1:$listen" "$@" >"$scratch/out" 2>"$scratch/log" &
    server=$!
    says 'event=listening address=127\.0\.0\.1:[1-9]' log || return 1
    port=$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
    web=$(sed -n 's/.*event=http address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}

stops() {
    kill "-$1" "$server"
    wait "$server"
    [ $? -eq "$2" ]
}

# joins NAME ROOM TOKEN OTHERS: a process whose input stays open for as long as the pipe of its name does.
joins() {
    mkfifo "$scratch/$1.in" 2>/dev/null
    "$member" "ws://127.0.0.1:$port" "$2" "$3" "$1" "$4" >"$scratch/$1" 2>&1 <>"$scratch/$1.in" &
    printf -v "pid_$1" %d $!
}

asks() {
    curl -s -m 10 "http://127.0.0.1:$web/health" >"$scratch/body" && grep -Eq -- "$1" "$scratch/body"
}

ok "--help tells of it" ends 0 'movexd --relay' --help
ok "games and a relay do not go together" ends 2 'serves no games: leave out game.so' --relay game.so
ok "nor a relay and what is kept" ends 2 'data means nothing to --relay' --relay --data "$scratch"
ok "nor its options without it" ends 2 'relay-rooms needs --relay as well' --relay-rooms 5 game.so
ok "a wrong number is wrong usage" ends 2 'relay-members needs a number from 2 to 1000, not 1' --relay --relay-members 1
ok "a missing file of tokens is named" ends 1 'start-failed file=nowhere cause="No such file' --relay --relay-token nowhere
: >"$scratch/tokens"
ok "an empty one is refused" ends 1 'cause="there is no token in it"' --relay --relay-token "$scratch/tokens"
printf 'good\nb\tad\n' >"$scratch/tokens"
ok "a token with a control character is refused by its line" ends 1 'cause="line 2: a token has' --relay --relay-token "$scratch/tokens"
printf 'go\0od\n' >"$scratch/tokens"
ok "and one with a zero" ends 1 'cause="line 1: a token has' --relay --relay-token "$scratch/tokens"

ok "starts without tokens" starts 0
ok "and says that it is open to all" grep -Eq 'level=warning event=relay open=' "$scratch/log"
ok "SIGTERM stops it" stops TERM 0

printf 'first\r\n\nsecret' >"$scratch/tokens"
ok "starts with tokens" starts 0 --relay-token "$scratch/tokens" --relay-rate 20000000 --http 127.0.0.1:0
ok "and says how many" grep -Eq 'level=info event=relay tokens=2' "$scratch/log"
joins alice friday-night secret 2
joins bob friday-night secret 2
joins mallory friday-night wrong 1
joins first friday-night first 1
joins carol friday-night secret 2
for name in alice bob carol; do ok "$name has exchanged its frames with both others" says_times 1 '^mesh$' $name; done
ok "who has another token is not let in" says 'lost: sent away by the relay: the token is not accepted' mallory
ok "and the log says so" says 'level=warning event=rejected address=127.0.0.1:[0-9]* cause="the token is not accepted"' log
ok "who has another accepted token is in a room of its own" says 'event=joined peer=first room=friday-night members=1 ' log
ok "nobody met a stranger" bash -c '! grep -E "mallory|first" "$@"' - "$scratch/alice" "$scratch/bob" "$scratch/carol"
if command -v curl >/dev/null; then
    ok "the figures are there" asks '"rooms":2,"members":4,"frames":12[0-9][0-9],"bytes":[0-9]{7},'
    ok "and tell no names" bash -c '! grep -Eq "friday|secret|alice" "$1"' - "$scratch/body"
fi
ok "no token is in the log" bash -c '! grep -Eq "secret|wrong" "$1"' - "$scratch/log"
ok "it is killed" stops KILL 137
ok "all lose everybody" says_times 2 '^lost: the relay: ' alice
ok "starts again at the same address" starts "$port" --relay-token "$scratch/tokens" --relay-rate 20000000
for name in alice bob carol; do ok "$name is in the mesh again" says_times 2 '^mesh$' $name; done
# ends_cleanly NAME: as its input ends, it does, without complaint.
ends_cleanly() {
    local pid=pid_$1
    echo >"$scratch/$1.in" && wait "${!pid}"
}
ok "carol leaves" ends_cleanly carol
ok "the others are told" says 'lost: the other side has left the room' alice
ok "no member broke the contract" bash -c '! grep -h broken "$@"' - "$scratch/alice" "$scratch/bob" "$scratch/carol"
ok "SIGINT stops it" stops INT 0
ok "the figures are its last words" bash -c 'tail -n 1 "$1" | grep -q event=stopped && grep -q "event=figures links=" "$1"' - "$scratch/log"
for name in alice bob mallory first; do ok "$name ends" ends_cleanly $name; done

echo "1..$count"
exit "$failed"
