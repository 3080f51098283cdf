// SPDX-License-Identifier: MIT
//
// The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1), for offers and for answers.
//
//   permessage-deflate; client_max_window_bits; server_max_window_bits=10, x-other; a="b"
//   `------------------ offer, with three ... parameters -----------------'  `-- offer --'
//
// A reader gives the offers in order, over all field lines of that name; each offer gives its
// parameters. One pass, no allocation, no knowledge of any extension: negotiation stands on top.
//
//   limit   extension_offers_max offers in a head
//   views   into the text that was given

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ws/core/error.h"
#include "ws/core/http_fields.h"

namespace hilo::ws {

inline constexpr std::size_t extension_offers_max = 16;
inline constexpr std::string_view extensions_field = "Sec-WebSocket-Extensions";

struct ExtensionParameter {
  std::string_view name;
  std::string_view value;  // without its quotes, a token (RFC 6455 §9.1)
  bool has_value = false;  // "name" and "name=value" are different things to an extension
  // The value was quoted and still holds its backslashes. A token needs none, so an extension may
  // as well take such a value for a wrong one.
  bool has_escapes = false;
};

// One extension with its parameters, as text that was checked.
struct ExtensionOffer {
  std::string_view name;
  std::string_view parameters;  // from the first ';' on, or empty
};

// Reads the parameters of an offer in order; the offer comes from an ExtensionReader.
class ParameterReader {
 public:
  explicit ParameterReader(const ExtensionOffer& offer) noexcept : rest_(offer.parameters) {}
  std::optional<ExtensionParameter> next() noexcept;

 private:
  std::string_view rest_;
};

// Reads the offers of one list, or of all Sec-WebSocket-Extensions lines of a head.
class ExtensionReader {
 public:
  ExtensionReader() noexcept = default;
  explicit ExtensionReader(std::string_view list) noexcept : rest_(list) {}
  explicit ExtensionReader(Fields fields) noexcept : fields_(fields) {}

  // The next offer; null at the end or at an error, which error() tells apart.
  std::optional<ExtensionOffer> next() noexcept;

  // none, upgrade_extensions_malformed, or upgrade_extensions_too_many.
  Errc error() const noexcept { return error_; }

 private:
  bool next_line() noexcept;

  std::string_view rest_;
  Fields fields_;
  std::size_t index_ = 0;
  std::size_t count_ = 0;
  Errc error_ = Errc::none;
};

// The error of reading it all: the grammar, the number of offers, and at least one offer where
// there is a field.
Errc check_extensions(Fields fields) noexcept;

}  // namespace hilo::ws
