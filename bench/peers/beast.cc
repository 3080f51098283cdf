// SPDX-License-Identifier: MIT
//
// Boost.Beast as an echo and a broadcast, one thread, as its own examples are written: a read, then
// the write, then the next read. Prints "listening on PORT".
//
//   beast [CERTIFICATE KEY]     with these over TLS

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using Plain = beast::tcp_stream;
using Secure = beast::ssl_stream<beast::tcp_stream>;
using Message = std::shared_ptr<const std::string>;

template <class Next>
class Session;
template <class Next>
std::set<Session<Next>*>& room() {
  static std::set<Session<Next>*> members;
  return members;
}

template <class Next>
class Session : public std::enable_shared_from_this<Session<Next>> {
 public:
  template <class... Arguments>
  explicit Session(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {}
  ~Session() { room<Next>().erase(this); }

  void run() {
    beast::get_lowest_layer(stream_).socket().set_option(tcp::no_delay(true));
    if constexpr (std::is_same_v<Next, Secure>) {
      stream_.next_layer().async_handshake(
          asio::ssl::stream_base::server,
          [self = this->shared_from_this()](beast::error_code error) {
            if (!error) self->read_request();
          });
    } else {
      read_request();
    }
  }

 private:
  // The request is read here, since its path says what is wanted.
  void read_request() {
    http::async_read(stream_.next_layer(), buffer_, request_,
                     [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->accept();
                     });
  }

  void accept() {
    stream_.async_accept(request_, [self = this->shared_from_this()](beast::error_code error) {
      if (error) return;
      self->is_member_ = self->request_.target() == "/broadcast";
      if (self->is_member_) room<Next>().insert(self.get());
      self->read();
    });
  }

  void read() {
    stream_.async_read(buffer_,
                       [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                         if (!error) self->answer();
                       });
  }

  void answer() {
    stream_.text(stream_.got_text());
    if (!is_member_) {
      return stream_.async_write(
          buffer_.data(), [self = this->shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return;
            self->buffer_.consume(self->buffer_.size());
            self->read();
          });
    }
    const auto message =
        std::make_shared<const std::string>(beast::buffers_to_string(buffer_.data()));
    buffer_.consume(buffer_.size());
    for (Session* each : room<Next>()) each->send(message);
    read();
  }

  void send(const Message& message) {
    queue_.push_back(message);
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                          if (error) return;
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) self->write_next();
                        });
  }

  websocket::stream<Next> stream_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  std::deque<Message> queue_;
  bool is_member_ = false;
};

class BeastServer {
 public:
  BeastServer(asio::io_context& io, std::optional<asio::ssl::context>& tls)
      : tls_(tls), acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}) {
    std::printf("listening on %d\n", acceptor_.local_endpoint().port());
    std::fflush(stdout);
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (!error && tls_) {
        std::make_shared<Session<Secure>>(std::move(socket), *tls_)->run();
      } else if (!error) {
        std::make_shared<Session<Plain>>(std::move(socket))->run();
      }
      accept();
    });
  }

  std::optional<asio::ssl::context>& tls_;
  tcp::acceptor acceptor_;
};

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io{1};
  std::optional<asio::ssl::context> tls;
  if (argc == 3) {
    tls.emplace(asio::ssl::context::tls_server);
    tls->use_certificate_chain_file(argv[1]);
    tls->use_private_key_file(argv[2], asio::ssl::context::pem);
  }
  const BeastServer server(io, tls);
  io.run();
}
