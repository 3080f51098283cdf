// SPDX-License-Identifier: MIT
//
// Socket.IO: a sequence of messages, text and binary, through the Decoder of either side. What is a
// packet is written again by EncodedPacket, and read again to the same. The quick way to read and
// write JSON is beside the library's.
//
//   input   lines; one that begins with 'b' is binary, any other is text. All of it is also a
//           message of MessagePack

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/check.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/msgpack.h"
#include "ws/socketio/plain_json.h"

namespace {

using namespace hilo;
using namespace hilo::socketio;

// Depth counts attachments' placeholders, which take the place of a leaf.
constexpr PacketLimits limits{.json_depth_max = 16, .attachment_bytes_max = 4096};
constexpr PacketLimits wide{.attachments_max = 1 << 20,
                            .namespace_bytes_max = 1 << 20,
                            .event_bytes_max = 1 << 20,
                            .json_depth_max = 18,
                            .attachment_bytes_max = 1 << 20};

void check_again(const Packet& packet, Side side) {
  if (packet.head.type == PacketType::connect && !packet.head.query.empty()) return;
  const EncodedPacket encoded(packet.head, packet.data);
  for (const engineio::Revision revision : {engineio::Revision::v4, engineio::Revision::v3}) {
    Decoder decoder(wide, side);
    Packet again;
    bool is_whole = false;
    const std::string_view text = encoded.text(revision);
    HILO_CHECK(text.front() == '4');
    HILO_CHECK(decoder.take_text(text.substr(1), again, is_whole) == Errc::none);
    for (const Json::binary_t& attachment : encoded.attachments()) {
      HILO_CHECK(!is_whole);
      HILO_CHECK(decoder.take_binary(Bytes{attachment}, again, is_whole) == Errc::none);
    }
    HILO_CHECK(is_whole && !decoder.waiting());
    HILO_CHECK(again.head.type == packet.head.type && again.head.id == packet.head.id);
    HILO_CHECK(again.head.nsp == packet.head.nsp);
    HILO_CHECK(again.data == packet.data);
  }
}

// Down to the kinds of numbers.
bool are_same(const Json& a, const Json& b) {
  if (a.type() != b.type() || a != b) return false;
  if (!a.is_structured()) return true;
  auto other = b.begin();
  for (const Json& each : a) {
    if (!are_same(each, *other++)) return false;
  }
  return true;
}

void check_plain_json(std::string_view text) {
  Json quick;
  if (!read_plain_json(text, limits.json_depth_max, quick)) return;
  const Json slow = Json::parse(text.begin(), text.end(), nullptr, false);
  HILO_CHECK(!slow.is_discarded() && are_same(quick, slow));
  // What an earlier one has lent.
  static Json lent;
  HILO_CHECK(read_plain_json(text, limits.json_depth_max, lent) && are_same(lent, slow));
  for (const bool ascii : {false, true}) {
    std::string written;
    write_plain_json(quick, ascii, written);
    HILO_CHECK(written == slow.dump(-1, ' ', ascii, Json::error_handler_t::replace));
  }
  dispose(quick);
}

// By its bytes, for a NaN is not equal to itself.
void check_msgpack(std::string_view message) {
  PacketHead head;
  Json data;
  bool has_data = false;
  if (read_msgpack(as_bytes(message), limits, head, has_data, data) != Errc::none) return;
  const Json::binary_t written = write_msgpack(head, data);
  PacketHead again_head;
  Json again;
  HILO_CHECK(read_msgpack(Bytes{written}, wide, again_head, has_data, again) == Errc::none);
  HILO_CHECK(again_head.type == head.type && again_head.nsp == head.nsp);
  HILO_CHECK(again_head.id == head.id);
  HILO_CHECK(write_msgpack(again_head, std::move(again)) == written);
}

void run(std::string_view lines, Side side) {
  Decoder decoder(limits, side);
  std::size_t due = 0;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() < lines.size() ? line.size() + 1 : line.size());
    PacketHead head;
    if (split_packet(line, limits, head) == Errc::none) check_plain_json(head.json);
    check_plain_json(line);
    Packet packet;
    bool is_whole = false;
    const bool is_binary = line.starts_with('b');
    const Errc error = is_binary ? decoder.take_binary(as_bytes(line), packet, is_whole)
                                 : decoder.take_text(line, packet, is_whole);
    if (error != Errc::none) return;
    due = is_binary ? due + 1 : 0;
    HILO_CHECK(due <= limits.attachments_max);
    HILO_CHECK(is_whole != decoder.waiting());
    if (is_whole) check_again(packet, side);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view lines(reinterpret_cast<const char*>(data), size);
  run(lines, Side::server);
  run(lines, Side::client);
  run(lines, Side::client_v3);
  check_msgpack(lines);
  return 0;
}
