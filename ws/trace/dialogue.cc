// SPDX-License-Identifier: MIT

#include "ws/trace/dialogue.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "ws/core/accept_key.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/engineio/options.h"
#include "ws/engineio/query.h"
#include "ws/trace/frames.h"
#include "ws/trace/heads.h"
#include "ws/trace/messages.h"
#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3

// With the first byte of a request or of a response? As that of a frame each would be an opcode
// that is reserved or a fragment of a compressed message.
bool begins_head(std::uint8_t first) {
  return std::string_view("CDGHOPT").find(static_cast<char>(first)) != std::string_view::npos;
}

std::uint8_t window_bits(const ws::ExtensionParameter& parameter) {
  std::uint8_t bits = ws::window_bits_max;
  const std::string_view text = parameter.value;
  std::from_chars(text.data(), text.data() + text.size(), bits);
  return std::clamp(bits, ws::window_bits_min, ws::window_bits_max);
}

// What the server's answer says of permessage-deflate (RFC 7692 §7.1), whatever was offered.
std::optional<ws::DeflateParameters> agreed_deflate(const ws::Fields& fields) {
  ws::ExtensionReader extensions(fields);
  while (const auto extension = extensions.next()) {
    if (extension->name != "permessage-deflate") continue;
    ws::DeflateParameters agreed;
    ws::ParameterReader parameters(*extension);
    while (const auto each = parameters.next()) {
      if (each->name == "server_no_context_takeover") agreed.server_no_context_takeover = true;
      if (each->name == "client_no_context_takeover") agreed.client_no_context_takeover = true;
      if (each->name == "server_max_window_bits") agreed.server_window_bits = window_bits(*each);
      if (each->name == "client_max_window_bits") agreed.client_window_bits = window_bits(*each);
    }
    return agreed;
  }
  return std::nullopt;
}

}  // namespace

struct Dialogue::Side {
  explicit Side(Direction of) : direction(of) {}

  Direction direction;
  std::uint64_t offset = 0;  // of the next byte
  std::optional<HeadReader> heads;
  std::optional<FrameReader> frames;
  std::optional<MessageReader> messages;
  std::optional<MessageReader> payloads;  // of polling
  std::vector<std::uint8_t> waiting;      // for the answer to the request before them
  bool body_is_payload = false;           // of Engine.IO polling: the body behind the last head
};

Dialogue::Dialogue(const DialogueOptions& options, PartSink sink)
    : options_(options),
      sink_(std::move(sink)),
      to_server_(std::make_unique<Side>(Direction::to_server)),
      to_client_(std::make_unique<Side>(Direction::to_client)) {}

Dialogue::~Dialogue() = default;

Dialogue::Side& Dialogue::side(Direction direction) noexcept {
  return direction == Direction::to_server ? *to_server_ : *to_client_;
}

void Dialogue::feed(Direction direction, Bytes bytes) {
  read(side(direction), bytes);
}

void Dialogue::read(Side& side, Bytes bytes) {
  if (bytes.empty()) return;
  if (!side.heads && !side.frames) begin(side, bytes.front());
  if (side.heads && !side.heads->finished()) {
    const std::size_t before = bytes.size();
    side.heads->feed(bytes, side.offset);
    side.offset += before - bytes.size();
    if (!side.heads->finished()) return;
  }
  if (bytes.empty()) return;
  if (museum_) {
    museum_->feed(side.direction, bytes, side.offset);
    side.offset += bytes.size();
    return;
  }
  if (!side.frames) {  // a client that did not wait for its answer
    const std::size_t room = waiting_bytes_max - side.waiting.size();
    const Bytes kept = bytes.first(std::min(room, bytes.size()));
    side.waiting.insert(side.waiting.end(), kept.begin(), kept.end());
    return;
  }
  side.frames->feed(bytes, side.offset);
  side.offset += bytes.size();
}

void Dialogue::begin(Side& side, std::uint8_t first) {
  if (options_.upgraded || !begins_head(first)) return begin_frames(side);
  begin_heads(side);
}

void Dialogue::begin_heads(Side& side) {
  HeadReader::Receiver receiver;
  receiver.on_request = [this](const ws::RequestHead& head) { return on_request(head); };
  receiver.on_response = [this](const ws::ResponseHead& head) { return on_response(head); };
  receiver.on_body = [this, &side](MutableBytes body) {
    if (!side.body_is_payload) return;
    if (!side.payloads) {
      side.payloads.emplace(side.direction, MessageOptions{.engineio = options_.engineio}, sink_);
    }
    side.payloads->on_payload(body);
  };
  side.heads.emplace(side.direction, sink_, std::move(receiver));
}

void Dialogue::begin_frames(Side& side) {
  const bool from_client = side.direction == Direction::to_server;
  MessageOptions messages{.engineio = options_.engineio,
                          .message_bytes_max = options_.message_bytes_max};
  if (options_.deflate) {
    const ws::DeflateParameters& agreed = *options_.deflate;
    const std::uint8_t bits = from_client ? agreed.client_window_bits : agreed.server_window_bits;
    messages.window_bits = std::max(bits, ws::window_bits_min);
    messages.context_takeover =
        !(from_client ? agreed.client_no_context_takeover : agreed.server_no_context_takeover);
  }
  side.messages.emplace(side.direction, messages, sink_);
  const FrameOptions frames{.deflate = options_.deflate.has_value(),
                            .message_bytes_max = options_.message_bytes_max};
  side.frames.emplace(side.direction, frames, sink_, [&side](const WireMessage& message) {
    side.messages->on_message(message);
    return !side.messages->failed();
  });
  read_waiting(side);
}

void Dialogue::read_waiting(Side& side) {
  const std::vector<std::uint8_t> waiting = std::exchange(side.waiting, {});
  read(side, waiting);
}

