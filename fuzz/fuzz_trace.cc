// SPDX-License-Identifier: MIT
//
// What explains a connection: any bytes as either direction, whole and in pieces, which have to be
// told alike; any bytes as a capture; and any bytes as both directions of TLS, with the secrets of
// RFC 8448, so that its records open.
//
// The first byte chooses the direction, what is known of the connection, and the size of the
// pieces. Of TLS each chunk has its direction and its length in front, in two bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/mutator.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "tests/support/rfc8448.h"
#include "tools/explain/capture.h"
#include "ws/trace/tls_dialogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace hilo;
using trace::Direction;

// What is told, as text.
struct Listener {
  Listener(const trace::DialogueOptions& options, const trace::TlsKeyLog* keys)
      : dialogue(options, keys, [this](const trace::Part& part) {
          text += part.name;
          text += part.value;
          text += std::to_string(part.place.bit) + '+' + std::to_string(part.place.bits);
          text += part.fault.label;
          text += part.in_tls ? "~\n" : "\n";
        }) {}

  void feed(Direction direction, Bytes bytes, std::size_t piece) {
    while (!bytes.empty()) {
      const Bytes next = bytes.first(std::min(piece, bytes.size()));
      dialogue.feed(direction, next);
      bytes = bytes.subspan(next.size());
    }
  }

  std::string text;
  trace::TlsDialogue dialogue;
};

std::string told(const trace::DialogueOptions& options, Direction direction, Bytes bytes,
                 std::size_t piece) {
  Listener listener(options, nullptr);
  listener.feed(direction, bytes, piece);
  listener.dialogue.end(direction);
  return listener.text;
}

std::string told_both(const trace::DialogueOptions& options, Bytes chunks, std::size_t piece) {
  static const trace::TlsKeyLog keys = [] {
    trace::TlsKeyLog log;
    log.add(test::rfc8448::key_log);
    return log;
  }();
  Listener listener(options, &keys);
  while (chunks.size() >= 2) {
    const Direction direction =
        (chunks[0] & 0x80) != 0 ? Direction::to_client : Direction::to_server;
    const std::size_t length = load_be16(chunks.data()) & 0x7FFF;
    chunks = chunks.subspan(2);
    const Bytes chunk = chunks.first(std::min(length, chunks.size()));
    listener.feed(direction, chunk, piece);
    chunks = chunks.subspan(chunk.size());
  }
  listener.dialogue.end(Direction::to_server);
  listener.dialogue.end(Direction::to_client);
  return listener.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const Bytes bytes(data + 1, size - 1);
  trace::DialogueOptions options;
  options.message_bytes_max = 4096;
  options.upgraded = (choice & 1) != 0;
  const Direction direction = (choice & 2) != 0 ? Direction::to_client : Direction::to_server;
  if ((choice & 4) != 0) options.deflate = ws::DeflateParameters{};
  if ((choice & 8) != 0) options.engineio = engineio::Revision::v4;
  if ((choice & 16) != 0) options.engineio = engineio::Revision::v3;
  const std::string whole = told(options, direction, bytes, bytes.size() + 1);
  HILO_CHECK(told(options, direction, bytes, 1 + (choice >> 5)) == whole);
  HILO_CHECK(told_both(options, bytes, 1 + (choice >> 5)) ==
             told_both(options, bytes, bytes.size() + 1));

  if (const auto capture = tools::explain::read_capture(bytes)) {
    std::size_t carried = 0;
    for (const auto& connection : capture->connections) {
      for (const auto& segment : connection.segments) carried += segment.bytes.size();
    }
    HILO_CHECK(carried <= bytes.size());
  }
  return 0;
}

// Frames where it begins with frames, else a head.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  const unsigned choice = size == 0 ? 0 : data[0];
  const bool to_client = (choice & 2) != 0;
  return fuzz::mutate_behind(
      1, data, size, size_max, seed, [&](std::string_view text, std::mt19937& random) {
        if ((choice & 1) == 0) {
          return fuzz::mutate_head(text, to_client ? fuzz::answer_words : fuzz::request_words,
                                   random);
        }
        return fuzz::mutate_stream(to_client ? ws::Role::client : ws::Role::server, text, random);
      });
}
