// SPDX-License-Identifier: MIT

#include "tools/explain/wire_trace.h"

#include <algorithm>
#include <utility>

#include "net/base/guard.h"
#include "net/stream.h"
#include "ws/trace/text.h"
#include "ws/trace/tls_messages.h"
#include "ws/trace/tls_names.h"

namespace hilo::tools::explain {
namespace {

using trace::counted_bytes;

// What a program may ask of TCP.
std::string_view section_of(std::string_view call) noexcept {
  if (call == "write") return "RFC 9293 §3.10.2";
  if (call == "read") return "RFC 9293 §3.10.3";
  return "RFC 9293 §3.10.4";
}

}  // namespace

WireTrace::WireTrace(trace::Direction reads, const Style& style,
                     Callback<void(std::string_view)> on_text)
    : reads_(reads) {
  trace::DialogueOptions options;
  options.message_bytes_max = std::min(options.message_bytes_max, style.kept_bytes);
  explainer_.emplace(options, style, std::move(on_text));
}

trace::Direction WireTrace::writes() const noexcept {
  return reads_ == trace::Direction::to_server ? trace::Direction::to_client
                                               : trace::Direction::to_server;
}

template <class Tell>
void WireTrace::attempt(Tell&& tell) noexcept {
  if (explainer_ && !guarded(tell)) explainer_.reset();
}

void WireTrace::tell(trace::Direction direction, std::string_view name, std::string value,
                     std::uint64_t bytes) {
  std::uint64_t& offset = offsets_[static_cast<std::size_t>(direction)];
  explainer_->tell({.direction = direction,
                    .layer = trace::Layer::tcp,
                    .place = trace::bytes_at(offset, bytes),
                    .name = name,
                    .value = std::move(value),
                    .section = section_of(name),
                    .source = source_of(direction)});
  offset += bytes;
}

void WireTrace::tell_engine(std::string_view name, std::string value, std::string_view source) {
  explainer_->tell({.direction = writes(),
                    .layer = trace::Layer::engine,
                    .name = name,
                    .value = std::move(value),
                    .source = source});
}

void WireTrace::tell_queue(std::size_t waiting) {
  if (waiting == 0 && !waits_) return;
  waits_ = waiting != 0;
  tell_engine("queue", waits_ ? counted_bytes(waiting) + " wait to be taken" : "empty again",
              "net/stream_output.cc");
}

WireTrace::Spent WireTrace::spent_by(net::Loop& loop) noexcept {
  return {.calls = loop.calls(),
          .allocations = loop.pool().allocations(),
          .copied_bytes = loop.pool().copied_bytes()};
}

// Writes are counted once they are done, so this one is among those of the next line.
void WireTrace::tell_spent() {
  if (loop_ == nullptr) return;
  const Spent before = std::exchange(spent_, spent_by(*loop_));
  const auto since = [](std::uint64_t now, std::uint64_t then, std::string_view what) {
    return std::to_string(now - then) + ' ' + std::string(what);
  };
  tell_engine("cost",
              since(spent_.calls.waits, before.calls.waits, "waits, ") +
                  since(spent_.calls.reads, before.calls.reads, "reads, ") +
                  since(spent_.calls.writes, before.calls.writes, "writes, ") +
                  since(spent_.allocations, before.allocations, "allocations, ") +
                  since(spent_.copied_bytes, before.copied_bytes, "bytes copied"),
              "net/loop.h Calls, net/base/pool.h Pool");
}

void WireTrace::on_begin(net::ObservedTransport& transport) noexcept {
  is_tls_ = transport.tls() != nullptr;
  if (explainer_) explainer_->set_in_tls(is_tls_);
  if (!tells_costs_) return;
  loop_ = &transport.stream().loop();
  spent_ = spent_by(*loop_);
}

void WireTrace::on_overflow(std::size_t message, std::size_t waiting,
                            std::string_view consequence) noexcept {
  attempt([&] {
    tell_engine("queue",
                counted_bytes(waiting) + " wait, a message of " + counted_bytes(message) +
                    " does not fit behind them: " + std::string(consequence),
                "ws/connection_output.cc overflow");
  });
}

void WireTrace::on_deadline(net::Duration from_now) noexcept {
  attempt([&] {
    tell_engine("timer", "armed for " + std::to_string(from_now.to_milliseconds()) + " ms",
                "net/timers.cc TimerWheel::arm");
  });
}

void WireTrace::on_deadline_passed() noexcept {
  attempt([&] { tell_engine("timer", "it is time", "net/timers.cc TimerWheel::fire"); });
}

std::string_view WireTrace::source_of(trace::Direction direction) const noexcept {
  if (is_tls_)
    return direction == reads_ ? "net/transport_tls.cc read" : "net/transport_tls.cc write";
  return direction == reads_ ? "net/socket.cc receive" : "net/socket.cc send";
}

void WireTrace::on_tls(const net::TlsNote& note) noexcept {
  attempt([&] {
    const trace::Direction direction = note.sent ? writes() : reads_;
    switch (note.kind) {
      case net::TlsNote::Kind::record: return tell_record(direction, note.bytes);
      case net::TlsNote::Kind::inner_type:
        if (note.bytes.empty()) return;
        return tell_tls(direction, "encrypted content",
                        std::to_string(note.bytes[0]) + ' ' +
                            std::string(trace::tls_content_name(note.bytes[0])),
                        "RFC 8446 §5.2");
      case net::TlsNote::Kind::message: {
        trace::PartSink sink = [this](const trace::Part& part) { explainer_->tell(part); };
        trace::TlsMessageReader(direction, sink, [](const trace::TlsMessage&) {
        }).feed(note.bytes, std::nullopt);
        return;
      }
      case net::TlsNote::Kind::alert:
        return tell_tls(direction, "alert", trace::tls_alert_text(note.bytes), "RFC 8446 §6");
    }
  });
}

void WireTrace::tell_record(trace::Direction direction, Bytes header) {
  if (header.size() < 5) return;
  explainer_->tell({.direction = direction,
                    .layer = trace::Layer::tls,
                    .name = trace::tls_content_name(header[0]),
                    .value = counted_bytes(load_be16(header.data() + 3)) + ", legacy version " +
                             trace::tls_version_text(load_be16(header.data() + 1)),
                    .section = "RFC 8446 §5.1",
                    .source = "net/transport_tls.cc"});
}

// Of the record that was told last.
void WireTrace::tell_tls(trace::Direction direction, std::string_view name, std::string value,
                         std::string_view section) {
  explainer_->tell({.direction = direction,
                    .layer = trace::Layer::tls,
                    .depth = 1,
                    .name = name,
                    .value = std::move(value),
                    .section = section,
                    .source = "net/transport_tls.cc"});
}

void WireTrace::on_read(const net::Io& io, MutableBytes bytes) noexcept {
  attempt([&] {
    switch (io.kind) {
      case net::Io::Kind::done:
        tell(reads_, "read", counted_bytes(bytes.size()), bytes.size());
        explainer_->add(reads_, bytes);
        break;
      case net::Io::Kind::would_block: break;
      case net::Io::Kind::end:
        tell(reads_, "end", "FIN: nothing more will come");
        explainer_->end(reads_);
        break;
      case net::Io::Kind::failed:
        tell(reads_, "failed", std::error_code(io.error).message());
        break;
    }
  });
}

void WireTrace::on_write(const net::Io& io, std::span<const Bytes> slices) noexcept {
  attempt([&] {
    std::size_t offered = 0;
    for (const Bytes slice : slices) offered += slice.size();
    if (io.kind == net::Io::Kind::would_block) {
      const std::string_view who =
          is_tls_ ? "TLS takes, for now, none of " : "the kernel takes none of ";
      tell(writes(), "write", std::string(who) + counted_bytes(offered));
      return tell_queue(offered);
    }
    if (io.kind != net::Io::Kind::done) {
      return tell(writes(), "failed", std::error_code(io.error).message());
    }
    std::string value = counted_bytes(io.bytes);
    if (io.bytes < offered) value += " of " + std::to_string(offered);
    tell(writes(), "write", std::move(value), io.bytes);
    std::size_t left = io.bytes;
    for (const Bytes slice : slices) {
      const Bytes taken = slice.first(std::min(slice.size(), left));
      explainer_->add(writes(), taken);
      left -= taken.size();
    }
    tell_queue(offered - io.bytes);
    tell_spent();
  });
}

void WireTrace::on_shutdown() noexcept {
  attempt([&] {
    tell(writes(), "end", "FIN: nothing more will follow");
    explainer_->end(writes());
  });
}

void WireTrace::on_gone() noexcept {
  attempt([&] { tell(writes(), "closed", {}); });
  explainer_.reset();
}

std::shared_ptr<net::WireObserver> WireTraces::make() {
  Style style = style_;
  if (style.name.empty()) style.name = "#" + std::to_string(++count_);
  auto trace = std::make_shared<WireTrace>(
      trace::Direction::to_client, style,
      [on_text = on_text_](std::string_view text) { (*on_text)(text); });
  trace->tell_costs();
  return trace;
}

}  // namespace hilo::tools::explain
