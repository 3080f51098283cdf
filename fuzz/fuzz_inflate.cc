// SPDX-License-Identifier: MIT
//
// The payload of a compressed message, read by the real zlib. Its slow twin calls inflate() with a
// byte of input and a byte of room at a time, knows no limits, and asks nothing about blocks: the
// two must agree on what is a message and what it says, and where ours refuses one for a limit,
// that limit must be broken. What was accepted must survive our own Deflater.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/base/pool.h"
#include "ws/core/deflate.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::size_t text_bytes_max = std::size_t{1} << 18;

struct Text {
  Errc error = Errc::none;
  std::string text = {};
};

// Raw DEFLATE to the end of `wire`, byte by byte; blocks that are marked final end nothing.
class Twin {
 public:
  Twin() { HILO_CHECK(::inflateInit2(&stream_, -15) == Z_OK); }
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;
  ~Twin() { ::inflateEnd(&stream_); }

  Text run(const std::string& wire) {
    if (wire.empty()) return {};
    for (const char c : wire) {
      if (!feed(c)) return {Errc::inflate_data, said_};
      if (said_.size() > text_bytes_max) return {Errc::inflate_too_big, said_};
    }
    // A message ends in the header of an empty stored block, or it has that block whole, or its
    // last block was final.
    if (is_between_blocks()) return {Errc::none, said_};
    for (const char c : {'\0', '\0', '\xFF', '\xFF'}) {
      if (!feed(c)) return {Errc::inflate_data, said_};
      if (said_.size() > text_bytes_max) return {Errc::inflate_too_big, said_};
    }
    return {is_between_blocks() ? Errc::none : Errc::inflate_cut, said_};
  }

 private:
  // The state says so only when it stops there, so everything is fed with Z_BLOCK.
  bool is_between_blocks() const { return ended_ || (between_ && (stream_.data_type & 63) == 0); }

  bool feed(char c) {
    auto byte = static_cast<std::uint8_t>(c);
    stream_.next_in = &byte;
    stream_.avail_in = 1;
    ended_ = false;
    while (true) {
      std::uint8_t out = 0;
      stream_.next_out = &out;
      stream_.avail_out = 1;
      const int result = ::inflate(&stream_, Z_BLOCK);
      if (stream_.avail_out == 0) said_ += static_cast<char>(out);
      between_ = (stream_.data_type & 128) != 0;
      if (result == Z_STREAM_END) {
        ::inflateResetKeep(&stream_);
        ended_ = true;
        if (stream_.avail_in == 0) return true;
        ended_ = false;
        continue;
      }
      if (result != Z_OK && result != Z_BUF_ERROR) return false;
      const bool last = between_ && (stream_.data_type & 64) != 0;
      const bool has_more = stream_.avail_out == 0 && !between_;
      if (stream_.avail_in == 0 && !has_more && !last) return true;
      if (said_.size() > text_bytes_max) return true;
    }
  }

  z_stream stream_{};
  std::string said_;
  bool between_ = false;
  bool ended_ = false;
};

Text inflate(Inflater& inflater, const std::string& wire, const MessageLimits& limits, Pool& pool) {
  Buffer out(pool);
  // A block of exactly this size, so that AddressSanitizer sees a step beyond.
  const std::vector<std::uint8_t> block(wire.begin(), wire.end());
  const Errc error = inflater.inflate(block, limits, out);
  HILO_CHECK(error == Errc::none || out.capacity() == 0);
  HILO_CHECK(out.size() <= limits.message_bytes_max);
  return {error, std::string(as_text(std::as_const(out).readable()))};
}

void check_round_trip(const std::string& text, Pool& pool, DeflateMemory& memory) {
  Deflater deflater(memory, {.level = 1, .memory_level = 1});
  Inflater inflater(memory, window_bits_max);
  MessageLimits limits{.message_bytes_max = text.size(), .inflate_ratio_max = 0};
  for (int i = 0; i < 2; ++i) {
    Buffer out(pool);
    if (!deflater.deflate(as_bytes(text), text.size() + 64, out)) return;
    const std::string wire(as_text(std::as_const(out).readable()));
    const Text back = inflate(inflater, wire, limits, pool);
    HILO_CHECK(back.error == Errc::none && back.text == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::uint8_t choices = data[0];
  const std::string wire(data + 1, data + size);
  const Text expected = Twin().run(wire);

  Pool pool;
  DeflateMemory memory;
  Inflater inflater(memory, window_bits_max);
  // Without limits but that of the twin.
  const MessageLimits wide{
      .message_bytes_max = text_bytes_max, .fragments_base = 1 << 20, .inflate_ratio_max = 0};
  const Text whole = inflate(inflater, wire, wide, pool);
  const bool far = expected.error == Errc::inflate_too_big || whole.error == Errc::inflate_too_big;
  HILO_CHECK(far || whole.error == expected.error);
  if (whole.error == Errc::none) {
    HILO_CHECK(whole.text == expected.text);
    check_round_trip(whole.text, pool, memory);
  }

  // With limits, and after whatever has happened before.
  inflater.reset();
  const MessageLimits tight{.message_bytes_max = (choices & 1) != 0 ? 300U : 5000U,
                            .fragments_base = (choices & 2) != 0 ? 4U : 1024U,
                            .inflate_ratio_max = (choices & 4) != 0 ? 3U : 0U,
                            .inflate_ratio_free_bytes = 100};
  const Text limited = inflate(inflater, wire, tight, pool);
  if (limited.error == Errc::none) {
    HILO_CHECK(whole.error == Errc::none && limited.text == whole.text);
    HILO_CHECK(tight.inflate_ratio_max == 0 ||
               limited.text.size() <= std::max<std::size_t>(100, wire.size() * 3));
  } else if (whole.error == Errc::none) {
    const bool too_big = whole.text.size() > tight.message_bytes_max;
    HILO_CHECK(too_big || limited.error == Errc::inflate_ratio ||
               limited.error == Errc::inflate_blocks);
  }
  HILO_CHECK(pool.taken_bytes() == 0);
  return 0;
}
