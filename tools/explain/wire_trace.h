// SPDX-License-Identifier: MIT
//
// WireTrace: a connection of this process, explained as it happens: each system call that moves
// bytes, and what the bytes say (explainer.h). With TLS these are reads and writes of clear text,
// and the records below are told beside them, without a place: their bytes are not seen.
//
//   client -> server
//   tcp        read  29 bytes                                 bytes 0-28
//   frame      text  2 bytes of payload                       ...
//   engine     timer  armed for 30000 ms
//
// What the engine does besides is told, too: its deadlines, what waits for a peer that does not
// read, and, if it is wanted, with each write what the loop has spent since the one before, whoever
// was the cause.
//
//   thread   the stream's
//   memory   that of an Explainer; where it lacks, the telling ends, and the connection goes on

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/base/callback.h"
#include "net/loop.h"
#include "net/observed_transport.h"
#include "tools/explain/explainer.h"

namespace hilo::tools::explain {

class WireTrace final : public net::WireObserver {
 public:
  // `reads`: whose bytes this end reads.
  WireTrace(trace::Direction reads, const Style& style, Callback<void(std::string_view)> on_text);

  // Tell what the loop spends. Before on_begin().
  void tell_costs() noexcept { tells_costs_ = true; }

  void on_begin(net::ObservedTransport& transport) noexcept override;
  void on_leave() noexcept override { loop_ = nullptr; }
  void on_read(const net::Io& io, MutableBytes bytes) noexcept override;
  void on_write(const net::Io& io, std::span<const Bytes> slices) noexcept override;
  void on_tls(const net::TlsNote& note) noexcept override;
  void on_shutdown() noexcept override;
  void on_overflow(std::size_t message, std::size_t waiting,
                   std::string_view consequence) noexcept override;
  void on_deadline(net::Duration from_now) noexcept override;
  void on_deadline_passed() noexcept override;
  void on_gone() noexcept override;

  // See Explainer. Nothing is at a boundary once the telling has ended.
  void mute(bool muted) noexcept {
    if (explainer_) explainer_->mute(muted);
  }
  bool reads_frame_next() const noexcept { return explainer_ && explainer_->at_boundary(reads_); }

 private:
  trace::Direction writes() const noexcept;
  template <class Tell>
  void attempt(Tell&& tell) noexcept;
  void tell(trace::Direction direction, std::string_view name, std::string value,
            std::uint64_t bytes = 0);
  std::string_view source_of(trace::Direction direction) const noexcept;
  void tell_record(trace::Direction direction, Bytes header);
  void tell_tls(trace::Direction direction, std::string_view name, std::string value,
                std::string_view section);

  // What a loop has spent so far.
  struct Spent {
    net::Loop::Calls calls;
    std::uint64_t allocations = 0;
    std::uint64_t copied_bytes = 0;
  };

  static Spent spent_by(net::Loop& loop) noexcept;
  void tell_engine(std::string_view name, std::string value, std::string_view source);
  void tell_queue(std::size_t waiting);
  void tell_spent();

  trace::Direction reads_;
  bool is_tls_ = false;
  std::optional<Explainer> explainer_;
  std::array<std::uint64_t, 2> offsets_{};
  bool tells_costs_ = false;
  net::Loop* loop_ = nullptr;  // null: its costs are not told
  Spent spent_;
  bool waits_ = false;  // for the peer to read
};

// One for each connection of a client, "#1", "#2" ... where `style` has no name. All write to one
// place.
class WireTraces final : public net::WireObservers {
 public:
  WireTraces(const Style& style, Callback<void(std::string_view)> on_text)
      : style_(style),
        on_text_(std::make_shared<Callback<void(std::string_view)>>(std::move(on_text))) {
    if (style_.speaker == nullptr) style_.speaker = make_speaker();
  }

  std::shared_ptr<net::WireObserver> make() override;

 private:
  Style style_;
  std::shared_ptr<Callback<void(std::string_view)>> on_text_;
  std::uint64_t count_ = 0;
};

}  // namespace hilo::tools::explain
