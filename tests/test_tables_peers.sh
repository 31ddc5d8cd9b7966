#!/usr/bin/env bash
# The games for the terminal without a server: in rooms of peers, over websockets and at a relay; and the program that
# docs/peers.md shows.
# usage: test_tables_peers.sh MOVEXD RPS TICTACTOE THIRTYONE PEERS
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movexd=$(realpath "$1") rps=$(realpath "$2") tictactoe=$(realpath "$3") thirtyone=$(realpath "$4") peers=$(realpath "$5")
. "$(dirname "$0")/tap.sh"
evidence=(out said log alice bob carol)
names=(alice bob carol)
declare -A pid=()
master='' others=()

# ends CODE PATTERN COMMAND...: it ends with that code, without input, and says what matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 60 "$@" >"$scratch/out" 2>"$scratch/said" </dev/null
    [ $? -eq "$code" ] && cat "$scratch/out" "$scratch/said" | grep -Eq -- "$pattern"
}

# says NAME PATTERN: within its time, since it was started.
says() {
    in_time grep -Esq -- "$2" "$scratch/$1"
}

# starts NAME COMMAND...: in the background, without input; what it prints is in a file of that name.
starts() {
    local name=$1
    shift
    : >"$scratch/$name" # what the last one of that name has said is not this one's
    timeout 120 "$@" >"$scratch/$name" 2>&1 </dev/null &
    pid[$name]=$!
}

# person NAME DESCRIPTOR COMMAND...: the same with keys, which come from that descriptor.
person() {
    local name=$1 descriptor=$2
    shift 2
    rm -f "$scratch/keys-$name"
    mkfifo "$scratch/keys-$name"
    : >"$scratch/$name"
    timeout 120 "$@" <"$scratch/keys-$name" >"$scratch/$name" 2>&1 &
    pid[$name]=$!
    eval "exec $descriptor>'$scratch/keys-$name'"
}

# The process of a name, behind timeout.
process_of() {
    pgrep -P "${pid[$1]}"
}

# Ends somebody as a crash would.
crash() {
    kill -KILL "$(process_of "$1")"
    wait "${pid[$1]}" 2>/dev/null
    true
}

finishes() {
    local name
    for name; do wait "${pid[$name]}" || return 1; done
}

# The address at which somebody listens.
address_of() {
    says "$1" '^listening on port [1-9]' || return 1
    echo "ws://127.0.0.1:$(sed -n 's/^listening on port //p' "$scratch/$1")"
}

# All of them end with the same version and checksum.
agree() {
    local name said
    said=$(tail -n 1 "$scratch/$1")
    [[ $said =~ ^$1:\ version\ [0-9]+,\ checksum\ [0-9a-f]{16}$ ]] || return 1
    for name; do [ "$(tail -n 1 "$scratch/$name")" = "$name${said#"$1"}" ] || return 1; done
}

# Who is master, as somebody has been told last.
master_by() {
    local line
    line=$(grep -E ' (is|are) the master now$' "$scratch/$1" | tail -n 1)
    line=${line%% *}
    if [ "$line" = you ]; then echo "$1"; else echo "$line"; fi
}

# ---- the command line

for program in rps tictactoe; do
    ok "$program --help tells of rooms" ends 0 "^ +$program \[OPTION\]... --peer HOST:PORT NAME" "${!program}" --help
    ok "$program needs a name in a room" ends 2 'a name is needed to play with others$' "${!program}" --peer 127.0.0.1:0
    ok "$program says what --peer needs" ends 2 'peer needs HOST:PORT' "${!program}" ann --peer
    ok "$program is in one room" ends 2 'peer or --relay, not both$' "${!program}" --peer :0 --relay ws://x ann
    ok "$program names a wrong address to listen at" ends 1 "^$program: the address " "${!program}" --peer none ann
    ok "$program names a wrong address of a peer" ends 1 "^$program: http://x: the url " "${!program}" --peer :0 ann http://x
    ok "$program says what --players is" ends 2 'players needs a number from 1 to 16' "${!program}" --players 17
done
ok "a game with secrets of the master's has no rooms" ends 2 'there is no option --peer' "$thirtyone" --peer :0 ann
ok "there is room for fifteen others" ends 2 'more peers than a room may have: ws://16$' \
    "$rps" --peer :0 ann ws://{1..16}
ok "an address has one listener" ends 1 'in use' \
    bash -c "'$rps' --auto --peer 127.0.0.1:0 ann >'$scratch/alice' & sleep 1
        port=\$(sed -n 's/^listening on port //p' '$scratch/alice'); '$rps' --auto --peer 127.0.0.1:\$port bob
        code=\$?; kill %1; wait; exit \$code"

