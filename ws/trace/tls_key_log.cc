// SPDX-License-Identifier: MIT

#include "ws/trace/tls_key_log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace hilo::trace {
namespace {

constexpr std::array<std::pair<std::string_view, TlsSecret>, 5> key_log_labels = {
    {{"CLIENT_RANDOM", TlsSecret::master},
     {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", TlsSecret::client_handshake},
     {"SERVER_HANDSHAKE_TRAFFIC_SECRET", TlsSecret::server_handshake},
     {"CLIENT_TRAFFIC_SECRET_0", TlsSecret::client_traffic},
     {"SERVER_TRAFFIC_SECRET_0", TlsSecret::server_traffic}}};

std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

// Empty where it is not all hexadecimal.
std::vector<std::uint8_t> bytes_of_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  if (text.size() % 2 != 0) return bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_digit(text[i]);
    const auto low = hex_digit(text[i + 1]);
    if (!high || !low) return {};
    bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
  }
  return bytes;
}

// Up to the blank, which goes, too.
std::string_view take_log_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::string secret_name(TlsSecret kind, Bytes client_random) {
  return static_cast<char>('0' + static_cast<int>(kind)) + std::string(as_text(client_random));
}

}  // namespace

std::size_t TlsKeyLog::add(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (add_line(line)) ++count;
  }
  return count;
}

bool TlsKeyLog::add_line(std::string_view line) {
  const std::string_view label = take_log_word(line);
  const auto* const known = std::find_if(key_log_labels.begin(), key_log_labels.end(),
                                         [&](const auto& each) { return each.first == label; });
  if (known == key_log_labels.end()) return false;
  const std::string_view random_text = take_log_word(line);
  if (random_text.size() != 2 * random_bytes || line.size() > 2 * secret_bytes_max) return false;
  const std::vector<std::uint8_t> random = bytes_of_hex(random_text);
  std::vector<std::uint8_t> secret = bytes_of_hex(line);
  if (random.empty() || secret.empty()) return false;
  secrets_[secret_name(known->second, random)] = std::move(secret);
  return true;
}

Bytes TlsKeyLog::find(TlsSecret kind, Bytes client_random) const {
  const auto found = secrets_.find(secret_name(kind, client_random));
  return found != secrets_.end() ? Bytes(found->second) : Bytes{};
}

}  // namespace hilo::trace
