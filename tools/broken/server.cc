// SPDX-License-Identifier: MIT

#include "tools/broken/server.h"

#include <optional>
#include <string>
#include <utility>

#include "net/stream.h"
#include "tools/broken/answer.h"
#include "tools/broken/echo.h"

namespace hilo::tools::broken {

class BrokenServer::Connection final : private net::Stream::Handler {
 public:
  Connection(BrokenServer& server, net::Fd fd)
      : server_(&server), stream_(*server.loop_, std::move(fd), *this) {}
  virtual ~Connection() = default;

  Status start() { return stream_.start(); }

 private:
  net::Stream::Want on_input(MutableBytes& input) override {
    const std::string_view bytes = as_text(input);
    if (echo_) {
      echo_->take(bytes);
    } else if (!ended_) {
      head_ += bytes;
      take_request();
    }
    input = {};
    if (echo_) write(echo_->take_output());
    if (echo_ && echo_->is_over() && server_->fault_ != Fault::never_ends) end();
    return net::Stream::Want::more;
  }

  void take_request() {
    const Answer answer = answer_request(server_->fault_, head_);
    write(answer.head);
    switch (answer.kind) {
      case Answer::Kind::need_input: return;
      case Answer::Kind::refused: return end();
      case Answer::Kind::opened: break;
    }
    echo_.emplace(server_->fault_, answer.deflate);
    if (server_->fault_ != Fault::loses_glued) {
      echo_->take(std::string_view(head_).substr(answer.request_bytes));
    }
  }

  // A stream that does not take it is broken, and says so by itself.
  void write(std::string_view bytes) {
    if (!bytes.empty()) static_cast<void>(stream_.write(as_bytes(bytes)));
  }

  // FIN now, and the descriptor is closed when the client's has come: closing with unread input
  // would reset the connection.
  void end() {
    if (!std::exchange(ended_, true)) stream_.shutdown_write();
  }

  void on_end() override {
    if (server_->fault_ != Fault::never_ends) stream_.close();
  }
  void on_broken(std::error_code) override { stream_.close(); }
  void on_reap() override { server_->connections_.erase(this); }

  BrokenServer* server_;
  net::Stream stream_;
  std::string head_;
  std::optional<Echo> echo_;
  bool ended_ = false;
};

BrokenServer::BrokenServer(net::Loop& loop, Fault fault) : loop_(&loop), fault_(fault) {}
BrokenServer::~BrokenServer() = default;

Result<net::Address> BrokenServer::listen(const net::Address& address) {
  auto listener = std::make_unique<net::Listener>(*loop_);
  const Status status = listener->open(
      address, {}, [this](net::Fd fd, const net::Address&) { accepted(std::move(fd)); });
  if (!status) return status.error();
  listeners_.push_back(std::move(listener));
  return listeners_.back()->address();
}

void BrokenServer::accepted(net::Fd fd) {
  auto connection = std::make_unique<Connection>(*this, std::move(fd));
  if (!connection->start()) return;
  Connection* key = connection.get();
  connections_.emplace(key, std::move(connection));
}

}  // namespace hilo::tools::broken
