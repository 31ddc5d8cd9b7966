#!/usr/bin/env bash
# The games for the terminal as their users meet them: rock, paper, scissors and thirty-one, alone and over
# websockets.
# usage: test_tables.sh MOVEXD RPS RPS.so THIRTYONE THIRTYONE.so
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movexd=$(realpath "$1") rps=$(realpath "$2") rps_game=$(realpath "$3")
thirtyone=$(realpath "$4") thirtyone_game=$(realpath "$5")
. "$(dirname "$0")/tap.sh"
evidence=(out said log alice bob carol)

# ends CODE PATTERN COMMAND...: it ends with that code, without input, and says what matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 60 "$@" >"$scratch/out" 2>"$scratch/said" </dev/null
    [ $? -eq "$code" ] && cat "$scratch/out" "$scratch/said" | grep -Eq -- "$pattern"
}

starts() {
    "$movexd" --listen 127.0.0.1:0 "$rps_game" "$thirtyone_game" >"$scratch/out" 2>"$scratch/log" &
    server=$!
    in_time grep -Esq 'event=listening address=127\.0\.0\.1:[1-9]' "$scratch/log" || return 1
    url=ws://127.0.0.1:$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}

for program in rps thirtyone; do
    ok "$program --help tells the usage" ends 0 "^usage: $program" "${!program}" --help
    ok "$program needs a name" ends 2 'a name is needed to play at ws://x' "${!program}" ws://x
    ok "$program knows no other options" ends 2 'there is no option --port' "${!program}" --port
    ok "$program names a wrong number" ends 2 'rounds needs a number from 1 to 1000000' "${!program}" --rounds none
    ok "$program says what is wrong with a url" ends 1 "^$program: the url " "${!program}" nonsense ann
done
ok "there are not as many bots as one likes" ends 2 'bots needs a number from 0 to 5' "$thirtyone" --bots 6
ok "rps has no bots to choose" ends 2 'there is no option --bots' "$rps" --bots 1
ok "rps alone" ends 0 '^you: version [0-9]+, checksum [0-9a-f]{16}$' "$rps" --auto --rounds 5 --pause-ms 0
ok "thirtyone alone" ends 0 '^you: [a-z]+ has won game 2 after [0-9]+ rounds$' \
    "$thirtyone" --auto --rounds 2 --pause-ms 0
ok "thirtyone alone against five" ends 0 '^you: [a-z]+ has won game 1' "$thirtyone" --auto --bots 5 --pause-ms 0

# A person, who types when there is something to type.
shows() {
    in_time grep -Eq -- "$1" "$scratch/out"
}
person() {
    mkfifo "$scratch/keys"
    : >"$scratch/out"
    timeout 60 "$rps" --pause-ms 100 <"$scratch/keys" >"$scratch/out" 2>"$scratch/said" &
    local player=$!
    exec 3>"$scratch/keys"
    shows '^  your move$' && echo r >&3 || return 1
    shows '^  you +rock \(hidden from others\)$' && shows '^you had hidden: rock$' || return 1
    shows '^machine had hidden: (rock|paper|scissors)$' && echo x >&3 && shows '^not understood: x$' || return 1
    echo q >&3
    exec 3>&-
    wait "$player"
}
ok "a person plays rps against the machine" person

rps_rounds() {
    timeout 60 "$rps" --auto --rounds 5 --pause-ms 10 "$url" alice >"$scratch/alice" 2>&1 &
    local alice=$!
    timeout 60 "$rps" --auto --rounds 5 --pause-ms 10 "$url" bob >"$scratch/bob" 2>&1 && wait "$alice"
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
    done
}
rps_agrees() {
    local said
    said=$(tail -n 1 "$scratch/alice")
    [[ $said =~ ^alice:\ version\ ([0-9]+),\ checksum\ ([0-9a-f]{16})$ ]] || return 1
    [ "$(tail -n 1 "$scratch/bob")" = "bob${said#alice}" ] || return 1
    agreed="version=${BASH_REMATCH[1]} checksum=${BASH_REMATCH[2]}"
}
ok "a server starts" starts
ok "two play rps over websockets" rps_rounds
ok "each sees what may be seen" rps_shows
ok "and they agree" rps_agrees

# Three people, of whom one brings two bots: the same game for all.
thirtyone_game() {
    local name pids=() pid
    for name in alice bob; do
        timeout 100 "$thirtyone" --auto --players 5 --pause-ms 20 "$url" "$name" >"$scratch/$name" 2>&1 &
        pids+=($!)
    done
    timeout 100 "$thirtyone" --auto --players 5 --bots 2 --pause-ms 20 "$url" carol >"$scratch/carol" 2>&1 || return 1
    for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}
thirtyone_agrees() {
    local name said
    said=$(tail -n 1 "$scratch/alice")
    [[ $said =~ ^alice:\ (.*)\ has\ won\ game\ 1\ after\ [0-9]+\ rounds$ ]] || return 1
    for name in bob carol; do [ "$(tail -n 1 "$scratch/$name")" = "$name${said#alice}" ] || return 1; done
}
# While a turn goes on, a hand that is not one's own shows its backs alone.
thirtyone_hides() {
    local name
    for name in alice bob carol; do
        grep -Eq "^  [> ] $name +[*-]{3}  [0-9AJQK]+[SHDC] " "$scratch/$name" || return 1
        awk -v own="$name" '
            / turn$/ || /which card/ { for (i in held) if (held[i] !~ own && held[i] ~ /[0-9AJQK][SHDC]/) bad = 1 }
            /^$/ { next }
            /^  table-1/ { split("", held); n = 0 }
            /^  [> ] / && /[*]/ { held[n++] = $0 }
            END { exit bad }' "$scratch/$name" || return 1
    done
}
thirtyone_bots() {
    grep -Eq '^    ann-carol ' "$scratch/alice" && grep -Eq '^    ben-carol ' "$scratch/alice"
}
ok "five play thirtyone, two of them bots" thirtyone_game
ok "and say the same of how it ended" thirtyone_agrees
ok "nobody has seen another's hand before it was shown" thirtyone_hides
ok "the bots' names tell whose they are" thirtyone_bots

no_trouble() {
    ! grep -hE 'lost|computed another|not possible|says no' "$scratch"/{alice,bob,carol}
}
stopped() {
    kill -TERM "$server"
    wait "$server" && grep -q "event=resource resource=rps:table-1 $agreed subscribers=0" "$scratch/log"
}
ok "nothing went wrong meanwhile" no_trouble
ok "the server had the same" stopped

echo "1..$count"
exit "$failed"
