#!/usr/bin/env bash
# A build that computes floats otherwise than the next one may not describe a state with any.
# usage: test_float_flags.sh INCLUDE_DIRECTORY COMPILER...
set -euo pipefail
. "$(dirname "$0")/tap.sh"
include=$1
shift
compiler=("$@")
evidence=(output)

cat >"$scratch/game.c" <<'END'
#include <movex/schema.h>
typedef struct { KIND one; KIND some[3]; KIND grid[2][2]; } state;
MOVEX_SCHEMA(state_schema, state, MOVEX_FIELD(state, one), MOVEX_ARRAY(state, some), MOVEX_GRID(state, grid));
unsigned count(void);
unsigned count(void) { return state_schema.field_count; }
END
cp "$scratch/game.c" "$scratch/game.cpp"

compiles() { "${compiler[@]}" -c -I "$include" "$@" -o "$scratch/game.o" >"$scratch/output" 2>&1; }
c() { compiles -std=c11 "$@" "$scratch/game.c"; }
cpp() { compiles -std=c++17 "$@" "$scratch/game.cpp"; }
c_is_refused() { ! c "$@" && grep -q movex_this_build_computes_floats_otherwise "$scratch/output"; }
cpp_is_refused() { ! cpp "$@" && grep -q 'scalar<\(float\|double\)>' "$scratch/output"; }

for kind in float double; do
    ok "a $kind compiles" c -DKIND=$kind
    ok "in C++ as well" cpp -DKIND=$kind
    ok "not with -ffast-math" c_is_refused -DKIND=$kind -ffast-math
    ok "nor in C++" cpp_is_refused -DKIND=$kind -ffast-math
    ok "unless its program takes the risk" c -DKIND=$kind -ffast-math -DMOVEX_FLOATS_MAY_DIFFER
    ok "in C++ as well" cpp -DKIND=$kind -ffast-math -DMOVEX_FLOATS_MAY_DIFFER
done
ok 'not without infinities' c_is_refused -DKIND=float -ffinite-math-only
ok 'integers compile with -ffast-math' c -DKIND=int32_t -ffast-math
ok 'in C++ as well' cpp -DKIND=int32_t -ffast-math
if compiles -mfpmath=387 -x c /dev/null; then
    ok 'not with the 80 bits of the x87' c_is_refused -DKIND=double -mfpmath=387
fi
echo "1..$count"
exit "$failed"
