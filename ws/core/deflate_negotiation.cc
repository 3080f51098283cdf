// SPDX-License-Identifier: MIT

#include "ws/core/deflate_negotiation.h"

#include <algorithm>

#include "net/base/check.h"
#include "ws/core/deflate.h"
#include "ws/core/extension.h"

namespace hilo::ws {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_no_takeover = "server_no_context_takeover";
constexpr std::string_view client_no_takeover = "client_no_context_takeover";
constexpr std::string_view server_bits = "server_max_window_bits";
constexpr std::string_view client_bits = "client_max_window_bits";

// The four parameters as they stand in an offer or in an answer.
struct Written {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  bool has_server_bits = false;
  bool has_client_bits = false;
  std::uint8_t server_window_bits = 0;  // 0: without a value
  std::uint8_t client_window_bits = 0;
};

// §7.1.2: a decimal integer from 8 to 15 without leading zeros; 0 for anything else.
std::uint8_t window_bits(const ExtensionParameter& parameter) noexcept {
  const std::string_view text = parameter.value;
  if (text == "8") return 8;
  if (text == "9") return 9;
  const bool is_from_ten = text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5';
  return is_from_ten ? static_cast<std::uint8_t>(10 + text[1] - '0') : std::uint8_t{0};
}

// One parameter: known, not there before (§7.1), and with a value where it may have one.
bool take_written(Written& written, const ExtensionParameter& parameter) noexcept {
  const auto take_flag = [&](bool& flag) {
    const bool is_good = !flag && !parameter.has_value;
    flag = true;
    return is_good;
  };
  const auto take_bits = [&](bool& has_bits, std::uint8_t& bits) {
    const bool is_first = !has_bits;
    has_bits = true;
    bits = window_bits(parameter);
    return is_first && (bits != 0 || !parameter.has_value);
  };
  if (parameter.name == server_no_takeover) return take_flag(written.server_no_context_takeover);
  if (parameter.name == client_no_takeover) return take_flag(written.client_no_context_takeover);
  if (parameter.name == server_bits) {
    // §7.1.2.1: in offer and answer, it has a value.
    return parameter.has_value && take_bits(written.has_server_bits, written.server_window_bits);
  }
  if (parameter.name == client_bits) {
    return take_bits(written.has_client_bits, written.client_window_bits);
  }
  return false;
}

std::optional<Written> read(const ExtensionOffer& offer) noexcept {
  Written written;
  ParameterReader reader(offer);
  while (const auto parameter = reader.next()) {
    if (!take_written(written, *parameter)) return std::nullopt;
  }
  return written;
}

std::uint8_t usable(std::uint8_t bits) noexcept {
  return std::clamp(bits, window_bits_min, window_bits_max);
}

DeflateAnswer make_answer(const Written& offer, const DeflateOptions& options) noexcept {
  DeflateAnswer answer;
  DeflateParameters& agreed = answer.agreed;
  // §7.1.1: either side may give up its own takeover unasked, and a server may demand it of the
  // client.
  agreed.server_no_context_takeover =
      options.server_no_context_takeover || offer.server_no_context_takeover;
  agreed.client_no_context_takeover =
      options.client_no_context_takeover || offer.client_no_context_takeover;
  agreed.server_window_bits = usable(options.server_max_window_bits);
  if (offer.has_server_bits) {
    agreed.server_window_bits = std::min(agreed.server_window_bits, offer.server_window_bits);
  }
  // §7.1.2.2: only a client that says so can limit its window.
  if (offer.has_client_bits) {
    agreed.client_window_bits = usable(options.client_max_window_bits);
    if (offer.client_window_bits != 0) {
      agreed.client_window_bits = std::min(agreed.client_window_bits, offer.client_window_bits);
    }
  }

  answer.text.add(extension_name);
  if (agreed.server_no_context_takeover) answer.text.add("; server_no_context_takeover");
  if (agreed.client_no_context_takeover) answer.text.add("; client_no_context_takeover");
  if (offer.has_server_bits || agreed.server_window_bits != window_bits_max) {
    answer.text.add_bits(server_bits, agreed.server_window_bits);
  }
  if (agreed.client_window_bits != window_bits_max) {
    answer.text.add_bits(client_bits, agreed.client_window_bits);
  }
  return answer;
}

// §7.1: what the offer asked for is in the answer, and what needs an offer was offered.
bool covers(const Written& answer, const DeflateOptions& offered) noexcept {
  if (offered.server_no_context_takeover && !answer.server_no_context_takeover) return false;
  const std::uint8_t asked_bits = usable(offered.server_max_window_bits);
  if (asked_bits != window_bits_max && !answer.has_server_bits) return false;
  if (answer.has_server_bits && answer.server_window_bits > asked_bits) return false;
  // §7.1.2.2: in an answer it has a value.
  return !answer.has_client_bits || answer.client_window_bits != 0;
}

}  // namespace

void DeflateText::add(std::string_view part) noexcept {
  HILO_DCHECK(part.size() <= text_.size() - size_);
  std::copy(part.begin(), part.end(), text_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += part.size();
}

void DeflateText::add_bits(std::string_view name, std::uint8_t bits) noexcept {
  add("; ");
  add(name);
  add("=");
  if (bits >= 10) add("1");
  const char digit = static_cast<char>('0' + bits % 10);
  add({&digit, 1});
}

std::optional<DeflateAnswer> accept_deflate(Fields fields, const DeflateOptions& options) noexcept {
  if (!options.enabled) return std::nullopt;
  ExtensionReader reader(fields);
  while (const auto offer = reader.next()) {
    if (offer->name != extension_name) continue;
    const std::optional<Written> written = read(*offer);
    if (!written) continue;
    if (written->has_server_bits && written->server_window_bits < window_bits_min) continue;
    return make_answer(*written, options);
  }
  return std::nullopt;
}

DeflateText deflate_offer(const DeflateOptions& options) noexcept {
  DeflateText text;
  if (!options.enabled) return text;
  text.add(extension_name);
  if (options.server_no_context_takeover) text.add("; server_no_context_takeover");
  if (options.client_no_context_takeover) text.add("; client_no_context_takeover");
  const std::uint8_t server_window_bits = usable(options.server_max_window_bits);
  if (server_window_bits != window_bits_max) text.add_bits(server_bits, server_window_bits);
  // Without a value: we do what the server asks for.
  const std::uint8_t client_window_bits = usable(options.client_max_window_bits);
  if (client_window_bits == window_bits_max) {
    text.add("; client_max_window_bits");
  } else {
    text.add_bits(client_bits, client_window_bits);
  }
  return text;
}

DeflateCheck check_deflate_answer(Fields fields, const DeflateOptions& options) noexcept {
  ExtensionReader reader(fields);
  while (const auto chosen = reader.next()) {
    if (chosen->name != extension_name) continue;
    const std::optional<Written> answer = read(*chosen);
    if (!options.enabled || !answer || !covers(*answer, options)) {
      return {Errc::response_extension, false, {}};
    }
    DeflateParameters agreed;
    agreed.server_no_context_takeover = answer->server_no_context_takeover;
    // What we have offered of ourselves we keep, whether or not the server repeats it.
    agreed.client_no_context_takeover =
        options.client_no_context_takeover || answer->client_no_context_takeover;
    if (answer->has_server_bits) agreed.server_window_bits = answer->server_window_bits;
    agreed.client_window_bits = usable(options.client_max_window_bits);
    if (answer->has_client_bits) {
      agreed.client_window_bits = std::min(agreed.client_window_bits, answer->client_window_bits);
    }
    return {Errc::none, true, agreed};
  }
  return {};
}

}  // namespace hilo::ws