# ---- two

rps_room() {
    local url
    starts alice "$rps" --auto --rounds 5 --pause-ms 20 --players 2 --peer 127.0.0.1:0 alice
    url=$(address_of alice) || return 1
    starts bob "$rps" --auto --rounds 5 --pause-ms 20 --peer 127.0.0.1:0 bob "$url"
    finishes alice bob
}
# Each shows the own move before the reveal, and the other's after it alone.
rps_shows() {
    local name other
    for name in alice bob; do
        other=bob
        [ "$name" = bob ] && other=alice
        grep -Eq "^  $name +(rock|paper|scissors) \(hidden from others\)$" "$scratch/$name" || return 1
        [ "$(grep -c "^$other had hidden: " "$scratch/$name")" -eq 5 ] || return 1
        ! grep -Eq "^  $other .*\(hidden from others\)$" "$scratch/$name" || return 1
        grep -q "^$other has come into the room$" "$scratch/$name" || return 1
    done
}
one_master() {
    local master
    master=$(master_by alice)
    [[ $master =~ ^(alice|bob)$ ]] && [ "$(grep -c '^you are the master now$' "$scratch/$master")" -ge 1 ]
}
ok "two play rps in a room" rps_room
ok "each sees what may be seen" rps_shows
ok "and they agree" agree alice bob
ok "one of them is master" one_master

# ---- three, of whom one watches, and the master dies

tictactoe_room() {
    local name url_of_alice url_of_bob options=(--auto --rounds 3 --pause-ms 150 --players 3 --peer 127.0.0.1:0)
    starts alice "$tictactoe" "${options[@]}" alice
    url_of_alice=$(address_of alice) || return 1
    starts bob "$tictactoe" "${options[@]}" bob "$url_of_alice"
    url_of_bob=$(address_of bob) || return 1
    starts carol "$tictactoe" "${options[@]}" carol "$url_of_alice" "$url_of_bob"
    says alice '\| (X|O) ' || return 1
    master=$(master_by alice)
    crash "$master"
    others=()
    for name in "${names[@]}"; do [ "$name" = "$master" ] || others+=("$name"); done
    in_time another_master "$master" || return 1
    starts "$master" "$tictactoe" "${options[@]}" "$master" "$(address_of "${others[0]}")" "$(address_of "${others[1]}")"
    finishes "${names[@]}"
}
another_master() {
    local name next
    next=$(master_by "${others[0]}")
    [ -n "$next" ] && [ "$next" != "$1" ] && [ "$(master_by "${others[1]}")" = "$next" ]
}
tictactoe_tells() {
    grep -q "^$master is out of the room$" "$scratch/${others[0]}" && grep -q "^${others[0]} has come into the room$" "$scratch/$master" &&
        grep -q '  table-1, round 3$' "$scratch/$master"
}
ok "the master of three is killed and comes again, and they finish" tictactoe_room
ok "all agree" agree "${names[@]}"
ok "and were told who came and went" tictactoe_tells

# ---- persons

persons() {
    person alice 3 "$rps" --players 2 --peer 127.0.0.1:0 alice
    person bob 4 "$rps" --peer 127.0.0.1:0 bob "$(address_of alice)"
    says alice '^  your move$' && says bob '^  your move$' || return 1
    echo r >&3
    says bob '^  alice +hidden$' && ! grep -Eq '^  alice +rock' "$scratch/bob" || return 1
    echo s >&4
    says alice '^  you have won$' && says bob '^  alice has won$' && says bob '^alice had hidden: rock$' || return 1
    echo q >&3
    wait "${pid[alice]}" || return 1
    says bob '^alice is out of the room$' && says bob '^you are the master now$' || return 1
    echo n >&4
    says bob '^  waiting for alice$|^  your move$' || return 1
    echo q >&4
    wait "${pid[bob]}"
}
ok "people play rps in a room; who leaves is waited for by nobody" persons

