// SPDX-License-Identifier: MIT
//
// Parcel: a message on its way from one thread to the loop of another, and Transit, which bounds
// how much of that there may be.
//
//   sender thread:  Transit::admit -> Parcel -> Loop::post ... -> loop thread: delivered
//                        ^                                            |
//                        +------------- Transit::leave ---------------+  by the last reference
//
//   owns     Parcel: one block with the topic and the payload in it
//   thread   any; what a parcel holds never changes
//   limits   Transit: bytes of payload and topic, and parcel_overhead_bytes for each, so that empty
//            messages are bounded, too
//   errors   without memory, or without room, there is no parcel

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "net/base/bytes.h"
#include "ws/core/rfc6455.h"
#include "ws/sending.h"

namespace hilo::ws {

// What is on its way from one origin.
class Transit {
 public:
  explicit Transit(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}
  Transit(const Transit&) = delete;
  Transit& operator=(const Transit&) = delete;
  virtual ~Transit() = default;

  // True, and counted, if it fits. One parcel may always be on its way, however large it is.
  bool admit(std::size_t bytes) noexcept;
  void leave(std::size_t bytes) noexcept;
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::size_t bytes_max() const noexcept { return bytes_max_; }

 protected:
  // Something has left and so much remains. From any thread.
  virtual void on_left(std::size_t remaining) noexcept { static_cast<void>(remaining); }

 private:
  std::atomic<std::size_t> bytes_{0};
  const std::size_t bytes_max_;
};

// What a Parcel says beside its bytes.
struct ParcelLabel {
  Opcode opcode = Opcode::text;           // close: end the connection with `code`
  CloseCode code = CloseCode::no_status;  // of a close; the payload is its reason
  bool compress = true;
  ConnectionId except = {};  // of a publication
};

class Parcel;

// A counted reference to a Parcel, or to none.
class ParcelRef {
 public:
  ParcelRef() noexcept = default;
  ParcelRef(const ParcelRef& other) noexcept;
  ParcelRef(ParcelRef&& other) noexcept : parcel_(std::exchange(other.parcel_, nullptr)) {}
  ParcelRef& operator=(ParcelRef other) noexcept {
    std::swap(parcel_, other.parcel_);
    return *this;
  }
  ~ParcelRef();

  explicit operator bool() const noexcept { return parcel_ != nullptr; }
  const Parcel& operator*() const noexcept { return *parcel_; }
  const Parcel* operator->() const noexcept { return parcel_; }

 private:
  friend class Parcel;
  explicit ParcelRef(Parcel* parcel) noexcept : parcel_(parcel) {}
  Parcel* parcel_ = nullptr;
};

class Parcel {
 public:
  // Copies both; empty if `transit` has no room for it, or if there is no memory.
  static ParcelRef make(std::shared_ptr<Transit> transit, const ParcelLabel& label,
                        std::string_view topic, Bytes payload) noexcept;
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;

  const ParcelLabel& label() const noexcept { return label_; }
  std::string_view topic() const noexcept {
    return as_text({reinterpret_cast<const std::uint8_t*>(this + 1), topic_bytes_});
  }
  Bytes payload() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(this + 1) + topic_bytes_, payload_bytes_};
  }

 private:
  friend class ParcelRef;
  Parcel(std::shared_ptr<Transit> transit, const ParcelLabel& label, std::size_t topic_bytes,
         std::size_t payload_bytes) noexcept
      : transit_(std::move(transit)),
        label_(label),
        topic_bytes_(topic_bytes),
        payload_bytes_(payload_bytes) {}
  ~Parcel() = default;
  void release() noexcept;
  std::size_t counted_bytes() const noexcept;

  std::shared_ptr<Transit> transit_;
  ParcelLabel label_;
  std::size_t topic_bytes_;
  std::size_t payload_bytes_;
  std::atomic<std::uint32_t> references_{1};
};

// What a parcel counts for beside its bytes: itself, and its place in the queue of the loop.
inline constexpr std::size_t parcel_overhead_bytes = sizeof(Parcel) + 64;

}  // namespace hilo::ws
