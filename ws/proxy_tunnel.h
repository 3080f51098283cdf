// SPDX-License-Identifier: MIT
//
// ProxyTunnel: what is said to a proxy so that it connects us to a server, and what it answers.
// Bytes in, bytes out; proxy_dialer.h brings them to a socket.
//
//   http://   CONNECT (RFC 9110 §9.3.6), with Basic credentials if there are any (RFC 7617)
//             -> CONNECT example.com:443 HTTP/1.1
//             <- HTTP/1.1 200 Connection established
//   socks5:// SOCKS 5 (RFC 1928), with name and password if there are any (RFC 1929)
//             -> 05 02 00 02      <- 05 02        methods: none, name and password
//             -> 01 4 user 6 secret    <- 01 00
//             -> 05 01 00 03 11 example.com 01 bb   <- 05 00 00 01 ...
//
// The name of the server goes to the proxy as it is and is looked up there. Behind the proxy's
// answer nothing may stand: in what we go on to speak the client comes first.
//
//   errors  Errc::proxy_*; code() has the HTTP status or the reply of SOCKS
//   limits  the heads of an answer: ResponseReader::bytes_max; of SOCKS 262 bytes
//   memory  what has come of the answer is held until the tunnel is destroyed

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/result.h"
#include "ws/core/error.h"
#include "ws/core/handshake.h"
#include "ws/credentials.h"

namespace hilo::ws {

// A proxy's URL, taken apart: views into the text that was given.
struct ProxyUrl {
  enum class Scheme : std::uint8_t { http, socks5 };
  Scheme scheme = Scheme::http;
  std::string_view host;  // without brackets
  std::uint16_t port = 0;
  std::string_view userinfo;  // still percent-encoded, or empty
};

// http://[user[:password]@]host[:port] (port 80 unless given), or socks5:// or socks5h:// (port
// 1080), which mean the same here. Errc::proxy_url for anything else; TLS to the proxy itself
// (https://) is not spoken.
Result<ProxyUrl> parse_proxy_url(std::string_view text) noexcept;

class ProxyTunnel {
 public:
  enum class State : std::uint8_t {
    http_answer,     // the CONNECT is out
    socks_method,    // the greeting is out
    socks_password,  // name and password are out
    socks_reply,     // the request is out
    established,
    failed,
  };

  ProxyTunnel() = default;
  ProxyTunnel(const ProxyTunnel&) = delete;
  ProxyTunnel& operator=(const ProxyTunnel&) = delete;

  // To the server at host:port, the host without brackets. Errc::argument for what the protocol
  // cannot carry: names and passwords over 255 bytes with SOCKS, control bytes with HTTP.
  Status begin(ProxyUrl::Scheme scheme, std::string_view host, std::uint16_t port,
               const Credentials& credentials);
  // What is to be sent now; once each.
  std::string take_output() { return std::exchange(output_, {}); }
  // Takes what the proxy has sent, in pieces of any size.
  State feed(Bytes bytes);

  State state() const noexcept { return state_; }
  // Once it has failed.
  Errc error() const noexcept { return error_; }
  // The status of a proxy that said no, or its SOCKS reply; 0 if it said nothing like that.
  std::uint16_t code() const noexcept { return code_; }
  // Its whole head, if it speaks HTTP and said no; null otherwise. Valid as long as this.
  const ResponseHead* response() const noexcept { return has_response_ ? &response_ : nullptr; }

 private:
  Status begin_http(std::string_view host, std::uint16_t port, const Credentials& credentials);
  Status begin_socks(std::string_view host, std::uint16_t port, const Credentials& credentials);
  bool read_http();
  bool read_method();
  bool read_password();
  bool read_reply();
  bool fail(Errc error, std::uint16_t code = 0) noexcept;

  State state_ = State::failed;
  Errc error_ = Errc::none;
  std::uint16_t code_ = 0;
  bool has_response_ = false;
  std::string output_;
  std::string input_;    // not taken yet
  std::string request_;  // of SOCKS, kept until it is due
  std::string password_request_;
  ResponseReader reader_;
  ResponseHead response_;
};

}  // namespace hilo::ws
