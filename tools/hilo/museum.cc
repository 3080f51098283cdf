// SPDX-License-Identifier: MIT

#include "tools/hilo/museum.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "net/stream.h"
#include "ws/admission.h"
#include "ws/core/utf8.h"
#include "ws/trace/hixie76.h"

namespace hilo::tools {
namespace {

constexpr std::array<std::uint8_t, 1> text_begin{0x00};
constexpr std::array<std::uint8_t, 1> text_end{0xFF};
constexpr std::array<std::uint8_t, 2> close_frame{0xFF, 0x00};

std::string refusal(std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

// §5.2: the origin and the address come back, so that the browser can see that the server has
// understood both.
std::string response_to(const ws::Request& request, bool is_tls) {
  std::string text =
      "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Origin: ";
  text.append(request.header("Origin").value_or("null"));
  text.append("\r\nSec-WebSocket-Location: ").append(is_tls ? "wss://" : "ws://");
  text.append(request.header("Host").value_or("")).append(request.target()).append("\r\n");
  if (const auto protocol = request.header("Sec-WebSocket-Protocol")) {
    text.append("Sec-WebSocket-Protocol: ").append(*protocol).append("\r\n");
  }
  return text.append("\r\n");
}

}  // namespace

class Museum::Visitor final : public net::Stream::Handler {
 public:
  Visitor(Museum& museum, const ws::Request& request, bool is_tls);
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  ~Visitor() { museum_->loop_->timers().cancel(*this); }

  void begin(std::unique_ptr<net::Stream> stream,
             std::unique_ptr<ws::AdmittedPlace> place) noexcept;
  void say_good_bye() noexcept;

 private:
  // net::Stream::Handler
  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override {
    ended_ = true;
    stream_->flush_collected();
    if (stream_->queued_bytes() == 0) stream_->close();
  }
  void on_blocked() override { stream_->pause(); }
  void on_drained() override {
    if (ended_) return stream_->close();
    stream_->resume();
  }
  void on_broken(std::error_code) override { stream_->close(); }
  void on_reap() override { museum_->leave(*this); }
  void on_timer(net::Time) override { say_good_bye(); }

  // Whoever says nothing whole for so long is told good-bye.
  void wait_for(net::Duration patience) noexcept {
    museum_->loop_->timers().arm(*this, museum_->loop_->now() + patience);
  }
  bool answer_challenge(MutableBytes& input);
  bool take_frame(MutableBytes& input);
  void write(std::span<const Bytes> slices) noexcept {
    if (!stream_->write(slices)) stream_->abort();
  }

  Museum* museum_;
  std::unique_ptr<ws::AdmittedPlace> place_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<std::uint32_t> number1_;
  std::optional<std::uint32_t> number2_;
  std::string response_;       // until the challenge is there
  std::size_t looked_at_ = 0;  // of an unfinished text
  bool ended_ = false;         // the peer sends no more
};

Museum::Visitor::Visitor(Museum& museum, const ws::Request& request, bool is_tls)
    : museum_(&museum),
      number1_(hixie76::number_of(request.header("Sec-WebSocket-Key1").value_or(""))),
      number2_(hixie76::number_of(request.header("Sec-WebSocket-Key2").value_or(""))),
      response_(response_to(request, is_tls)) {
  if (!number1_ || !number2_) response_ = refusal("400 Bad Request");
  if (request.path() != "/echo") response_ = refusal("404 Not Found");
}

void Museum::Visitor::begin(std::unique_ptr<net::Stream> stream,
                            std::unique_ptr<ws::AdmittedPlace> place) noexcept {
  place_ = std::move(place);
  stream_ = std::move(stream);
  stream_->set_handler(*this);
  wait_for(challenge_timeout);
}

void Museum::Visitor::say_good_bye() noexcept {
  const Bytes frame{close_frame};
  if (response_.empty()) write({&frame, 1});
  stream_->close();
}

net::Stream::Want Museum::Visitor::on_input(MutableBytes& input) {
  if (!response_.empty() && !answer_challenge(input)) return net::Stream::Want::more;
  while (!input.empty() && !stream_->closed() && !stream_->paused()) {
    if (!take_frame(input)) break;
  }
  return net::Stream::Want::more;
}

bool Museum::Visitor::answer_challenge(MutableBytes& input) {
  std::array<std::uint8_t, hixie76::body_bytes> body;
  if (input.size() < body.size()) return false;
  std::copy_n(input.begin(), body.size(), body.begin());
  input = input.subspan(body.size());
  const std::string head = std::exchange(response_, {});
  const bool is_accepted = head.starts_with("HTTP/1.1 101");
  std::optional<hixie76::Answer> answer;
  if (is_accepted) answer = hixie76::answer_to(*number1_, *number2_, body);
  if (!is_accepted || !answer) {
    const std::string text = is_accepted ? refusal("500 Internal Server Error") : head;
    const Bytes bytes = as_bytes(text);
    write({&bytes, 1});
    stream_->close();
    return false;
  }
  const std::array<Bytes, 2> both{as_bytes(head), Bytes{*answer}};
  write(both);
  wait_for(idle_timeout);
  return true;
}

// False: no whole frame is there.
bool Museum::Visitor::take_frame(MutableBytes& input) {
  const hixie76::Frame frame = hixie76::read_frame(input, looked_at_);
  switch (frame.kind) {
    case hixie76::Frame::Kind::incomplete:
      looked_at_ = input.size();
      if (input.size() > message_bytes_max) say_good_bye();
      return false;
    case hixie76::Frame::Kind::wrong: stream_->abort(); return false;
    case hixie76::Frame::Kind::close: say_good_bye(); return false;
    case hixie76::Frame::Kind::text: break;
  }
  looked_at_ = 0;
  wait_for(idle_timeout);
  if (frame.text.size() > message_bytes_max || !ws::utf8_valid(frame.text)) {
    say_good_bye();
    return false;
  }
  const std::array<Bytes, 3> slices{Bytes{text_begin}, frame.text, Bytes{text_end}};
  write(slices);
  input = input.subspan(frame.bytes);
  return true;
}

Museum::Museum(net::Loop& loop) : loop_(&loop) {}
Museum::~Museum() = default;

bool Museum::prepare(const ws::Request& request, bool is_tls) {
  if (visitors_.size() >= visitors_max) return false;
  auto visitor = std::make_unique<Visitor>(*this, request, is_tls);
  prepared_ = visitor.get();
  visitors_.emplace(prepared_, std::move(visitor));
  return true;
}

void Museum::take(std::unique_ptr<net::Stream> stream,
                  std::unique_ptr<ws::AdmittedPlace> place) noexcept {
  std::exchange(prepared_, nullptr)->begin(std::move(stream), std::move(place));
}

void Museum::close() {
  for (const auto& [visitor, owned] : visitors_) visitor->say_good_bye();
}

void Museum::leave(Visitor& visitor) {
  visitors_.erase(&visitor);
}

}  // namespace hilo::tools
