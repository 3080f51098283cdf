// SPDX-License-Identifier: MIT

#include "tools/bench/wire.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "net/base/check.h"
#include "ws/core/frame.h"
#include "ws/core/mask.h"

namespace hilo::tools::bench {
namespace {

// Frames are put behind one another up to this, and a single one whatever its size.
constexpr std::size_t batch_bytes_max = std::size_t{256} << 10;

// A generator of pseudo-random numbers whose sequence is the same everywhere (xorshift64*).
class Sequence {
 public:
  std::uint32_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1D) >> 32);
  }
  std::uint32_t below(std::uint32_t bound) noexcept { return next() % bound; }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15;
};

std::string json_records(std::size_t bytes) {
  constexpr std::array<std::string_view, 8> words = {"hilo", "mensaje", "sala", "usuario",
                                                     "hola", "adiós",   "red",  "puerto"};
  Sequence sequence;
  std::string text = "[";
  while (text.size() < bytes) {
    text += R"({"id":)" + std::to_string(sequence.below(1'000'000)) + R"(,"name":")";
    text += words[sequence.below(words.size())];
    text += R"(","text":")";
    for (std::uint32_t n = 3 + sequence.below(6); n > 0; --n) {
      text += words[sequence.below(words.size())];
      text += n > 1 ? " " : "";
    }
    text += R"(","value":)" + std::to_string(sequence.below(100'000)) + "},";
  }
  text.resize(bytes);
  // What was cut may have ended within a character.
  while (!text.empty() && (static_cast<std::uint8_t>(text.back()) & 0x80) != 0) text.back() = ' ';
  return text;
}

// RFC 7692 §7.2.1: a raw DEFLATE that ends with an empty block, whose last four bytes are left out.
std::string deflated(std::string_view payload) {
  z_stream stream{};
  HILO_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) ==
             Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(payload.size())) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  HILO_CHECK(deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0);
  out.resize(stream.total_out - 4);
  deflateEnd(&stream);
  return out;
}

std::string padding(Payload kind, std::size_t bytes) {
  if (kind == Payload::json) return json_records(bytes);
  Sequence sequence;
  std::string text(bytes, '\0');
  for (char& each : text) {
    each = kind == Payload::binary ? static_cast<char>(sequence.below(256))
                                   : static_cast<char>('a' + sequence.below(26));
  }
  return text;
}

std::string socketio_event(const Plan& plan) {
  const std::string_view id = plan.mode == Mode::echo ? "7" : "";  // asks for an answer
  std::string event = plan.emit;
  if (const std::size_t place = event.find('@'); place != event.npos) {
    event.replace(place, 1, padding(Payload::text, plan.payload_bytes));
  }
  return "42" + std::string(id) + event;
}

}  // namespace

std::string client_frame(ws::Opcode opcode, std::string_view payload, bool compressed) {
  constexpr ws::MaskKey key{0x37, 0xFA, 0x21, 0x3D};
  std::array<std::uint8_t, ws::frame_header_bytes_max> header;
  const std::size_t size = ws::write_header(header.data(), opcode, true, payload.size(), &key);
  if (compressed) header[0] |= ws::rsv1_bit;
  std::string frame(reinterpret_cast<const char*>(header.data()), size);
  frame += payload;
  ws::mask({reinterpret_cast<std::uint8_t*>(frame.data()) + size, payload.size()}, key);
  return frame;
}

std::string make_payload(const Plan& plan) {
  if (plan.protocol == Protocol::socketio) return socketio_event(plan);
  return padding(plan.payload, plan.payload_bytes);
}

std::string make_request(const Plan& plan) {
  std::string request = "GET " + plan.target + " HTTP/1.1\r\nHost: " + plan.authority +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  // Without context takeover a message that was compressed once can be sent again and again.
  if (plan.deflate) {
    request +=
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
        "server_no_context_takeover\r\n";
  }
  return request + "\r\n";
}

Messages::Messages(const Plan& plan) {
  const std::string payload = make_payload(plan);
  const bool binary = plan.protocol == Protocol::websocket && plan.payload == Payload::binary;
  opcode_ = binary ? ws::Opcode::binary : ws::Opcode::text;
  payload_bytes_ = payload.size();
  const std::string frame = plan.deflate ? client_frame(opcode_, deflated(payload), true)
                                         : client_frame(opcode_, payload);
  frame_bytes_ = frame.size();
  const std::size_t fitting = std::max<std::size_t>(1, batch_bytes_max / frame_bytes_);
  for (std::size_t i = 0; i < std::min(fitting, std::max<std::size_t>(plan.in_flight, 64)); ++i) {
    frames_ += frame;
  }
}

}  // namespace hilo::tools::bench
