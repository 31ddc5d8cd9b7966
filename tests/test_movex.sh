#!/usr/bin/env bash
# movex as its users meet it: journals of a movexd replayed, listed, compared and damaged, and a game played from the shell.
# usage: test_movex.sh MOVEX MOVEXD CHAT.so RPS.so SAVE-STATES
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movex=$(realpath "$1") movexd=$(realpath "$2") chat=$(realpath "$3") rps=$(realpath "$4") save=$(realpath "$5")
. "$(dirname "$0")/tap.sh"
evidence=(out errors log)
cd "$scratch" || exit 1

# ends CODE PATTERN ARGUMENT...: movex ends with that code, and a line of what it says matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 60 "$movex" "$@" >out 2>errors </dev/null
    [ $? -eq "$code" ] && cat out errors | grep -Eq -- "$pattern"
}

# Starts movexd over a directory: sets server and url.
starts() {
    : >log
    "$movexd" --listen 127.0.0.1:0 --data "$1" "$chat" "$rps" 2>log &
    server=$!
    in_time grep -Eq 'event=listening address=127\.0\.0\.1:[1-9]' log || return 1
    url=ws://$(sed -n 's/.*event=listening address=\([0-9.:]*\).*/\1/p' log)
}

stops() {
    kill "$server"
    wait "$server"
}

# plays CODE ID TYPE:ID GAME ARGUMENT...: movex connect with the lines of standard input ends with that code.
plays() {
    local code=$1 id=$2 resource=$3 game=$4
    shift 4
    timeout 60 "$movex" connect "$url" "$resource" "$game" --id "$id" "$@" >out 2>errors
    [ $? -eq "$code" ]
}

says() {
    grep -Eq -- "$1" out errors
}

ok "--help tells the usage" ends 0 '^usage: movex' --help
ok "--version tells the version" ends 0 '^movex [0-9]+\.[0-9]+\.[0-9]+$' --version
ok "each command has help" ends 0 '^usage: movex diff' diff --help
ok "no command is wrong usage" ends 2 'name a command'
ok "an unknown command is wrong usage" ends 2 'no such command' repaly
ok "an unknown option is wrong usage" ends 2 'replay --port: there is no such option' replay --port file
ok "too few names are wrong usage" ends 2 'diff: too few names' diff file
ok "a version is a number" ends 2 '--to: needs a version' replay file --to last

# ---- connect

speaks() {
    printf 'say text="hello there"\nsay {"text": "two \\u00e9"}\n\n# a comment\nsay text=three\nstate\n' | plays 0 alice room:main "$chat"
}
ok "movexd keeps what happens" starts data
ok "lines are dispatched" speaks
ok "(it is bound)" says '^bound room:main, version 1, checksum [0-9a-f]{16}$'
ok "(they are accepted)" says '^#3 accepted, version 4$'
ok "(what changes is named)" says '^version [0-9]+: .*messages\[0\]: none -> \{"id":2,.*"text":"hello there"\}'

errs() {
    printf 'jump\nsay text="a\nsay other=1\nsay {"text":5}\nsay text=a b\nsay text=\n' | plays 1 bob room:main "$chat" --once --json
}
ok "what is wrong with a line is said" errs
ok "(an action)" says '^movex: jump: there is no such action'
ok "(a string)" says '^movex: say: text: a string without an end'
ok "(a field)" says '^movex: say: other: there is no such field in say'
ok "(a kind)" says '^movex: say: text: needs a text in quotes'
ok "(too much)" says '^movex: b: is too much for this action'
ok "(a refusal)" says '^\{"event":"refused","dispatch":1,"reason":1,'
ok "(the state at the end)" says '^\{"event":"state","version":[0-9]+,"checksum":"[0-9a-f]{16}","state":\{"messages":\[\{"id":2,'

watches() {
    "$movex" connect "$url" room:main "$chat" --id watcher --watch >watched 2>&1 &
    local watcher=$!
    in_time grep -q '^bound' watched || return 1
    echo 'say text=look' | plays 0 carol room:main "$chat" || return 1
    in_time grep -Eq '^version [0-9]+: .*"author":"carol","text":"look"' watched || return 1
    grep -q '^joined carol' watched || return 1
    kill "$watcher"
    wait "$watcher"
}
ok "a watcher sees what others do" watches
ok "a type that the game does not have" plays 1 bob other:main "$chat" </dev/null
ok "(those that it has)" says 'it has room$'
ok "an address that is none" ends 1 '^movex: ' connect nonsense room:main "$chat"
ok "a game that is none" ends 1 '^movex: .*No such file' connect "$url" room:main nowhere.so

hides() {
    mkfifo lines
    "$movex" connect "$url" rps:table "$rps" --id alice <lines >alice 2>&1 &
    local alice=$!
    exec 3>lines
    echo sit >&3
    in_time grep -q '^#1 accepted' alice || return 1
    echo 'submit seat=0 move=3 as ready seat=0' >&3
    in_time grep -q '^#2 accepted' alice || return 1
    exec 3>&-
    wait "$alice"
}
ok "an action is hidden behind another" hides
ok "movexd stops" stops

# ---- replay

