// SPDX-License-Identifier: MIT

#include "tests/sim/system/bad_peer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/world.h"

namespace hilo::sim {
namespace {

// Beginnings that let what follows get somewhere.
std::string draw_words(Random& random) {
  static constexpr std::array<std::string_view, 9> sentences{
      "GET / HTTP/1.1\r\n\r\n",
      "GET /bad HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
      "POST /engine.io/?EIO=4&transport=polling&sid=nobody HTTP/1.1\r\nHost: x\r\n"
      "Content-Length: 5\r\n\r\n4four",
      "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /socket.io/?EIO=7&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n"
      "\r\n5\r\n40{{{\r\nzz\r\n",
      "GET /bad HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n",
      "\x16\x03\x01\x02",
      "\r\n\r\n\r\n",
  };
  static constexpr std::string_view payload = "\xC0\x80 is no UTF-8";
  std::string words;
  if (random.chance(40)) {
    words = sentences[random.below(sentences.size())];
  } else {
    words = upgrade_request();
    words.replace(0, 6, "GET /bad ");
    // Reserved bits, unknown opcodes, fragments of control frames, bad text.
    for (std::size_t i = random.between(1, 4); i > 0; --i) {
      words += client_frame(static_cast<std::uint8_t>(random.next()),
                            payload.substr(0, random.below(payload.size() + 1)));
    }
  }
  if (random.chance(30)) {
    std::string noise(random.between(1, 200), '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()});
    words += noise;
  }
  if (random.chance(30)) words.resize(random.between(1, words.size()));
  return words;
}

struct BadPeer {
  std::shared_ptr<Socket> socket;
  std::string words;
};

// Says a piece, and more of it later; then it goes.
void step(Network& network, const std::shared_ptr<BadPeer>& peer) {
  Random& random = network.random();
  const auto pause = net::Duration::milliseconds(static_cast<std::int64_t>(random.below(4000)));
  if (!peer->words.empty()) {
    const std::size_t size = random.between(1, peer->words.size());
    static_cast<void>(
        network.send(*peer->socket, as_bytes(std::string_view{peer->words}.substr(0, size))));
    peer->words.erase(0, size);
    return network.call_at(network.now() + pause, [&network, peer] { step(network, peer); });
  }
  if (random.chance(30)) network.shutdown_write(*peer->socket);
  peer->socket->abortive = random.chance(50);
  network.call_at(network.now() + pause, [&network, peer] { network.hang_up(*peer->socket); });
}

}  // namespace

void send_bad_peer(Network& network, const net::Address& to) {
  const auto peer = std::make_shared<BadPeer>();
  peer->socket = network.make(Socket::Kind::stream);
  if (network.connect(peer->socket, to).kind == net::Io::Kind::failed) return;
  network.count(Fault::bad_peer);
  peer->words = draw_words(network.random());
  step(network, peer);
}

}  // namespace hilo::sim
