#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check_purity.sh OBJECT...: looks into compiled objects for what their layer promised not to do.
#
#   ws/core, ws/c/core_*     no system call, clock, randomness, thread, environment or printing
#   all but deflate          no zlib
#   net, ws/core and ws/c    no static initialiser: nothing runs before main, in no unknown order

NM=${NM:-nm}
READELF=${READELF:-readelf}
forbidden='recv|recvfrom|recvmsg|send|sendto|sendmsg|sendfile|read|readv|pread|preadv|write|writev|pwrite|pwritev|open|openat|close'
forbidden="$forbidden|socket|connect|accept|accept4|bind|listen|shutdown|poll|ppoll|select|epoll_[a-z0-9_]*"
forbidden="$forbidden|kqueue|kevent|syscall|ioctl|fcntl|eventfd|pipe|pipe2|mmap|munmap|getaddrinfo"
forbidden="$forbidden|clock_gettime|gettimeofday|time|nanosleep|usleep|sleep|rand|srand|random|getrandom|arc4random"
forbidden="$forbidden|getenv|secure_getenv|(__)?v?f?printf(_chk)?|(__)?v?s?n?printf(_chk)?|puts|fputs|putchar"
forbidden="$forbidden|fopen|fwrite|fread|syslog|pthread_[a-z_]*|RAND_[a-z_]*|_ZNSt6chrono.*now.*|_ZSt4cout|_ZSt4cerr"
# What _FORTIFY_SOURCE makes of them, and of their 64-bit twins.
hardened="__($forbidden)(64)?_(chk|2)|(open|openat|pread|pwrite|fopen|mmap|sendfile|creat)64"
failed=0

for object in "$@"; do
  case $object in
    */ws/core/* | */ws/c/core_*)
      found=$($NM -u "$object" | awk '{ print $NF }' | sed 's/@.*//' | grep -xE "$hardened|$forbidden" | tr '\n' ' ')
      if [ -n "$found" ]; then
        echo "$object: the protocol core calls $found"
        failed=1
      fi ;;
  esac
  case $object in
    */ws/core/deflate.o) ;;
    *)
      if $NM -u "$object" | awk '{ print $NF }' | grep -qE '^(in|de)flate(Init|End|Reset|$)'; then
        echo "$object: calls zlib, which is deflate.cc's alone"
        failed=1
      fi ;;
  esac
  case $object in
    */ws/core/* | */ws/c/* | */net/*)
      if $READELF -SW "$object" | grep -qE ' \.(init_array|ctors)'; then
        echo "$object: has a static initialiser"
        failed=1
      fi ;;
  esac
done
exit $failed
