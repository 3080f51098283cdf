// SPDX-License-Identifier: MIT

#include "ws/trace/messages.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "ws/core/utf8.h"
#include "ws/engineio/error.h"
#include "ws/engineio/payload.h"
#include "ws/socketio/error.h"
#include "ws/socketio/packet.h"
#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

constexpr int json_depth_max = 64;  // socketio::PacketLimits, by default
constexpr int arguments_told_max = 100;

constexpr std::string_view engine_protocol = "Engine.IO protocol, packets";
constexpr std::string_view socket_protocol = "Socket.IO protocol, packets";
constexpr std::string_view splits_packets = "ws/engineio/packet.cc decode_text";
constexpr std::string_view splits_heads = "ws/socketio/packet.cc split_packet";

std::string_view name_of(engineio::PacketType type) {
  switch (type) {
    case engineio::PacketType::open: return "open";
    case engineio::PacketType::close: return "close";
    case engineio::PacketType::ping: return "ping";
    case engineio::PacketType::pong: return "pong";
    case engineio::PacketType::message: return "message";
    case engineio::PacketType::upgrade: return "upgrade";
    case engineio::PacketType::noop: return "noop";
  }
  return {};
}

std::string_view name_of(socketio::PacketType type) {
  switch (type) {
    case socketio::PacketType::connect: return "CONNECT";
    case socketio::PacketType::disconnect: return "DISCONNECT";
    case socketio::PacketType::event: return "EVENT";
    case socketio::PacketType::ack: return "ACK";
    case socketio::PacketType::connect_error: return "CONNECT_ERROR";
    case socketio::PacketType::binary_event: return "BINARY_EVENT";
    case socketio::PacketType::binary_ack: return "BINARY_ACK";
  }
  return {};
}

// Where a view into a message stands on the wire, if the message does.
Place within(Place whole, Bytes all, Bytes part) {
  if (whole.bits == 0 || part.empty()) return {};
  const auto at = static_cast<std::uint64_t>(part.data() - all.data());
  return {.bit = whole.bit + at * 8, .bits = part.size() * 8};
}

}  // namespace

MessageReader::MessageReader(Direction direction, const MessageOptions& options, PartSink& sink)
    : direction_(direction),
      options_(options),
      sink_(&sink),
      inflater_(memory_, options.window_bits),
      inflated_(pool_) {}

void MessageReader::tell(Layer layer, std::uint8_t depth, Place place, std::string_view name,
                         std::string value, std::string_view section, std::string_view source,
                         Fault fault) {
  failed_ = failed_ || fault;
  (*sink_)({.direction = direction_,
            .layer = layer,
            .depth = depth,
            .place = place,
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = source,
            .fault = fault});
}

void MessageReader::on_message(const WireMessage& message) {
  MutableBytes content = message.content;
  Place place = message.place;
  if (message.compressed) {
    const std::optional<MutableBytes> inflated = inflate(message);
    if (!inflated) return;
    content = *inflated;
    place = {};
  }
  tell_message(message, content);
  const bool whole = message.compressed || message.content.size() == message.bytes;
  if (!options_.engineio || !whole) return;
  engineio::Packet packet;
  const Bytes all = content;
  const engineio::Errc error = message.text
                                   ? engineio::decode_text(*options_.engineio, content, packet)
                                   : engineio::decode_binary(*options_.engineio, content, packet);
  if (error != engineio::Errc::none) {
    return tell(Layer::engineio, 0, place, "broken rule", {}, engine_protocol,
                "ws/engineio/error.cc", fault_of(error));
  }
  // What came as base64 was decoded where it lay, and has no place of its own.
  const bool base64 = message.text && packet.binary;
  tell_packet(packet, place, base64 ? Place{} : within(place, all, packet.data));
}

// Nothing where it cannot be shown: it breaks a rule, or is larger than what is kept here, which is
// no fault of its own.
std::optional<MutableBytes> MessageReader::inflate(const WireMessage& message) {
  const auto tell_it = [&](std::string value, Fault fault) {
    tell(Layer::deflate, 0, message.place, "inflate", std::move(value), "RFC 7692 §7.2.2",
         "ws/core/deflate.cc Inflater::inflate", fault);
  };
  inflated_.release();
  const std::string size = counted_bytes(message.bytes);
  const bool is_cut = message.content.size() != message.bytes;
  const ws::MessageLimits limits{.message_bytes_max = options_.message_bytes_max,
                                 .inflate_ratio_max = 0};
  const ws::Errc error = is_cut || window_is_lost_
                             ? ws::Errc::inflate_too_big
                             : inflater_.inflate(message.content, limits, inflated_);
  if (error == ws::Errc::inflate_too_big) {
    window_is_lost_ = options_.context_takeover;
    inflater_.reset();
    tell_it(size + (window_is_lost_ ? ": too large to be shown, or behind such a one"
                                    : ": too large to be shown"),
            {});
    return std::nullopt;
  }
  if (!options_.context_takeover) inflater_.reset();
  tell_it(size + " stand for " + std::to_string(inflated_.size()), fault_of(error));
  if (error != ws::Errc::none) return std::nullopt;
  return inflated_.readable();
}

