// SPDX-License-Identifier: MIT
//
// What explains a connection: any bytes as either direction, whole and in pieces, which have to be
// told alike; and any bytes as a capture.
//
// The first byte chooses the direction, what is known of the connection, and the size of the
// pieces.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/mutator.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "tools/explain/capture.h"
#include "ws/trace/dialogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace hilo;
using trace::Direction;

std::string told(const trace::DialogueOptions& options, Direction direction, Bytes bytes,
                 std::size_t piece) {
  std::string text;
  trace::Dialogue dialogue(options, [&](const trace::Part& part) {
    text += part.name;
    text += part.value;
    text += std::to_string(part.place.bit) + '+' + std::to_string(part.place.bits);
    text += part.fault.label;
    text += '\n';
  });
  while (!bytes.empty()) {
    const Bytes next = bytes.first(std::min(piece, bytes.size()));
    dialogue.feed(direction, next);
    bytes = bytes.subspan(next.size());
  }
  dialogue.end(direction);
  return text;
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

  if (const auto connections = tools::explain::read_capture(bytes)) {
    std::size_t carried = 0;
    for (const auto& connection : *connections) {
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
