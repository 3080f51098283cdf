#!/bin/sh
# SPDX-License-Identifier: MIT
#
# exports.sh HEADER... -- OBJECT...: prints the version script of the shared library that is made of
# OBJECTs.
#
# Exported is what they define for others if a HEADER, which is public, declares it: members of
# classes that are defined there, functions and variables that are named there, each in its
# namespace. All else is local: what no public header knows, and every inline function and template,
# for each program has its own. Headers are read in the form that clang-format gives them.

set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
part=headers
for file in "$@"; do
  if [ "$file" = -- ]; then part=objects; else printf '%s\n' "$file" >> "$folder/$part"; fi
done

# A symbol that is weak (V, W) or unique (u) is inline, or a template's; or it is the table of a class
# with virtual functions, or its type.
xargs "${NM:-nm}" -g --defined-only < "$folder/objects" |
  awk 'NF == 3 && ($2 ~ /^[TDBRGS]$/ || $3 ~ /^_ZT[VTIS]/) { print $3 }' | sort -u > "$folder/symbols"

# Lines `space NAME`, `class NAME` and `name NAME`, each with its namespace in front.
xargs awk '
  FNR == 1 { depth = 0; space = "" }
  /^ *namespace [a-z_0-9:]+ \{$/ {
    outer[++depth] = space
    opened[depth] = FNR
    space = space (space == "" ? "" : "::") $2
    print "space", space
    next
  }
  # The end of a namespace of one declaration is not told by a comment.
  /^ *\}  \/\/ namespace/ || (/^\}$/ && depth > 0 && FNR <= opened[depth] + 3) {
    space = outer[depth--]
    next
  }
  { sub(/ *\/\/.*/, "") }
  /^ *(template <.*> *)?(class|struct|union) [^;]*$/ {
    sub(/^.*(class|struct|union) +(\[\[[a-z_]+\]\] +)?(alignas\([^)]*\) +)?/, "")
    if (match($0, /^[A-Za-z_0-9]+/)) print "class", space "::" substr($0, 1, RLENGTH)
    next
  }
  {
    while (match($0, /([A-Za-z_][A-Za-z_0-9]*|operator[^A-Za-z ,(]+) *[(;=[{]/)) {
      name = substr($0, RSTART, RLENGTH - 1)
      sub(/ +$/, "", name)
      print "name", space "::" name
      $0 = substr($0, RSTART + RLENGTH)
    }
  }' < "$folder/headers" | sort -u > "$folder/declared"

echo '{ global:'
"${CXXFILT:-c++filt}" < "$folder/symbols" | paste "$folder/symbols" - | awk -F '\t' '
  function is_declared(symbol,    part, count, i, space, sign, is_type) {
    is_type = sub(/^(vtable|typeinfo|typeinfo name|VTT) for /, "", symbol)
    if (is_type && symbol ~ /</) return 0
    sub(/^(non-virtual|virtual) thunk to /, "", symbol)
    gsub(/\[abi:[a-z0-9]+\]/, "", symbol)
    sub(/\(.*/, "", symbol)
    sign = match(symbol, /operator[^A-Za-z_0-9]+$/) ? substr(symbol, RSTART) : ""
    symbol = substr(symbol, 1, length(symbol) - length(sign))
    while (sub(/<[^<>]*>/, "", symbol)) {}
    symbol = symbol sign
    count = split(symbol, part, "::")
    if (count == 1) return ("::" symbol) in is_name  # of C
    space = part[1]
    for (i = 2; i <= count && (space "::" part[i]) in is_space; ++i) space = space "::" part[i]
    if (i == count && !is_type) return (space "::" part[i]) in is_name
    for (; i < count + is_type; ++i) if (!((space "::" part[i]) in is_class)) return 0
    return space in is_space
  }
  FILENAME != "-" {
    split($0, word, " ")
    if (word[1] == "space") is_space[word[2]] = 1
    else if (word[1] == "class") is_class[word[2]] = 1
    else is_name[word[2]] = 1
    next
  }
  is_declared($2) { print "  " $1 ";" }' "$folder/declared" -
echo 'local: *; };'
