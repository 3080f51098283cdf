// SPDX-License-Identifier: MIT
//
// A real server and raw peers in one thread: the peers write bytes of the test's choice to real
// sockets and see exactly what comes back. No sleeps: turns of the loop run until something has
// happened, and a bound far behind that fails the test.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/clock.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/tls.h"
#include "tests/support/tls_endpoint.h"
#include "ws/metrics.h"
#include "ws/server.h"

namespace hilo::test {

// What must be as it was before once all peers are gone.
struct Baseline {
  std::size_t descriptors = 0;
  std::size_t watched = 0;
  std::size_t timers = 0;
  std::size_t pool_bytes = 0;
  std::size_t connections = 0;
  bool operator==(const Baseline&) const = default;
};
// For what a failed CHECK prints.
std::ostream& operator<<(std::ostream& out, const Baseline& baseline);
std::size_t open_descriptors();

// Serves an echo at every path but "/page", which is a plain route, and "/mute", which only
// listens.
class WireServer {
 public:
  // With `tls` it is an https and wss server.
  explicit WireServer(const ws::Limits& limits = {}, ws::ServerOptions options = {},
                      std::shared_ptr<net::tls::ServerContext> tls = nullptr);

  // One that knows "/mute" and "/page" and no other path.
  struct ExactPaths {};
  explicit WireServer(ExactPaths);

  // Turns the loop until `done()`. False after ten seconds.
  template <class Done>
  bool until(Done&& done) {
    const net::Time limit = net::clock_now() + net::Duration::seconds(10);
    while (!done()) {
      if (net::clock_now() > limit || !turn()) return false;
    }
    return true;
  }
  // Waits for all connections to be gone.
  bool settle();
  Baseline baseline();
  std::uint64_t rejects(ws::Errc error) const {
    return server.metrics().rejects[static_cast<std::size_t>(error)];
  }
  std::uint64_t all_rejects() const;

  // What the handlers were told.
  struct Closed {
    ws::CloseCode code;
    ws::Errc error;
    bool clean;
    ws::ClosedBy by = ws::ClosedBy::network;
    std::string reason = {};
  };
  int opened = 0;
  std::vector<std::pair<ws::Opcode, std::string>> messages;
  std::vector<Closed> closed;
  std::vector<std::string> log;  // lines, but those of level debug
  std::vector<std::string> debug_log;

  net::Loop loop;
  ws::Server server;  // behind all that its handlers write to
  net::Address address;
  const bool speaks_tls;

 private:
  void serve_exact_paths(std::shared_ptr<net::tls::ServerContext> tls);
  void note_close(const ws::CloseInfo& info);
  bool turn();
};

// A context for servers that need one and no more, the same for all of a test program.
std::shared_ptr<net::tls::ServerContext> any_tls_context();

// For what holds whatever is beneath: called once in a test, it makes two subcases of it, and gives
// nothing in the first and any_tls_context() in the second.
std::shared_ptr<net::tls::ServerContext> plain_then_tls();

// Over TLS all of this means the plain text, and FIN comes behind a close_notify, except for what
// is called raw.
class WirePeer {
 public:
  // Connects; `receive_buffer_bytes` 0 leaves the kernel's choice. To a server that speaks TLS it
  // speaks TLS, too.
  explicit WirePeer(WireServer& server, int receive_buffer_bytes = 0);
  WirePeer(WireServer& server, const TlsEndpointOptions& tls);
  // Bare bytes, whatever the server speaks.
  struct Raw {};
  WirePeer(WireServer& server, Raw);

  // Sends everything, turning the loop whenever the kernel is full. False if the server hung up.
  bool send(std::string_view bytes);
  bool send_raw(std::string_view bytes);
  // False if there is no agreement. send() does it where it was not done before.
  bool handshake();
  void finish_sending();
  void finish_sending_raw();
  void reset();
  void close() { fd_.reset(); }

  // Takes what has arrived.
  void receive();
  bool until_received(std::size_t bytes);
  // Until `received` holds `text`.
  bool until_contains(std::string_view text);
  // Until the server has closed, politely or not.
  bool until_end();

  // Does the opening handshake on `path`; `received` is empty afterwards, but for frames.
  bool upgrade(std::string_view path = "/echo");

  // While set and false, send() does not read: what the server sends piles up.
  std::function<bool()> may_read;
  std::string received;
  bool ended = false;      // FIN seen
  bool was_reset = false;  // RST seen
  int fd() const { return fd_.value(); }
  TlsEndpoint* tls() { return tls_.get(); }  // null where there is none

 private:
  void connect(int receive_buffer_bytes);
  void push();
  bool ended_somehow() const { return ended || was_reset; }

  WireServer* server_;
  net::Fd fd_;
  std::unique_ptr<TlsEndpoint> tls_;
  std::string unsent_;  // records that the kernel has not taken yet
};

// "\x81\x05..." with a mask, as a client sends it. `first` is the whole first byte.
std::string client_frame(std::uint8_t first, std::string_view payload,
                         std::uint32_t key = 0x37fa213d);
// Without a mask, as a server sends it.
std::string server_frame(std::uint8_t first, std::string_view payload);
// The payload of a Close frame.
std::string close_body(std::uint16_t code, std::string_view reason = {});
// Bytes from hex digits and spaces.
std::string hex(std::string_view digits);

// The request of a well-behaved client; `path` and more lines ("X: y\r\n") as given.
std::string upgrade_request(std::string_view path = "/echo", std::string_view more = {});

}  // namespace hilo::test
