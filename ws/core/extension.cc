// SPDX-License-Identifier: MIT

#include "ws/core/extension.h"

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// The functions below read from the front of `rest` and move it on.

void skip_space(std::string_view& rest) noexcept {
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
}

bool take(std::string_view& rest, char expected) noexcept {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(1);
  return true;
}

// The token at the front; empty if there is none.
std::string_view take_token(std::string_view& rest) noexcept {
  std::size_t bytes = 0;
  while (bytes < rest.size() && is_in(rest[bytes], ByteClass::token)) ++bytes;
  const std::string_view token = rest.substr(0, bytes);
  rest.remove_prefix(bytes);
  return token;
}

// RFC 6455 §9.1: what is quoted must be a token once it is unquoted, so only token bytes may stand
// between the quotes, each with or without a backslash, and at least one.
bool take_quoted(std::string_view& rest, ExtensionParameter& parameter) noexcept {
  if (!take(rest, '"')) return false;
  const std::string_view begin = rest;
  while (!rest.empty() && rest.front() != '"') {
    const bool is_escape = take(rest, '\\');
    if (rest.empty() || !is_in(rest.front(), ByteClass::token)) return false;
    rest.remove_prefix(1);
    parameter.has_escapes = parameter.has_escapes || is_escape;
  }
  parameter.value = begin.substr(0, begin.size() - rest.size());
  return take(rest, '"') && !parameter.value.empty();
}

// name [ "=" value ], and the white space that RFC 2616's grammar allows between any two of them.
bool take_parameter(std::string_view& rest, ExtensionParameter& parameter) noexcept {
  skip_space(rest);
  parameter.name = take_token(rest);
  skip_space(rest);
  parameter.has_value = take(rest, '=');
  if (parameter.has_value) {
    skip_space(rest);
    parameter.value = take_token(rest);
    if (parameter.value.empty() && !take_quoted(rest, parameter)) return false;
    skip_space(rest);
  }
  return !parameter.name.empty();
}

// name *( ";" parameter ), up to a ',' or the end.
bool take_offer(std::string_view& rest, ExtensionOffer& offer) noexcept {
  offer.name = take_token(rest);
  skip_space(rest);
  const std::string_view begin = rest;
  while (take(rest, ';')) {
    ExtensionParameter parameter;
    if (!take_parameter(rest, parameter)) return false;
  }
  offer.parameters = begin.substr(0, begin.size() - rest.size());
  return !offer.name.empty() && (rest.empty() || rest.front() == ',');
}

}  // namespace

std::optional<ExtensionParameter> ParameterReader::next() noexcept {
  ExtensionParameter parameter;
  if (!take(rest_, ';') || !take_parameter(rest_, parameter)) return std::nullopt;
  return parameter;
}

bool ExtensionReader::next_line() noexcept {
  while (index_ < fields_.size()) {
    const FieldView field = fields_[index_++];
    if (!equals_ignoring_case(field.name, extensions_field)) continue;
    rest_ = field.value;
    return true;
  }
  return false;
}

std::optional<ExtensionOffer> ExtensionReader::next() noexcept {
  if (error_ != Errc::none) return std::nullopt;
  do {
    // RFC 9110 §5.6.1.2: empty members of a list are skipped.
    while (!rest_.empty() && (is_space(rest_.front()) || rest_.front() == ',')) {
      rest_.remove_prefix(1);
    }
  } while (rest_.empty() && next_line());
  if (rest_.empty()) return std::nullopt;

  ExtensionOffer offer;
  if (!take_offer(rest_, offer)) {
    error_ = Errc::upgrade_extensions_malformed;
    return std::nullopt;
  }
  if (++count_ > extension_offers_max) {
    error_ = Errc::upgrade_extensions_too_many;
    return std::nullopt;
  }
  return offer;
}

Errc check_extensions(Fields fields) noexcept {
  ExtensionReader reader(fields);
  std::size_t offers = 0;
  while (reader.next()) ++offers;
  if (reader.error() != Errc::none) return reader.error();
  // RFC 6455 §9.1: 1#extension, at least one where there is a field.
  const bool is_empty = offers == 0 && fields.contains(extensions_field);
  return is_empty ? Errc::upgrade_extensions_malformed : Errc::none;
}

}  // namespace hilo::ws
