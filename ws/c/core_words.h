// SPDX-License-Identifier: MIT
//
// What all files behind the C headers share: texts and bytes to and fro, errors as ints, and
// options that carry their size. Not for programs.
//
// Options: the program says how large its struct is. What it does not have keeps its default; what
// we do not have has to be zero, or it would be ignored in silence.

#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>

#include "net/base/bytes.h"
#include "ws/c/hilo_session.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/error.h"

namespace hilo::ws::c {

inline std::string_view view(hilo_text text) noexcept {
  return text.data == nullptr ? std::string_view{} : std::string_view{text.data, text.size};
}
inline Bytes view(const void* data, std::size_t size) noexcept {
  return data == nullptr ? Bytes{} : Bytes{static_cast<const std::uint8_t*>(data), size};
}
inline hilo_text text_of(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
inline hilo_bytes bytes_of(Bytes bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

inline int code_of(Errc error) noexcept {
  return static_cast<int>(error);
}
// Of what the core reports: a rule of its own, or an errno.
inline int core_code_of(std::error_code error) noexcept {
  if (!error) return HILO_OK;
  const bool is_rule = error.category() == make_error_code(Errc::argument).category();
  return is_rule ? error.value() : -error.value();
}
// Errc::none for a number that is none of the rules.
inline Errc rule_of(int code) noexcept {
  return code > 0 && static_cast<std::size_t>(code) < errc_count ? static_cast<Errc>(code)
                                                                 : Errc::none;
}

template <class Options>
void write_defaults(Options* options, std::size_t size, Options defaults) noexcept {
  std::memset(static_cast<void*>(options), 0, size);
  defaults.size = size;
  std::memcpy(static_cast<void*>(options), &defaults, std::min(size, sizeof(Options)));
}

// Overwrites `to`, which holds the defaults, with what is given.
template <class Options>
int read_options(const Options* given, Options& to) noexcept {
  if (given == nullptr) return HILO_OK;
  const std::size_t size = given->size;
  if (size < sizeof(given->size)) return -EINVAL;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(given);
  for (std::size_t i = sizeof(Options); i < size; ++i) {
    if (bytes[i] != 0) return -E2BIG;
  }
  std::memcpy(static_cast<void*>(&to), bytes, std::min(size, sizeof(Options)));
  return HILO_OK;
}

// Null stands for the defaults. -EINVAL or -E2BIG for what cannot be.
int read_deflate(const hilo_deflate_options* given, DeflateOptions& options) noexcept;

// What a handshake has agreed on, and with which options on our side; null: nothing.
struct DeflateAgreement {
  DeflateOptions options;
  DeflateParameters parameters;
};
const DeflateAgreement* agreement_of(const hilo_handshake& handshake) noexcept;

}  // namespace hilo::ws::c
