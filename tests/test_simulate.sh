#!/usr/bin/env bash
# examples/simulate.c prints a line for every match that has lost sync: there must be none.
# usage: test_simulate.sh SIMULATE
set -euo pipefail
said=$("$1")
[ -z "$said" ] || { echo "$said"; exit 1; }
