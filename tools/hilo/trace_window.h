// SPDX-License-Identifier: MIT
//
// TraceWindow: a page that looks at connections, over a WebSocket of its own: what it is told, and
// what it wishes. Whose connections these are is for who opens the window: the page's own
// (trace_rooms.h), or those that pass through a tap (tap_page.h).
//
// The window is told one JSON object a message:
//
//   {"connection":"#1","parts":[...]}      what passed, part by part: tools/explain/print.h
//   {"connection":"#1","queue":N,"most":N} bytes that wait for a slow reader, ten times a second
//   {"connection":"#1","lost":N}           beside these: so many parts were not shown, or more
//   {"done":N}                             the N-th of its wishes was heard; with "refused":"..."
//                                          it cannot be done
//
// and says that it has had a message, and what is to be done to the connections that it shows:
//
//   {"had":N}              N bytes of messages: no more than ahead_bytes_max are under way
//   {"slow":N}             as if their peer took N bytes a second and no more; 0: all it can
//   {"break":"mask"}       the next frame that begins is changed on its way (tap/breaker.h)
//   {"drop":"client"}      the next frame of that side is not passed on
//   {"inject":"server:.."} a frame is put in (tap/changes.h)
//
// Who shows connections does of that what it can. Nobody waits for a window: what it does not take
// is lost, and counted.
//
//   thread  tell() and is_gone() any; hear() and done() that of the window's connection
//   memory  ahead_bytes_max under way to it

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tools/tap/breaker.h"
#include "ws/connection.h"
#include "ws/sender.h"
#include "ws/trace/part.h"

namespace hilo::tools {

// The parts of one call of a stream, as a list in JSON.
class TraceCall {
 public:
  static constexpr std::size_t bytes_max = std::size_t{256} << 10;

  // A line of JSON. False: there is no room for it, and it counts as lost.
  bool add(std::string_view line);
  bool empty() const noexcept { return count_ == 0 && lost_ == 0; }
  // Forgets them.
  void clear() noexcept;

  // `"parts":[...]`, or nothing if none had room.
  std::string text() const;
  std::size_t count() const noexcept { return count_; }
  std::size_t lost() const noexcept { return lost_; }

 private:
  std::string parts_;
  std::size_t count_ = 0;
  std::size_t lost_ = 0;
};

class TraceWindow {
 public:
  static constexpr std::size_t ahead_bytes_max = std::size_t{512} << 10;

  explicit TraceWindow(ws::Sender window) : window_(std::move(window)) {}

  // Nobody looks any more.
  bool is_gone() const noexcept { return window_.is_gone(); }
  // `fields`: of the object, without braces; may be empty.
  void tell(std::string_view connection, std::string_view fields);
  void tell(std::string_view connection, const TraceCall& call) noexcept;

  struct Wish {
    std::optional<std::uint32_t> slow;
    std::optional<tap::Break> next_break;
    std::optional<trace::Direction> drop;
    std::optional<std::string> inject;
  };
  // What the window says. Nothing: it is no wish, but that it had something, or not understood.
  std::optional<Wish> hear(std::string_view text);
  // That a wish was heard. `refused`: why it is not done, or empty.
  void done(ws::Connection& window, const std::string& refused = {});

 private:
  bool send(std::string_view connection, std::string_view fields) noexcept;

  const ws::Sender window_;
  std::atomic<std::size_t> ahead_ = 0;  // bytes that it has not said it had
  std::atomic<std::size_t> lost_ = 0;   // parts that it has not been told of
  std::uint64_t wishes_ = 0;
};

// Whether this asks for the server's own page, and not by way of a proxy: a browser says so.
bool asks_for_own_page(const ws::Request& request) noexcept;

}  // namespace hilo::tools
