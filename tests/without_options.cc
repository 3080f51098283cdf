// SPDX-License-Identifier: MIT
//
// Made with TLS=0 DEFLATE=0 alone (`make options`): what was left out says so, and needs no
// library.

#include <cstdio>
#include <string>
#include <string_view>

#include "net/tls.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/http_fields.h"

using namespace hilo;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("does not hold: %s\n", what);
  ++failures;
}

}  // namespace

int main() {
  std::string detail;
  auto server = net::tls::ServerContext::create({.self_signed = true}, &detail);
  expect(!server && server.error() == std::errc::operation_not_supported,
         "TLS is refused to servers");
  expect(detail == "hilo was built without TLS (TLS=0)", "the refusal says why");
  auto client = net::tls::ClientContext::create({.insecure = true});
  expect(!client && client.error() == std::errc::operation_not_supported,
         "TLS is refused to clients");

  constexpr std::string_view section = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  ws::FieldParser parser({});
  for (int field = 0; field < 2; ++field) static_cast<void>(parser.parse(as_bytes(section)));
  const ws::Fields offer = parser.fields(as_bytes(section));
  expect(parser.size() == 1, "there is an offer");
  const ws::DeflateOptions wanted{.enabled = true};
  expect(!ws::accept_deflate(offer, wanted), "no offer of compression is accepted");
  expect(ws::deflate_offer(wanted).view().empty(), "none is made");
  return failures == 0 ? 0 : 1;
}
