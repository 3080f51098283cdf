#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_fuzz.sh "OPTIONS"|replay TARGET...: runs the fuzz targets in $FOLDER, one after the other.
#
# The stored seeds are read from fuzz/corpus/<target>; what is found new goes to
# $FOLDER/corpus/<target>, and what crashes to $FOLDER/crash-<target>-..., so that a run never
# changes the source tree.

set -u
options=$1; shift
failed=0
[ $# -gt 0 ] || echo "  fuzz: no such target"

for target in "$@"; do
  seeds=fuzz/corpus/$target
  found=$FOLDER/corpus/$target
  log=$FOLDER/$target.log
  mkdir -p "$found"
  if [ "$options" = replay ]; then
    "$FOLDER/$target" $([ -d "$seeds" ] && echo "$seeds") "$found" >"$log" 2>&1
  else
    set -- $options -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$FOLDER/crash-$target-"
    [ ! -f "fuzz/dict/$target.dict" ] || set -- "$@" -dict="fuzz/dict/$target.dict"
    "$FOLDER/$target" "$@" "$found" $([ -d "$seeds" ] && echo "$seeds") >"$log" 2>&1
  fi
  if [ $? -eq 0 ]; then
    runs=$(sed -n -e 's/^stat::number_of_executed_units: *//p' -e 's/^replayed //p' "$log" | tail -n 1)
    echo "  fuzz $target: ${runs:-?} runs, nothing found"
  else
    failed=1
    tail -n 60 "$log"
    echo "  fuzz $target: FAILED (whole output in $log)"
  fi
done
exit $failed
