// SPDX-License-Identifier: MIT

#include "tools/tap/tap.h"

#include <utility>

#include "tools/tap/link.h"

namespace hilo::tools::tap {

Tap::Tap(net::Loop& loop, Options options, Callback<void(std::string_view)> on_text,
         Callback<void(const std::string&)> on_trouble)
    : loop_(&loop),
      options_(std::move(options)),
      on_text_(std::move(on_text)),
      on_trouble_(std::move(on_trouble)),
      listener_(loop) {
  if (!options_.capture_file.empty()) capture_.emplace(options_.capture_file);
}

Tap::~Tap() {
  loop_->cancel(burial_);
}

Result<net::Address> Tap::listen(const net::Address& address) {
  const auto on_accept = [this](net::Fd fd, const net::Address& peer) {
    accepted(std::move(fd), peer);
  };
  if (const Status status = listener_.open(address, {}, on_accept); !status) return status.error();
  return listener_.address();
}

bool Tap::flush() {
  return !capture_ || capture_->flush();
}

bool Tap::inject(const Injection& injection) {
  Link* newest = nullptr;
  for (const auto& [number, link] : links_) {
    if (link->speaks_frames() && (newest == nullptr || number > newest->number()))
      newest = link.get();
  }
  return newest != nullptr && newest->inject(injection);
}

void Tap::accepted(net::Fd fd, const net::Address& peer) {
  const std::uint64_t number = ++accepted_count_;
  auto link = std::make_unique<Link>(*this, number, std::move(fd), peer);
  Link& started = *link;
  links_.emplace(number, std::move(link));
  started.start();
}

// Called from within the link, which is destroyed when its call is over.
void Tap::gone(std::uint64_t number) {
  gone_.push_back(std::move(links_.extract(number).mapped()));
  if (gone_.size() == 1) burial_ = loop_->call_after({}, [this] { bury(); });
}

void Tap::bury() {
  gone_.clear();
}

}  // namespace hilo::tools::tap
