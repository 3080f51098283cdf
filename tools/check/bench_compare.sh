#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench_compare.sh COMMIT NAME...: runs the benchmarks of another commit, in a work tree of its own in
# the build folder, and prints both times side by side. Both runs happen on this machine, now.

set -eu
base=$1; shift
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
tree=$BUILD/bench_base
git worktree remove --force "$tree" 2>/dev/null || true
git worktree add --force --detach "$tree" "$base" >/dev/null 2>&1
trap 'git worktree remove --force "$tree"' EXIT
${MAKE:-make} --no-print-directory -C "$tree" BUILD="$BUILD/bench_base_build" bench B="$*" >/dev/null

for name in "$@"; do
  old=$BUILD/bench_base_build/release/bench/$name.json
  [ -f "$old" ] || { echo "$name: not at $base"; continue; }
  /usr/bin/env python3 - "$old" "$BUILD/release/bench/$name.json" <<'EOT'
import json, sys
old, new = ({run["name"]: run for run in json.load(open(path))["benchmarks"]} for path in sys.argv[1:])
for name, run in new.items():
    if name in old:
        before, after = old[name]["cpu_time"], run["cpu_time"]
        print(f"{name:50} {before:12.1f} -> {after:12.1f} {run['time_unit']}  x{after / before:.2f}")
EOT
done
