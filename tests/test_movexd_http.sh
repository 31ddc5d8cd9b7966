#!/usr/bin/env bash
# movexd's answers by HTTP, and movexd over TLS.
# usage: test_movexd_http.sh MOVEXD TICTACTOE TICTACTOE.so GAMES_FOR_TESTS.so HIDDEN_PLAYER
# shellcheck disable=SC2317 # the functions are called through ok
set -u

if ! command -v curl >/dev/null; then
    echo "1..0 # SKIP there is no curl to ask with (Debian package curl)"
    exit
fi

movexd=$(realpath "$1") tictactoe=$(realpath "$2") game=$(realpath "$3")
secrets=$(realpath "$4") hidden_player=$(realpath "$5")
. "$(dirname "$0")/tap.sh"
evidence=(head body log)

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
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

# Starts movexd with these arguments: sets server, port and web.
starts() {
    : >"$scratch/log"
    "$movexd" --listen 127.0.0.1:0 "$@" >"$scratch/out" 2>"$scratch/log" &
    server=$!
    waits_for 'event=http address=[^ ]*:[1-9]' "$scratch/log" || return 1
    port=$(sed -n 's/.*event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
    web=$(sed -n 's/.*event=http address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
}

stops() {
    kill "-$1" "$server"
    wait "$server"
}

# ends CODE PATTERN ARGUMENT...: movexd with these arguments ends with that code, and says what the pattern matches.
ends() {
    local code=$1 pattern=$2
    shift 2
    timeout 10 "$movexd" "$@" >"$scratch/log" 2>&1 </dev/null
    [ $? -eq "$code" ] && grep -Eq -- "$pattern" "$scratch/log"
}

# asks CODE PATH OPTION...: curl gets this code of HTTP, and the headers that every answer has.
asks() {
    local code=$1 path=$2
    shift 2
    : >"$scratch/body"
    got=$(curl -s -m 10 -D "$scratch/head" -o "$scratch/body" -w '%{http_code}' "$@" "http://127.0.0.1:$web$path")
    [ "$got" = "$code" ] && grep -iq '^content-type: application/json' "$scratch/head" &&
        grep -iq '^content-length: [0-9]' "$scratch/head" && grep -iq '^cache-control: no-store' "$scratch/head" &&
        ! grep -iq '^access-control' "$scratch/head"
}

# Whether the last answer is JSON; by looking at its ends where nothing is there to read it.
is_json() {
    if command -v python3 >/dev/null; then
        python3 -m json.tool <"$scratch/body" >/dev/null
    elif command -v node >/dev/null; then
        node -e 'JSON.parse(require("fs").readFileSync(0))' <"$scratch/body"
    else
        tr -d '\n' <"$scratch/body" | grep -Eq '^(\{.*\}|\[.*\])$'
    fi
}

# answers CODE PATTERN PATH OPTION...: that code, and a body of JSON in which the pattern is found.
answers() {
    local code=$1 pattern=$2
    shift 2
    asks "$code" "$@" && is_json && grep -Eq -- "$pattern" "$scratch/body"
}

# By hand, as curl does not read a body where there must be none.
head_has_no_body() {
    local line last=x
    exec 3<>"/dev/tcp/127.0.0.1/$web" || return 1
    printf 'HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
    : >"$scratch/head"
    while read -r -t 10 line <&3; do
        echo "$line" >>"$scratch/head"
        last=$line
    done
    exec 3>&-
    [ "$last$line" = $'\r' ] && grep -q '^HTTP/1.1 200' "$scratch/head" && grep -q '^content-length: [1-9]' "$scratch/head"
}

# One who sits down at a table, and is gone when this test is.
plays() {
    sleep 60 | "$tictactoe" "ws://127.0.0.1:$port" "$1" "$2" >"$scratch/player" 2>&1 &
    waits_for 'event=subscribed' "$scratch/log"
}

ok "starts" starts --http 0 "$game"
ok "health says what is there" answers 200 '^\{"status":"ok","version":"[0-9.]+","uptime_s":[0-9]+,"data":"none","unflushed":0,"links":0,"sessions":0,"resources":0,"subscriptions":0,"protocol_errors":0\}$' /health
ok "no resources are an empty list" answers 200 '^\]$' /resources
ok "there is no such resource" answers 404 '"error":"there is no such resource"' /resources/tictactoe/table-1
ok "somebody plays" plays 'mal "lory' 'a/b c%?ü'
ok "resources are listed" in_time answers 200 \
    '"type":"tictactoe","id":"a/b c%\?ü","version":1,"checksum":"[0-9a-f]{16}","subscribers":1' /resources
ok "a resource has its state" answers 200 \
    '"version":1,.*"state":\{"player":\["mal \\"lory",""\],"cell":\[0,0,0,0,0,0,0,0,0\],.*"result":"open"' \
    '/resources/tictactoe/a%2Fb%20c%25%3F%C3%BC'
ok "a slash may stay one" asks 200 '/resources/tictactoe/a/b%20c%25%3F%C3%BC'
ok "another type has no such id" answers 404 error '/resources/chess/a%2Fb%20c%25%3F%C3%BC'
ok "an unknown path says what there is" answers 404 '/health, /resources' /
ok "a query is passed over" asks 200 '/health?x=/../y'
ok "HEAD has no body" head_has_no_body
ok "POST is not understood" answers 405 'only GET and HEAD' /health -d a=b
ok "and the answer says what is" grep -iq '^allow: GET, HEAD' "$scratch/head"
ok "DELETE is not understood" asks 405 /resources/tictactoe/x -X DELETE
ok "localhost is ours" asks 200 /health -H 'Host: LocalHost:80'
ok "an address is ours" asks 200 /health -H 'Host: [::1]:80'
ok "a name of somebody else's is not" answers 403 'host name' /health -H 'Host: rebound.example'
ok "a request without a host is none" answers 400 'names no host' /health -H 'Host:' --http1.0

# refuses HEADER: a connection with so long a header ends without an answer, and movexd goes on.
refuses_long_headers() {
    local long
    long=$(printf 'x%.0s' {1..9000})
    [ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H "X: $long" "http://127.0.0.1:$web/health")" != 200 ] &&
        asks 200 /health
}
ok "long headers are refused" refuses_long_headers

many_at_once() {
    local i pids=()
    for i in {1..60}; do
        curl -s -m 20 "http://127.0.0.1:$web/resources" >"$scratch/many.$i" &
        pids+=($!)
    done
    wait "${pids[@]}" || return 1
    for i in {2..60}; do cmp -s "$scratch/many.1" "$scratch/many.$i" || return 1; done
    [ -s "$scratch/many.1" ]
}
ok "sixty at once all get theirs" many_at_once

# Those who connect and say nothing must not keep others out for ever.
silent_ones() {
    local i fds=() fd
    for i in {1..40}; do
        exec {fd}<>"/dev/tcp/127.0.0.1/$web" && fds+=("$fd")
    done
    curl -s -m 25 -o /dev/null "http://127.0.0.1:$web/health"
    local code=$?
    for fd in "${fds[@]}"; do exec {fd}>&-; done
    return "$code"
}
ok "silent connections run out" silent_ones

# closes PORT: a request to become a tunnel ends the connection at once, instead of holding it for ever.
closes() {
    local line code=0
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'CONNECT example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
    while [ "$code" -eq 0 ]; do
        read -r -t 5 line <&3
        code=$?
    done
    exec 3>&-
    [ "$code" -le 128 ] && asks 200 /health # more than 128: nothing came, not even the end
}
ok "CONNECT is not understood" closes "$web"
ok "nor by those who serve players" closes "$port"

in_use() {
    timeout 10 "$movexd" --listen 127.0.0.1:0 --http "$web" "$game" >"$scratch/second" 2>&1
    [ $? -eq 1 ] && grep -Eq "level=error event=http-failed address=$web cause=.*in use" "$scratch/second"
}
ok "an address in use is named" in_use
ok "stops with players and askers" stops TERM

# N3 of the ancestor's faults (test_ancestor.c): whoever asks by HTTP is shown what everybody may know.
hides() {
    sleep 60 | "$hidden_player" "ws://127.0.0.1:$port" >"$scratch/player" 2>&1 &
    waits_for '^ready ' "$scratch/player" &&
        read -r _ bids_checksum cards_checksum card other_card <"$scratch/player"
}
tells_no_bid() {
    answers 200 "\"checksum\":\"$bids_checksum\"" /resources/hidden/t &&
        grep -q '"name":"ann","hand":\[\],"bid":0,"moved":true' "$scratch/body" && ! grep -q 4242 "$scratch/body"
}
tells_no_card() {
    answers 200 "\"checksum\":\"$cards_checksum\"" /resources/cards/t &&
        grep -q '"name":"ann","hand":\[0,0\]' "$scratch/body" && grep -q '"deck":\[0,0,0' "$scratch/body" &&
        [ "$card" -gt 0 ] && ! grep -Eq "[^0-9]($card|$other_card)[^0-9]" "$scratch/body"
}
lists_what_all_may_know() {
    answers 200 "\"type\":\"hidden\",\"id\":\"t\",\"version\":2,\"checksum\":\"$bids_checksum\"" /resources &&
        grep -Eq "\"type\":\"cards\",\"id\":\"t\",\"version\":4,\"checksum\":\"$cards_checksum\"" "$scratch/body"
}
ok "starts with games that have secrets" starts --http 0 "$secrets"
ok "somebody hides a bid and takes cards" hides
ok "N3: a hidden bid is not told" tells_no_bid
ok "N3: cards are not told" tells_no_card
ok "N3: the list is of public views" lists_what_all_may_know
ok "stops with secrets" stops TERM

ok "an address that is none is named" ends 1 'event=http-failed address=nonsense cause="not of the form' --listen 127.0.0.1:0 \
    --http nonsense "$game"

ok "a certificate needs a key" ends 2 'tls-cert needs --tls-key as well' --tls-cert x "$game"
ok "a key needs a certificate" ends 2 'tls-key needs --tls-cert as well' --tls-key x "$game"
ok "a missing certificate is named" ends 1 \
    'event=listen-failed address=127.0.0.1:0 cause="the certificate cannot be used: No such file or directory .nowhere.pem."' \
    --listen 127.0.0.1:0 --tls-cert nowhere.pem --tls-key nowhere.key "$game"

if ! command -v openssl >/dev/null; then
    skip "two players over TLS" "there is no openssl program (Debian package openssl)"
else
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=movexd \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
    agree() {
        local options=(--auto --rounds 2 --pause-ms 5 --ca "$scratch/cert.pem" "wss://127.0.0.1:$port")
        "$tictactoe" "${options[@]}" alice >"$scratch/alice" 2>&1 &
        local alice=$!
        timeout 60 "$tictactoe" "${options[@]}" bob >"$scratch/bob" 2>&1 && wait "$alice" &&
            grep -q 'checksum [0-9a-f]\{16\}' "$scratch/bob" &&
            [ "$(tail -n 1 "$scratch/bob" | cut -d: -f2)" = "$(tail -n 1 "$scratch/alice" | cut -d: -f2)" ]
    }
    ok "serves over TLS" starts --http :0 --tls-cert "$scratch/cert.pem" --tls-key "$scratch/key.pem" "$game"
    ok "and says so" grep -q 'event=listening address=127.0.0.1:[0-9]* tls=yes' "$scratch/log"
    ok "two players over TLS agree" agree
    ok "stops" stops TERM
fi

echo "1..$count"
exit "$failed"
