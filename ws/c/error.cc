// SPDX-License-Identifier: MIT

#include <netdb.h>

#include <array>
#include <cstdlib>

#include "net/transport_tls.h"
#include "ws/c/words.h"

using namespace hilo;
using namespace hilo::ws;

namespace hilo::ws::c {
namespace {

constexpr int tls_base = 1000;
constexpr int tls_end = 2000;

constexpr bool is(int number, net::tls::Errc error) noexcept {
  return number == tls_base + static_cast<int>(error);
}
static_assert(is(HILO_ERROR_TLS_SETUP_HANDSHAKE, net::tls::Errc::handshake));
static_assert(is(HILO_ERROR_TLS_SETUP_VERIFY, net::tls::Errc::verify));
static_assert(is(HILO_ERROR_TLS_SETUP_ALERT, net::tls::Errc::alert));
static_assert(is(HILO_ERROR_TLS_SETUP_RECORD, net::tls::Errc::record));
static_assert(is(HILO_ERROR_TLS_SETUP_TRUNCATED, net::tls::Errc::truncated));
static_assert(is(HILO_ERROR_TLS_SETUP_KEY_UPDATES, net::tls::Errc::key_updates));
static_assert(is(HILO_ERROR_TLS_SETUP_RENEGOTIATION, net::tls::Errc::renegotiation));
static_assert(is(HILO_ERROR_TLS_SETUP_CERTIFICATE_FILE, net::tls::Errc::certificate_file));
static_assert(is(HILO_ERROR_TLS_SETUP_KEY_FILE, net::tls::Errc::key_file));
static_assert(is(HILO_ERROR_TLS_SETUP_CA_FILE, net::tls::Errc::ca_file));
static_assert(is(HILO_ERROR_TLS_SETUP_KEYLOG_FILE, net::tls::Errc::keylog_file));
static_assert(errc_count < tls_base && HILO_ERROR_TLS_SETUP_KEYLOG_FILE < tls_end);
static_assert(HILO_ERROR_LOOK_UP == tls_end);

std::string text_of_error(int error) {
  if (error < 0) return std::generic_category().message(-error);
  if (error == HILO_OK) return "success";
  if (error >= HILO_ERROR_LOOK_UP) {
    // Some systems number them downwards.
    const int number = error - HILO_ERROR_LOOK_UP;
    return ::gai_strerror(EAI_NONAME < 0 ? -number : number);
  }
  if (error > tls_base) {
    return make_error_code(static_cast<net::tls::Errc>(error - tls_base)).message();
  }
  const Errc known = rule_of(error);
  return known == Errc::none ? "unknown error" : std::string{rule(known).text};
}

}  // namespace

int code_of(std::error_code error) noexcept {
  if (!error) return HILO_OK;
  const std::error_category& category = error.category();
  if (category == make_error_code(Errc::argument).category()) return error.value();
  if (category == std::generic_category() || category == std::system_category()) {
    return -error.value();
  }
  if (category == make_error_code(net::tls::Errc::handshake).category()) {
    return tls_base + error.value();
  }
  return HILO_ERROR_LOOK_UP + std::abs(error.value());
}

}  // namespace hilo::ws::c

const char* hilo_error_text(int error) noexcept {
  thread_local std::array<char, 160> text;
  text[0] = '\0';
  static_cast<void>(c::guarded_code([&] {
    const std::string words = c::text_of_error(error);
    text[words.copy(text.data(), text.size() - 1)] = '\0';
    return HILO_OK;
  }));
  return text.data();
}
