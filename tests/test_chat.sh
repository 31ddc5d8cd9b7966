#!/usr/bin/env bash
# The chat as its users meet it: by pipes, many at once, over real websockets; and chat.c, the same room in one process.
# usage: test_chat.sh MOVEXD CHAT CHAT.so CHAT_LOCAL
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movexd=$(realpath "$1") chat=$(realpath "$2") game=$(realpath "$3") chat_local=$(realpath "$4")
. "$(dirname "$0")/tap.sh"
evidence=(out said log)

# ends CODE PATTERN ARGUMENT...: chat with these arguments and no input ends with that code, and says what matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 30 "$chat" "$@" >"$scratch/out" 2>"$scratch/said" </dev/null
    [ $? -eq "$code" ] && cat "$scratch/out" "$scratch/said" | grep -Eq -- "$pattern"
}

starts() {
    "$movexd" --listen 127.0.0.1:0 "$game" >"$scratch/out" 2>"$scratch/log" &
    server=$!
    in_time grep -Esq 'event=listening address=127\.0\.0\.1:[1-9]' "$scratch/log" || return 1
    url=ws://127.0.0.1:$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}

# The lines of a file without the time of day in front.
untimed() {
    sed 's/^[0-9][0-9]:[0-9][0-9]:[0-9][0-9] //' "$1"
}

local_line() {
    timeout 30 "$chat_local" >"$scratch/out" 2>"$scratch/said" &&
        [ "$(cat "$scratch/out")" = "1 present, ann: hello, 0 resyncs" ]
}
ok "chat.c says how it went" local_line

alone() {
    printf 'hello\n\nthere' | timeout 30 "$chat" >"$scratch/out" 2>"$scratch/said" || return 1
    [ "$(untimed "$scratch/out")" = $'you: hello\nyou: there' ]
}
ok "--help tells the usage" ends 0 '^usage: chat' --help
ok "a name is needed" ends 2 'a name is needed to chat at ws://x' ws://x
ok "an unknown option is wrong usage" ends 2 'there is no option --port' --port
ok "a wrong number is wrong usage" ends 2 'wait needs a number of seconds from 1 to 3600' --wait soon
ok "a url that is none is said" ends 1 'chat: the url ' nonsense ann
ok "a file of certificates that is not there is named" \
    ends 1 "chat: .*$scratch/none.pem" --ca "$scratch/none.pem" wss://127.0.0.1:1 ann
ok "one can chat alone, and an empty line says nothing" alone

# What each of many says: five lines; then it stays until all have seen everything.
people=20 lines=5
speaks() {
    local line
    for ((line = 1; line <= lines; line++)); do echo "line $line"; done
    until [ -e "$scratch/all-seen" ]; do sleep 0.1; done
}

# has_lines NUMBER FILE: the file has so many lines.
has_lines() {
    [ "$(wc -l <"$2")" -eq "$1" ]
}

pids=()
all_see_all() {
    local i
    for ((i = 1; i <= people; i++)); do
        : >"$scratch/p$i"
        speaks | timeout 100 "$chat" "$url" "person-$i" >"$scratch/p$i" 2>"$scratch/e$i" &
        pids+=($!)
    done
    for ((i = 1; i <= people; i++)); do
        if ! in_time has_lines $((people * lines)) "$scratch/p$i"; then
            cp "$scratch/e$i" "$scratch/said"
            return 1
        fi
    done
}

all_leave() {
    local pid
    touch "$scratch/all-seen"
    for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}

all_agree() {
    local i
    for ((i = 2; i <= people; i++)); do cmp "$scratch/p1" "$scratch/p$i" || return 1; done
}

# Nobody's line is lost, doubled or out of its order.
complete() {
    local i line
    for ((i = 1; i <= people; i++)); do
        for ((line = 1; line <= lines; line++)); do echo "person-$i: line $line"; done
    done | sort >"$scratch/expected"
    untimed "$scratch/p1" | sort | cmp - "$scratch/expected" || return 1
    for ((i = 1; i <= people; i++)); do
        untimed "$scratch/p1" | grep "^person-$i: " | sort -c || return 1
    done
}

# The others are told of, once each.
told_of_each_other() {
    local i
    for ((i = 2; i <= people; i++)); do
        [ "$(grep -cx "\* person-$i is here" "$scratch/e1")" -eq 1 ] || return 1
    done
    ! grep -q 'person-1 is here' "$scratch/e1" && grep -qx '\* person-1 is here' "$scratch/e2"
}

no_trouble() {
    ! grep -hE 'lost|computed another|not said|missing|anew' "$scratch"/e*
}

ok "a server starts" starts
ok "twenty say five lines each and all see all" all_see_all
ok "all leave with code 0" all_leave
ok "all have seen the same in the same order, at the same time of day" all_agree
ok "it is what was said" complete
ok "who is there was told" told_of_each_other
ok "nothing went wrong meanwhile" no_trouble

# Somebody says more than the room keeps; who comes later sees the newest 100.
late_sees_last() {
    for i in {1..130}; do echo "more $i"; done | timeout 60 "$chat" "$url" talker \
        >"$scratch/out" 2>"$scratch/said" || return 1
    tail -n 100 "$scratch/out" >"$scratch/newest"
    untimed "$scratch/newest" | diff - <(for i in {31..130}; do echo "talker: more $i"; done) || return 1
    timeout 30 "$chat" "$url" late </dev/null >"$scratch/late" 2>"$scratch/said" &&
        cmp "$scratch/late" "$scratch/newest"
}
ok "who comes late sees the last 100" late_sees_last

# said_as INPUT OUTPUT: what is piped in (as printf has it) is said in a room of its own as these lines.
rooms=0
said_as() {
    rooms=$((rooms + 1))
    # shellcheck disable=SC2059
    printf "$1" | timeout 30 "$chat" "$url" ann "room-$rooms" >"$scratch/out" 2>"$scratch/said" &&
        [ "$(untimed "$scratch/out")" = "$2" ]
}
long=$(printf '%0250d' 0)
ok "UTF-8 is left as it is" \
    said_as 'gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac' $'ann: gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac'
ok "what could control a terminal is not shown" said_as 'a\xc2\x9b2Jb\xffc\x1b[2Jd\n' 'ann: a?2Jb?c[2Jd'
ok "a line that is too long is said in pieces" said_as "$long\nnext\n" \
    "ann: ${long:0:199}"$'\n'"ann: ${long:199}"$'\nann: next'
ok "and not within a character" said_as "${long:0:198}\xc3\xbcx\n" "ann: ${long:0:198}"$'\nann: \xc3\xbcx'

taken() {
    until [ -e "$scratch/eve-may-go" ]; do sleep 0.1; done |
        timeout 60 "$chat" "$url" eve >"$scratch/out" 2>"$scratch/first" &
    local first=$!
    in_time grep -sq 'connected to' "$scratch/first" || return 1
    echo hello | timeout 30 "$chat" --wait 1 "$url" eve >"$scratch/late" 2>"$scratch/said"
    [ $? -eq 1 ] || return 1
    grep -q 'no connection: .*eve belongs to another session; dialling again' "$scratch/said" || return 1
    touch "$scratch/eve-may-go"
    wait "$first"
}
ok "a name is one person's alone" taken

# Twenty have come, spoken and gone; then talker, late and eve. Each of these is an entry of the log.
counted() {
    kill -TERM "$server"
    wait "$server" || return 1
    grep -q "event=resource resource=room:lobby version=$((people * (lines + 2) + 130 + 3 * 2)) " "$scratch/log"
}
ok "the server has counted the same" counted

given_up() {
    echo hello | timeout 30 "$chat" --wait 1 "$url" ann >"$scratch/out" 2>"$scratch/said"
    [ $? -eq 1 ] && grep -q 'no connection: .*; dialling again' "$scratch/said" &&
        tail -n 1 "$scratch/said" | grep -q 'no answer from the server: given up'
}
ok "without a server it gives up in the end" given_up

echo "1..$count"
exit "$failed"
