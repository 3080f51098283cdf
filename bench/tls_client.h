// SPDX-License-Identifier: MIT
//
// The client's end of TLS on a connected socket that does not block, by OpenSSL alone, for benches
// that want to see a server over TLS. It believes everybody.

#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <memory>
#include <span>

#include "net/base/bytes.h"
#include "net/base/check.h"

namespace hilo::bench {

class TlsClient {
 public:
  // Does the handshake.
  explicit TlsClient(int fd) : ssl_(SSL_new(context())), fd_(fd) {
    HILO_CHECK(ssl_ != nullptr && SSL_set_fd(ssl_.get(), fd) == 1);
    SSL_set_connect_state(ssl_.get());
    int done = 0;
    while ((done = SSL_do_handshake(ssl_.get())) != 1) wait_for(blocked_on(done));
  }

  // How much was taken, or has come: 0 if the socket would block.
  std::size_t send(Bytes bytes) {
    std::size_t size = 0;
    const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    if (done != 1) blocked_on(done);
    return size;
  }
  std::size_t receive(MutableBytes into) {
    std::size_t size = 0;
    const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
    if (done != 1) blocked_on(done);
    return size;
  }
  void wait_for(int events) {
    pollfd wanted{fd_, static_cast<short>(events), 0};
    HILO_CHECK(::poll(&wanted, 1, 10'000) == 1);
  }

 private:
  static SSL_CTX* context() {
    static SSL_CTX* const made = [] {
      SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
      HILO_CHECK(c != nullptr);
      SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
      return c;
    }();
    return made;
  }

  int blocked_on(int done) {
    const int error = SSL_get_error(ssl_.get(), done);
    HILO_CHECK(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
    return error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
  }

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  int fd_;
};

}  // namespace hilo::bench