void MessageReader::tell_message(const WireMessage& message, Bytes content) {
  const bool cut = !message.compressed && content.size() != message.bytes;
  const bool utf8 = message.text && (cut || ws::utf8_valid(content));
  const std::string size =
      counted_bytes(message.compressed ? content.size() : message.bytes) + "  ";
  const Fault fault = message.text && !utf8 ? fault_of(ws::Errc::text_not_utf8) : Fault{};
  tell(Layer::message, 0, message.place, message.text ? "text message" : "binary message",
       size + (utf8 ? in_quotes(as_text(content)) : hexadecimal(content)),
       message.text ? "RFC 6455 §5.6, §8.1" : "RFC 6455 §5.6",
       message.text ? "ws/core/utf8.h Utf8Validator" : "ws/core/message.cc", fault);
}

void MessageReader::on_payload(MutableBytes body) {
  if (!options_.engineio || body.empty()) return;
  engineio::Framing framing = engineio::Framing::v4;
  if (*options_.engineio == engineio::Revision::v3) {
    framing = body[0] <= 1 ? engineio::Framing::v3_binary : engineio::Framing::v3_text;
  }
  constexpr std::uint32_t packets_max = 1'000'000;
  const engineio::Errc error = engineio::check_payload(framing, body, packets_max);
  if (error != engineio::Errc::none) {
    return tell(Layer::engineio, 0, {}, "broken rule", {}, "Engine.IO protocol, payloads",
                "ws/engineio/payload.cc check_payload", fault_of(error));
  }
  engineio::PayloadReader reader(framing, body);
  for (engineio::Packet packet; reader.next(packet);) tell_packet(packet, {}, {});
}

void MessageReader::tell_packet(const engineio::Packet& packet, Place place, Place data) {
  const std::string digit =
      packet.binary ? std::string("binary ") : std::string{type_digit(packet.type), ' '};
  tell(Layer::engineio, 0, place, "packet", digit + std::string(name_of(packet.type)),
       engine_protocol, splits_packets);
  if (!packet.data.empty()) {
    tell(Layer::engineio, 1, data, "data",
         packet.binary ? hexadecimal(packet.data) : in_quotes(as_text(Bytes(packet.data))),
         engine_protocol, splits_packets);
  }
  if (packet.type != engineio::PacketType::message) return;
  if (packet.binary) {
    const bool due = attachments_due_ != 0;
    if (due) --attachments_due_;
    return tell(Layer::socketio, 0, data, due ? "attachment" : "binary data",
                counted_bytes(packet.data.size()), socket_protocol, "ws/socketio/decoder.cc");
  }
  tell_event(as_text(Bytes(packet.data)), data);
}

void MessageReader::tell_event(std::string_view text, Place place) {
  socketio::PacketHead head;
  const socketio::Errc error = socketio::split_packet(text, {}, head);
  if (error != socketio::Errc::none) {
    return tell(Layer::socketio, 0, place, "broken rule", in_quotes(text), socket_protocol,
                "ws/socketio/error.cc", fault_of(error));
  }
  tell(Layer::socketio, 0, place, "packet",
       std::string{static_cast<char>('0' + static_cast<int>(head.type)), ' '} +
           std::string(name_of(head.type)),
       socket_protocol, splits_heads);
  const auto field = [&](std::string_view name, std::string_view view, std::string value) {
    tell(Layer::socketio, 1, within(place, as_bytes(text), as_bytes(view)), name, std::move(value),
         socket_protocol, splits_heads);
  };
  if (head.attachments != 0) field("attachments", {}, std::to_string(head.attachments));
  const bool named = head.nsp.data() >= text.data() && head.nsp.data() < text.data() + text.size();
  field("namespace", named ? head.nsp : std::string_view(), in_quotes(head.nsp));
  if (head.id) field("ack id", {}, std::to_string(*head.id));
  if (head.json.empty()) return;
  field("JSON", head.json, in_quotes(head.json));
  attachments_due_ = head.attachments;
  tell_arguments(head.json);
}

// ["event", arguments...] and [answers...]; what is no array is told as JSON alone.
void MessageReader::tell_arguments(std::string_view json) {
  // What is deeper than the engine takes is left out: writing it would recurse as deep as it goes.
  const auto is_shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    return depth <= json_depth_max;
  };
  const auto value = nlohmann::json::parse(json, is_shallow, false);
  if (!value.is_array()) return;
  int told = 0;
  for (const nlohmann::json& argument : value) {
    if (++told > arguments_told_max) return;
    tell(Layer::socketio, 2, {}, "argument",
         argument.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
             .substr(0, shown_bytes_max * 4),
         socket_protocol, "ws/socketio/arguments.h");
  }
}

}  // namespace hilo::trace
