#!/bin/sh
# SPDX-License-Identifier: MIT
#
# musl.sh FOLDER: what a build for musl needs and Debian, whose musl-tools are for C, has not: a C++
# compiler with a library of its own (zig's clang and libc++, a package of PyPI's), and beside it the
# headers of OpenSSL and doctest without those of glibc. Nothing is installed.

set -eu
root=$1
[ ! -f "$root/complete" ] || exit 0

mkdir -p "$root/include/openssl"
echo "musl: clang and libc++"
${PYTHON:-python3} -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
  --target "$root/zig" ziglang==0.17.1
for folder in /usr/include /usr/include/*-linux-gnu; do
  [ ! -d "$folder/openssl" ] || cp "$folder"/openssl/*.h "$root/include/openssl"
done
cp -r /usr/include/doctest "$root/include"
touch "$root/complete"
