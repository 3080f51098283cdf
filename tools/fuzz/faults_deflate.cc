// SPDX-License-Identifier: MIT
//
// Faults of permessage-deflate (RFC 7692), where a server agrees to it.

#include "tools/conform/deflate.h"
#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {

using conform::Frame;

namespace {

const conform::Edit& offer() {
  static const conform::Edit edit{.add =
                                      "Sec-WebSocket-Extensions: permessage-deflate; "
                                      "client_no_context_takeover\r\n"};
  return edit;
}

void wrong(Draft& draft, const std::vector<Frame>& frames, std::vector<std::uint16_t> codes) {
  draft.subject().needs_deflate = true;
  draft.open(offer());
  say_something(draft);
  draft.send_frames(frames);
  draft.refused_with(std::move(codes));
}

Frame compressed(std::string_view wire) {
  return conform::with_rsv(conform::text(wire), 4);
}

}  // namespace

std::vector<Fault> deflate_faults() {
  return {
      {"rsv1-late", "108", "RSV1 on a continuation or a control frame (RFC 7692 §6.1)",
       [](Draft& d) {
         const bool is_control = d.random().chance(50);
         if (is_control) return wrong(d, {conform::with_rsv(conform::ping("x"), 4)}, {1002});
         wrong(d, {conform::text("a", false), conform::with_rsv(conform::last("b"), 4)}, {1002});
       }},
      {"deflate-block", "183", "a block of DEFLATE of a type that is none (RFC 1951 §3.2.3)",
       [](Draft& d) {
         wrong(d, {compressed("\x07" + d.random().octets(d.random().below(20)))}, {1007, 1002});
       }},
      {"deflate-distance", "183", "a distance beyond all that came (RFC 1951 §3.2.5)",
       [](Draft& d) {
         // Fixed codes: a letter, and a match that begins in front of it.
         wrong(d, {compressed(conform::hex("4a04620000"))}, {1007, 1002});
       }},
      {"deflate-cut", "184", "a stream that ends inside a block (RFC 7692 §7.2.2)",
       [](Draft& d) {
         Octets wire = conform::deflated(conform::noise(200, 7), 15, conform::Blocks::stored);
         wire.resize(d.random().between(10, wire.size() - 10));
         wrong(d, {compressed(wire)}, {1007, 1002});
       }},
      {"deflate-text", "195", "inflated text that is not UTF-8 (RFC 6455 §8.1)",
       [](Draft& d) {
         std::string text = d.text(100) + "\xED\xA0\x80";
         text += d.text(100);
         wrong(d, {compressed(conform::deflated(text))}, {1007});
       }},
  };
}

}  // namespace hilo::tools::fuzz
