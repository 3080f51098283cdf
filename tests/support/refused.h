// SPDX-License-Identifier: MIT
//
// Requests and the exact answer they get, over a real socket: rows of the catalogue of bad inputs.

#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/wire.h"

namespace hilo::test {

inline std::string get(std::string_view target, std::string_view more = {}) {
  std::string request = "GET ";
  return request.append(target)
      .append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n")
      .append(more)
      .append("\r\n");
}

inline std::string many(std::string_view piece, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += piece;
  return all;
}

// A request, the status that answers it, and the rule it breaks.
struct Refused {
  int number;
  std::string request;
  int status;
  ws::Errc error;
  std::string_view must_have = {};  // a header line of the answer
};

// One answer, "Connection: close", and whatever stands behind the refused head is not HTTP.
inline void check_refused(WireServer& server, const Refused& row) {
  CAPTURE(row.number);
  CAPTURE(row.request.substr(0, 200));
  const Baseline before = server.baseline();
  const std::uint64_t counted = server.rejects(row.error);
  const std::uint64_t counted_in_all = server.all_rejects();
  server.log.clear();
  {
    WirePeer peer(server);
    peer.send(row.request + get("/page"));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CAPTURE(peer.received.substr(0, 40));
    CHECK(peer.received.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "));
    CHECK(peer.received.find("a page") == std::string::npos);
    CHECK(peer.received.find("\r\nConnection: close\r\n") != std::string::npos);
    if (!row.must_have.empty()) CHECK(peer.received.find(row.must_have) != std::string::npos);
  }
  REQUIRE(server.settle());
  CAPTURE(server.log.empty() ? std::string() : server.log[0]);
  CHECK(server.rejects(row.error) == counted + 1);
  CHECK(server.all_rejects() == counted_in_all + 1);
  REQUIRE(server.log.size() == 1);
  const ws::Rule rule = ws::rule(row.error);
  CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=" + std::string(to_string(rule.layer)) +
                                  " reason=" + std::string(rule.label) + " peer=127.0.0.1:"));
  CHECK(server.log[0].find(" code=" + std::to_string(row.status)) != std::string::npos);
  CHECK(server.baseline() == before);
}

// `tls` null means plain; plain_then_tls() is for rows that hold over both.
inline void check_all_refused(std::shared_ptr<net::tls::ServerContext> tls,
                              const std::vector<Refused>& rows, ws::ServerOptions options = {}) {
  WireServer server({}, std::move(options), std::move(tls));
  for (const Refused& row : rows) check_refused(server, row);
}

// A request that is served: the answer begins with this status, and nothing is refused or left.
inline void check_served(WireServer& server, int number, const std::string& request, int status) {
  CAPTURE(number);
  CAPTURE(request.substr(0, 200));
  const Baseline before = server.baseline();
  const std::uint64_t refused = server.all_rejects();
  server.log.clear();
  {
    WirePeer peer(server);
    REQUIRE(peer.send(request));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    CHECK(peer.received.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  }
  REQUIRE(server.settle());
  CHECK(server.all_rejects() == refused);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

}  // namespace hilo::test
