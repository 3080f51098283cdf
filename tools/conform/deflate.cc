// SPDX-License-Identifier: MIT

#include "tools/conform/deflate.h"

#include <algorithm>
#include <memory>
#include <set>

#include "net/base/check.h"
#include "tools/conform/head.h"

namespace hilo::tools::conform {
namespace {

constexpr std::string_view deflate_name = "permessage-deflate";
constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
constexpr std::size_t inflated_bytes_max = std::size_t{64} << 20;

const Bytef* input(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

// RFC 7692 §7.1.2: 8 to 15 in decimal without leading zeros. 0: anything else.
int window_bits(const std::optional<std::string>& value) {
  constexpr std::string_view names[] = {"8", "9", "10", "11", "12", "13", "14", "15"};
  for (int bits = 8; bits <= 15; ++bits) {
    if (value && *value == names[bits - 8]) return bits;
  }
  return 0;
}

// "quoted" or token; nothing if it is neither.
std::optional<std::string> unquoted(std::string_view text) {
  if (!text.starts_with('"')) {
    return is_token(text) ? std::optional<std::string>(text) : std::nullopt;
  }
  if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
  std::string value = replaced(text.substr(1, text.size() - 2), "\\", "");
  // RFC 6455 §9.1: once unquoted it must be a token.
  if (!is_token(value)) return std::nullopt;
  return value;
}

std::optional<Extension> parse_extension(std::string_view text) {
  Extension extension;
  // An empty member, which a list may have, is no parameter.
  const auto semicolons = std::count(text.begin(), text.end(), ';');
  const std::vector<std::string> parts = split_list(text, ';');
  if (semicolons + 1 > std::ssize(parts) && text.find('"') == std::string_view::npos) {
    return std::nullopt;
  }
  for (const std::string& part : parts) {
    const std::size_t equals = part.find('=');
    const std::string name{trimmed(std::string_view(part).substr(0, equals))};
    if (!is_token(name)) return std::nullopt;
    if (extension.name.empty()) {
      if (equals != std::string::npos) return std::nullopt;
      extension.name = name;
      continue;
    }
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = unquoted(trimmed(std::string_view(part).substr(equals + 1)));
      if (!value) return std::nullopt;
    }
    extension.parameters.emplace_back(name, value);
  }
  if (extension.name.empty()) return std::nullopt;
  return extension;
}

const std::optional<std::string>* parameter(const Extension& extension, std::string_view name) {
  for (const auto& [key, value] : extension.parameters) {
    if (key == name) return &value;
  }
  return nullptr;
}

// What both offers and answers have to keep to.
std::string check_parameters(const Extension& extension) {
  std::set<std::string> seen;
  for (const auto& [name, value] : extension.parameters) {
    if (!seen.insert(name).second) return name + " twice (RFC 7692 §7)";
    const bool takeover = name.ends_with("_no_context_takeover");
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value) return name + " with a value (RFC 7692 §7.1.1)";
    } else if (name == "server_max_window_bits") {
      if (window_bits(value) == 0) return name + " is not 8 to 15 (RFC 7692 §7.1.2)";
    } else if (name == "client_max_window_bits") {
      if (value && window_bits(value) == 0) return name + " is not 8 to 15 (RFC 7692 §7.1.2)";
    } else {
      return "an unknown parameter " + name + (takeover ? "" : " (RFC 7692 §7)");
    }
  }
  return {};
}

// Whether this answer fits that offer; the reason if not.
std::string check_pair(const Extension& offer, const Extension& answer) {
  if (std::string wrong = check_offer(offer); !wrong.empty()) {
    return "an offer was accepted that must be declined: " + wrong;
  }
  if (parameter(offer, "server_no_context_takeover") != nullptr &&
      parameter(answer, "server_no_context_takeover") == nullptr) {
    return "server_no_context_takeover was asked for and not granted (RFC 7692 §7.1.1.1)";
  }
  const auto* asked = parameter(offer, "server_max_window_bits");
  const auto* granted = parameter(answer, "server_max_window_bits");
  if (asked != nullptr && (granted == nullptr || window_bits(*granted) > window_bits(*asked))) {
    return "server_max_window_bits was asked for and not kept to (RFC 7692 §7.1.2.1)";
  }
  const auto* client = parameter(offer, "client_max_window_bits");
  if (client == nullptr && parameter(answer, "client_max_window_bits") != nullptr) {
    return "client_max_window_bits was answered but not offered (RFC 7692 §7.1.2.2)";
  }
  const auto* wanted = parameter(answer, "client_max_window_bits");
  if (wanted != nullptr && *client && window_bits(*wanted) > window_bits(*client)) {
    return "client_max_window_bits is larger than what was offered (RFC 7692 §7.1.2.2)";
  }
  return {};
}

DeflateTerms terms_of(const Extension& answer) {
  DeflateTerms terms{.agreed = true};
  terms.server_no_takeover = parameter(answer, "server_no_context_takeover") != nullptr;
  terms.client_no_takeover = parameter(answer, "client_no_context_takeover") != nullptr;
  if (const auto* bits = parameter(answer, "server_max_window_bits")) {
    terms.server_bits = window_bits(*bits);
  }
  if (const auto* bits = parameter(answer, "client_max_window_bits")) {
    terms.client_bits = window_bits(*bits);
  }
  return terms;
}

}  // namespace

