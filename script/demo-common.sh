# shellcheck shell=bash
# What the demos share; to be sourced after common.sh. Gives a folder that goes with the demo, and ends what it has started.

build=${MOVEX_BUILD_DIR:-build}
scratch=$(mktemp -d)

clean_up() {
    local pid
    for pid in $(jobs -rp); do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Ends the demo with the reason and what the log given says.
give_up() {
    echo "--- $2" >&2
    tail -n 20 "$scratch/$2" >&2 || true
    fail "$1"
}

# build_all TARGET...: a build directory that is there is used, but made anew if it lacks the first of them: it may be older than
# libwebsockets.
# shellcheck disable=SC2154 # build_packages is of common.sh
build_all() {
    need_packages "${build_packages[@]}"
    local settings=(-Dwebsocket=enabled -Dtools=enabled -Dexamples=true)
    local set_up=(meson setup "${settings[@]}" "$build")
    if [ ! -e "$build/build.ninja" ]; then
        "${set_up[@]}" >"$scratch/build" 2>&1 || give_up "the build could not be set up" build
    elif ! ninja -C "$build" -t query "$1" >/dev/null 2>&1; then
        "${set_up[@]}" --wipe >"$scratch/build" 2>&1 || give_up "the build could not be set up" build
    fi
    ninja -C "$build" "$@" >"$scratch/build" 2>&1 || give_up "the build failed" build
}

# start_movexd ARGUMENT...: on a port that the system chooses: `server` is its process, `port` that port.
start_movexd() {
    "$build/tools/movexd/movexd" --listen 127.0.0.1:0 "$@" 2>"$scratch/movexd" &
    server=$!
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        port=$(sed -n 's/.* event=listening address=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/movexd")
        [ -n "$port" ] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    give_up "movexd does not listen" movexd
}

# What a player says at the end: "version N, checksum C".
said_by() {
    sed -n "\$s/^$1: \(version [0-9]*, checksum [0-9a-f]\{16\}\)\$/\1/p" "$scratch/$1"
}
