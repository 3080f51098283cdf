#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_ladder.sh PROGRAM...: runs each program of tools/ladder with --check, which has to exit with 0.

failed=0
for program in "$@"; do
  if output=$(timeout 60 "$program" --check 2>&1 </dev/null); then
    echo "  ladder ${program##*/}: ok"
  else
    failed=1
    printf '%s\n' "$output"
    echo "  ladder ${program##*/}: FAILED"
  fi
done
exit $failed
