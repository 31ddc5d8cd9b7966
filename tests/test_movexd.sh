#!/usr/bin/env bash
# movexd as its users meet it: command line, log, exit codes, signals, and two players over real websockets.
# usage: test_movexd.sh MOVEXD TICTACTOE TICTACTOE.so DIRECTORY-OF-BROKEN-GAMES
# shellcheck disable=SC2317 # the functions are called through ok
set -u

movexd=$(realpath "$1") tictactoe=$(realpath "$2") game=$(realpath "$3") broken=$(realpath "$4")
. "$(dirname "$0")/tap.sh"
evidence=(out log)

# ends CODE PATTERN ARGUMENT...: movexd with these arguments ends with that code, and says what the pattern matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 10 "$movexd" "$@" >"$scratch/out" 2>"$scratch/log" </dev/null
    [ $? -eq "$code" ] && cat "$scratch/out" "$scratch/log" | grep -Eq -- "$pattern"
}

# waits_for PATTERN FILE: a line of the file matches within ten seconds.
waits_for() {
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        grep -Eq -- "$1" "$2" 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

# Starts movexd with these arguments, and a log of its own: sets server and port.
starts() {
    : >"$scratch/log"
    "$movexd" --listen 127.0.0.1:0 "$@" >"$scratch/out" 2>"$scratch/log" &
    server=$!
    waits_for 'event=listening address=127\.0\.0\.1:[1-9]' "$scratch/log" || return 1
    port=$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}

# stops SIGNAL: movexd ends by that signal with code 0 and says so.
stops() {
    kill "-$1" "$server"
    local code
    wait "$server"
    code=$?
    [ "$code" -eq 0 ] && tail -n 1 "$scratch/log" | grep -q "event=stopped signal=SIG$1"
}

logs() {
    waits_for "$1" "$scratch/log"
}

is_logfmt() {
    ! grep -Evq '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z level=(error|warning|info|debug) event=[a-z-]+( [a-z_]+=("([^"\\]|\\.)*"|[^" =]+))*$' \
        "$scratch/log"
}

ok "--help tells the usage" ends 0 '^usage: movexd' --help
ok "--version tells the version" ends 0 '^movexd [0-9]+\.[0-9]+\.[0-9]+$' --version
ok "no game is wrong usage" ends 2 'name at least one game'
ok "an unknown option is wrong usage" ends 2 'there is no option --port' --port 1 "$game"
ok "a wrong number is wrong usage" ends 2 'idle-seconds needs a number of seconds .* not soon' --idle-seconds soon "$game"

failure='level=error event=load-failed file=[^ ]*'
ok "a missing file is named" ends 1 "level=error event=load-failed file=nowhere.so cause=\"No such file or directory\"" nowhere.so
ok "a directory is not a game" ends 1 "$failure cause=\"not a file\"" "$scratch"
echo "no shared object" >"$scratch/text.so"
ok "a text file is not a shared object" ends 1 "event=load-failed file=[^ ]*text.so cause=\"not a shared object" "$scratch/text.so"
ok "a game without the symbol is refused" ends 1 "no_symbol.so cause=\"not a game: .* movex_game_exports" "$broken/no_symbol.so"
ok "a game of another interface is refused" ends 1 "other_interface.so cause=\"built for interface 1[0-9]{3} of" "$broken/other_interface.so"
ok "a game without types is refused" ends 1 "no_types.so cause=\"the game exports no types\"" "$broken/no_types.so"
ok "a wrong schema is named" ends 1 "forgotten_member.so cause=.*forgotten" "$broken/forgotten_member.so"
ok "a type exported twice is refused" ends 1 "type_twice.so cause=.*two types named .*broken" "$broken/type_twice.so"
ok "a type exported by two games is refused" ends 1 "same_type.so cause=.*tictactoe.* is exported by [^ ]*tictactoe.so as well" \
    "$game" "$broken/same_type.so"
ok "an unknown function is named" ends 1 "unknown_function.so cause=.*function_that_nobody_has" "$broken/unknown_function.so"

cp "$game" "$scratch/here.so"
cd "$scratch" || exit 1
ok "a name without a slash is a file here" ends 1 'event=game name=tic-tac-toe type=tictactoe type_version=1 file=here.so' \
    --listen nonsense here.so
ok "an address that is none is named" ends 1 'level=error event=listen-failed address=nonsense cause=' --listen nonsense here.so

ok "starts and names its port" starts "$game"
ok "an address in use is named" ends 1 "level=error event=listen-failed address=127.0.0.1:$port cause=.*in use" \
    --listen "127.0.0.1:$port" "$game"
ok "SIGTERM stops it with code 0" stops TERM
ok "starts with every line" starts --log debug "$game"
ok "SIGINT stops it with code 0" stops INT

url() {
    echo "ws://127.0.0.1:$port"
}

# Two players without persons: everybody ends with the same version and checksum.
agree() {
    "$tictactoe" --auto --rounds 3 --pause-ms 5 "$(url)" alice >"$scratch/alice" 2>&1 &
    local alice=$!
    timeout 60 "$tictactoe" --auto --rounds 3 --pause-ms 5 "$(url)" bob >"$scratch/bob" 2>&1 || return 1
    wait "$alice" || return 1
    local said
    said=$(tail -n 1 "$scratch/alice")
    [[ $said =~ ^alice:\ version\ ([0-9]+),\ checksum\ ([0-9a-f]{16})$ ]] || return 1
    [ "$(tail -n 1 "$scratch/bob")" = "bob${said#alice}" ] || return 1
    agreed="version=${BASH_REMATCH[1]} checksum=${BASH_REMATCH[2]}"
}
ok "serves again" starts "$game"
ok "two players agree" agree
ok "and with the server, which logs it at its end" stops TERM
ok "(the line)" grep -q "event=resource resource=tictactoe:table-1 $agreed subscribers=0" "$scratch/log"
ok "every line is well-formed" is_logfmt

# With several masters and services, each on a thread of its own.
ok "a wrong number of threads is wrong usage" ends 2 'threads needs a number of threads from 1 to 32, not 33' --threads 33 "$game"
ok "too many threads and addresses are wrong usage" ends 2 'more than 64' --threads 32 --listen :0 --listen :0 --listen :0 "$game"
ok "serves with three masters" starts --threads 3 --http 0 --data "$scratch/data" "$game"
ok "two players agree there as well" agree
web=$(sed -n 's/.*event=http address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
has() {
    curl -s "http://127.0.0.1:$web$1" | grep -Eq -- "$2"
}
ok "by HTTP all masters are asked" has /health '"resources":1,"subscriptions":0,'
ok "and the one that has a resource" has /resources/tictactoe/table-1 "\"checksum\":\"${agreed#*checksum=}\""
ok "SIGTERM stops all of it with code 0" stops TERM
ok "(the line of its resource)" grep -q "event=resource resource=tictactoe:table-1 $agreed subscribers=0" "$scratch/log"
ok "every line of all threads is well-formed" is_logfmt
ok "another number of masters does not take over what they kept" ends 1 \
    'event=data-failed directory=[^ ]+ cause="what is there was kept with --threads 3"' --data "$scratch/data" "$game"
ok "the same number does" starts --threads 3 --data "$scratch/data" "$game"
ok "with its resource" logs "event=recovered resource=tictactoe:table-1 $agreed subscribers=0"
ok "an address in use is named, though they share it" ends 1 "event=listen-failed address=127.0.0.1:$port cause=.*in use" \
    --threads 2 --listen "127.0.0.1:$port" "$game"
ok "and stops again" stops INT

# Somebody with a name made to forge a field, who leaves again.
visits() {
    sleep 1 | "$tictactoe" "$(url)" 'mallory level=error' table-2 >"$scratch/visitor" 2>&1
}
ok "serves with a life for idle resources" starts --idle-seconds 1 "$game"
ok "a visitor comes and goes" visits
ok "a name is quoted" logs 'level=info event=subscribed peer="mallory level=error" resource=tictactoe:table-2 '
ok "an idle resource is removed" logs 'event=removed resource=tictactoe:table-2 version=1 checksum=[0-9a-f]{16}'
ok "every line is still well-formed" is_logfmt
ok "stops" stops TERM

quiet() {
    ends 1 '.' --log error --listen nonsense "$game" && [ "$(wc -l <"$scratch/log")" -eq 1 ]
}
ok "--log error leaves out the rest" quiet

echo "1..$count"
exit "$failed"
