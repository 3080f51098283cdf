#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cross_libraries.sh MACHINE FOLDER: unpacks OpenSSL and zlib for another machine, as Debian calls it,
# below FOLDER; nothing is installed, and the system knows of no other machine afterwards.
#
# Only the static libraries stay: a program made with them needs nothing of FOLDER when it runs.

set -eu
machine=$1
root=$2
[ ! -f "$root/complete" ] || exit 0

mkdir -p "$root/apt/lists/partial" "$root/apt/archives/partial" "$root/packages"
apt="apt-get -q -o Dir::State::lists=$(realpath "$root/apt/lists") -o Dir::Cache=$(realpath "$root/apt")
  -o APT::Architectures=$machine -o APT::Sandbox::User=root"
log=$root/log
# A list that is not to be had need not be one that matters; the packages show it.
echo "cross: OpenSSL and zlib for $machine"
$apt update >"$log" 2>&1 || true
(cd "$root/packages" && $apt download "libssl-dev:$machine" "zlib1g-dev:$machine") >>"$log" 2>&1 ||
  { cat "$log" >&2; exit 1; }
for package in "$root"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
find "$root" -name '*.so' -exec rm {} +
rm -r "$root/apt" "$root/packages"
touch "$root/complete"
