// SPDX-License-Identifier: MIT
//
// Faults of frames, messages and Closes (RFC 6455 §5 to §8), on a connection that is open.

#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {

using conform::Frame;
using conform::Length;

namespace {

void wrong(Draft& draft, const std::vector<Frame>& frames, std::vector<std::uint16_t> codes) {
  draft.open();
  say_something(draft);
  draft.send_frames(frames);
  draft.refused_with(std::move(codes));
}

// What would be right otherwise: of Engine.IO a heartbeat.
Frame data(Draft& draft) {
  if (draft.grammar().protocol == Protocol::ws) return conform::text(draft.text(40));
  return conform::text(draft.revision() == 3 ? "2" : "3");
}

// A length that is not the payload's, which does not follow.
Frame declaring(std::uint64_t bytes) {
  Frame frame = conform::binary("");
  frame.length = bytes > 0xFFFF ? Length::in_64_bits : Length::in_16_bits;
  frame.declared = bytes;
  return frame;
}

std::vector<Fault> header_faults() {
  return {
      {"http-behind-upgrade", "61", "a request where frames are due (RFC 6455 §5.2)",
       [](Draft& d) {
         d.open();
         d.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
         d.refused_with({1002});
       }},
      {"rsv", "106", "a reserved bit is set (RFC 6455 §5.2)",
       [](Draft& d) {
         static const std::vector<std::uint8_t> bits = {1, 2, 3};
         const Frame frame = data(d);
         wrong(d, {conform::with_rsv(frame, d.random().pick(bits))}, {1002});
       }},
      {"rsv1", "107", "RSV1 where no compression was agreed on (RFC 6455 §5.2)",
       [](Draft& d) { wrong(d, {conform::with_rsv(data(d), 4)}, {1002}); }},
      {"opcode", "109", "an opcode that is reserved (RFC 6455 §5.2)",
       [](Draft& d) {
         static const std::vector<std::uint8_t> opcodes = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
         Frame frame = data(d);
         frame = conform::with_opcode(frame, d.random().pick(opcodes));
         frame.final = d.random().chance(70);
         wrong(d, {frame}, {1002});
       }},
      {"length-16", "110", "a length in 16 bits that fits 7 (RFC 6455 §5.2)",
       [](Draft& d) {
         Frame frame = data(d);
         frame.length = Length::in_16_bits;
         wrong(d, {frame}, {1002});
       }},
      {"length-64", "111", "a length in 64 bits that fits less (RFC 6455 §5.2)",
       [](Draft& d) {
         Frame frame = data(d);
         frame.length = Length::in_64_bits;
         wrong(d, {frame}, {1002});
       }},
      {"length-top-bit", "112", "the top bit of a 64-bit length (RFC 6455 §5.2)",
       [](Draft& d) {
         wrong(d, {declaring(std::uint64_t{1} << 63 | d.random().below(200))}, {1002, 1009});
       }},
      {"length-endless", "113", "a length that nobody can take (RFC 6455 §7.4.1)",
       [](Draft& d) { wrong(d, {declaring(0x7FFFFFFFFFFFFFFF)}, {1009}); }},
      {"length-sum", "115", "a message of 2^63 bytes by its fragments (RFC 6455 §7.4.1)",
       [](Draft& d) {
         Frame rest = declaring(0x7FFFFFFFFFFFFFFF);
         rest.opcode = conform::op_continuation;
         wrong(d, {conform::binary("0123456789", false), rest}, {1009});
       }},
      {"unmasked", "123", "a client's frame without a mask (RFC 6455 §5.1)",
       [](Draft& d) {
         const std::vector<Frame> frames = {data(d), conform::ping(""), conform::close_with("")};
         Frame frame = d.random().pick(frames);
         frame.masking = conform::Masking::wrong;
         wrong(d, {frame}, {1002});
       }},
  };
}

std::vector<Fault> control_faults() {
  return {
      {"long-ping", "131", "a ping of more than 125 bytes (RFC 6455 §5.5)",
       [](Draft& d) {
         wrong(d, {conform::ping(conform::repeated("x", d.random().between(126, 300)))}, {1002});
       }},
      {"fragmented-control", "132", "a control frame with FIN=0 (RFC 6455 §5.5)",
       [](Draft& d) {
         const std::vector<Frame> frames = {conform::ping("x"), conform::pong("x"),
                                            conform::close(1000)};
         Frame frame = d.random().pick(frames);
         frame.final = false;
         wrong(d, {frame}, {1002});
       }},
      {"close-byte", "141", "a Close of one byte (RFC 6455 §5.5.1)",
       [](Draft& d) { wrong(d, {conform::close_with(d.random().octets(1))}, {1002}); }},
      {"close-code", "142", "a Close with a code that may not be sent (RFC 6455 §7.4)",
       [](Draft& d) {
         static const std::vector<std::uint16_t> codes = {0,    1,    999,  1004, 1005, 1006,
                                                          1015, 1016, 2999, 5000, 65535};
         wrong(d, {conform::close(d.random().pick(codes))}, {1002});
       }},
      {"close-reason", "144", "a close reason that is not UTF-8 (RFC 6455 §5.5.1)",
       [](Draft& d) {
         static const std::vector<std::string> bad = {"\xC0\x80", "\xED\xA0\x80", "\xE2\x82",
                                                      "\xFF"};
         const std::string text = d.text(60);
         wrong(d, {conform::close(1000, text + d.random().pick(bad))}, {1007, 1002});
       }},
      {"long-close", "145", "a Close of more than 125 bytes (RFC 6455 §5.5)",
       [](Draft& d) {
         wrong(d, {conform::close(1000, conform::repeated("x", d.random().between(124, 200)))},
               {1002});
       }},
      {"orphan", "151", "a continuation of nothing (RFC 6455 §5.4)",
       [](Draft& d) {
         const bool is_final = d.random().chance(50);
         wrong(d, {is_final ? conform::last("x") : conform::more("x")}, {1002});
       }},
      {"new-start", "152", "a new message inside an unfinished one (RFC 6455 §5.4)",
       [](Draft& d) {
         wrong(d, {conform::text("a", false), conform::text("b")}, {1002});
       }},
  };
}

// `bad` somewhere in text that is right, in one frame or cut into two.
void bad_text(Draft& draft, const std::vector<std::string>& bad) {
  std::string payload = draft.text(130);
  payload += draft.random().pick(bad);
  payload += draft.text(60);
  if (draft.random().chance(50)) return wrong(draft, {conform::text(payload)}, {1007});
  const std::size_t cut = draft.random().below(payload.size() + 1);
  wrong(draft, {conform::text(payload.substr(0, cut), false), conform::last(payload.substr(cut))},
        {1007});
}

std::vector<Fault> text_faults() {
  return {
      {"utf8-overlong", "160", "characters longer than they have to be (RFC 3629 §3)",
       [](Draft& d) {
         bad_text(d, {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF"});
       }},
      {"utf8-surrogate", "161", "surrogates (RFC 3629 §3)",
       [](Draft& d) {
         bad_text(d, {"\xED\xA0\x80", "\xED\xBF\xBF"});
       }},
      {"utf8-range", "162", "characters beyond U+10FFFF (RFC 3629 §3)",
       [](Draft& d) {
         bad_text(d, {"\xF4\x90\x80\x80", "\xF5", "\xFF", "\xFE"});
       }},
      {"utf8-lone", "163", "a continuation byte alone (RFC 3629 §3)",
       [](Draft& d) {
         bad_text(d, {"\x80", "\xBF"});
       }},
      {"utf8-cut", "163", "a character that the message cuts (RFC 6455 §8.1)",
       [](Draft& d) {
         static const std::vector<std::string> cut = {"\xE2\x82", "\xC3", "\xF0\x9F\x98"};
         const std::string text = d.text(130);
         wrong(d, {conform::text(text + d.random().pick(cut))}, {1007});
       }},
      {"utf8-fragments", "165",
       "a character cut into frames that none of them can finish (RFC 3629 §3)",
       [](Draft& d) {
         wrong(d,
               {conform::text(d.text(60) + "\xF4", false), conform::more("\x90"),
                conform::last("\x80\x80")},
               {1007});
       }},
      {"utf8-lead", "166", "a lead byte, then ASCII in the next frame (RFC 6455 §8.1)",
       [](Draft& d) {
         wrong(d, {conform::text(d.text(20) + "\xE2", false), conform::last("abc")}, {1007});
       }},
  };
}

}  // namespace

std::vector<Fault> frame_faults() {
  std::vector<Fault> all = header_faults();
  for (const auto& more : {control_faults(), text_faults()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace hilo::tools::fuzz
