// SPDX-License-Identifier: MIT

#include "ws/core/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "net/base/allocator.h"
#include "net/base/check.h"

namespace hilo::ws {
namespace {

// RFC 7692 §7.2.2: what the sender has cut off and the receiver appends.
constexpr std::array<std::uint8_t, 4> tail = {0x00, 0x00, 0xFF, 0xFF};

// In front of every block of DeflateMemory, since zfree is not told the size.
struct alignas(std::max_align_t) BlockHead {
  std::size_t bytes;
};

void* zlib_take(void* memory, unsigned items, unsigned size) {
  return static_cast<DeflateMemory*>(memory)->take(std::size_t{items} * size);
}
void zlib_give(void* memory, void* block) {
  static_cast<DeflateMemory*>(memory)->give(block);
}

z_stream* make_stream(DeflateMemory& memory) noexcept {
  void* block = memory.take(sizeof(z_stream));
  if (block == nullptr) return nullptr;
  auto* stream = ::new (block) z_stream{};
  stream->zalloc = zlib_take;
  stream->zfree = zlib_give;
  stream->opaque = &memory;
  return stream;
}

// zlib wants its input as if it would write there; it does not.
std::uint8_t* readable(Bytes input) noexcept {
  return const_cast<std::uint8_t*>(input.data());
}

// After a return of inflate(Z_BLOCK): the decoder stands behind a block (not within one, nor within
// the header of the next), and `unused_bits` of the last byte of input belong to the next.
constexpr int behind_block = 128;
constexpr int in_last_block = 64;
constexpr int unused_bits = 63;

std::size_t saturating_product(std::size_t a, std::size_t b) noexcept {
  std::size_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::size_t>::max() : product;
}

}  // namespace

// --- memory --------------------------------------------------------------------------------------

DeflateMemory::~DeflateMemory() {
  HILO_DCHECK(taken_bytes_ == 0);
}

void* DeflateMemory::take(std::size_t bytes) noexcept {
  if (taken_bytes_ > bytes_max_ || bytes > bytes_max_ - taken_bytes_) return nullptr;
  void* block = allocate_memory(sizeof(BlockHead) + bytes);
  if (block == nullptr) return nullptr;
  taken_bytes_ += bytes;
  return ::new (block) BlockHead{bytes} + 1;
}

void DeflateMemory::give(void* block) noexcept {
  if (block == nullptr) return;
  BlockHead* head = static_cast<BlockHead*>(block) - 1;
  taken_bytes_ -= head->bytes;
  release_memory(head);
}

// --- inflating -----------------------------------------------------------------------------------

// One message on its way: what came out of it, and how far it may go.
struct Inflater::Run {
  Run(Bytes wire, const MessageLimits& message_limits, Buffer& to) noexcept
      : limits(&message_limits), out(&to), kept_bytes_max(message_limits.message_bytes_max) {
    if (limits->inflate_ratio_max != 0) {
      const std::size_t earned = saturating_product(wire.size(), limits->inflate_ratio_max);
      kept_bytes_max = std::min(kept_bytes_max, std::max(limits->inflate_ratio_free_bytes, earned));
    }
    // Text shrinks to a third or a quarter.
    first_bytes = saturating_product(wire.size(), 4);
  }

  // Points zlib at room for output. Beyond kept_bytes_max nothing is kept; what still comes out
  // decides which rule is broken, the size or the ratio.
  bool find_room(z_stream& stream) noexcept {
    const std::size_t had = out->size();
    if (had < kept_bytes_max) {
      if (out->writable().empty() &&
          !out->reserve(std::min(std::max(had, first_bytes), kept_bytes_max - had))) {
        return false;
      }
      room = out->writable().first(std::min(out->writable().size(), kept_bytes_max - had));
    } else {
      room = discarded;
    }
    stream.next_out = room.data();
    stream.avail_out = static_cast<unsigned>(
        std::min<std::size_t>(room.size(), std::numeric_limits<unsigned>::max()));
    return true;
  }

  Errc count(const z_stream& stream) noexcept {
    const auto came = static_cast<std::size_t>(stream.next_out - room.data());
    if (room.data() != discarded.data()) {
      out->commit(came);
    } else {
      discarded_bytes += came;
    }
    const bool is_behind_block = (stream.data_type & behind_block) != 0;
    is_whole = is_behind_block && (stream.data_type & unused_bits) == 0;
    if (discarded_bytes > limits->message_bytes_max - out->size()) return Errc::inflate_too_big;
    if (is_behind_block && ++blocks > block_budget()) return Errc::inflate_blocks;
    return Errc::none;
  }

  // A fragment may end the block that is being written, and add an empty one to flush it.
  std::size_t block_budget() const noexcept {
    std::size_t fragments = limits->fragments_base;
    if (limits->bytes_per_fragment != 0) fragments += out->size() / limits->bytes_per_fragment;
    return saturating_product(fragments, 2);
  }

