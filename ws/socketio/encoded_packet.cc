// SPDX-License-Identifier: MIT

#include "ws/socketio/encoded_packet.h"

#include <utility>

#include "ws/socketio/msgpack.h"

namespace hilo::socketio {

EncodedPacket::EncodedPacket(const PacketHead& head, OwnedJson data, Parser parser)
    : parser_(parser), type_(head.type), nsp_(head.nsp), id_(head.id), data_(std::move(data)) {
  if (parser_ == Parser::msgpack) {
    attachments_.push_back(write_msgpack(head, std::move(data_)));
    return;
  }
  if (!has_binary(*data_)) return;
  take_out_binary(*data_, attachments_);
  type_ = type_ == PacketType::ack ? PacketType::binary_ack : PacketType::binary_event;
}

std::string EncodedPacket::write(bool ascii) const {
  std::string out(1, engineio::type_digit(engineio::PacketType::message));
  write_head({.type = type_,
              .attachments = static_cast<std::uint32_t>(attachments_.size()),
              .nsp = nsp_,
              .id = id_},
             out);
  if (!data_->is_null()) write_json(*data_, ascii, out);
  return out;
}

void EncodedPacket::keep_text_alone() {
  static_cast<void>(text(engineio::Revision::v4));
  data_ = nullptr;
  ascii_ = {};
}

std::string_view EncodedPacket::text(engineio::Revision revision) const {
  if (parser_ == Parser::msgpack) return {};
  const bool ascii = revision == engineio::Revision::v3;
  std::string& text = ascii ? ascii_ : text_;
  if (text.empty()) text = write(ascii);
  return text;
}

}  // namespace hilo::socketio
