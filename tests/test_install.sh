#!/usr/bin/env bash
# What a user has who installed the library: headers that compile alone as C11 and C++17, pkg-config, and programs that build
# against them. Prints TAP.  usage: test_install.sh BUILD_DIR SOURCE_DIR WITH_WEBSOCKET
set -uo pipefail
build=$1 source=$2 with_websocket=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0 failures=0
strict="-Wall -Wextra -Wpedantic -Werror"

# check NAME COMMAND...: fails if the command does.
check() {
    local name=$1
    shift
    count=$((count + 1))
    if "$@" >"$scratch/log" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$scratch/log"
        failures=$((failures + 1))
    fi
}

check "it installs" env DESTDIR="$scratch" meson install -C "$build" --no-rebuild --quiet
prefix=$(find "$scratch" -type d -path '*/include/movex' -printf '%h' -quit)
prefix=${prefix%/include}
pc=$(find "$prefix" -name movex.pc -printf '%h' -quit)
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$scratch LD_LIBRARY_PATH=${pc%/pkgconfig}
cflags=$(pkg-config --cflags movex)
libs=$(pkg-config --libs movex)
cc=${CC:-cc} cxx=${CXX:-c++}

compile_header() {
    printf '#include <movex/%s>\n#include <movex/%s>\n' "$1" "$1" >"$scratch/header.c"
    # shellcheck disable=SC2086 # flags are words
    $2 $strict $cflags -fsyntax-only "$scratch/header.c"
}

counter() {
    # shellcheck disable=SC2086
    "$cc" -std=c11 $strict $cflags "$source/examples/counter.c" -o "$scratch/counter" ${SANITIZE:-} $libs &&
        [ "$("$scratch/counter")" = "alice sees 42, bob sees 42, checksums agree" ]
}

for header in "$prefix"/include/movex/*.h; do
    name=${header##*/}
    check "$name compiles alone as C11" compile_header "$name" "$cc -std=c11 -xc"
    check "$name compiles alone as C++17" compile_header "$name" "$cxx -std=c++17 -xc++"
done
programs="own_emitter simulate chat"
[ "$with_websocket" = true ] && programs="own_emitter simulate chat game_loop server"
for program in $programs; do
    # shellcheck disable=SC2086
    check "$program.c compiles against the installed headers" \
        "$cc" -std=c11 $strict $cflags -c "$source/examples/$program.c" -o "$scratch/program.o"
done
check "counter.c builds with pkg-config and agrees" counter
check "pkg-config tells of the websocket emitter" [ "$(pkg-config --variable=websocket movex)" = "$with_websocket" ]
as_subproject() {
    mkdir -p "$scratch/game/subprojects"
    ln -s "$source" "$scratch/game/subprojects/movex"
    cp "$source/examples/counter.c" "$scratch/game/"
    cat >"$scratch/game/meson.build" <<'END'
project('game', 'c', default_options: 'c_std=c11')
movex = dependency('movex', fallback: 'movex',
  default_options: ['websocket=disabled', 'tests=disabled', 'examples=false', 'default_library=static'])
executable('counter', 'counter.c', dependencies: movex)
END
    env -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR meson setup "$scratch/game/build" "$scratch/game" --force-fallback-for=movex &&
        ninja -C "$scratch/game/build" && "$scratch/game/build/counter"
}
check "a game builds with it as a meson subproject" as_subproject
echo "1..$count"
[ "$failures" -eq 0 ]
