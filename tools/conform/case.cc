// SPDX-License-Identifier: MIT

#include "tools/conform/case.h"

#include <algorithm>
#include <utility>

namespace hilo::tools::conform {
namespace {

std::string list(const std::vector<std::uint16_t>& codes) {
  std::string words;
  for (const std::uint16_t code : codes) {
    if (!words.empty()) words += " or ";
    words += code == 0 ? "none" : std::to_string(code);
  }
  return words;
}

std::string describe(const Reply& reply) {
  return (reply.is_pong ? "pong " : opcode_name(reply.opcode) + " ") + quoted(reply.payload);
}

std::string describe(const Outcome& outcome) {
  std::string words;
  for (const Reply& reply : outcome.replies) {
    if (!words.empty()) words += ", ";
    words += describe(reply);
  }
  if (outcome.replies_optional && !words.empty()) words = "perhaps " + words;
  if (!words.empty()) words += "; ";
  switch (outcome.ending) {
    case Ending::we_close: return words + "open until we close, then Close " + list(outcome.codes);
    case Ending::peer_echoes: return words + "answers with Close " + list(outcome.codes);
    case Ending::peer_fails:
      return words + (outcome.before_send != 0 ? "at once " : "") +
             "fails the connection with Close " + list(outcome.codes);
    case Ending::dropped: return words + "lets go of the connection";
    case Ending::still_open: return words + "waits for more";
  }
  return words;
}

std::string statuses(const std::vector<int>& numbers) {
  std::string words;
  for (const int number : numbers) {
    if (!words.empty()) words += " or ";
    words += std::to_string(number);
  }
  return words.empty() ? "any status but 101" : words;
}

std::string describe(const Step& step) {
  switch (step.kind) {
    case Step::Kind::await: return "(wait for " + std::to_string(step.replies) + " replies)";
    case Step::Kind::watch: return "(wait for a failure)";
    case Step::Kind::half_close: return "FIN";
    case Step::Kind::send: break;
  }
  std::string words;
  std::size_t count = 0;
  for (const Part& part : step.parts) {
    if (++count > 8) {
      words += ", ... (" + std::to_string(step.parts.size()) + " frames)";
      break;
    }
    if (!words.empty()) words += ", ";
    words += part.is_frame ? describe(part.frame) : "bytes " + quoted(part.raw);
  }
  if (step.piece != 0) words += " [in writes of " + std::to_string(step.piece) + "]";
  if (step.cut != 0) words += " [cut at " + std::to_string(step.cut) + "]";
  return words;
}

Frame make(std::uint8_t opcode, std::string_view payload, bool final) {
  Frame frame;
  frame.opcode = opcode;
  frame.final = final;
  frame.payload = payload;
  return frame;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::informational: return "informational";
    case Verdict::unimplemented: return "unimplemented";
    case Verdict::non_strict: return "non_strict";
    case Verdict::failed: return "failed";
  }
  return "failed";
}

Verdict worse(Verdict a, Verdict b) {
  return std::max(a, b);
}

std::string Case::expectation() const {
  if (opening.accepted > Verdict::informational) {
    if (side == Side::client) return "the client gives up without a frame";
    return "refused with " + statuses(opening.statuses);
  }
  std::string words;
  if (opening.refused <= Verdict::informational) {
    words =
        side == Side::client ? "the client gives up" : "refused with " + statuses(opening.statuses);
    words += ", or accepted: ";
  }
  for (const Outcome& outcome : outcomes) {
    if (&outcome != &outcomes.front()) {
      words.append(" / ").append(to_string(outcome.verdict)).append(": ");
    }
    words += describe(outcome);
  }
  return words;
}

std::string Case::sends() const {
  std::string words;
  if (!opening.head.empty()) words = quoted(opening.head, 400);
  if (!opening.offer.empty()) words = "offer: " + opening.offer;
  if (!opening.subprotocols.empty()) words = "subprotocols: " + opening.subprotocols;
  for (const Step& step : steps) {
    if (!words.empty()) words += "; ";
    words += describe(step);
  }
  return words;
}

Frame text(std::string_view payload, bool final) {
  return make(op_text, payload, final);
}
Frame binary(std::string_view payload, bool final) {
  return make(op_binary, payload, final);
}
Frame more(std::string_view payload, bool final) {
  return make(op_continuation, payload, final);
}
Frame last(std::string_view payload) {
  return make(op_continuation, payload, true);
}
Frame ping(std::string_view payload) {
  return make(op_ping, payload, true);
}
Frame pong(std::string_view payload) {
  return make(op_pong, payload, true);
}
Frame close(std::uint16_t code, std::string_view reason) {
  return make(op_close, big_endian(code, 2) + Octets(reason), true);
}
Frame close_with(std::string_view body) {
  return make(op_close, body, true);
}
Frame with_rsv(Frame frame, std::uint8_t rsv) {
  frame.rsv = rsv;
  return frame;
}
Frame with_opcode(Frame frame, std::uint8_t opcode) {
  frame.opcode = opcode;
  return frame;
}

Step send(std::vector<Part> parts) {
  Step step;
  step.parts = std::move(parts);
  return step;
}
Step send_in_pieces(std::vector<Part> parts, std::size_t piece) {
  Step step = send(std::move(parts));
  step.piece = piece;
  return step;
}
Step send_cut(std::vector<Part> parts, std::size_t cut) {
  Step step = send(std::move(parts));
  step.cut = cut;
  return step;
}
Step await(std::size_t replies) {
  Step step;
  step.kind = Step::Kind::await;
  step.replies = replies;
  return step;
}
Step watch() {
  Step step;
  step.kind = Step::Kind::watch;
  return step;
}
Step half_close() {
  Step step;
  step.kind = Step::Kind::half_close;
  return step;
}

Reply echo(std::string_view payload) {
  return {.is_pong = false, .opcode = op_text, .payload = Octets(payload)};
}
Reply echo_binary(std::string_view payload) {
  return {.is_pong = false, .opcode = op_binary, .payload = Octets(payload)};
}
Reply answer(std::string_view pong_payload) {
  return {.is_pong = true, .opcode = op_pong, .payload = Octets(pong_payload)};
}

Outcome echoes(std::vector<Reply> replies) {
  Outcome outcome;
  outcome.replies = std::move(replies);
  return outcome;
}
Outcome fails(std::vector<std::uint16_t> codes, std::vector<Reply> replies) {
  Outcome outcome;
  outcome.replies = std::move(replies);
  outcome.ending = Ending::peer_fails;
  outcome.codes = std::move(codes);
  return outcome;
}
Outcome answers_close(std::vector<std::uint16_t> codes, std::vector<Reply> replies) {
  Outcome outcome;
  outcome.replies = std::move(replies);
  outcome.ending = Ending::peer_echoes;
  outcome.codes = std::move(codes);
  return outcome;
}
Outcome as(Verdict verdict, Outcome outcome) {
  outcome.verdict = verdict;
  return outcome;
}

}  // namespace hilo::tools::conform
