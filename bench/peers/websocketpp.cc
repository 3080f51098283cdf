// SPDX-License-Identifier: MIT
//
// websocketpp as an echo and a broadcast, one thread. Prints "listening on PORT".
//
//   websocketpp [deflate]

#include <cstdio>
#include <cstring>
#include <set>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

namespace {

using websocketpp::connection_hdl;

struct Quiet : websocketpp::config::asio {
  static constexpr websocketpp::log::level elog_level = websocketpp::log::elevel::none;
  static constexpr websocketpp::log::level alog_level = websocketpp::log::alevel::none;
};

struct Compressing : Quiet {
  struct permessage_deflate_config {};
  using permessage_deflate_type =
      websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>;
};

template <class Config>
int serve() {
  using Server = websocketpp::server<Config>;
  std::set<connection_hdl, std::owner_less<connection_hdl>> room;
  Server server;
  server.clear_access_channels(websocketpp::log::alevel::all);
  server.clear_error_channels(websocketpp::log::elevel::all);
  server.init_asio();
  server.set_reuse_addr(true);
  server.set_tcp_post_init_handler([&](connection_hdl handle) {
    server.get_con_from_hdl(handle)->get_socket().set_option(
        websocketpp::lib::asio::ip::tcp::no_delay(true));
  });
  const auto is_member = [&](connection_hdl handle) {
    return server.get_con_from_hdl(handle)->get_resource() == "/broadcast";
  };
  server.set_open_handler([&](connection_hdl handle) {
    if (is_member(handle)) room.insert(handle);
  });
  server.set_close_handler([&](connection_hdl handle) { room.erase(handle); });
  server.set_message_handler([&](connection_hdl handle, typename Server::message_ptr message) {
    websocketpp::lib::error_code error;
    if (!room.empty() && is_member(handle)) {
      for (const connection_hdl& each : room) {
        server.send(each, message->get_payload(), message->get_opcode(), error);
      }
    } else {
      server.send(handle, message->get_payload(), message->get_opcode(), error);
    }
  });
  server.listen(websocketpp::lib::asio::ip::tcp::endpoint(
      websocketpp::lib::asio::ip::make_address("127.0.0.1"), 0));
  server.start_accept();
  websocketpp::lib::asio::error_code error;
  std::printf("listening on %d\n", server.get_local_endpoint(error).port());
  std::fflush(stdout);
  server.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool compresses = argc > 1 && std::strcmp(argv[1], "deflate") == 0;
  return compresses ? serve<Compressing>() : serve<Quiet>();
}
