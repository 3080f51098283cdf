// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <new>

#include "net/base/check.h"
#include "ws/core/http_head.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

struct MethodName {
  std::string_view text;
  Method method;
};
constexpr std::array<MethodName, 9> method_names = {{
    {"GET", Method::get},
    {"HEAD", Method::head},
    {"POST", Method::post},
    {"PUT", Method::put},
    {"DELETE", Method::delete_},
    {"OPTIONS", Method::options},
    {"PATCH", Method::patch},
    {"CONNECT", Method::connect},
    {"TRACE", Method::trace},
}};

Method method_of(std::string_view text) noexcept {
  for (const MethodName& name : method_names) {
    if (name.text == text) return name.method;
  }
  return Method::other;
}

constexpr std::string_view scheme_end = "://";

// Where the authority of an absolute target begins; 0 if there is none or the scheme is not ours.
std::size_t find_authority(std::string_view target) noexcept {
  const std::size_t colon = target.find(':');
  if (colon == std::string_view::npos || !target.substr(colon).starts_with(scheme_end)) return 0;
  const std::string_view scheme = target.substr(0, colon);
  for (const std::string_view known : {"http", "https", "ws", "wss"}) {
    if (equals_ignoring_case(scheme, known)) return colon + scheme_end.size();
  }
  return 0;
}

std::string_view authority_text(std::string_view target) noexcept {
  target.remove_prefix(find_authority(target));
  return target.substr(0, target.find_first_of("/?"));
}

}  // namespace

bool RequestHead::has_body_fields() const noexcept {
  if (fields.contains("Transfer-Encoding")) return true;
  const auto length = fields.find("Content-Length");
  return length && (*length != "0" || fields.count("Content-Length") != 1);
}

// Made anew in its place: an assignment would copy where a hundred fields stood.
void RequestParser::reset() noexcept {
  const HeadLimits limits = limits_;
  ::new (this) RequestParser(limits);
}

HeadProgress RequestParser::parse(Bytes all_so_far) noexcept {
  if (error_ == Errc::none && state_ < State::fields) error_ = parse_start_line(all_so_far);
  if (error_ == Errc::none && state_ == State::fields) error_ = parse_fields(all_so_far);
  if (error_ != Errc::none) return {HeadProgress::Kind::failed, error_, 0};
  if (state_ != State::done) return {};
  return {HeadProgress::Kind::complete, Errc::none, position_ + fields_.section_bytes()};
}

Errc RequestParser::parse_start_line(Bytes all) noexcept {
  while (state_ != State::fields) {
    HILO_DCHECK(position_ <= all.size());
    if (position_ == all.size()) return Errc::none;
    const std::uint8_t byte = all[position_];
    const bool is_line_end = state_ == State::line_feed || byte == '\r' || byte == '\n';
    if (position_ - line_begin_ >= limits_.start_line_bytes_max && !is_line_end) {
      return Errc::http_target_too_long;
    }
    Errc error = Errc::none;
    switch (state_) {
      case State::begin:
      case State::begin_line_feed:
      case State::tls_version:
      case State::method_begin: error = parse_begin(byte); break;
      case State::method: error = parse_method(all); break;
      case State::target_begin: error = begin_target(byte); break;
      case State::target: error = parse_target(all); break;
      case State::target_percent:
      case State::target_percent_digit: error = parse_target_escape(byte); break;
      case State::version: error = parse_version(all); break;
      case State::line_end:
      case State::line_feed: error = end_start_line(byte); break;
      case State::fields:
      case State::done: break;
    }
    if (error != Errc::none) return error;
  }
  return Errc::none;
}

// What comes before the method: nothing, one empty line, or something that is not HTTP at all.
Errc RequestParser::parse_begin(std::uint8_t byte) noexcept {
  if (state_ == State::tls_version) {
    return byte == 0x03 ? Errc::tls_on_plain : Errc::http_preface;
  }
  if (state_ == State::begin_line_feed) {
    if (byte != '\n') return Errc::http_line_end;
    line_begin_ = 2;
    ++position_;
    state_ = State::method_begin;
    return Errc::none;
  }
  if (state_ == State::begin && (byte == '\r' || byte == 0x16)) {
    // RFC 8446 §5.1: a TLS record of the handshake begins with 22 and the major version 3.
    state_ = byte == '\r' ? State::begin_line_feed : State::tls_version;
    ++position_;
    return Errc::none;
  }
  if (byte == '\n') return Errc::http_line_end;
  if (byte <= ' ' || byte >= 0x7F) return Errc::http_preface;
  if (!is_in(byte, ByteClass::token)) return Errc::http_method;
  state_ = State::method;
  return Errc::none;
}

