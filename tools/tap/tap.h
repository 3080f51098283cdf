// SPDX-License-Identifier: MIT
//
// Tap: a proxy between any client and any server that tells what flows, layer by layer.
//
//   client --- Link --- server     one Link for each connection that is accepted
//               |
//            Explainer             what passes, in both directions
//
// Bytes go on as they came, unless the options say otherwise: then what is told is what went on,
// and what was done to it, with a forecast of what comes of it (forecast.h). Neither side is read
// faster than the other takes.
//
//   thread  the loop's
//   memory  queue_bytes_max a direction, and an Explainer for each connection
//   errors  a server that cannot be reached, and connections that break, are told and cost that
//           connection
//   life    the loop and the texts of the target's URL outlive it

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/base/callback.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "tools/explain/explainer.h"
#include "tools/tap/capture_writer.h"
#include "tools/tap/changes.h"
#include "tools/tap/frame_editor.h"
#include "ws/core/url.h"

namespace hilo::tools::tap {

struct Options {
  ws::Url target;
  std::shared_ptr<const net::tls::ClientContext> tls;  // null: none
  std::string tls_server_name;
  net::Duration connect_timeout = net::Duration::seconds(10);
  net::Duration delay = {};  // what arrives goes on so much later
  bool split = false;        // byte by byte, each in a turn of its own; not what is put in
  Changes changes;
  std::string capture_file;  // empty: none
  explain::Style style;
};

// Who looks at all connections while they pass, besides whoever gets the lines.
class Onlooker {
 public:
  virtual void on_part(const std::string& connection, const trace::Part& part, Bytes bytes) = 0;
  // The parts of that connection since the last time are all that came at once.
  virtual void on_pause(const std::string& connection) = 0;

 protected:
  ~Onlooker() = default;
};

class Link;

class Tap {
 public:
  static constexpr std::size_t queue_bytes_max = std::size_t{1} << 20;

  // `on_text` gets the lines of all connections; `on_trouble` one line about what went wrong.
  Tap(net::Loop& loop, Options options, Callback<void(std::string_view)> on_text,
      Callback<void(const std::string&)> on_trouble);
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;
  ~Tap();

  // Before it listens. `onlooker` outlives the tap.
  void show(Onlooker& onlooker) noexcept { onlooker_ = &onlooker; }
  Result<net::Address> listen(const net::Address& address);
  // Where a capture is written: whether all of it is there.
  bool flush();

  // Done to the next frame that begins on any connection.
  Wishes& wishes() noexcept { return wishes_; }
  // Puts a frame into the connection that was accepted last of those whose handshake is over.
  // False: there is none, or too many wait there for a frame to end.
  bool inject(const Injection& injection);

 private:
  friend class Link;
  void accepted(net::Fd fd, const net::Address& peer);
  void gone(std::uint64_t number);
  void bury();

  net::Loop* loop_;
  Options options_;
  Callback<void(std::string_view)> on_text_;
  Callback<void(const std::string&)> on_trouble_;
  std::optional<CaptureWriter> capture_;
  Onlooker* onlooker_ = nullptr;
  Wishes wishes_;
  explain::Speaker speaker_ = explain::make_speaker();
  net::Listener listener_;
  std::uint64_t accepted_count_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> gone_;  // whose last call may still be running
  net::Loop::TimerId burial_;
};

}  // namespace hilo::tools::tap
