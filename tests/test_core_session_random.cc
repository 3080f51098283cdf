// SPDX-License-Identifier: MIT
//
// Random streams, right ones and such with one fault: the session says what its slow twin says,
// however the stream is cut. The seed of a failure is in its message.

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "tests/support/reference_session.h"
#include "tests/support/session_feed.h"

using namespace hilo;
using namespace hilo::test;
using ws::Role;

namespace {

class RandomStream {
 public:
  RandomStream(Role role, std::uint32_t seed) : role_(role), random_(seed) {}

  std::string frames(std::size_t count) {
    std::string stream;
    for (std::size_t i = 0; i < count; ++i) {
      switch (random_() % 8) {
        case 0: stream += peer_frame(role_, 0x89, bytes(random_() % 126)); break;
        case 1: stream += peer_frame(role_, 0x8A, bytes(random_() % 126)); break;
        case 2:
        case 3: stream += fragments(); break;
        default:
          stream += random_() % 2 == 0 ? peer_frame(role_, 0x82, bytes(size()))
                                       : peer_frame(role_, 0x81, text(size()));
      }
    }
    if (random_() % 4 == 0) {
      stream += peer_frame(role_, 0x88, close_payload(1000 + random_() % 16, text(random_() % 90)));
    }
    return stream;
  }

  // Breaks something: a byte, a bit, a cut, or a byte too many.
  void spoil(std::string& stream) {
    if (stream.empty()) return;
    const std::size_t at = random_() % stream.size();
    switch (random_() % 5) {
      case 0: stream[at] = as_char(random_()); break;
      case 1:
        stream[at] = as_char(static_cast<std::uint8_t>(stream[at]) ^ (1U << random_() % 8));
        break;
      case 2: stream.resize(at); break;
      case 3: stream.insert(at, 1, as_char(random_())); break;
      case 4: stream.erase(at, 1 + random_() % 4); break;
    }
  }

 private:
  std::string fragments() {
    const bool is_text = random_() % 2 == 0;
    const std::string payload = is_text ? text(size()) : bytes(size());
    std::string stream;
    std::size_t begin = 0;
    const std::size_t count = 1 + random_() % 5;
    for (std::size_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      const std::size_t end =
          last ? payload.size() : begin + random_() % (payload.size() - begin + 1);
      const unsigned opcode = i > 0 ? 0U : is_text ? 1U : 2U;
      const auto first = static_cast<std::uint8_t>((last ? 0x80U : 0U) | opcode);
      stream += peer_frame(role_, first, std::string_view(payload).substr(begin, end - begin));
      if (random_() % 3 == 0) stream += peer_frame(role_, 0x89, bytes(random_() % 20));
      begin = end;
    }
    return stream;
  }

  // Mostly small, with the edges of the length forms among them.
  std::size_t size() {
    constexpr std::array<std::size_t, 8> edges = {0, 1, 125, 126, 127, 500, 1000, 1001};
    return random_() % 4 == 0 ? edges[random_() % edges.size()] : random_() % 60;
  }
  std::string bytes(std::size_t size) {
    std::string result;
    for (std::size_t i = 0; i < size; ++i) result += as_char(random_());
    return result;
  }
  std::string text(std::size_t size) {
    constexpr std::array<std::string_view, 5> characters = {"a", "z", "\xC3\xA9", "\xE2\x82\xAC",
                                                            "\xF0\x9F\x98\x80"};
    std::string result;
    while (result.size() < size) result += characters[random_() % characters.size()];
    return result;
  }

  Role role_;
  std::mt19937 random_;
};

void check_stream(Role role, const std::string& stream, std::uint32_t seed) {
  const ws::MessageLimits limits{.message_bytes_max = 1004,
                                 .streamed_bytes_max = 1004,
                                 .fragments_base = 4,
                                 .bytes_per_fragment = 16};
  const Transcript expected = reference(role, limits, stream);
  for (const Way way : all_ways) {
    for (const bool in_chunks : {false, true}) {
      const Transcript said =
          feed(role, limits, stream, {.way = way, .seed = seed, .in_chunks = in_chunks});
      const bool as_the_twin = said == expected;
      if (as_the_twin) continue;
      CAPTURE(seed);
      CAPTURE(in_chunks);
      CAPTURE(static_cast<int>(way));
      CAPTURE(describe(expected));
      CAPTURE(describe(said));
      CHECK(as_the_twin);
    }
  }
}

}  // namespace

TEST_CASE("right streams mean the same to the session and to its slow twin") {
  std::size_t messages = 0;
  for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
    const Role role = seed % 2 == 0 ? Role::server : Role::client;
    const std::string stream = RandomStream(role, seed).frames(6);
    messages += reference(role, {}, stream).events.size();
    check_stream(role, stream, seed);
  }
  CHECK(messages > 5000);
}

TEST_CASE("streams with one fault fail alike") {
  std::size_t failures = 0;
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    const Role role = seed % 2 == 0 ? Role::server : Role::client;
    RandomStream random(role, seed);
    std::string stream = random.frames(4);
    random.spoil(stream);
    const Transcript expected = reference(role, {}, stream);
    const bool failed =
        !expected.events.empty() && expected.events.back().kind == ws::Event::Kind::failure;
    failures += failed ? 1 : 0;
    check_stream(role, stream, seed);
  }
  CHECK(failures > 1000);
}
