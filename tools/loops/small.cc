// SPDX-License-Identifier: MIT
//
// A whole server in the least room: hilo's reactor and its core, and nothing of ws/ but that. What
// it is made of is in small_server.h.
//
//   small [PORT]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "tools/loops/small_server.h"
#include "tools/loops/visit.h"

using namespace hilo;
using namespace hilo::loops;

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  const int port = checks ? 0 : argc > 1 ? std::atoi(argv[1]) : 9001;

  net::Loop loop;
  SmallServer server{loop};
  must(server.listen(must(net::Address::from_ip("127.0.0.1", static_cast<std::uint16_t>(port)))));
  const std::string url = "ws://" + server.address().to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());
  std::fflush(stdout);
  std::jthread visitor;
  if (checks) visitor = visit(url, [&] { loop.post([&] { loop.stop(); }); });
  must(loop.run());
  return 0;
}
