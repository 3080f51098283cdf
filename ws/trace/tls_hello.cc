// SPDX-License-Identifier: MIT

#include "ws/trace/tls_hello.h"

#include <algorithm>
#include <array>

namespace hilo::trace {
namespace {

constexpr std::uint16_t server_name_extension = 0;
constexpr std::uint16_t alpn_extension = 16;
constexpr std::uint16_t early_data_extension = 42;
constexpr std::uint16_t supported_versions_extension = 43;

// Takes from the front; what is not there makes it bad, and gives nothing from then on.
class TlsCursor {
 public:
  explicit TlsCursor(Bytes bytes) : rest_(bytes) {}

  Bytes take(std::size_t count) {
    if (count > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  // With its length in front, of so many bytes.
  Bytes vector(std::size_t length_bytes) { return take(number(length_bytes)); }

  bool good() const noexcept { return good_; }
  bool done() const noexcept { return rest_.empty(); }

 private:
  Bytes rest_;
  bool good_ = true;
};

// RFC 6066 §3: a list of names, of which only host names were ever defined.
bool read_server_name(Bytes data, TlsExtensions& into) {
  if (data.empty()) return true;  // as a server answers
  TlsCursor list(TlsCursor(data).vector(2));
  constexpr std::size_t host_name = 0;
  if (list.number(1) == host_name) into.server_name = list.vector(2);
  return list.good();
}

bool read_extension(std::size_t type, Bytes data, bool from_client, TlsExtensions& into) {
  TlsCursor cursor(data);
  switch (type) {
    case server_name_extension: return read_server_name(data, into);
    case alpn_extension: into.protocols = cursor.vector(2); return cursor.good();
    case early_data_extension: into.early_data = true; return true;
    case supported_versions_extension:
      into.versions = from_client ? cursor.vector(1) : cursor.take(2);
      return cursor.good() && into.versions.size() % 2 == 0;
    default: return true;
  }
}

bool read_extensions(TlsCursor& cursor, bool from_client, TlsExtensions& into) {
  if (cursor.done()) return cursor.good();  // TLS 1.2 may have none
  TlsCursor list(cursor.vector(2));
  while (!list.done()) {
    const std::size_t type = list.number(2);
    const Bytes data = list.vector(2);
    if (!list.good() || !read_extension(type, data, from_client, into)) return false;
  }
  return cursor.good() && cursor.done();
}

// SHA-256 of "HelloRetryRequest".
constexpr std::array<std::uint8_t, 32> retry_random = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

constexpr std::size_t hello_random_bytes = 32;

}  // namespace

std::optional<TlsHello> parse_client_hello(Bytes body) {
  TlsCursor cursor(body);
  TlsHello hello;
  hello.version = cursor.take(2);
  hello.random = cursor.take(hello_random_bytes);
  static_cast<void>(cursor.vector(1));  // the session's id
  hello.suites = cursor.vector(2);
  hello.compression = cursor.vector(1);
  if (!cursor.good() || hello.suites.size() % 2 != 0) return std::nullopt;
  if (!read_extensions(cursor, true, hello.extensions)) return std::nullopt;
  return hello;
}

std::optional<TlsHello> parse_server_hello(Bytes body) {
  TlsCursor cursor(body);
  TlsHello hello;
  hello.version = cursor.take(2);
  hello.random = cursor.take(hello_random_bytes);
  static_cast<void>(cursor.vector(1));  // the session's id
  hello.suites = cursor.take(2);
  hello.compression = cursor.take(1);
  if (!cursor.good() || !read_extensions(cursor, false, hello.extensions)) return std::nullopt;
  return hello;
}

std::optional<TlsExtensions> parse_encrypted_extensions(Bytes body) {
  TlsCursor cursor(body);
  TlsExtensions extensions;
  if (!read_extensions(cursor, false, extensions)) return std::nullopt;
  return extensions;
}

bool is_retry_request(const TlsHello& server) noexcept {
  return std::equal(server.random.begin(), server.random.end(), retry_random.begin(),
                    retry_random.end());
}

}  // namespace hilo::trace
