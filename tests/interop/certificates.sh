#!/bin/sh
# SPDX-License-Identifier: MIT
#
# certificates.sh FOLDER: a private CA and what it signed, for tests over TLS. Keys are unencrypted
# PEM, each in a file of its own beside its certificate.
#
#   ca              signs all the others but `stranger`; a test gives it to whom it is to trust
#   server          localhost, 127.0.0.1 and ::1
#   second          second.example, for SNI, and for a reload
#   client          no server: it may only be shown by a client
#   expired         as `server`, but its day is over
#   stranger        as `server`, signed by itself
set -eu
cd "$1"

make() {  # make NAME EXTENSION DAYS
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
    -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%s\n' "basicConstraints=CA:FALSE" "$2" >"$1.ext"
  if [ "$3" -gt 0 ]; then
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days "$3" \
      -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  else  # `x509` knows no date in the past; `ca` does
    printf '%s\n' '[ca]' 'default_ca=one' '[one]' 'database=index.txt' 'rand_serial=yes' \
      'default_md=sha256' 'policy=any' 'new_certs_dir=.' '[any]' 'commonName=supplied' >ca.conf
    : >index.txt
    openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in "$1.csr" -notext \
      -startdate 20200101000000Z -enddate 20200102000000Z -extfile "$1.ext" -out "$1.pem" \
      2>/dev/null
  fi
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
  -subj "/CN=a private CA" -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem \
  2>/dev/null
local="subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
make server "$local" 2
make second "subjectAltName=DNS:second.example" 2
make client "extendedKeyUsage=clientAuth" 2
make expired "$local" 0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
  -subj "/CN=stranger" -addext "$local" -keyout stranger.key -out stranger.pem 2>/dev/null
