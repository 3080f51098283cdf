#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh install|uninstall: puts what the Makefile built below DESTDIR, or takes it away again, by
# one list. The Makefile says what there is:
#
#   PREFIX LIBDIR DESTDIR            where to: LIBDIR is a whole path; DESTDIR stands in front of both
#   VERSION SOVERSION                0.1.0, and what of it is in the name that programs remember
#   HEADERS ARCHIVES SHARED TOOL     files, those of the build with their folder; may be empty
#   TLS_LIBS DEFLATE_LIBS MORE_LIBS  flags for what an archive needs beside hilo

set -eu
action=$1
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# "/usr/local/" is "/usr/local", wherever it is compared.
plain() { printf '%s' "$1" | sed 's|//*|/|g; s|/$||'; }
PREFIX=$(plain "$PREFIX") LIBDIR=$(plain "$LIBDIR") DESTDIR=$(plain "$DESTDIR")
include=$PREFIX/include/hilo
case $LIBDIR in
  "$PREFIX"/*)
    below=${LIBDIR#"$PREFIX"/}
    pc_libdir="\${prefix}/$below"
    cmake_prefix="\${CMAKE_CURRENT_LIST_DIR}/../../$(printf '%s\n' "$below" | sed 's|[^/][^/]*|..|g')" ;;
  *) pc_libdir=$LIBDIR cmake_prefix=$PREFIX ;;
esac

# The usual libraries are asked for by name; where flags of the user's own say where they are, they
# are written down as given.
core_pc= hilo_pc= core_cmake= hilo_cmake= find_cmake= flags=
if [ "$TLS_LIBS" = '-lssl -lcrypto' ]; then
  core_pc=libcrypto hilo_pc=libssl core_cmake=OpenSSL::Crypto hilo_cmake=OpenSSL::SSL find_cmake=OpenSSL
else
  flags=$TLS_LIBS
fi
if [ "$DEFLATE_LIBS" = -lz ]; then
  core_pc="$core_pc zlib" core_cmake="$core_cmake ZLIB::ZLIB" find_cmake="$find_cmake ZLIB"
else
  flags="$flags $DEFLATE_LIBS"
fi

fill() {  # fill TEMPLATE: on standard output
  old_ifs=$IFS
  IFS=.
  set -- "$1" $VERSION
  IFS=$old_ifs
  sed -e "s|@VERSION@|$2.$3.$4|g; s|@MAJOR@|$2|g; s|@MINOR@|$3|g; s|@PATCH@|$4|g" \
    -e "s|@PREFIX@|$PREFIX|g; s|@PC_LIBDIR@|$pc_libdir|g; s|@CMAKE_PREFIX@|$cmake_prefix|g" \
    -e "s|@CORE_PC@|$core_pc|g; s|@HILO_PC@|$hilo_pc|g; s|@FIND_CMAKE@|$find_cmake|g" \
    -e "s|@CORE_CMAKE@|$core_cmake|g; s|@HILO_CMAKE@|$hilo_cmake|g" \
    -e "s|@FLAGS@|$flags|g; s|@MORE_LIBS@|$MORE_LIBS|g" "$1"
}

place() {  # place MODE FOLDER FILE...: a template (NAME.in) is filled in
  mode=$1 folder=$2
  shift 2
  [ "$action" = uninstall ] || install -d "$DESTDIR$folder"
  plain= gone=
  for file in "$@"; do
    name=${file##*/}
    case $name in
      *.in)
        name=${name%.in}
        if [ "$action" = install ]; then
          fill "$file" > "$scratch/$name"
          plain="$plain $scratch/$name"
        fi ;;
      *) plain="$plain $file" ;;
    esac
    gone="$gone $name"
  done
  if [ "$action" = install ]; then
    install -m "$mode" $plain "$DESTDIR$folder"
  elif [ -d "$DESTDIR$folder" ]; then
    (cd "$DESTDIR$folder" && rm -f $gone)
  fi
  printf '%s\n' "$folder" >> "$scratch/folders"
}

link() {  # link TARGET NAME: in LIBDIR
  if [ "$action" = uninstall ]; then rm -f "$DESTDIR$LIBDIR/$2"; else ln -sf "$1" "$DESTDIR$LIBDIR/$2"; fi
}

for folder in $(for header in $HEADERS; do printf '%s\n' "${header%/*}"; done | sort -u | tr '\n' ' '); do
  here_are=
  for header in $HEADERS; do
    [ "${header%/*}" != "$folder" ] || here_are="$here_are $header"
  done
  place 644 "$include/$folder" $here_are
done
place 644 "$include/net/base" "$here/version.h.in"
for library in $ARCHIVES; do
  level=${library##*/lib}
  place 644 "$LIBDIR" "$library"
  place 644 "$LIBDIR/pkgconfig" "$here/${level%.a}.pc.in"
done
for library in $SHARED; do
  whole=${library##*/}
  bare=${whole%."$VERSION"}
  place 755 "$LIBDIR" "$library"
  link "$whole" "$bare.$SOVERSION"
  link "$bare.$SOVERSION" "$bare"
done
place 644 "$LIBDIR/cmake/hilo" "$here/../cmake/hilo-config.cmake.in" "$here/../cmake/hilo-config-version.cmake.in"
[ -z "$TOOL" ] || place 755 "$PREFIX/bin" "$TOOL"

# Folders go when they are empty, the deepest first; not those that a system has anyway.
if [ "$action" = uninstall ]; then
  printf '%s\n' "$include/net" "$include/ws" "$include" "$PREFIX/include" "$LIBDIR/cmake" >> "$scratch/folders"
  case $DESTDIR$PREFIX in
    /usr | /usr/local) kept="^$PREFIX/[a-z]*\$|^$LIBDIR\$|^$LIBDIR/(cmake|pkgconfig)\$" ;;
    *) kept='^$' ;;
  esac
  sort -ur "$scratch/folders" | grep -vE "$kept" | while read -r folder; do
    [ ! -d "$DESTDIR$folder" ] || rmdir "$DESTDIR$folder" 2> "$scratch/not_empty" || true
  done
fi
