// SPDX-License-Identifier: MIT

#include "ws/core/deflate_negotiation.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/heads.h"
#include "ws/core/extension.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

constexpr DeflateOptions both_alone{.enabled = true};
constexpr DeflateOptions both_take_over{
    .enabled = true, .server_no_context_takeover = false, .client_no_context_takeover = false};

// The server's answer to these lines; "-" for none.
std::string answer(std::vector<std::string_view> lines, const DeflateOptions& options) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string_view line : lines) {
    text.append("Sec-WebSocket-Extensions: ").append(line).append("\r\n");
  }
  const ParsedRequest request(text + "\r\n");
  REQUIRE(request.is_complete());
  REQUIRE(check_extensions(request.head.fields) == Errc::none);
  const auto accepted = accept_deflate(request.head.fields, options);
  return accepted ? std::string(accepted->text.view()) : "-";
}
std::string answer(std::string_view line, const DeflateOptions& options = both_take_over) {
  return answer(std::vector<std::string_view>{line}, options);
}
DeflateParameters agreed_with(std::string_view line, const DeflateOptions& options) {
  const ParsedRequest request(
      "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: " + std::string(line) + "\r\n\r\n");
  const auto accepted = accept_deflate(request.head.fields, options);
  REQUIRE(accepted);
  return accepted->agreed;
}

DeflateCheck check(std::string_view line, const DeflateOptions& options) {
  const ParsedResponse response(
      "HTTP/1.1 101 ok\r\nSec-WebSocket-Extensions: " + std::string(line) + "\r\n\r\n");
  REQUIRE(response.is_complete());
  return check_deflate_answer(response.head.fields, options);
}

const std::string name = "permessage-deflate";

}  // namespace

// --- server --------------------------------------------------------------------------------------

TEST_CASE("a plain offer is accepted with what the server wants") {
  CHECK(answer(name) == name);
  CHECK(answer(name, both_alone) ==
        name + "; server_no_context_takeover; client_no_context_takeover");
  CHECK(answer(name, {.enabled = true, .client_no_context_takeover = false}) ==
        name + "; server_no_context_takeover");
  CHECK(answer(std::vector<std::string_view>{}, both_alone) == "-");
  CHECK(answer("x-webkit-deflate-frame, permessage-bzip2", both_alone) == "-");
}

TEST_CASE("compression is agreed on only where it is enabled (K 178)") {
  CHECK(answer(name, {}) == "-");
  CHECK(answer(name, {.enabled = false, .server_no_context_takeover = false}) == "-");
}

TEST_CASE("offers that are not understood are declined (K 171, 172, 174)") {
  for (const std::string_view parameters :
       {"x",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=09",
        "server_max_window_bits=0",
        "server_max_window_bits=x",
        "server_max_window_bits=100",
        "server_max_window_bits=1",
        "server_max_window_bits=1x",
        "server_max_window_bits=1!",
        "server_max_window_bits=\"1\\0\"",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=08",
        "client_max_window_bits=\"7\"",
        "client_max_window_bits=+9",
        "server_no_context_takeover=1",
        "client_no_context_takeover=1",
        "server_no_context_takeover=true",
        "Server_no_context_takeover",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=10; client_max_window_bits=10",
        "server_max_window_bits=10; server_max_window_bits=11",
        "client_max_window_bits; unknown=1"}) {
    CAPTURE(parameters);
    CHECK(answer(name + "; " + std::string(parameters)) == "-");
  }
  CHECK(answer("Permessage-Deflate") == "-");
}

TEST_CASE("window sizes that are offered are taken, quoted too (K 172, 173)") {
  CHECK(answer(name + "; server_max_window_bits=\"10\"") == name + "; server_max_window_bits=10");
  CHECK(answer(name + "; client_max_window_bits") == name);
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string server = "; server_max_window_bits=" + std::to_string(bits);
    CHECK(answer(name + server) == name + server);
    CHECK(agreed_with(name + server, both_take_over).server_window_bits == bits);
    const std::string client = "; client_max_window_bits=" + std::to_string(bits);
    CHECK(answer(name + client) == (bits == 15 ? name : name + client));
    CHECK(agreed_with(name + client, both_take_over).client_window_bits == bits);
  }
}

TEST_CASE("a window of 8 bits is declined for us, and accepted for the client (K 176)") {
  CHECK(answer(name + "; server_max_window_bits=8") == "-");
  CHECK(answer(name + "; client_max_window_bits=8") == name + "; client_max_window_bits=8");
  CHECK(answer(name + "; server_max_window_bits=8, " + name) == name);
}

TEST_CASE("the first good offer is taken, over all lines, and answered once (K 175, 177)") {
  CHECK(answer(name + "; x, " + name + "; server_max_window_bits=11, " + name) ==
        name + "; server_max_window_bits=11");
  CHECK(answer(name + ", " + name) == name);
  CHECK(answer({"x-other, " + name + "; x=1", name + "; server_max_window_bits=12", name},
               both_take_over) == name + "; server_max_window_bits=12");
}