table=data/rps%3atable.journal room=data/room%3amain.journal
shows() {
    "$movex" replay "$table" "$rps" --to 2 --quiet "$@" 2>errors | tee out
}
[ -e "$room" ] || echo "# there is no $room"
ok "every checksum is right" ends 0 '^room:main: version [0-9]+, checksum [0-9a-f]{16}$' replay "$room" "$chat"
ok "the server has said the same" grep -q "resource=room:main version=$(sed 's/.*version \([0-9]*\), checksum \(.*\)/\1 checksum=\2/' out) " log
ok "a directory and a name are as good" ends 0 '^room:main: version' replay data room:main "$chat"
ok "a directory without that name" ends 1 'there is no journal of room:other' replay data room:other "$chat"
ok "without the game records are checked" ends 0 'records only' replay "$room"
ok "its author sees what was hidden" test "$(shows --as alice)" = '{"player":["alice",""],"move":[3,0],"winner":0}'
ok "others do not" test "$(shows --as bob)" = '{"player":["alice",""],"move":[1,0],"winner":0}'
ok "nor does the public" test "$(shows)" = '{"player":["alice",""],"move":[1,0],"winner":0}'
ok "the master knows" test "$(shows --all)" = '{"player":["alice",""],"move":[3,0],"winner":0}'
ok "all in one line of JSON" ends 0 '^\{"journal":"rps:table",.*"version":2,.*"hidden":1,.*"viewer":null,.*"state":\{"player".*\}$' \
    replay "$table" "$rps" --to 2 --all --json
ok "a version that there is not" ends 1 'there is no version 99; the first is 0, the last [0-9]+' replay "$room" "$chat" --to 99
ok "the game of another journal" ends 1 'one of type room, which is not among' replay "$room" "$rps"
ok "what is no journal" ends 1 'this is no journal' replay "$chat"
ok "the sessions' file" ends 0 '^sessions: [0-9]+ records' replay data sessions

steps() {
    printf 'n\n\np\n3\ns\n99\nq\n' | "$movex" replay "$room" "$chat" --step >out 2>errors || return 1
    [ "$(grep -Eo '^version [0-9]+' out | tr '\n' ' ')" = "version 0 version 1 version 2 version 1 version 3 " ] &&
        says '^  present: 0 -> 1$' && says 'since version 2: messages\[0\]: \{.*\} -> none' && says '^\{"messages":' &&
        says '^there are the versions 0 to'
}
ok "going through it by hand" steps

# ---- log

ok "every record in a line" ends 0 '^ +[0-9]+ +2  ENTRY +alice: say \{"text":"hello there"\}, checksum [0-9a-f]{16}$' log "$room" "$chat"
ok "without the game by numbers" ends 0 'ENTRY +alice: action 0, payload 0b68656c6c6f' log "$room"
ok "hidden halves" ends 0 'ENTRY +alice: submit \{"seat":0,"move":3\}, shown as ready \{"seat":0\}' log "$table" "$rps"
ok "as JSON" ends 0 '"kind":"ENTRY","version":2,.*"author":"alice",.*"shown":\{"action":"ready","payload":\{"seat":0\}\},"hidden":' \
    log "$table" "$rps" --json
is_json() {
    "$movex" log "$table" "$rps" --json | python3 -c 'import json, sys; assert len([json.loads(line) for line in sys.stdin]) > 4'
}
ok "(it is JSON)" is_json

# ---- damage

damage() { # FILE OFFSET
    cp "$room" "$1"
    printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
entry=$("$movex" log "$room" | awk '$3 == "ENTRY" && $2 == 2 { print $1 }')
last=$("$movex" log "$room" | awk 'END { print $1 }')
damage middle $((entry + 12))
damage end $((last + 12))
head -c $((last + 5)) "$room" >torn
ok "damage is found, with byte and version" ends 1 "^movex: room:main, byte $entry: .*damaged, and whole ones follow it, from byte [0-9]+ on \\(after version 1\\)\$" \
    replay middle "$chat"
ok "and by the log" ends 1 "byte $entry.*damaged" log middle
ok "damage at the end is as a torn end" ends 3 "byte $last: the [0-9]+ bytes from here on are no whole record" replay end "$chat"
ok "a torn end" ends 3 "byte $last: the 5 bytes from here on" replay torn "$chat"
ok "and by the log" ends 3 "byte $last: the 5 bytes from here on" log torn "$chat"

# ---- diff

ok "a journal is the same as itself" ends 0 '^the same, to version' diff "$room" "$room" "$chat"
ok "a torn one ends earlier" ends 1 'torn ends with version [0-9]+, and .* goes on' diff torn "$room"
other_talk() {
    starts other && printf 'say text="hello there"\nsay text=otherwise\n' | plays 0 alice room:main "$chat" && stops
}
ok "another talk" other_talk
ok "differs" ends 1 '^version 2 differs$' diff "$room" other/room%3amain.journal "$chat"
ok "(by field)" says '^messages\[0\]\.at_ms: [0-9]+ -> [0-9]+$'
ok "two games cannot be compared" ends 2 'is the journal of room:main, and .* of rps:table' diff "$room" "$table"
ok "states are saved" "$save" a b
ok "saved states differ by field" ends 1 '^messages\[0\]\.text: "here" -> "there"; present: 1 -> 2$' diff a b "$chat"
ok "or are the same" ends 0 '^the same$' diff a a "$chat"
ok "without the game that is all" ends 1 'the states differ' diff a b
ok "a missing file is trouble" ends 2 'nowhere: No such file' diff "$room" nowhere

echo "1..$count"
exit "$failed"