Errc RequestParser::parse_method(Bytes all) noexcept {
  const std::size_t stop = std::min<std::size_t>(all.size(), line_begin_ + method_bytes_max);
  const std::size_t p = skip(all, position_, stop, ByteClass::token);
  position_ = static_cast<std::uint32_t>(p);
  if (p == all.size()) return Errc::none;
  if (all[p] == '\n') return Errc::http_line_end;
  if (all[p] != ' ') return Errc::http_method;
  const std::string_view text = as_text(all.subspan(line_begin_, p - line_begin_));
  // The first line of the PROXY protocol has the shape of a request line; say what it is.
  if (text == "PROXY") return Errc::http_preface;
  method_ = method_of(text);
  ++position_;
  state_ = State::target_begin;
  return Errc::none;
}

// The first byte tells the four forms of RFC 9112 §3.2 apart; CONNECT alone has the third.
Errc RequestParser::begin_target(std::uint8_t byte) noexcept {
  if (byte == '\n') return Errc::http_line_end;
  if (method_ == Method::connect) {
    if (!is_in(byte, ByteClass::host) && byte != '[') return Errc::http_target;
    form_ = TargetForm::authority;
  } else if (byte == '/') {
    form_ = TargetForm::origin;
  } else if (byte == '*') {
    form_ = TargetForm::asterisk;
  } else if (is_in(byte, ByteClass::alpha)) {
    form_ = TargetForm::absolute;
  } else {
    return Errc::http_target;
  }
  target_begin_ = static_cast<std::uint16_t>(position_);
  state_ = State::target;
  return Errc::none;
}

Errc RequestParser::parse_target(Bytes all) noexcept {
  const std::size_t stop =
      std::min<std::size_t>(all.size(), std::size_t{line_begin_} + limits_.start_line_bytes_max);
  const std::size_t p = skip(all, position_, stop, ByteClass::target);
  position_ = static_cast<std::uint32_t>(p);
  if (p == all.size()) return Errc::none;
  const std::uint8_t byte = all[p];
  if (byte == '\n') return Errc::http_line_end;
  // RFC 9112 §2.3: a line without a version is HTTP/0.9.
  if (byte == '\r') return Errc::http_version;
  if (p == stop) return Errc::http_target_too_long;
  if (byte != ' ' && byte != '%') return Errc::http_target;
  ++position_;
  if (byte == '%') {
    state_ = State::target_percent;
    return Errc::none;
  }
  target_bytes_ = static_cast<std::uint16_t>(p - target_begin_);
  state_ = State::version;
  return check_target(target_text(all));
}

Errc RequestParser::parse_target_escape(std::uint8_t byte) noexcept {
  if (!is_in(byte, ByteClass::hex)) return Errc::http_target;
  ++position_;
  if (state_ == State::target_percent) {
    escape_is_zero_ = byte == '0';
    state_ = State::target_percent_digit;
    return Errc::none;
  }
  // "%00" would end the path for every C function behind us.
  if (escape_is_zero_ && byte == '0') return Errc::http_target;
  state_ = State::target;
  return Errc::none;
}

Errc RequestParser::check_target(std::string_view target) noexcept {
  std::size_t begin = 0;
  if (form_ == TargetForm::asterisk) return target == "*" ? Errc::none : Errc::http_target;
  if (form_ == TargetForm::authority) {
    // RFC 9112 §3.2.3: host and port, both.
    const auto authority = parse_authority(target);
    return authority && authority->port != 0 ? Errc::none : Errc::http_target;
  }
  if (form_ == TargetForm::absolute) {
    const std::string_view authority = authority_text(target);
    begin = find_authority(target) + authority.size();
    if (begin == authority.size() || !parse_authority(authority)) return Errc::http_target;
  }
  const std::string_view rest = target.substr(begin);
  path_begin_ = static_cast<std::uint16_t>(begin);
  path_bytes_ = static_cast<std::uint16_t>(std::min(rest.find('?'), rest.size()));
  return Errc::none;
}

