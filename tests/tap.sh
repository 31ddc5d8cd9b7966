# shellcheck shell=bash
# What the shell tests share; to be sourced. Gives a folder that goes with the test, ends what it has started, and prints TAP.
# A test that fails shows the ends of the files named in `evidence`, which lie in that folder.

scratch=$(mktemp -d)
clean_up() {
    local pid
    for pid in $(jobs -rp); do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$scratch"
}
trap clean_up EXIT

count=0
failed=0
evidence=()

# ok NAME COMMAND...: one test, which passes if the command does.
ok() {
    local name=$1 file
    shift
    count=$((count + 1))
    if "$@"; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        failed=1
        for file in "${evidence[@]}"; do tail -n 40 "$scratch/$file" 2>/dev/null | sed 's/^/# /'; done
    fi
}

# in_time COMMAND...: it succeeds within thirty seconds.
in_time() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
