#!/bin/sh
# The movexd that MOVEXD names, with several masters and services; other arguments are handed on.
exec "$MOVEXD" --threads 3 "$@"