Errc RequestParser::parse_version(Bytes all) noexcept {
  // RFC 9112 §2.3: "HTTP/" DIGIT "." DIGIT, and the name is case-sensitive.
  constexpr std::string_view shape = "HTTP/1.1";
  constexpr std::size_t major = 5, minor = 7;
  const bool fits = position_ - line_begin_ + shape.size() <= limits_.start_line_bytes_max;
  if (version_index_ == 0 && fits && as_text(all.subspan(position_)).starts_with(shape)) {
    position_ += static_cast<std::uint32_t>(shape.size());
    version_minor_ = 1;
    state_ = State::line_end;
    return Errc::none;
  }
  const std::uint8_t byte = all[position_];
  const bool is_digit = is_in(byte, ByteClass::digit);
  if (version_index_ == major && byte >= '2' && is_digit) return Errc::http_version_unsupported;
  if (version_index_ == minor ? !is_digit
                              : byte != static_cast<std::uint8_t>(shape[version_index_])) {
    // A space ended the target, but what follows is no version: the target had a space in it.
    const bool is_target = version_index_ == 0 && byte != 'h' && byte != '\r';
    return byte == '\n' ? Errc::http_line_end : is_target ? Errc::http_target : Errc::http_version;
  }
  ++position_;
  if (version_index_++ < minor) return Errc::none;
  version_minor_ = static_cast<std::uint8_t>(byte - '0');
  state_ = State::line_end;
  return Errc::none;
}

Errc RequestParser::end_start_line(std::uint8_t byte) noexcept {
  if (state_ == State::line_feed) {
    if (byte != '\n') return Errc::http_line_end;
    state_ = State::fields;
  } else {
    if (byte == '\n') return Errc::http_line_end;
    if (byte != '\r') return Errc::http_version;
    // RFC 9112 §3.2.4. Only here, as "PRI * HTTP/2.0" fails for its version.
    if (form_ == TargetForm::asterisk && method_ != Method::options) return Errc::http_target;
    state_ = State::line_feed;
  }
  ++position_;
  return Errc::none;
}

Errc RequestParser::parse_fields(Bytes all) noexcept {
  const Bytes section = all.subspan(position_);
  for (;;) {
    switch (fields_.parse(section)) {
      case FieldParser::Step::need_input: return Errc::none;
      case FieldParser::Step::failed: return fields_.error();
      case FieldParser::Step::field: {
        const Errc error = check_field(section);
        if (error != Errc::none) return error;
        break;
      }
      case FieldParser::Step::end:
        // RFC 9112 §3.2: required in HTTP/1.1, also beside an absolute target.
        if (!has_host_ && version_minor_ > 0) return Errc::http_host;
        state_ = State::done;
        return Errc::none;
    }
  }
}

// RFC 9112 §3.2: one Host at most, and a valid one.
Errc RequestParser::check_field(Bytes section) noexcept {
  const FieldView field = fields_.fields(section)[fields_.size() - 1];
  if (!equals_ignoring_case(field.name, "Host")) return Errc::none;
  const auto host = parse_authority(field.value);
  if (has_host_ || !host) return Errc::http_host;
  has_host_ = true;
  host_begin_ = static_cast<std::uint16_t>(host->host.data() - as_text(section).data());
  host_bytes_ = static_cast<std::uint16_t>(host->host.size());
  host_port_ = host->port;
  host_is_ipv6_ = host->is_ipv6;
  return Errc::none;
}

std::string_view RequestParser::target_text(Bytes all) const noexcept {
  return as_text(all.subspan(target_begin_, target_bytes_));
}

RequestHead RequestParser::head(Bytes all_so_far) const noexcept {
  HILO_DCHECK(state_ == State::done);
  RequestHead head;
  head.method = method_;
  head.form = form_;
  head.version_minor = version_minor_;
  head.method_text =
      as_text(all_so_far.subspan(line_begin_, std::size_t{target_begin_} - 1 - line_begin_));
  head.target = target_text(all_so_far);
  const Bytes section = all_so_far.subspan(position_);
  head.fields = fields_.fields(section);
  if (has_host_) {
    head.host.host = as_text(section.subspan(host_begin_, host_bytes_));
    head.host.port = host_port_;
    head.host.is_ipv6 = host_is_ipv6_;
  }
  if (form_ == TargetForm::absolute) head.host = *parse_authority(authority_text(head.target));
  if (form_ == TargetForm::origin || form_ == TargetForm::absolute) {
    head.path = head.target.substr(path_begin_, path_bytes_);
    head.query = head.target.substr(std::size_t{path_begin_} + path_bytes_);
    if (!head.query.empty()) head.query.remove_prefix(1);
    if (head.path.empty()) head.path = "/";
  }
  return head;
}

}  // namespace hilo::ws
