// SPDX-License-Identifier: MIT
//
// What an application answers to an opening handshake, at once or later.
//
//   at once  server.at("/chat").on_upgrade([](const ws::Request& request) -> ws::Decision {
//              if (!request.cookie("session")) return ws::Reject{.status = 401};
//              return ws::Accept{.subprotocol = "v2", .fields = {{"Set-Cookie", "seen=1"}}};
//            });
//   later    server.at("/chat").on_upgrade_later([&](ws::PendingUpgrade& upgrade) {
//              ask(upgrade.request().cookie("session"), [&server, id = upgrade.id()](bool yes) {
//                yes ? server.accept(id) : server.reject(id);      // in the loop's thread
//              });
//            });
//
// Until the answer nothing more is read: the peer's next bytes, and the end of them, wait, and are
// handled as frames behind the 101. Whoever is not answered within Limits::upgrade_timeout gets a
// 504. Once the peer has reset the connection, was answered or ran out of time, an id refers to
// nothing, and answering does nothing.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "net/base/callback.h"
#include "net/base/slab.h"
#include "ws/request.h"

namespace hilo::net {
class Stream;
}

namespace hilo::ws {

class AdmittedPlace;
class Server;
class WaitingUpgrade;

// One field line of an answer.
struct Field {
  std::string name;
  std::string value;
};

// Yes, with the subprotocol to speak and fields of your own ...
struct Accept {
  std::string subprotocol = {};    // one that the client offered, or empty
  std::vector<Field> fields = {};  // for example Set-Cookie
};
// ... or no.
struct Reject {
  std::uint16_t status = 403;
  std::string reason = {};
  bool is_told = false;  // whoever decides has counted and logged it already
  // A 401 needs one (RFC 9110 §11.6.1): {{"WWW-Authenticate", "Basic realm=\"here\""}}.
  std::vector<Field> fields = {};
};
using Decision = std::variant<Accept, Reject>;

// For those who speak to browsers of 2010: what knocks with the handshake of draft 76, which has
// other keys and other frames, is theirs if they want it.
class Hixie76Taker {
 public:
  // Makes ready for the connection of this request, whose origin is an allowed one. False: it gets
  // its 400.
  virtual bool prepare(const Request& request, bool is_tls) = 0;
  // Follows at once, within a call of the stream's handler: sets another one, which then hears what
  // stands behind the head, and does not destroy the stream. `place` is to be kept as long as the
  // connection: until it goes, limits of connections count it (net/stream.h, ws/admission.h).
  virtual void take(std::unique_ptr<net::Stream> stream,
                    std::unique_ptr<AdmittedPlace> place) noexcept = 0;

 protected:
  ~Hixie76Taker() = default;
};

// Names a handshake that waits for its answer.
struct UpgradeId {
  SlabHandle handle;
};

// A handshake that waits for its answer. A PendingUpgrade& is good within the callback that shows
// it; what is kept is its id().
class PendingUpgrade {
 public:
  PendingUpgrade(const PendingUpgrade&) = delete;
  PendingUpgrade& operator=(const PendingUpgrade&) = delete;

  // Valid within the callback only.
  const Request& request() const noexcept { return *request_; }
  UpgradeId id() const noexcept { return {handle_}; }
  // Hears if the connection breaks before the answer, if time runs out, or if the server ends. Not
  // after the answer. (A FIN alone is heard behind the frames in front of it, by on_close.)
  void on_gone(Callback<void()> callback) { on_gone_ = std::move(callback); }

 private:
  friend class Server;
  friend class WaitingUpgrade;  // all there is to it
  explicit PendingUpgrade(SlabHandle handle) noexcept : handle_(handle) {}
  ~PendingUpgrade() = default;

  SlabHandle handle_;
  const Request* request_ = nullptr;
  Callback<void()> on_gone_;
};

}  // namespace hilo::ws
