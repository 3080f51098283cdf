// SPDX-License-Identifier: MIT

#include "tools/tap/forecast.h"

#include <algorithm>
#include <vector>

#include "tools/explain/frame_builder.h"
#include "tools/tap/changes.h"
#include "ws/trace/frames.h"

namespace hilo::tools::tap {
namespace {

using trace::Direction;

constexpr std::string_view nothing = "nothing";
constexpr std::string_view reads_no_more =
    "nothing more: it has broken off, or reads frames where none begins";

Direction opposite(Direction direction) {
  return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}

// What comes of bytes for who stands there.
struct Outcome {
  trace::Fault fault;
  bool in_frame = false;  // its end has not come
  bool in_message = false;
};

// A frame without payload, as that side has to send it.
std::vector<std::uint8_t> empty_frame(Direction direction, ws::Opcode opcode, bool final) {
  const ws::MaskKey key{};
  return explain::build_frame(opcode, final, {},
                              direction == Direction::to_server ? &key : nullptr);
}

Outcome outcome_of(const Standings& standings, Direction direction, Bytes bytes) {
  Outcome outcome;
  trace::PartSink sink = [&outcome](const trace::Part& part) {
    if (part.fault) outcome.fault = part.fault;
  };
  trace::FrameReader reader(direction, {.deflate = standings.deflate.has_value()}, sink,
                            [](const trace::WireMessage&) { return true; });
  // The text before may have ended inside a character, so that the rest is not judged as one.
  if (standings.of(direction).in_message)
    reader.feed(empty_frame(direction, ws::Opcode::binary, false), 0);
  reader.feed(bytes, 0);
  outcome.in_frame = reader.in_frame();
  outcome.in_message = reader.unfinished() && !reader.in_frame();
  return outcome;
}

std::string rule_text(const trace::Fault& fault) {
  std::string text = std::string(fault.label) + ": " + std::string(fault.text) + " -> ";
  text += fault.answer == 0 ? "no answer" : "close " + std::to_string(fault.answer);
  if (!fault.catalogue.empty()) text += ", catalogue " + std::string(fault.catalogue);
  return text;
}

std::string answer_text(const trace::Fault& fault) {
  if (fault.answer == 0) return "the end of the connection";
  return "Close " + std::to_string(fault.answer) + ", though it broke no rule";
}

// The next data frame that the sender may send, by what it has sent.
trace::Fault fault_of_next(const Standings& standings, Direction direction, bool in_message) {
  const ws::Opcode opcode = in_message ? ws::Opcode::continuation : ws::Opcode::text;
  return outcome_of(standings, direction, empty_frame(direction, opcode, true)).fault;
}

Forecast of_dropped_close(const Standings& standings, Direction direction) {
  constexpr std::string_view section = "RFC 6455 §7.1.1";
  const std::string end = rule_text(trace::fault_of(ws::Errc::close_timeout));
  if (standings.of(opposite(direction)).closed) {
    return {
        "no answer to its Close: it waits until its time-out for that, or until the connection "
        "ends (" +
            end + ")",
        "nothing: the closing handshake is over for it", section};
  }
  return {"no Close: it goes on until the connection ends, which is then 1006 (" +
              rule_text(trace::fault_of(ws::Errc::end_without_close)) + ")",
          "no answer to its Close: it waits until its time-out for that (" + end + ")", section};
}

Forecast of_dropped_control(const Standings& standings, Direction direction, ws::Opcode opcode) {
  if (opcode == ws::Opcode::close) return of_dropped_close(standings, direction);
  const std::string no_pong = "no Pong: if it asks whether the other lives, it gives up, " +
                              rule_text(trace::fault_of(ws::Errc::ping_timeout)) +
                              "; if it does not wait for one, nothing";
  if (opcode == ws::Opcode::ping) return {std::string(nothing), no_pong, "RFC 6455 §5.5.2"};
  return {no_pong, std::string(nothing), "RFC 6455 §5.5.3"};
}

bool keeps_context(const Standings& standings, Direction direction) {
  if (!standings.deflate) return false;
  return direction == Direction::to_server ? !standings.deflate->client_no_context_takeover
                                           : !standings.deflate->server_no_context_takeover;
}

Forecast of_dropped_message(const Standings& standings, Direction direction, bool compressed) {
  std::string sender = "no answer to it, if it waits for one; nothing else";
  if (compressed && keeps_context(standings, direction)) {
    return {
        "nothing, unless a later message refers to what this one held (context takeover): then "
        "other bytes, or " +
            rule_text(trace::fault_of(ws::Errc::inflate_data)),
        std::move(sender), "RFC 7692 §7.1.1"};
  }
  return {"nothing: messages have no numbers, so that none is missing", std::move(sender),
          "RFC 6455 §5.4"};
}

Forecast of_dropped_piece(const Standing& standing, const CutFinder& cuts) {
  std::string sender = "nothing, but what the other answers";
  const std::string wrong = "a message without this piece, and nothing that tells it";
  if (standing.compressed) {
    return {"DEFLATE data that lack a piece: other bytes, or " +
                rule_text(trace::fault_of(ws::Errc::inflate_data)),
            std::move(sender), "RFC 7692 §6.2"};
  }
  if (!standing.text || (!cuts.begins_inside() && !cuts.ends_inside()))
    return {wrong, std::move(sender), "RFC 6455 §5.4"};
  const std::string fault = rule_text(trace::fault_of(ws::Errc::text_not_utf8));
  if (cuts.begins_inside() != cuts.ends_inside())
    return {"half a character, where the piece was: " + fault, std::move(sender), "RFC 6455 §8.1"};
  return {"two halves of characters side by side: if they fit, " + wrong + "; if not, " + fault,
          std::move(sender), "RFC 6455 §8.1"};
}

}  // namespace

// ---- where a receiver stands --------------------------------------------------------------------

void take_frame(Standings& standings, Direction direction, const ws::FrameHeader& header) {
  Standing& standing = standings.of(direction);
  constexpr std::uint64_t any_size = UINT64_MAX >> 1;
  const ws::Errc error = ws::check_header(
      header, {.role = direction == Direction::to_server ? ws::Role::server : ws::Role::client,
               .in_message = standing.in_message,
               .payload_bytes_max = any_size,
               .may_compress = standings.deflate.has_value(),
               .compressed_bytes_max = any_size});
  standing.lost = standing.lost || error != ws::Errc::none;
  standing.closed = standing.closed || header.opcode == ws::Opcode::close;
  if (ws::is_control(header.opcode)) return;
  standing.in_message = !header.final;
  if (header.opcode == ws::Opcode::continuation) return;
  standing.text = header.opcode == ws::Opcode::text;
  standing.compressed = (header.rsv & ws::rsv1) != 0;
}

void take_bytes(Standings& standings, Direction direction, Bytes bytes) {
  while (!bytes.empty()) {
    const ws::FrameHeader header =
        ws::parse_header(bytes.first(std::min(bytes.size(), ws::frame_header_bytes_max)));
    take_frame(standings, direction, header);
    const bool whole = header.progress == ws::HeaderProgress::complete &&
                       header.payload_bytes <= bytes.size() - header.header_bytes;
    if (!whole) standings.of(direction).lost = true;
    if (!whole) return;
    bytes = bytes.subspan(header.header_bytes + static_cast<std::size_t>(header.payload_bytes));
  }
}

void CutFinder::feed(Bytes piece) noexcept {
  const auto is_inside = [](std::uint8_t byte) { return (byte & 0xC0) == 0x80; };
  if (!began_ && !piece.empty()) begins_inside_ = is_inside(piece.front());
  // The rest of a character that began elsewhere.
  while (!began_ && !piece.empty() && is_inside(piece.front())) piece = piece.subspan(1);
  began_ = began_ || !piece.empty();
  static_cast<void>(validator_.feed(piece));
}

// ---- what comes of it ---------------------------------------------------------------------------

Forecast forecast_drop(const Standings& standings, Direction direction,
                       const ws::FrameHeader& dropped, const CutFinder& cuts) {
  const Standing& standing = standings.of(direction);
  if (standing.lost) return {std::string(reads_no_more), std::string(nothing), {}};
  if (ws::is_control(dropped.opcode))
    return of_dropped_control(standings, direction, dropped.opcode);
  if (const trace::Fault fault = fault_of_next(standings, direction, !dropped.final)) {
    const std::string next = dropped.final ? "the next message" : "the next fragment";
    return {next + " breaks a rule, " + rule_text(fault), "then " + answer_text(fault),
            "RFC 6455 §5.4"};
  }
  if (dropped.final && !standing.in_message)
    return of_dropped_message(standings, direction, (dropped.rsv & ws::rsv1) != 0);
  return of_dropped_piece(standing, cuts);
}

Forecast forecast_injection(const Standings& standings, Direction direction, Bytes bytes) {
  const Standing& standing = standings.of(direction);
  if (standing.lost) return {std::string(reads_no_more), std::string(nothing), {}};
  const Outcome outcome = outcome_of(standings, direction, bytes);
  const std::string sender(sender_of(direction));
  if (outcome.fault)
    return {"a broken rule, " + rule_text(outcome.fault), answer_text(outcome.fault),
            "RFC 6455 §5.2"};
  if (outcome.in_frame)
    return {"the beginning of a frame: the next bytes of the " + sender +
                " are taken for its rest, and what follows them for a header",
            "what that makes the other answer", "RFC 6455 §5.2"};
  if (outcome.in_message != standing.in_message) {
    Standings after = standings;
    after.of(direction).in_message = outcome.in_message;
    const trace::Fault fault = fault_of_next(after, direction, standing.in_message);
    const std::string what = outcome.in_message ? "the beginning of a message" : "the end of one";
    return {what + "; the next data frame of the " + sender + " breaks a rule, " + rule_text(fault),
            "then " + answer_text(fault), "RFC 6455 §5.4"};
  }
  switch (ws::parse_header(bytes.first(2)).opcode) {
    case ws::Opcode::ping:
      return {"a Ping, which it answers with the same payload",
              "a Pong that it did not ask for, which means nothing", "RFC 6455 §5.5.3"};
    case ws::Opcode::pong:
      return {"a Pong that it did not ask for, which means nothing", std::string(nothing),
              "RFC 6455 §5.5.3"};
    case ws::Opcode::close:
      return {"a Close, which it answers; it sends nothing more, and believes that the " + sender +
                  " left",
              "a Close that it takes for the first one, and believes that the other left",
              "RFC 6455 §5.5.1"};
    case ws::Opcode::continuation:
      return {"a piece of the message that is under way, like any other", std::string(nothing),
              "RFC 6455 §5.4"};
    case ws::Opcode::text:
    case ws::Opcode::binary: break;
  }
  return {"a message of the " + sender + "'s like any other: nothing in it says who sent it",
          "nothing, but an answer to it if one comes", "RFC 6455 §10.6"};
}

Forecast forecast_break(const Standings& standings, Direction direction, Bytes changed) {
  if (standings.of(direction).lost) return {std::string(reads_no_more), std::string(nothing), {}};
  if (const trace::Fault fault = outcome_of(standings, direction, changed).fault)
    return {"a broken rule, " + rule_text(fault), answer_text(fault), "RFC 6455 §5.2"};
  return {
      "another length than there is: it takes the next frame's beginning for the end of this "
      "one, and reads a header from its middle; which rule that breaks depends on its bytes",
      "no answer before it sends again", "RFC 6455 §5.2"};
}

}  // namespace hilo::tools::tap