  const MessageLimits* limits;
  Buffer* out;
  std::size_t kept_bytes_max;
  std::size_t first_bytes = 0;
  std::size_t discarded_bytes = 0;
  std::size_t blocks = 0;
  bool is_whole = false;  // all input is used up, to the last bit, at the end of a block
  MutableBytes room;
  std::array<std::uint8_t, 1024> discarded;
};

Inflater::~Inflater() {
  if (stream_ == nullptr) return;
  ::inflateEnd(stream_);
  memory_->give(stream_);
}

Errc Inflater::prepare() noexcept {
  if (stream_ != nullptr) return Errc::none;
  stream_ = make_stream(*memory_);
  if (stream_ == nullptr) return Errc::no_memory;
  // Negative: raw DEFLATE, without zlib's own header.
  if (::inflateInit2(stream_, -int{window_bits_}) == Z_OK) return Errc::none;
  memory_->give(stream_);
  stream_ = nullptr;
  return Errc::no_memory;
}

void Inflater::reset() noexcept {
  if (stream_ != nullptr) ::inflateReset(stream_);
}

Errc Inflater::inflate(Bytes wire, const MessageLimits& limits, Buffer& out) noexcept {
  // §7.2.3.6 wants a byte even for the empty message; without one there is nothing to decode.
  if (wire.empty()) return Errc::none;
  if (wire.size() > std::numeric_limits<unsigned>::max()) return Errc::message_too_big;
  if (const Errc error = prepare(); error != Errc::none) return error;
  Run message(wire, limits, out);
  const Errc error = run_to_end(message, wire);
  if (error != Errc::none) out.release();
  return error;
}

Errc Inflater::run_to_end(Run& message, Bytes wire) noexcept {
  if (const Errc error = run(message, wire); error != Errc::none) return error;
  // Whole without the tail: the sender has left it in, or its last block was marked final.
  if (!message.is_whole) {
    if (const Errc error = run(message, tail); error != Errc::none) return error;
  }
  if (!message.is_whole) return Errc::inflate_cut;
  return message.discarded_bytes != 0 ? Errc::inflate_ratio : Errc::none;
}

Errc Inflater::run(Run& message, Bytes input) noexcept {
  z_stream& stream = *stream_;
  stream.next_in = readable(input);
  stream.avail_in = static_cast<unsigned>(input.size());
  while (true) {
    if (!message.find_room(stream)) return Errc::no_memory;
    // It stops behind every block, so that blocks can be counted: those without output cost us time
    // and the peer next to nothing.
    const int result = ::inflate(&stream, Z_BLOCK);
    if (const Errc error = message.count(stream); error != Errc::none) return error;
    switch (result) {
      case Z_STREAM_END:
        // §7.2.3.4: a block marked final ends nothing; more may follow and refer to it. Unlike
        // inflateReset() this keeps the window.
        ::inflateResetKeep(&stream);
        message.is_whole = true;
        if (stream.avail_in == 0) return Errc::none;
        break;
      case Z_OK:
      case Z_BUF_ERROR: {
        const bool is_behind_block = (stream.data_type & behind_block) != 0;
        // The end of a final block is told by one more call. Behind any other there is no more
        // output, even if there was no room for it; one more call would lose sight of the end.
        const bool is_ending = is_behind_block && (stream.data_type & in_last_block) != 0;
        const bool has_more = stream.avail_out == 0 && !is_behind_block;
        if (stream.avail_in == 0 && !has_more && !is_ending) return Errc::none;
        break;
      }
      case Z_MEM_ERROR: return Errc::no_memory;
      default: return Errc::inflate_data;
    }
  }
}

// --- deflating -----------------------------------------------------------------------------------

Deflater::~Deflater() {
  if (stream_ == nullptr) return;
  ::deflateEnd(stream_);
  memory_->give(stream_);
}

bool Deflater::prepare() noexcept {
  if (stream_ != nullptr) return true;
  stream_ = make_stream(*memory_);
  if (stream_ == nullptr) return false;
  if (::deflateInit2(stream_, tuning_.level, Z_DEFLATED, -int{tuning_.window_bits},
                     tuning_.memory_level, Z_DEFAULT_STRATEGY) == Z_OK) {
    return true;
  }
  memory_->give(stream_);
  stream_ = nullptr;
  return false;
}

void Deflater::reset() noexcept {
  if (stream_ != nullptr) ::deflateReset(stream_);
}

bool Deflater::deflate(Bytes payload, std::size_t wire_bytes_max, Buffer& out) noexcept {
  constexpr std::size_t bytes_max = std::numeric_limits<unsigned>::max() / 2;
  if (payload.empty() || payload.size() > bytes_max || wire_bytes_max > bytes_max) return false;
  // One byte more than may be used, to see that it was not.
  const std::size_t room = wire_bytes_max + tail.size() + 1;
  if (!prepare() || !out.reserve(room)) return false;
  z_stream& stream = *stream_;
  stream.next_in = readable(payload);
  stream.avail_in = static_cast<unsigned>(payload.size());
  stream.next_out = out.writable().data();
  stream.avail_out = static_cast<unsigned>(room);
  const int result = ::deflate(&stream, Z_SYNC_FLUSH);
  // Room left over is how zlib says that the flush is complete.
  if (result != Z_OK || stream.avail_out == 0) {
    reset();
    out.release();
    return false;
  }
  const std::size_t bytes = room - stream.avail_out;
  HILO_DCHECK(bytes > tail.size() &&
              std::equal(tail.begin(), tail.end(), stream.next_out - tail.size()));
  out.commit(bytes - tail.size());
  return true;
}

}  // namespace hilo::ws
