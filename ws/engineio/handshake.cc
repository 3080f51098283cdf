// SPDX-License-Identifier: MIT

#include "ws/engineio/handshake.h"

#include <nlohmann/json.hpp>

namespace hilo::engineio {
namespace {

using Json = nlohmann::json;

// A day: whatever is longer is no heartbeat.
constexpr std::int64_t milliseconds_max = 86'400'000;

// Zero: it is no time.
net::Duration time_of(double milliseconds) {
  if (!(milliseconds >= 1) || milliseconds > static_cast<double>(milliseconds_max)) return {};
  return net::Duration::milliseconds(static_cast<std::int64_t>(milliseconds));
}

// Takes what it knows from the object as it is read. No tree is made of it: that of the library
// asks for memory to be destroyed, and ends the process where there is none.
class HandshakeReader {
 public:
  const Handshake& read() const noexcept { return read_; }
  bool is_object() const noexcept { return is_object_; }

  bool start_object(std::size_t) {
    is_object_ = is_object_ || depth_ == 0;
    ++depth_;
    return true;
  }
  bool end_object() { return leave(); }
  bool start_array(std::size_t) {
    if (depth_ == 1) in_upgrades_ = key_ == "upgrades";
    ++depth_;
    return is_object_;
  }
  bool end_array() { return leave(); }
  bool key(std::string& name) {
    if (depth_ == 1) key_ = std::move(name);
    return true;
  }

  bool string(std::string& value) {
    if (in_upgrades_ && depth_ == 2) read_.can_upgrade = read_.can_upgrade || value == "websocket";
    if (is_member("sid")) read_.sid = std::move(value);
    return is_object_;
  }
  bool number_integer(std::int64_t value) { return number(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (is_member("maxPayload")) read_.payload_bytes_max = static_cast<std::size_t>(value);
    return number(static_cast<double>(value));
  }
  bool number_float(double value, std::string_view) { return number(value); }
  bool boolean(bool) { return is_object_; }
  bool null() { return is_object_; }
  bool binary(Json::binary_t&) { return false; }
  bool parse_error(std::size_t, std::string_view, const nlohmann::detail::exception&) {
    return false;
  }

 private:
  bool is_member(std::string_view name) const noexcept { return depth_ == 1 && key_ == name; }
  bool number(double value) noexcept {
    if (is_member("pingInterval")) read_.ping_interval = time_of(value);
    if (is_member("pingTimeout")) read_.ping_timeout = time_of(value);
    return is_object_;
  }
  bool leave() noexcept {
    --depth_;
    if (depth_ == 1) in_upgrades_ = false;
    return true;
  }

  Handshake read_;
  std::string key_;  // of the object itself
  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool in_upgrades_ = false;
};

}  // namespace

bool read_handshake(std::string_view json, Handshake& into) {
  HandshakeReader reader;
  if (!Json::sax_parse(json, &reader) || !reader.is_object()) return false;
  const Handshake& read = reader.read();
  if (read.sid.empty() || read.ping_interval.nanoseconds == 0 ||
      read.ping_timeout.nanoseconds == 0) {
    return false;
  }
  into = read;
  return true;
}

}  // namespace hilo::engineio
