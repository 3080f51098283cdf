#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hardening.sh PROGRAM ARCHIVE...: is the release as hard as the Makefile asks for? The program is looked
# at as the loader sees it; the archives by the switches that GCC wrote beside each source (clang
# writes none, and is believed).

set -u
READELF=${READELF:-readelf}
program=$1
shift
failed=0
complain() {
  echo "$1"
  failed=1
}

headers=$($READELF -hldW "$program")
imports=$($READELF --dyn-syms -W "$program" | awk '$7 == "UND" { sub(/@.*/, "", $8); print $8 }')
wants() { echo "$headers" | grep -qE "$1" || complain "$program: $2"; }
hates() { ! echo "$headers" | grep -qE "$1" || complain "$program: $2"; }
calls() { echo "$imports" | grep -qE "^($1)$" || complain "$program: $2"; }

wants '\(FLAGS_1\).*PIE' 'lies where it was linked: no PIE'
wants 'GNU_RELRO' 'its relocations stay writable: no RELRO'
wants '\(FLAGS_1\).*NOW' 'its functions are bound late: no BIND_NOW'
wants 'GNU_STACK .* RW ' 'may run what lies on its stack'
hates 'LOAD .* (RWE|WE|W E) ' 'has a segment that can be written and run'
hates '\((RPATH|RUNPATH|TEXTREL)\)' 'looks for libraries in a folder of its own, or relocates its text'
calls '__stack_chk_fail' 'has no stack protector'
calls '__(mem|str|v?s?n?printf|poll|read|recv|fd).*_chk' 'has no _FORTIFY_SOURCE'
calls '_ZSt21__glibcxx_assert_failPKciS0_S0_' 'has no assertions of the standard library'

for archive in "$@"; do
  producers=$($READELF --debug-dump=info --dwarf-depth=1 "$archive" 2>/dev/null | sed -n 's/.*DW_AT_producer.*: //p')
  [ -n "$producers" ] || complain "$archive: does not tell how it was compiled"
  for switch in '-O[12]' -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
      '-fcf-protection=full|-mbranch-protection=standard'; do
    without=$(echo "$producers" | grep '^GNU C++' | grep -cvE -e "$switch")
    [ "$without" = 0 ] || complain "$archive: $without sources were compiled without $switch"
  done
done
exit $failed
