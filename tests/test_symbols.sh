#!/usr/bin/env bash
# The rules of the core that a compiler does not check: it refers to no clock, socket, thread, stdio or locale, to malloc in
# one file alone, and has no variables of its own; and the library exports nothing but its interface. Prints TAP.
# The same of peers, which use the core, and of the system its entropy alone, if nobody hands them another.
# usage: test_symbols.sh libmovex-core.a libmovex.so libmovex-peers.a libmovex-portable.a
set -euo pipefail
core=$1 library=$2 peers=$3 portable=$4
count=0 failures=0

# check NAME OFFENDERS: fails if there are any.
check() {
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        sed 's/^/# /' <<<"$2"
        failures=$((failures + 1))
    fi
}

# All there is in an archive, a line each: object, kind, symbol.
symbols() {
    nm -A --no-sort "$1" 2>/dev/null | sed -E 's/^[^:]*:([^:]*):[0-9a-f ]*([A-Za-z]) (.*)$/\1 \2 \3/'
}
all=$(symbols "$core")
[ -n "$all" ] || { echo "Bail out! no symbols in $core"; exit 1; }

# Of such lines, what is referred to and not defined there: symbol, object.
foreign_of() {
    awk -v defined="$(awk '$2 ~ /[TDRBVW]/ { print $3 }' <<<"$1" | sort -u)" '
        BEGIN { n = split(defined, names, "\n"); for (i = 1; i <= n; i++) known[names[i]] = 1 }
        $2 == "U" && !($3 in known) { print $3 " in " $1 }' <<<"$1" | sort -u
}
foreign=$(foreign_of "$all")
# What a compiler, its checks and <string.h> may bring.
allowed='^(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr)|bcmp|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
allowed+='|__(asan|ubsan|tsan|msan|sanitizer|gcov|llvm|profc|interceptor)_?.*|_?_?start___.*|__stop___.*) in '
check "the core refers to nothing outside but string.h" \
    "$(grep -vE "$allowed" <<<"$foreign" | grep -vE '^(malloc|realloc|free) in .*allocator\.c' || true)"
check "malloc is the default allocator's alone" \
    "$(grep -E '^(malloc|calloc|realloc|free|aligned_alloc) in ' <<<"$foreign" | grep -v 'allocator\.c' || true)"
check "the default allocator does refer to malloc" \
    "$(grep -qE '^malloc in .*allocator\.c' <<<"$foreign" || echo "this test sees no symbols")"
# Variables of an archive. Constants with addresses in them lie in .data.rel.ro until they are linked; a compiler's checks
# keep tables of their own.
variables() {
    objdump -t "$1" |
        awk 'NF > 2 && $(NF - 2) ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $(NF - 2) !~ /^\.data\.rel\.ro/ && / O / { print $NF " in " $(NF - 2) }' |
        grep -vE '^(__asan|__odr|__ubsan|__sancov|__unnamed|\.L|\*?\.?LA?SAN|Lubsan)' || true
}
check "the core has no variables" "$(variables "$core")"
peers_foreign=$(foreign_of "$(symbols "$peers")")
check "peers refer to nothing outside but the core and string.h" \
    "$(grep -vE "$allowed" <<<"$peers_foreign" | grep -vE '^movex_' || true)"
check "peers refer to the system for entropy alone" \
    "$(grep -E '^movex_system_' <<<"$peers_foreign" | grep -vE '^movex_system_entropy in .*peer\.c' || true)"
check "peers have no variables" "$(variables "$peers")"
# Whoever links an archive into a program shares its names with everybody.
names() { symbols "$1" | awk '$2 ~ /^[TDRBVW]$/ { print $3 }' | grep -vE '^(movex_|_?_(asan|odr_asan|ubsan|sanitizer)|__)' || true; }
for archive in "$core" "$peers" "$portable"; do
    check "all names of $(basename "$archive") begin with movex_" "$(names "$archive")"
done
exports=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//')
check "the library exports its interface" "$(grep -qx movex_dispatch <<<"$exports" || echo "movex_dispatch is missing")"
check "the library exports nothing else" \
    "$(grep -vE '^(movex_[a-z0-9_]+|__asan.*|__odr_asan.*|__ubsan.*|_init|_fini|__bss_start|_edata|_end)$' <<<"$exports" || true)"
internal=$(grep -oE '\bmovex_[a-z0-9_]+ *\(' "$(dirname "$0")"/../include/movex/*.h -h | tr -d ' (' | sort -u)
check "every function that is exported is declared in a public header" \
    "$(comm -23 <(grep '^movex_' <<<"$exports" | sort -u) <(echo "$internal"))"
echo "1..$count"
[ "$failures" -eq 0 ]