std::optional<std::vector<Extension>> parse_extensions(std::string_view text) {
  std::vector<Extension> extensions;
  for (const std::string& part : split_list(text)) {
    const std::optional<Extension> extension = parse_extension(part);
    if (!extension) return std::nullopt;
    extensions.push_back(*extension);
  }
  return extensions;
}

std::string check_offer(const Extension& offer) {
  return check_parameters(offer);
}

Agreement check_answer(std::string_view offer, std::string_view answer) {
  Agreement agreement;
  const auto answers = parse_extensions(answer);
  if (!answers) {
    agreement.wrong = "Sec-WebSocket-Extensions breaks its grammar (§9.1)";
    return agreement;
  }
  const auto offers = parse_extensions(offer).value_or(std::vector<Extension>{});
  for (const Extension& chosen : *answers) {
    if (chosen.name != deflate_name) {
      agreement.wrong = "an extension was chosen that was not offered: " + chosen.name + " (§9.1)";
      return agreement;
    }
    if (agreement.terms.agreed) {
      agreement.wrong = "permessage-deflate was chosen twice (RFC 7692 §5.1)";
      return agreement;
    }
    std::string wrong = check_parameters(chosen);
    const auto* bits = parameter(chosen, "client_max_window_bits");
    if (wrong.empty() && bits != nullptr && !*bits) {
      wrong = "client_max_window_bits without a value (RFC 7692 §7.1.2.2)";
    }
    if (!wrong.empty()) {
      agreement.wrong = wrong;
      return agreement;
    }
    std::string misfit = "permessage-deflate was chosen but not offered (§9.1)";
    for (const Extension& each : offers) {
      if (each.name != deflate_name) continue;
      misfit = check_pair(each, chosen);
      if (misfit.empty()) break;
    }
    agreement.wrong = misfit;
    agreement.terms = terms_of(chosen);
    if (!misfit.empty()) return agreement;
  }
  return agreement;
}

// zlib cannot write raw DEFLATE with a window of 2^8; what reaches no further back than 256 bytes
// is written with 2^9 and short texts, or with stored and fixed blocks without matches.
Deflater::Deflater(int bits, Blocks blocks) {
  const int level = blocks == Blocks::stored ? 0 : 6;
  const int strategy = blocks == Blocks::fixed ? Z_FIXED : Z_DEFAULT_STRATEGY;
  const int done = deflateInit2(&stream_, level, Z_DEFLATED, -std::max(bits, 9), 8, strategy);
  HILO_CHECK(done == Z_OK);
}

Deflater::~Deflater() {
  deflateEnd(&stream_);
}

Octets Deflater::run(std::string_view text, int flush) {
  Octets out;
  Octets piece(16384, '\0');
  stream_.next_in = const_cast<Bytef*>(input(text));
  stream_.avail_in = static_cast<uInt>(text.size());
  do {
    stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream_.avail_out = static_cast<uInt>(piece.size());
    deflate(&stream_, flush);
    out.append(piece, 0, piece.size() - stream_.avail_out);
  } while (stream_.avail_out == 0);
  return out;
}

Octets Deflater::block(std::string_view text) {
  return run(text, Z_SYNC_FLUSH);
}

Octets Deflater::finish(std::string_view text) {
  return run(text, Z_FINISH);
}

Octets Deflater::message(std::string_view text) {
  Octets out = run(text, Z_SYNC_FLUSH);
  HILO_CHECK(out.ends_with(tail));
  out.resize(out.size() - tail.size());
  // RFC 7692 §7.2.3.6: nothing at all is written as one empty block.
  return out.empty() ? Octets(1, '\0') : out;
}

Octets deflated(std::string_view text, int bits, Blocks blocks) {
  return Deflater(bits, blocks).message(text);
}

// zlib lets distances reach as far back as the output of the same call, window or not. Byte by byte
// there is nothing but the window. No distance is longer than 2^15.
Inflater::Inflater(int bits, bool takeover)
    : takeover_(takeover), piece_bytes_(bits == 15 ? 65536 : 1) {
  HILO_CHECK(inflateInit2(&stream_, -bits) == Z_OK);
}

Inflater::~Inflater() {
  inflateEnd(&stream_);
}

std::optional<Octets> Inflater::message(std::string_view payload) {
  const Octets all = Octets(payload) + Octets(tail);
  Octets out;
  Octets piece(piece_bytes_, '\0');
  if (!takeover_) inflateReset(&stream_);
  stream_.next_in = const_cast<Bytef*>(input(all));
  stream_.avail_in = static_cast<uInt>(all.size());
  do {
    stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream_.avail_out = static_cast<uInt>(piece.size());
    const int done = inflate(&stream_, Z_SYNC_FLUSH);
    out.append(piece, 0, piece.size() - stream_.avail_out);
    if (done == Z_STREAM_END) {
      // RFC 7692 §7.2.3.4: a final block ends the stream, and another one may begin.
      inflateReset(&stream_);
    } else if (done != Z_OK && done != Z_BUF_ERROR) {
      return std::nullopt;
    }
    if (out.size() > inflated_bytes_max) return std::nullopt;
  } while (stream_.avail_in != 0 || stream_.avail_out == 0);
  return out;
}

}  // namespace hilo::tools::conform
