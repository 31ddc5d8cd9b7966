# shellcheck shell=bash
# What the scripts share; to be sourced. Needs bash.

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

package_is_installed() {
    # A package that was removed but not purged is known to dpkg as well.
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The words that make a command one of the superuser's; fails where that is not to be had without a person.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 126
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# need_packages PACKAGE...: makes sure that these Debian packages are there: installs what is missing if it may, else says
# exactly what to install and ends the script.
need_packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        echo "${0##*/}: not a Debian system; make sure that you have what these packages hold: $*" >&2
        return
    fi
    for package in "$@"; do
        package_is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return

    echo "${0##*/}: installing ${missing[*]}" >&2
    # A fresh machine knows no packages yet, an old one knows old versions: look anew only if it does not work at once.
    if ! apt_install "${missing[@]}" >&2; then
        { as_root apt-get update && apt_install "${missing[@]}"; } >&2 ||
            fail "these packages are missing and could not be installed; as root, run: apt-get install ${missing[*]}"
    fi
}

# What building and running everything but the tests takes.
# shellcheck disable=SC2034 # used by those who source this
build_packages=(gcc libc6-dev meson ninja-build pkg-config libwebsockets-dev libssl-dev)

# What the tests take besides.
# shellcheck disable=SC2034
test_packages=(check libxxhash-dev binutils python3 openssl curl)

# need_node_ws: the websocket client for tests/test_hostile.sh, of the version that its package.json names. It comes from the
# registry of npm, which may be out of reach; then that test is left out, and says so.
need_node_ws() {
    local folder=tests/hostile
    command -v node >/dev/null || need_packages nodejs
    cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed" && return
    command -v npm >/dev/null || need_packages npm
    if npm ci --prefix "$folder" --no-audit --no-fund >&2; then
        cp "$folder/package-lock.json" "$folder/node_modules/.installed"
    else
        echo "${0##*/}: node's ws could not be installed; the test hostile will be left out" >&2
    fi
}

# What clang takes with sanitizers, and fuzzing with it.
# shellcheck disable=SC2034
clang_packages=(clang libclang-rt-14-dev)
