// SPDX-License-Identifier: MIT

#include "ws/socketio/decoder.h"

#include <utility>

#include "ws/socketio/msgpack.h"

namespace hilo::socketio {
namespace {

// The name of an event stands first. A number will do, as it does in JavaScript.
Errc check_event(const Json& data, const PacketLimits& limits) {
  if (!data.is_array() || data.empty()) return Errc::packet_payload;
  const Json& name = data.front();
  if (name.is_number()) return Errc::none;
  if (!name.is_string()) return Errc::event_name;
  const std::string_view text = *name.get_ptr<const Json::string_t*>();
  const bool may_be = text.size() <= limits.event_bytes_max && !is_reserved_event(text);
  return may_be ? Errc::none : Errc::event_name;
}

// An object with a message, or in protocol 4 any value.
Errc check_refusal(Side side, const Json& data) {
  switch (side) {
    case Side::server: return Errc::packet_type;
    case Side::client_v3: return Errc::none;
    case Side::client: break;
  }
  return data.is_object() || data.is_string() ? Errc::none : Errc::packet_payload;
}

Errc check_payload(Side side, PacketType type, bool has_json, const Json& data,
                   const PacketLimits& limits) {
  switch (type) {
    case PacketType::connect:
      return !has_json || data.is_object() ? Errc::none : Errc::packet_payload;
    case PacketType::disconnect: return has_json ? Errc::packet_payload : Errc::none;
    case PacketType::event: return check_event(data, limits);
    case PacketType::ack: return data.is_array() ? Errc::none : Errc::packet_payload;
    case PacketType::connect_error: return check_refusal(side, data);
    case PacketType::binary_event:
    case PacketType::binary_ack: break;
  }
  return Errc::packet_type;
}

PacketType without_binary(PacketType type) noexcept {
  if (type == PacketType::binary_event) return PacketType::event;
  return type == PacketType::binary_ack ? PacketType::ack : type;
}

}  // namespace

Errc Decoder::take_text(std::string_view text, Packet& into, bool& is_whole) {
  is_whole = false;
  finished_.reset();
  if (parser_ == Parser::msgpack) return Errc::packet_msgpack;
  if (waiting()) return Errc::attachment_missing;
  PacketHead head;
  if (const Errc error = split_packet(text, *limits_, head); error != Errc::none) return error;
  if (head.attachments == 0) {
    is_whole = true;
    return finish(head, {}, into);
  }
  pending_ = std::make_unique<Pending>(Pending{.text = std::string(text), .attachments = {}});
  pending_->attachments.reserve(head.attachments);
  return split_packet(pending_->text, *limits_, pending_->head);
}

Errc Decoder::take_binary(Bytes bytes, Packet& into, bool& is_whole) {
  is_whole = false;
  finished_.reset();
  if (parser_ == Parser::msgpack) {
    is_whole = true;
    return take_msgpack(bytes, into);
  }
  if (!waiting()) return Errc::attachment_unexpected;
  if (bytes.size() > limits_->attachment_bytes_max - pending_->bytes) {
    return Errc::attachment_bytes;
  }
  pending_->bytes += bytes.size();
  pending_->attachments.emplace_back(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  if (pending_->attachments.size() < pending_->head.attachments) return Errc::none;
  is_whole = true;
  finished_ = std::move(pending_);
  return finish(finished_->head, finished_->attachments, into);
}

Errc Decoder::take_msgpack(Bytes message, Packet& into) {
  bool has_data = false;
  const Errc error = read_msgpack(message, *limits_, into.head, has_data, into.data);
  if (error != Errc::none) return error;
  return check_payload(side_, into.head.type, has_data, into.data, *limits_);
}

Errc Decoder::finish(const PacketHead& head, std::span<const Json::binary_t> attachments,
                     Packet& into) {
  const bool was_binary = is_binary(head.type);
  into.head = head;
  into.head.type = without_binary(head.type);
  if (head.json.empty()) {
    dispose(into.data);
    into.data = nullptr;
  } else {
    const Errc error = parse_json(head.json, limits_->json_depth_max, into.data);
    if (error != Errc::none) return error;
  }
  if (was_binary) {
    const Errc error = put_in_binary(into.data, attachments, 2 * limits_->attachment_bytes_max);
    if (error != Errc::none) return error;
  }
  return check_payload(side_, into.head.type, !head.json.empty(), into.data, *limits_);
}

}  // namespace hilo::socketio
