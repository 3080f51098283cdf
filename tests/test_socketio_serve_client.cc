// SPDX-License-Identifier: MIT
//
// The client's script for browsers: of the official bundle, or one of the caller's own.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/engineio_wire.h"
#include "tests/support/socketio_wire.h"
#include "ws/socketio/serve_client.h"

using namespace hilo;
using namespace hilo::test;

namespace {

// A directory that is gone behind the test.
struct Place {
  Place() {
    std::string pattern = std::filesystem::temp_directory_path() / "hilo-bundle-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    root = pattern;
  }
  ~Place() { std::filesystem::remove_all(root); }
  void write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::filesystem::path root;
};

std::string type_of(const HttpPeer::Answer& answer) {
  constexpr std::string_view mark = "Content-Type: ";
  const std::size_t begin = answer.head.find(mark);
  if (begin == std::string::npos) return {};
  return answer.head.substr(begin + mark.size(),
                            answer.head.find("\r\n", begin) - begin - mark.size());
}

}  // namespace

TEST_CASE("every file of the official bundle is served, with its type") {
  const Place place;
  const std::string dist = "node_modules/socket.io-client/dist/";
  for (const char* name :
       {"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.js.map",
        "socket.io.min.js.map", "socket.io.esm.min.js.map"}) {
    place.write(dist + name, std::string("// ") + name);
  }
  const std::string found = socketio::find_client_bundle(place.root.string());
  CHECK(found == (place.root / "node_modules/socket.io-client/dist").string());
  SocketioServer server;
  REQUIRE(socketio::serve_client(server.server, found, "own"));
  HttpPeer peer(server);
  for (const std::string name :
       {"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.js.map",
        "socket.io.min.js.map", "socket.io.esm.min.js.map"}) {
    CAPTURE(name);
    const HttpPeer::Answer answer = peer.get("/socket.io/" + name);
    CHECK(answer.status == 200);
    CHECK(answer.body == "// " + name);
    const bool is_map = name.ends_with(".map");
    CHECK(type_of(answer).starts_with(is_map ? "application/json" : "text/javascript"));
  }
  CHECK(peer.get("/socket.io/package.json").status == 404);
  // What is asked for is still the server's.
  CHECK(peer.get("/socket.io/?EIO=4&transport=polling").body.starts_with("0{\"sid\":"));
}

TEST_CASE("without the bundle a script of the caller's own takes the place of socket.io.js") {
  const Place place;
  CHECK(socketio::find_client_bundle(place.root.string()).empty());
  SocketioServer server;
  REQUIRE(socketio::serve_client(server.server, "", "window.io = 1"));
  HttpPeer peer(server);
  const HttpPeer::Answer answer = peer.get("/socket.io/socket.io.js");
  CHECK(answer.status == 200);
  CHECK(answer.body == "window.io = 1");
  CHECK(type_of(answer) == "text/javascript; charset=utf-8");
  HttpPeer other(server);
  CHECK(other.get("/socket.io/socket.io.min.js").status != 200);
  CHECK(peer.get("/socket.io/?EIO=4&transport=polling").body.starts_with("0{\"sid\":"));
}

TEST_CASE("a directory that is not there is an error, and of npm's two places the first counts") {
  const Place place;
  SocketioServer server;
  CHECK_FALSE(socketio::serve_client(server.server, (place.root / "nowhere").string()));
  place.write("node_modules/socket.io/client-dist/socket.io.js", "server's");
  CHECK(socketio::find_client_bundle(place.root.string()).ends_with("socket.io/client-dist"));
  place.write("node_modules/socket.io-client/dist/socket.io.js", "client's");
  CHECK(socketio::find_client_bundle(place.root.string()).ends_with("socket.io-client/dist"));
}
