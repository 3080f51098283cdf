#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh GROUP...: installs what is missing for build, test, peers, check, bench, bench-peers,
# faults, size, tidy, cross or musl.
#
# Headers and programs are asked for directly, so it does not matter where they came from. When
# nothing is missing, nothing is printed and no network is touched.

set -eu
cd "$(dirname "$0")/../.."
missing=

want_program() {  # want_program PACKAGE PROGRAM...: any of the programs will do
  package=$1; shift
  for program in "$@"; do
    if command -v "$program" >/dev/null 2>&1; then return 0; fi
  done
  missing="$missing $package"
}

want_headers() {  # want_headers HEADER PACKAGE ...: one run of the preprocessor asks for all
  code=
  while [ $# -gt 1 ]; do
    code="$code
#if !__has_include(<$1>)
missing: $2
#endif"
    shift 2
  done
  missing="$missing $(printf '%s\n' "$code" | ${CXX:-c++} -std=c++20 -E -P -x c++ - |
    sed -n 's/^missing: //p' | tr '\n' ' ')"
}

want_python() {  # want_python MODULE PACKAGE ...: of Debian's own Python
  if [ -x /usr/bin/python3 ]; then
    missing="$missing $(/usr/bin/python3 -c 'import sys; from importlib.util import find_spec
print(*(p for m, p in zip(sys.argv[1::2], sys.argv[2::2]) if not find_spec(m)))' "$@")"
    return
  fi
  missing="$missing python3"
  while [ $# -gt 1 ]; do
    missing="$missing $2"
    shift 2
  done
}

# Groups are installed side by side: apt-get waits for the lock of what is installed, and gives up
# at that of the lists.
one_at_a_time() {
  exec 9<tools/check/setup.sh
  flock 9
}

for group in "$@"; do
  case $group in
    build)
      compiler=${CXX:-c++}
      if ! command -v "${compiler%% *}" >/dev/null 2>&1; then
        echo "setup: there is no $compiler; installing a compiler is left to you" >&2
        exit 1
      fi
      want_headers openssl/ssl.h libssl-dev
      [ "${DEFLATE:-1}" = 0 ] || want_headers zlib.h zlib1g-dev
      [ "${SOCKETIO:-1}" = 0 ] || want_headers nlohmann/json.hpp nlohmann-json3-dev CLI/CLI.hpp libcli11-dev ;;
    test)
      want_headers doctest/doctest.h doctest-dev uv.h libuv1-dev glib-2.0/glib.h libglib2.0-dev \
        asio.hpp libasio-dev
      want_python websockets python3-websockets socketio python3-socketio \
        socketIO_client python3-socketio-client
      want_program openssl openssl
      want_program curl curl
      want_program cmake cmake
      want_program tshark tshark
      want_program pkgconf pkg-config
      if [ -f tests/interop/package.json ]; then
        want_program nodejs node
        want_program npm npm
        want_program chromium chromium chromium-browser google-chrome
        want_program firefox-esr firefox-esr firefox
        want_program webkit2gtk-driver WebKitWebDriver
        want_program xvfb Xvfb
      fi ;;
    check)
      want_program clang clang++
      want_program clang-format-14 clang-format-14
      want_program binutils nm
      want_program gcovr gcovr
      want_headers wslay/wslay.h libwslay-dev
      if command -v clang++ >/dev/null 2>&1 &&
         ! ls "$(clang++ -print-resource-dir)"/lib/*/*fuzzer* >/dev/null 2>&1; then
        missing="$missing libclang-rt-14-dev"
      elif ! command -v clang++ >/dev/null 2>&1; then
        missing="$missing libclang-rt-14-dev"
      fi ;;
    peers) want_headers libwebsockets.h libwebsockets-dev ;;
    bench-peers)
      want_headers libwebsockets.h libwebsockets-dev boost/beast.hpp libboost-dev \
        websocketpp/server.hpp libwebsocketpp-dev
      want_program openssl openssl
      want_program nodejs node
      want_program npm npm
      want_program util-linux taskset
      want_program valgrind valgrind ;;
    bench) want_headers benchmark/benchmark.h libbenchmark-dev ;;
    size) want_program valgrind valgrind ;;
    faults)
      want_program iproute2 ip /usr/sbin/ip
      want_program util-linux unshare
      want_program e2fsprogs mkfs.ext4 /usr/sbin/mkfs.ext4
      want_program mount mount
      want_program nginx-light nginx /usr/sbin/nginx ;;
    tidy)
      want_program clang-tidy clang-tidy
      want_program cppcheck cppcheck ;;
    cross)
      want_program g++-aarch64-linux-gnu aarch64-linux-gnu-g++
      want_program g++-arm-linux-gnueabihf arm-linux-gnueabihf-g++
      want_program g++-s390x-linux-gnu s390x-linux-gnu-g++
      want_program qemu-user qemu-aarch64 ;;
    musl) want_python pip python3-pip ;;
    *) echo "setup: unknown group $group" >&2; exit 2 ;;
  esac
done

missing=$(echo $missing)
if [ -n "$missing" ]; then
  apt="apt-get -o DPkg::Lock::Timeout=600"
  install="$apt install -y --no-install-recommends $missing"
  export DEBIAN_FRONTEND=noninteractive
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: please install what these Debian packages hold: $missing" >&2
    exit 1
  elif [ "$(id -u)" = 0 ]; then
    echo "setup: installing $missing"
    one_at_a_time
    log=$(mktemp)
    { $apt update && $install; } >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
    rm -f "$log"
  elif command -v sudo >/dev/null 2>&1; then
    echo "setup: with sudo, installing $missing"
    one_at_a_time
    sudo $apt update
    sudo DEBIAN_FRONTEND=noninteractive $install
  else
    echo "setup: some packages are missing; as root, run:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
    exit 1
  fi
fi

case " $* " in
  *" test "*)
    modules=tests/interop/node_modules
    if [ -f tests/interop/package.json ] &&
       { [ ! -f $modules/.package-lock.json ] ||
         [ tests/interop/package.json -nt $modules/.package-lock.json ]; }; then
      echo "setup: npm packages of tests/interop"
      command=install
      [ ! -f tests/interop/package-lock.json ] || command=ci
      npm --prefix tests/interop $command --no-audit --no-fund --loglevel=error
      touch $modules/.package-lock.json
    fi ;;
esac