# Each is stopped in its turn, so that both go on alone. One side is undone when they meet.
survivors() {
    person alice 3 "$tictactoe" --survivor --players 2 --peer 127.0.0.1:0 alice
    person bob 4 "$tictactoe" --survivor --peer 127.0.0.1:0 bob "$(address_of alice)"
    says alice "^  (your|bob's) turn$" && says bob "^  (your|alice's) turn$" || return 1
    kill -STOP "$(process_of bob)"
    sleep 3
    echo s >&3 # stands up, alone
    says alice '^you are alone: what is done now counts unless others have gone on as well$' || return 1
    kill -STOP "$(process_of alice)"
    kill -CONT "$(process_of bob)"
    sleep 3
    echo s >&4
    says bob '^you are alone: ' || return 1
    kill -CONT "$(process_of alice)"
    in_time grep -Esq '^undone, for others have gone on' "$scratch/alice" "$scratch/bob" || return 1
    in_time same_table || return 1
    echo q >&3
    wait "${pid[alice]}" || return 1
    echo q >&4
    wait "${pid[bob]}"
}
# What stands at the end of both outputs, but for who is meant by "you".
same_table() {
    [ "$(last_table alice)" = "$(last_table bob)" ] && [ -n "$(last_table alice)" ]
}
last_table() {
    grep -E '^   . \| . \| .  |^  ---' "$scratch/$1" | tail -n 3 | sed 's/ (you)//'
}
ok "two go on alone, and one side is undone when they meet" survivors

# ---- who cannot belong here

refused() {
    person alice 3 "$rps" --players 2 --room blue --peer 127.0.0.1:0 alice
    starts bob "$rps" --auto --room green --peer 127.0.0.1:0 bob "$(address_of alice)"
    says alice '^bob cannot play here: .*room' && says bob '^(alice|somebody) cannot play here: ' || return 1
    kill -INT "$(process_of bob)"
    wait "${pid[bob]}"
    echo q >&3
    wait "${pid[alice]}"
}
ok "who comes to another room is told so, on both sides" refused

# ---- at a relay

relay_starts() {
    echo 'two of us' >"$scratch/tokens"
    "$movexd" --relay --listen 127.0.0.1:0 --relay-token "$scratch/tokens" 2>"$scratch/log" &
    relay=$!
    in_time grep -Esq 'event=listening address=127\.0\.0\.1:[1-9]' "$scratch/log" || return 1
    url=ws://127.0.0.1:$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}
relay_room() {
    local name
    for name in "${names[@]}"; do
        starts "$name" "$tictactoe" --auto --rounds 2 --pause-ms 50 --players 3 --token 'two of us' --relay "$url" "$name"
    done
    finishes "${names[@]}"
}
relay_persons() {
    person alice 3 "$rps" --token 'two of us' --relay "$url" alice
    person bob 4 "$rps" --token 'two of us' --relay "$url" bob
    says alice '^  your move$' && says bob '^  your move$' || return 1
    echo r >&3
    echo s >&4
    says alice '^  you have won$' && says bob '^  alice has won$' || return 1
    echo q >&3
    wait "${pid[alice]}" && says bob '^alice is out of the room$' || return 1
    echo q >&4
    wait "${pid[bob]}"
}
relay_stops() {
    kill -TERM "$relay"
    wait "$relay"
}
ok "a relay starts" relay_starts
ok "three play at the relay" relay_room
ok "and agree" agree "${names[@]}"
ok "people do as well" relay_persons
ok "the relay stops" relay_stops

# ---- the program of the documents

friends() {
    local ports name next
    read -r -a ports < <(python3 -c '
import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[one.getsockname()[1] for one in taken])')
    person alice 3 "$peers" alice "127.0.0.1:${ports[0]}" "ws://127.0.0.1:${ports[1]}" "ws://127.0.0.1:${ports[2]}"
    person bob 4 "$peers" bob "127.0.0.1:${ports[1]}" "ws://127.0.0.1:${ports[0]}" "ws://127.0.0.1:${ports[2]}"
    person carol 5 "$peers" carol "127.0.0.1:${ports[2]}" "ws://127.0.0.1:${ports[0]}" "ws://127.0.0.1:${ports[1]}"
    for name in "${names[@]}"; do
        says "$name" '^[a-z]+ is the master now, term [0-9]+$' && says "$name" '^at the table: \(free\), \(free\)$' || return 1
    done
    master=$(named_by alice)
    others=()
    for name in "${names[@]}"; do [ "$name" = "$master" ] || others+=("$name"); done
    [ "$(named_by bob)" = "$master" ] && [ "$(named_by carol)" = "$master" ] || return 1
    crash "$master"
    in_time another_is_named || return 1
    exec 3>&- 4>&- 5>&-
    finishes "${others[@]}"
}
named_by() {
    sed -n 's/^\([a-z][a-z]*\) is the master now, term .*/\1/p' "$scratch/$1" | tail -n 1
}
another_is_named() {
    local next
    next=$(named_by "${others[0]}")
    [ -n "$next" ] && [ "$next" != "$master" ] && [ "$(named_by "${others[1]}")" = "$next" ]
}
ok "three friends without a server; one of them dies" friends

echo "1..$count"
exit "$failed"