TEST_CASE("a server asks for smaller windows of its own accord, where the client can") {
  const DeflateOptions small{.enabled = true,
                             .server_no_context_takeover = false,
                             .client_no_context_takeover = false,
                             .server_max_window_bits = 10,
                             .client_max_window_bits = 11};
  CHECK(answer(name, small) == name + "; server_max_window_bits=10");
  CHECK(agreed_with(name, small).client_window_bits == 15);
  CHECK(answer(name + "; client_max_window_bits", small) ==
        name + "; server_max_window_bits=10; client_max_window_bits=11");
  CHECK(answer(name + "; client_max_window_bits=9; server_max_window_bits=9", small) ==
        name + "; server_max_window_bits=9; client_max_window_bits=9");
  CHECK(answer(name + "; client_max_window_bits=15; server_max_window_bits=15", small) ==
        name + "; server_max_window_bits=10; client_max_window_bits=11");
  // What no zlib can do counts as the nearest that it can.
  CHECK(answer(name, {.enabled = true, .server_max_window_bits = 3}).find("bits=9") !=
        std::string::npos);
  CHECK(answer(name, {.enabled = true, .server_max_window_bits = 200}).find("bits") ==
        std::string::npos);
}

TEST_CASE("all four parameters at once") {
  const std::string all = name +
                          "; server_no_context_takeover; client_no_context_takeover; "
                          "server_max_window_bits=10; client_max_window_bits=12";
  CHECK(answer(all) == all);
  CHECK(agreed_with(all, both_take_over) == DeflateParameters{true, true, 10, 12});
  CHECK(agreed_with(name, both_take_over) == DeflateParameters{});
  CHECK(agreed_with(name, both_alone) == DeflateParameters{true, true, 15, 15});
}

// --- client --------------------------------------------------------------------------------------

TEST_CASE("what a client offers") {
  CHECK(deflate_offer({}).view() == "");
  CHECK(deflate_offer(both_alone).view() ==
        name + "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits");
  CHECK(deflate_offer(both_take_over).view() == name + "; client_max_window_bits");
  CHECK(deflate_offer({.enabled = true,
                       .client_no_context_takeover = false,
                       .server_max_window_bits = 9,
                       .client_max_window_bits = 14})
            .view() == name +
                           "; server_no_context_takeover; server_max_window_bits=9; "
                           "client_max_window_bits=14");
}

TEST_CASE("a server's own offers and answers fit each other") {
  for (const bool server_alone : {false, true}) {
    for (const bool client_alone : {false, true}) {
      for (std::uint8_t bits = 9; bits <= 15; ++bits) {
        const DeflateOptions client{.enabled = true,
                                    .server_no_context_takeover = server_alone,
                                    .client_no_context_takeover = client_alone,
                                    .server_max_window_bits = bits,
                                    .client_max_window_bits = static_cast<std::uint8_t>(24 - bits)};
        for (const DeflateOptions& server : {both_alone, both_take_over, client}) {
          const std::string offer(deflate_offer(client).view());
          const DeflateCheck checked = check(answer(offer, server), client);
          CHECK(checked.error == Errc::none);
          CHECK(checked.is_agreed);
          CHECK(checked.agreed == agreed_with(offer, server));
        }
      }
    }
  }
}

TEST_CASE("a client fails what the server may not answer (E 99, K 179)") {
  for (const std::string_view parameters :
       {"server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=08",
        "server_max_window_bits", "client_max_window_bits", "client_max_window_bits=7",
        "client_max_window_bits=16", "server_no_context_takeover=1", "x", "x=1",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=9; server_max_window_bits=9"}) {
    CAPTURE(parameters);
    const DeflateCheck checked = check(name + "; " + std::string(parameters), both_take_over);
    CHECK(checked.error == Errc::response_extension);
    CHECK_FALSE(checked.is_agreed);
  }
  // Larger than offered, or what was asked for is not there.
  const DeflateOptions small{
      .enabled = true, .server_no_context_takeover = false, .server_max_window_bits = 10};
  CHECK(check(name + "; server_max_window_bits=11", small).error == Errc::response_extension);
  CHECK(check(name, small).error == Errc::response_extension);
  CHECK(check(name + "; server_max_window_bits=9", small).error == Errc::none);
  CHECK(check(name, both_alone).error == Errc::response_extension);
  CHECK(check(name, {}).error == Errc::response_extension);
}

TEST_CASE("what a client agrees to") {
  CHECK(check("x-other", both_alone).is_agreed == false);
  CHECK(check("x-other", both_alone).error == Errc::none);
  CHECK(check(name, both_take_over).agreed == DeflateParameters{});
  CHECK(check(name + "; server_no_context_takeover", both_take_over).agreed ==
        DeflateParameters{true, false, 15, 15});
  CHECK(check(name + "; client_no_context_takeover; client_max_window_bits=8", both_take_over)
            .agreed == DeflateParameters{false, true, 15, 8});
  CHECK(check(name + "; server_max_window_bits=\"8\"", both_take_over).agreed ==
        DeflateParameters{false, false, 8, 15});
  // What was offered of oneself holds, whatever the server says.
  CHECK(check(name + "; server_no_context_takeover; client_max_window_bits=15",
              {.enabled = true, .client_max_window_bits = 12})
            .agreed == DeflateParameters{true, true, 15, 12});
}
