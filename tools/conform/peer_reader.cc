// SPDX-License-Identifier: MIT

#include "tools/conform/peer_reader.h"

#include <utility>

namespace hilo::tools::conform {
namespace {

Event violation(std::string rule) {
  Event event;
  event.kind = Event::Kind::violation;
  event.payload = std::move(rule);
  return event;
}

}  // namespace

bool may_be_sent(std::uint16_t close_code) {
  if (close_code >= 3000) return close_code <= 4999;
  return close_code >= 1000 && close_code <= 1014 && (close_code < 1004 || close_code > 1006);
}

void PeerReader::agree(const DeflateTerms& terms) {
  if (!terms.agreed) return;
  inflater_ = is_client_ ? std::make_unique<Inflater>(terms.client_bits, !terms.client_no_takeover)
                         : std::make_unique<Inflater>(terms.server_bits, !terms.server_no_takeover);
}

std::string PeerReader::check_sequence(const SeenFrame& frame) const {
  const bool control = frame.opcode >= 8;
  const bool first = frame.opcode == op_text || frame.opcode == op_binary;
  const std::uint8_t allowed = inflater_ && first ? 4 : 0;
  if (closed_) return "a frame after its Close (§5.5.1)";
  if ((frame.rsv & ~allowed) != 0) return "a reserved bit is set (§5.2)";
  if (control) return {};
  if (first && in_message_) return "a new message inside an unfinished one (§5.4)";
  if (!first && !in_message_) return "a continuation of nothing (§5.4)";
  return {};
}

std::optional<Event> PeerReader::take_data(const SeenFrame& frame) {
  if (frame.opcode != op_continuation) {
    opcode_ = frame.opcode;
    compressed_ = frame.rsv != 0;
    message_.clear();
  }
  message_ += frame.payload;
  in_message_ = !frame.final;
  if (in_message_) return std::nullopt;
  Event event;
  event.opcode = opcode_;
  event.compressed = compressed_;
  event.key = frame.key;
  event.payload = std::exchange(message_, {});
  if (compressed_) {
    std::optional<Octets> inflated = inflater_->message(event.payload);
    if (!inflated) return violation("a compressed message that does not inflate (RFC 7692 §7.2)");
    event.payload = std::move(*inflated);
  }
  if (opcode_ == op_text && !is_utf8(event.payload)) {
    return violation("a text message that is not UTF-8 (§5.6)");
  }
  return event;
}

Event PeerReader::take_close(const SeenFrame& frame) {
  Event event;
  event.kind = Event::Kind::close;
  if (frame.payload.empty()) return event;
  if (frame.payload.size() == 1) return violation("a Close body of one byte (§5.5.1)");
  event.code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(frame.payload[0]) << 8 |
                                          static_cast<std::uint8_t>(frame.payload[1]));
  event.payload = frame.payload.substr(2);
  if (!may_be_sent(event.code)) {
    return violation("a Close with the code " + std::to_string(event.code) + " (§7.4)");
  }
  if (!is_utf8(event.payload)) return violation("a close reason that is not UTF-8 (§5.5.1)");
  return event;
}

std::optional<PeerReader::Reading> PeerReader::next() {
  if (broken_) return std::nullopt;
  std::optional<SeenFrame> frame = reader_.next();
  if (!frame) return std::nullopt;
  if (frame->wrong.empty()) frame->wrong = check_sequence(*frame);
  std::optional<Event> event;
  if (!frame->wrong.empty()) {
    event = violation(frame->wrong);
  } else if (frame->opcode == op_close) {
    event = take_close(*frame);
    closed_ = true;
  } else if (frame->opcode >= 8) {
    event.emplace();
    event->kind = frame->opcode == op_ping ? Event::Kind::ping : Event::Kind::pong;
    event->payload = frame->payload;
  } else {
    event = take_data(*frame);
  }
  if (event && event->kind == Event::Kind::violation) {
    broken_ = true;
    frame->wrong = event->payload;
  }
  return Reading{std::move(*frame), std::move(event)};
}

}  // namespace hilo::tools::conform
