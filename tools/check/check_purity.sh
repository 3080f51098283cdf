#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check_purity.sh OBJECT...: looks into compiled objects for what their layer promised not to do.
#
#   ws/core, ws/c/core_*   no system call, clock, randomness, thread, environment or printing
#   all but deflate        no zlib
#   all                    no static initialiser: nothing runs before main, in no unknown order; and no
#                          variable that outlives its loop but those that are named here, with the reason

NM=${NM:-nm}
OBJDUMP=${OBJDUMP:-objdump}
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

# A tool that is not there, or that knows no such objects, finds nothing.
for tool in "$NM" "$OBJDUMP" "$READELF"; do
  $tool --version > /dev/null || exit 1
done
$NM "$@" | grep -q ' T ' || { echo "$NM sees no function in all of it"; exit 1; }

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
done

initialised=$($READELF -SW "$@" | awk '/^File: / { file = $2 } / \.(init_array|ctors)/ { print file }')
if [ -n "$initialised" ]; then
  echo "these have a static initialiser:" $initialised
  failed=1
fi

# Constants that the linker has to complete are in .data.rel.ro, and so none of these.
variables=$($OBJDUMP -tC "$@" | grep -vF .data.rel.ro | sed -nE 's/^[0-9a-f]+ .{7} \.t?(data|bss)[^\t]*\t[0-9a-f]+ +(\.hidden )?//p' |
  grep -vxE '\.t?(data|bss).*|DW\.ref\..*|guard variable for .*' | grep -vFx "\
hilo::(anonymous namespace)::allocator_in_use
hilo::ws::accept_key(std::basic_string_view<char, std::char_traits<char> >)::sha1
hilo::ws::mask_detail::machine
hilo::ws::(anonymous namespace)::chosen_check
hilo::ws::(anonymous namespace)::known_checks
hilo::ws::(anonymous namespace)::known_masks
hilo_error_text::text
hilo::net::(anonymous namespace)::this_thread()::mark
hilo::net::(anonymous namespace)::fork_generation
hilo::net::(anonymous namespace)::fork_is_noticed
hilo::net::(anonymous namespace)::fork_watch_once
hilo::net::(anonymous namespace)::in_pipe
hilo::net::(anonymous namespace)::pipe_fd
hilo::net::(anonymous namespace)::previous_actions
hilo::net::tls::ClientContext::Sessions::host_index()::made
hilo::net::tls::TlsBio::method()::made
hilo::socketio::Socket::auth[abi:cxx11]() const::none
hilo::socketio::Socket::data[abi:cxx11]() const::nobodys" | grep -v '::category$' | sort -u)
#   sha1, nobodys, mark, text  of each thread: its digest, the data of nobody, its address as a name,
#                              a sentence for a caller in C
#   allocator_in_use           of the process, chosen before all else
#   kernel, chosen_check       which instructions this machine has, found out once
#   known_*                    constants, which GCC puts among the variables all the same
#   fork_*                     of the process: that its random numbers must not be its child's
#   in_pipe, pipe_fd, previous_actions   of the process, as signals are
#   made, category             what OpenSSL and std::error_code know by address, made once
#   none                       an empty value to refer to
if [ -n "$variables" ]; then
  printf 'variables that are not named in check_purity.sh:\n%s\n' "$variables"
  failed=1
fi
exit $failed
