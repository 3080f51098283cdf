// SPDX-License-Identifier: MIT

#include "tools/explain/wire_trace.h"

#include <algorithm>
#include <utility>

#include "net/base/guard.h"

namespace hilo::tools::explain {
namespace {

std::string counted(std::size_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
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
  explainer_->tell(
      {.direction = direction,
       .layer = trace::Layer::tcp,
       .place = trace::bytes_at(offset, bytes),
       .name = name,
       .value = std::move(value),
       .source = direction == reads_ ? "net/socket.cc receive" : "net/socket.cc send"});
  offset += bytes;
}

void WireTrace::on_read(const net::Io& io, MutableBytes bytes) noexcept {
  attempt([&] {
    switch (io.kind) {
      case net::Io::Kind::done:
        tell(reads_, "read", counted(bytes.size()), bytes.size());
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
      return tell(writes(), "write", "the kernel takes none of " + counted(offered));
    }
    if (io.kind != net::Io::Kind::done) {
      return tell(writes(), "failed", std::error_code(io.error).message());
    }
    std::string value = counted(io.bytes);
    if (io.bytes < offered) value += " of " + std::to_string(offered);
    tell(writes(), "write", std::move(value), io.bytes);
    std::size_t left = io.bytes;
    for (const Bytes slice : slices) {
      const Bytes taken = slice.first(std::min(slice.size(), left));
      explainer_->add(writes(), taken);
      left -= taken.size();
    }
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
  return std::make_shared<WireTrace>(
      trace::Direction::to_client, style,
      [on_text = on_text_](std::string_view text) { (*on_text)(text); });
}

}  // namespace hilo::tools::explain
