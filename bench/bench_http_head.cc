// SPDX-License-Identifier: MIT
//
// What a request head costs: parsing it, checking it as an opening handshake, writing the 101.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/core/handshake.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::string_view minimal_head =
    "GET / HTTP/1.1\r\n"
    "Host: a\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

constexpr std::string_view browser_head =
    "GET /chat?room=1 HTTP/1.1\r\n"
    "Host: server.example.com:9001\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: http://server.example.com:9001\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "\r\n";

void report(benchmark::State& state, std::string_view head) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(head.size()));
  state.counters["head_bytes"] = static_cast<double>(head.size());
}

void parse_head(benchmark::State& state, std::string_view head) {
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(as_bytes(head)));
  }
  report(state, head);
}

// The same head in pieces: the cost must not depend on how often it was looked at in vain.
void parse_head_in_pieces(benchmark::State& state) {
  const auto piece = static_cast<std::size_t>(state.range(0));
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    for (std::size_t end = piece; end < browser_head.size(); end += piece) {
      benchmark::DoNotOptimize(parser.parse(as_bytes(browser_head.substr(0, end))));
    }
    benchmark::DoNotOptimize(parser.parse(as_bytes(browser_head)));
  }
  report(state, browser_head);
}

void check_head(benchmark::State& state) {
  RequestParser parser;
  if (parser.parse(as_bytes(browser_head)).kind != HeadProgress::Kind::complete) {
    state.SkipWithError("the head does not parse");
    return;
  }
  for (auto _ : state) {
    const RequestHead head = parser.head(as_bytes(browser_head));
    benchmark::DoNotOptimize(check_upgrade(head));
  }
}

void whole_handshake(benchmark::State& state) {
  Pool pool;
  RequestParser parser;
  for (auto _ : state) {
    Buffer out(pool);
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(as_bytes(browser_head)));
    const UpgradeCheck check = check_upgrade(parser.head(as_bytes(browser_head)));
    if (!write_upgrade_response(out, {.key = check.key})) state.SkipWithError("not written");
    benchmark::DoNotOptimize(out.readable());
  }
  report(state, browser_head);
}

BENCHMARK_CAPTURE(parse_head, minimal, minimal_head);
BENCHMARK_CAPTURE(parse_head, browser, browser_head);
BENCHMARK(parse_head_in_pieces)->Arg(1)->Arg(16)->Arg(128);
BENCHMARK(check_head);
BENCHMARK(whole_handshake);

}  // namespace
