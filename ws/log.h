// SPDX-License-Identifier: MIT
//
// Log: one line per event worth knowing, handed to a function of the application's.
//
// A rejection looks like this, and nothing that a peer sent can break the line:
//
//   lvl=warn ev=reject layer=ws reason=unmasked peer=127.0.0.1:40312 conn=7 bytes_in=9 code=1002
//
// Rejections are rate-limited, so that a flood of bad peers is no flood of lines; what is held back
// is counted (Metrics::log_lines_suppressed) and told in the next line that passes. So is a line
// for which there is no memory.
//
//   thread  the loop's
//   views   the line is valid during the call

#pragma once

#include <cstdint>
#include <string_view>

#include "net/address.h"
#include "net/duration.h"
#include "ws/core/error.h"
#include "ws/log_sink.h"
#include "ws/metrics.h"

namespace hilo::ws {

class Log {
 public:
  // `sink` may be empty: then only the counters move.
  explicit Log(Metrics& metrics, LogSink sink = nullptr, std::uint32_t rejects_per_second_max = 20)
      : metrics_(&metrics),
        sink_(std::move(sink)),
        rejects_per_second_max_(rejects_per_second_max) {}

  struct Reject {
    Errc error = Errc::none;
    net::PeerAddress peer{};
    std::uint64_t connection = 0;
    std::uint64_t bytes_in = 0;
    // What the peer was told: HTTP status, close code, or 0. To a client: the status of the answer.
    std::uint16_t code = 0;
  };
  // Counts the rejection and writes its line. Without memory for the line that is one more of
  // Metrics::log_lines_suppressed.
  void reject(const Reject& reject, net::Time now) noexcept;
  // The line alone, of a rule of a layer above, which counts for itself; `error` is not looked at.
  void reject(std::string_view layer, std::string_view reason, const Reject& reject,
              net::Time now) noexcept;

  // Any other line, as "lvl=... ev=..." followed by `fields`.
  void line(LogLevel level, std::string_view event, std::string_view fields) noexcept;

 private:
  void write_reject(std::string_view layer, std::string_view reason, const Reject& reject);
  void write_line(LogLevel level, std::string_view event, std::string_view fields);
  bool admitted(net::Time now) noexcept;

  Metrics* metrics_;
  LogSink sink_;
  std::uint32_t rejects_per_second_max_;
  std::uint32_t rejects_in_window_ = 0;
  net::Time window_began_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace hilo::ws