void Dialogue::tell_handshake(Direction direction, std::string_view name, std::string value,
                              std::string_view section, std::string_view source, Fault fault) {
  sink_({.direction = direction,
         .layer = Layer::handshake,
         .depth = static_cast<std::uint8_t>(name == "upgrade" ? 0 : 1),
         .place = {},
         .name = name,
         .value = std::move(value),
         .section = section,
         .source = source,
         .fault = fault});
}

// Over polling a POST carries packets, and so does the answer to a GET.
void Dialogue::note_polling(const ws::RequestHead& head) {
  const engineio::Query query = engineio::read_query(head.query, {.revision3 = true});
  const bool is_engineio = query.revision && query.transport;
  if (is_engineio) options_.engineio = query.revision;
  const bool polls = is_engineio && query.transport == engineio::Transport::polling;
  to_server_->body_is_payload = polls && head.method == ws::Method::post;
  answers_payload_.push_back(polls && head.method == ws::Method::get);
  if (answers_payload_.size() > waiting_answers_max) answers_payload_.pop_front();
}

bool Dialogue::on_request(const ws::RequestHead& head) {
  note_polling(head);
  if (!ws::wants_websocket(head)) return false;
  const ws::UpgradeCheck check = ws::check_upgrade(head);
  tell_handshake(Direction::to_server, "upgrade",
                 check.error == ws::Errc::none ? "asked for" : "refused", "RFC 6455 §4.2.1",
                 "ws/core/handshake_server.cc check_upgrade", fault_of(check.error));
  if (check.error == ws::Errc::upgrade_hixie76) {
    museum_.emplace(sink_, options_.message_bytes_max);
    museum_->begin(head.fields);
    return true;
  }
  if (check.error != ws::Errc::none) return false;
  asked_ = true;
  key_ = check.key;
  return true;
}

bool Dialogue::on_response(const ws::ResponseHead& head) {
  const bool is_final = head.status >= 200 || head.status == 101;
  // An answer whose request was not seen is taken for what the options say.
  to_client_->body_is_payload =
      head.status == 200 && (answers_payload_.empty() || answers_payload_.front());
  if (is_final && !answers_payload_.empty()) answers_payload_.pop_front();
  if (head.status != 101) {
    if (asked_ && head.status >= 200) {
      tell_handshake(Direction::to_client, "upgrade", "refused by the server", "RFC 6455 §4.2.2",
                     "ws/core/handshake_client.cc check_response");
      // Then what the client says is HTTP still.
      asked_ = false;
      begin_heads(*to_server_);
      read_waiting(*to_server_);
    }
    return false;
  }
  if (museum_) return true;
  const auto answer = head.fields.find("Sec-WebSocket-Accept");
  tell_handshake(Direction::to_client, "upgrade", "answered", "RFC 6455 §4.2.2",
                 "ws/core/handshake_client.cc check_response",
                 answer ? Fault{} : fault_of(ws::Errc::response_accept));
  if (asked_) tell_accept_key(key_, answer);
  options_.deflate = agreed_deflate(head.fields);
  if (const auto extensions = head.fields.find(ws::extensions_field)) {
    tell_handshake(Direction::to_client, "extensions", in_quotes(*extensions), "RFC 7692 §7.1",
                   "ws/core/extension.cc ExtensionReader");
  }
  begin_frames(*to_client_);
  if (to_server_->heads && to_server_->heads->finished()) begin_frames(*to_server_);
  return true;
}

// §4.2.2: base64 of the SHA-1 of the key with the GUID behind it.
void Dialogue::tell_accept_key(std::string_view key, std::optional<std::string_view> answer) {
  const std::string joined = std::string(key) + std::string(guid);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(as_bytes(joined).data(), joined.size(), digest.data());
  constexpr std::string_view source = "ws/core/accept_key.cc accept_key";
  constexpr std::string_view section = "RFC 6455 §4.2.2";
  tell_handshake(Direction::to_client, "key and GUID", in_quotes(joined), section, source);
  tell_handshake(Direction::to_client, "SHA-1 of that", hexadecimal(digest), section, source);
  const auto expected = ws::accept_key(key);
  const std::string_view text(expected.data(), expected.size());
  tell_handshake(Direction::to_client, "base64 of that", in_quotes(text), section, source,
                 answer == text ? Fault{} : fault_of(ws::Errc::response_accept));
}

bool Dialogue::at_boundary(Direction direction) const noexcept {
  const Side& asked = direction == Direction::to_server ? *to_server_ : *to_client_;
  return asked.frames && !asked.frames->failed() && !asked.frames->in_frame();
}

void Dialogue::end(Direction direction) {
  Side& ended = side(direction);
  // Nobody has answered: what stands behind the request can only be what it asked for.
  if (!ended.waiting.empty() && !to_client_->heads) begin_frames(ended);
  const bool in_head = ended.heads && !ended.heads->finished() && !ended.heads->failed() &&
                       ended.heads->unfinished();
  const bool in_frame = ended.frames && !ended.frames->failed() && ended.frames->unfinished();
  if (!in_head && !in_frame && !(museum_ && museum_->unfinished(direction))) return;
  if (in_frame) ended.frames->end();
  const ws::Errc error = in_head ? ws::Errc::http_body_incomplete : ws::Errc::end_without_close;
  sink_({.direction = direction,
         .layer = in_head ? Layer::http : Layer::frame,
         .place = bytes_at(ended.offset, 0),
         .name = in_head ? "cut in a head or a body" : "cut in a frame or a message",
         .value = {},
         .section = in_head ? "RFC 9112 §8" : "RFC 6455 §7.1.5",
         .source = {},
         .fault = fault_of(error)});
}

}  // namespace hilo::trace
