// SPDX-License-Identifier: MIT
//
// Frames of either role, by our session and by libwslay, which is somebody else's reading of the
// same RFC: the same messages, pings, pongs and Close, and a failure of both or of neither, with
// the same close code. An input is one byte of choices and a stream of frames without compression.
//
// Known to differ, and why:
//
//   a Close of one byte   has no code: libwslay takes it for a Close with the code 0, ours fails
//   1012 to 1014   codes of a Close that were registered behind the RFC: ours takes them, and
//                  libwslay fails with 1002
//   early failures        a fault may be seen before all of its frame is there, and one of the two
//                         sees it earlier than the other: zeros stand for what is missing
//   two faults            of a Close, in its code and in its reason: each tells of another one

#include <wslay/wslay.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/mutator.h"
#include "net/base/check.h"
#include "tests/support/session_feed.h"

namespace {

using namespace hilo;
using test::Seen;
using ws::Role;

constexpr std::size_t input_bytes_max = 4096;
// As much as may be left of a control frame, and of the next header.
constexpr std::size_t unseen_bytes = 160;

// What libwslay makes of a stream.
class Theirs {
 public:
  Theirs(Role role, std::size_t message_bytes_max) {
    const wslay_event_callbacks callbacks{
        .recv_callback = receive,
        .send_callback = send,
        .genmask_callback = make_mask,
        .on_frame_recv_start_callback = nullptr,
        .on_frame_recv_chunk_callback = nullptr,
        .on_frame_recv_end_callback = nullptr,
        .on_msg_recv_callback = take_message,
    };
    const auto init =
        role == Role::server ? wslay_event_context_server_init : wslay_event_context_client_init;
    HILO_CHECK(init(&context_, &callbacks, this) == 0);
    wslay_event_config_set_max_recv_msg_length(context_, message_bytes_max);
  }
  Theirs(const Theirs&) = delete;
  Theirs& operator=(const Theirs&) = delete;
  ~Theirs() { wslay_event_context_free(context_); }

  void read(std::string_view stream) {
    rest_ = stream;
    // Frames that are none are an error of the call, messages that are none have a Close sent.
    is_broken_ = wslay_event_recv(context_) != 0;
    while (wslay_event_want_write(context_) != 0) HILO_CHECK(wslay_event_send(context_) == 0);
  }
  const std::vector<Seen>& events() const noexcept { return events_; }
  // The code of the Close that it sends of its own accord.
  std::optional<std::uint16_t> failure() const {
    if (is_broken_) return WSLAY_CODE_PROTOCOL_ERROR;
    if (wslay_event_get_read_enabled(context_) != 0 || has_closed()) return std::nullopt;
    return wslay_event_get_status_code_sent(context_);
  }

 private:
  bool has_closed() const noexcept {
    return !events_.empty() && events_.back().kind == ws::Event::Kind::close;
  }

  static ssize_t receive(wslay_event_context_ptr context, std::uint8_t* to, std::size_t size, int,
                         void* self) {
    std::string_view& rest = static_cast<Theirs*>(self)->rest_;
    if (rest.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    const std::size_t taken = std::min(size, rest.size());
    std::copy_n(rest.begin(), taken, to);
    rest.remove_prefix(taken);
    return static_cast<ssize_t>(taken);
  }
  static ssize_t send(wslay_event_context_ptr, const std::uint8_t*, std::size_t size, int, void*) {
    return static_cast<ssize_t>(size);
  }
  static int make_mask(wslay_event_context_ptr, std::uint8_t* to, std::size_t size, void*) {
    std::fill_n(to, size, std::uint8_t{0});
    return 0;
  }
  static void take_message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                           void* self) {
    static_cast<Theirs*>(self)->take(*message);
  }
  void take(const wslay_event_on_msg_recv_arg& message) {
    const std::string_view payload = as_text(Bytes{message.msg, message.msg_length});
    switch (message.opcode) {
      case WSLAY_TEXT_FRAME: events_.push_back(test::seen_text(payload)); break;
      case WSLAY_BINARY_FRAME: events_.push_back(test::seen_binary(payload)); break;
      case WSLAY_PING: events_.push_back(test::seen_ping(payload)); break;
      case WSLAY_PONG: events_.push_back(test::seen_pong(payload)); break;
      default: {
        const auto code = payload.empty() ? ws::CloseCode::no_status
                                          : static_cast<ws::CloseCode>(message.status_code);
        events_.push_back(test::seen_close(
            code, payload.substr(std::min<std::size_t>(payload.size(), sizeof(std::uint16_t)))));
      }
    }
  }

  wslay_event_context_ptr context_ = nullptr;
  std::string_view rest_;
  std::vector<Seen> events_;
  bool is_broken_ = false;
};

struct Failure {
  ws::CloseCode code;
  bool is_only_one = true;  // no other rule is broken, that libwslay may have looked at first
};

// Changes what we saw into what libwslay has to see, and takes the failure from it.
std::optional<Failure> translate(std::vector<Seen>& events) {
  if (events.empty()) return std::nullopt;
  const Seen last = events.back();
  if (last.kind == ws::Event::Kind::failure) {
    events.pop_back();
    if (last.error == ws::Errc::close_code) return Failure{last.code, false};
    if (last.error != ws::Errc::close_length) return Failure{last.code};
    events.push_back(test::seen_close(ws::CloseCode::none));
  } else if (last.kind == ws::Event::Kind::close && last.code >= ws::CloseCode{1012} &&
             last.code <= ws::CloseCode{1014}) {
    events.pop_back();
    return Failure{ws::CloseCode::protocol_error};
  }
  return std::nullopt;
}

// False: one of them failed and the other one did not.
bool compare(Role role, std::string_view stream, std::size_t message_bytes_max) {
  const ws::MessageLimits limits{.message_bytes_max = message_bytes_max,
                                 .fragments_base = 1'000'000};
  std::vector<Seen> ours = test::feed(role, limits, stream).events;
  const std::optional<Failure> failure = translate(ours);
  Theirs theirs(role, message_bytes_max);
  theirs.read(stream);
  HILO_CHECK(theirs.events() == ours);
  if (theirs.failure().has_value() != failure.has_value()) return false;
  const bool is_same = !failure || !failure->is_only_one ||
                       *theirs.failure() == static_cast<std::uint16_t>(failure->code);
  HILO_CHECK(is_same);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > input_bytes_max) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::client : Role::server;
  std::string stream(as_text(Bytes{data + 1, size - 1}));
  const std::size_t message_bytes_max = (data[0] & 2) != 0 ? 300 : 1 << 20;
  if (compare(role, stream, message_bytes_max)) return 0;
  HILO_CHECK(compare(role, stream.append(unseen_bytes, '\0'), message_bytes_max));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  const Role role = size > 0 && (data[0] & 1) != 0 ? Role::client : Role::server;
  return fuzz::mutate_behind(1, data, size, std::min(size_max, input_bytes_max), seed,
                             [&](std::string_view stream, std::mt19937& random) {
                               return fuzz::mutate_stream(role, stream, random);
                             });
}
