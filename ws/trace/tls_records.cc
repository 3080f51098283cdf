// SPDX-License-Identifier: MIT

#include "ws/trace/tls_records.h"

#include <algorithm>
#include <utility>

#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

constexpr std::string_view record_section = "RFC 8446 §5.1";
constexpr std::string_view opened_section = "RFC 8446 §5.2";
constexpr std::string_view record_source = "ws/trace/tls_records.cc";

constexpr Fault unknown_content = {.label = "tls_content_type",
                                   .text = "no TLS record has this type (RFC 8446 §5)",
                                   .alert = "unexpected_message"};
constexpr Fault unknown_version = {.label = "tls_version",
                                   .text = "no TLS record has this version (RFC 8446 §5.1)",
                                   .alert = "protocol_version"};
constexpr Fault too_long = {.label = "tls_record_overflow",
                            .text = "a TLS record is longer than the protocol allows",
                            .alert = "record_overflow"};
constexpr Fault not_authentic = {
    .label = "tls_record",
    .text =
        "a TLS record does not decrypt: it was changed, or the keys are another connection's "
        "(RFC 8446 §5.2)",
    .alert = "bad_record_mac"};
constexpr Fault no_inner_type = {
    .label = "tls_inner_type",
    .text = "a TLS record with nothing in it but padding (RFC 8446 §5.4)",
    .alert = "unexpected_message"};
constexpr Fault cut_record = {.label = "tls_cut",
                              .text = "the connection ends within a TLS record or message"};

constexpr std::string_view no_hello = "encrypted, and no ServerHello came before it";
constexpr std::string_view no_log =
    "encrypted; with its keys it can be read: hilo explain --tls-keylog FILE, which hilo serve, "
    "connect and tap write by --tls-keylog, browsers and curl by SSLKEYLOGFILE";
constexpr std::string_view not_in_log = "encrypted, and the key log has no keys of this connection";
constexpr std::string_view no_cipher = "encrypted in a way that is not read here";
constexpr std::string_view built_without = "encrypted, and hilo was built without TLS (TLS=0)";
constexpr std::string_view after_fault = "encrypted, behind a record that did not decrypt";
constexpr std::string_view renegotiated = "encrypted with the keys of a renegotiation";
constexpr std::string_view early = "encrypted: early data (0-RTT), or not for these keys";

}  // namespace

TlsReader::Side::Side(TlsReader& reader, Direction of)
    : direction(of), messages(of, *reader.sink_, [this, &reader](const TlsMessage& message) {
        reader.on_message(*this, message);
      }) {}

TlsReader::TlsReader(const TlsKeyLog* keys, PartSink& sink,
                     Callback<void(Direction, Bytes)> on_plain)
    : keys_(keys),
      sink_(&sink),
      on_plain_(std::move(on_plain)),
      sides_{Side(*this, Direction::to_server), Side(*this, Direction::to_client)} {}

bool TlsReader::begins_record(Bytes bytes) noexcept {
  return bytes.size() >= 2 && is_tls_content(bytes[0]) && bytes[1] == 3;
}

// --- records -------------------------------------------------------------------------------------

void TlsReader::feed(Direction direction, Bytes bytes) {
  Side& from = side(direction);
  while (!bytes.empty() && !from.failed) {
    const bool in_header = from.record.size() < header_bytes;
    const std::size_t wanted =
        in_header ? header_bytes : header_bytes + load_be16(from.record.data() + 3);
    const Bytes next = bytes.first(std::min(bytes.size(), wanted - from.record.size()));
    from.record.insert(from.record.end(), next.begin(), next.end());
    bytes = bytes.subspan(next.size());
    if (from.record.size() < wanted || (in_header && !take_header(from))) continue;
    if (!in_header) end_record(from);
  }
}

// True if a record may follow that has a body. An empty one ends here.
bool TlsReader::take_header(Side& side) {
  const std::uint8_t type = side.record[0];
  const std::size_t length = load_be16(side.record.data() + 3);
  const bool is_1_3 = version_ == tls_1_3 && type == 23;
  if (!is_tls_content(type)) {
    fail(side, unknown_content, "RFC 8446 §5");
  } else if (side.record[1] != 3) {
    fail(side, unknown_version, record_section);
  } else if (length > (is_1_3 ? fragment_1_3_bytes_max : fragment_bytes_max)) {
    fail(side, too_long, is_1_3 ? opened_section : record_section);
  } else if (length == 0) {
    end_record(side);
  } else {
    return true;
  }
  return false;
}

// In TLS 1.3 what is encrypted looks like application data, and nothing else is (RFC 8446 §5.2).
bool TlsReader::is_protected(const Side& side, std::uint8_t type) const noexcept {
  if (type == static_cast<std::uint8_t>(TlsContent::application_data)) return true;
  return version_ != tls_1_3 && side.epoch != Epoch::clear;
}

void TlsReader::end_record(Side& side) {
  const std::uint8_t type = side.record[0];
  const bool encrypted = is_protected(side, type);
  tell_record(side, encrypted);
  if (encrypted) {
    open_record(side);
  } else {
    take_content(side, type, Bytes(side.record).subspan(header_bytes), side.begin + header_bytes);
  }
  side.begin += side.record.size();
  side.record.clear();
}

void TlsReader::tell_record(Side& side, bool encrypted) {
  const std::uint8_t type = side.record[0];
  const std::size_t length = side.record.size() - header_bytes;
  (*sink_)({.direction = side.direction,
            .layer = Layer::tls,
            .place = bytes_at(side.begin, side.record.size()),
            .name = tls_content_name(type),
            .value = counted_bytes(length) + (encrypted ? ", encrypted" : ""),
            .section = record_section,
            .source = record_source});
  tell(side, bytes_at(side.begin, 1), "type",
       std::to_string(type) + ' ' + std::string(tls_content_name(type)), record_section);
  tell(side, bytes_at(side.begin + 1, 2), "legacy version",
       tls_version_text(load_be16(side.record.data() + 1)), record_section);
  tell(side, bytes_at(side.begin + 3, 2), "length", std::to_string(length), record_section);
}

void TlsReader::take_content(Side& side, std::uint8_t type, Bytes content,
                             std::optional<std::uint64_t> offset) {
  if (content.size() > content_bytes_max) return fail(side, too_long, record_section);
  const Place place = offset ? bytes_at(*offset, content.size()) : Place{};
  switch (static_cast<TlsContent>(type)) {
    case TlsContent::handshake:
      side.messages.feed(content, offset);
      side.failed = side.failed || side.messages.failed();
      return;
    case TlsContent::alert:
      return tell(side, place, "alert", tls_alert_text(content), "RFC 8446 §6");
    case TlsContent::change_cipher_spec:
      tell(side, place, "change cipher spec", version_ == tls_1_3 ? "means nothing in TLS 1.3" : "",
           version_ == tls_1_3 ? "RFC 8446 §D.4" : "RFC 5246 §7.1");
      if (version_ != 0 && version_ != tls_1_3) begin_1_2(side);
      return;
    case TlsContent::application_data: on_plain_(side.direction, content); return;
  }
  fail(side, unknown_content, "RFC 8446 §5");
}

// --- what is encrypted ---------------------------------------------------------------------------

void TlsReader::open_record(Side& side) {
  if (!side.keys) return tell_closed(side, side.closed.empty() ? no_hello : side.closed);
  const TlsProtected record{.header = Bytes(side.record).first(header_bytes),
                            .fragment = Bytes(side.record).subspan(header_bytes)};
  std::optional<std::vector<std::uint8_t>> content =
      open_tls_record(*side.keys, side.sequence, record);
  if (!content && side.on_trial) return tell_closed(side, early);
  if (!content) {
    tell(side, {}, "record", {}, opened_section, not_authentic);
    return stay_closed(side, after_fault);
  }
  side.on_trial = false;
  ++side.sequence;
  if (side.keys->is_1_3) return take_inner(side, std::move(*content));
  tell_opened(side, side.record[0], content->size());
  take_content(side, side.record[0], *content, std::nullopt);
}

// RFC 8446 §5.4: the type stands behind the content, and zeros behind it.
void TlsReader::take_inner(Side& side, std::vector<std::uint8_t> content) {
  const std::size_t all = content.size();
  while (!content.empty() && content.back() == 0) content.pop_back();
  if (content.empty()) return fail(side, no_inner_type, "RFC 8446 §5.4");
  const std::size_t padding = all - content.size();
  const std::uint8_t type = content.back();
  content.pop_back();
  tell_opened(side, type, content.size());
  if (padding != 0) tell(side, {}, "padding", counted_bytes(padding), "RFC 8446 §5.4");
  take_content(side, type, content, std::nullopt);
}

void TlsReader::tell_opened(Side& side, std::uint8_t type, std::size_t content_bytes) {
  tell(side, bytes_at(side.begin + header_bytes, side.record.size() - header_bytes),
       "encrypted content",
       std::to_string(type) + ' ' + std::string(tls_content_name(type)) + ", " +
           counted_bytes(content_bytes),
       opened_section);
}

// Why, at the first record, and at others that it is so.
void TlsReader::tell_closed(Side& side, std::string_view why) {
  const std::string_view said = side.told_why ? std::string_view("encrypted") : why;
  side.told_why = true;
  tell(side, bytes_at(side.begin + header_bytes, side.record.size() - header_bytes),
       "encrypted content", std::string(said), opened_section);
}

void TlsReader::stay_closed(Side& side, std::string_view why) {
  side.keys.reset();
  side.closed = why;
  side.told_why = false;
}

// --- which keys ----------------------------------------------------------------------------------

void TlsReader::on_message(Side& side, const TlsMessage& message) {
  if (message.type == tls_client_hello && side.direction == Direction::to_server) {
    client_random_.assign(message.hello->random.begin(), message.hello->random.end());
    early_data_ = message.hello->extensions.early_data;
  }
  if (message.type == tls_server_hello && side.direction == Direction::to_client) {
    on_server_hello(*message.hello);
  }
  if (version_ != tls_1_3 || !side.keys) return;
  if (message.type == tls_finished && side.epoch == Epoch::handshake) begin_traffic(side);
  if (message.type == tls_key_update && side.epoch == Epoch::traffic) {
    const TlsSuite* const suite = find_tls_suite(suite_);
    const std::vector<std::uint8_t> next = tls_1_3_next_secret(*suite, side.secret);
    use_secret(side, next);
  }
}

void TlsReader::on_server_hello(const TlsHello& hello) {
  if (is_retry_request(hello)) return;
  version_ = hello.chosen_version();
  suite_ = load_be16(hello.suites.data());
  server_random_.assign(hello.random.begin(), hello.random.end());
  if (version_ != tls_1_3) return;  // then ChangeCipherSpec says from where on
  for (Side& each : sides_) begin_1_3(each);
}

// Null keys with the reason why.
void TlsReader::use_secret(Side& side, Bytes secret) {
  const TlsSuite* const suite = find_tls_suite(suite_);
  side.sequence = 0;
  side.secret.assign(secret.begin(), secret.end());
  side.keys.reset();
  if (!tls_keys_available()) return stay_closed(side, built_without);
  if (suite == nullptr) return stay_closed(side, no_cipher);
  if (keys_ == nullptr || keys_->empty()) return stay_closed(side, no_log);
  if (!side.secret.empty()) side.keys = tls_1_3_keys(*suite, side.secret);
  if (!side.keys) stay_closed(side, not_in_log);
}

void TlsReader::begin_1_3(Side& side) {
  const bool is_client = side.direction == Direction::to_server;
  const TlsSecret kind = is_client ? TlsSecret::client_handshake : TlsSecret::server_handshake;
  side.epoch = Epoch::handshake;
  use_secret(side, keys_ != nullptr ? keys_->find(kind, client_random_) : Bytes{});
  side.on_trial = is_client && early_data_;
  // A log may have no more than what protects the content: the first record that fits begins it.
  if (!side.keys && keys_ != nullptr) {
    begin_traffic(side);
    side.on_trial = true;
  }
}

void TlsReader::begin_traffic(Side& side) {
  const bool is_client = side.direction == Direction::to_server;
  side.epoch = Epoch::traffic;
  use_secret(side, keys_ != nullptr ? keys_->find(is_client ? TlsSecret::client_traffic
                                                            : TlsSecret::server_traffic,
                                                  client_random_)
                                    : Bytes{});
}

void TlsReader::begin_1_2(Side& side) {
  const bool again = side.epoch != Epoch::clear;
  side.epoch = Epoch::traffic;
  side.sequence = 0;
  if (again) return stay_closed(side, renegotiated);
  const TlsSuite* const suite = find_tls_suite(suite_);
  if (!tls_keys_available()) return stay_closed(side, built_without);
  if (suite == nullptr || version_ != tls_1_2) return stay_closed(side, no_cipher);
  if (keys_ == nullptr || keys_->empty()) return stay_closed(side, no_log);
  const Bytes master = keys_->find(TlsSecret::master, client_random_);
  if (master.empty()) return stay_closed(side, not_in_log);
  const std::optional<TlsKeyBlock> keys =
      tls_1_2_keys(*suite, master, client_random_, server_random_);
  if (!keys) return stay_closed(side, no_cipher);
  side.keys = side.direction == Direction::to_server ? keys->client : keys->server;
}

// --- telling -------------------------------------------------------------------------------------

void TlsReader::tell(const Side& side, Place place, std::string_view name, std::string value,
                     std::string_view section, Fault fault) {
  (*sink_)({.direction = side.direction,
            .layer = Layer::tls,
            .depth = 1,
            .place = place,
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = record_source,
            .fault = fault});
}

void TlsReader::fail(Side& side, const Fault& fault, std::string_view section) {
  side.failed = true;
  (*sink_)({.direction = side.direction,
            .layer = Layer::tls,
            .place = bytes_at(side.begin, std::min(side.record.size(), header_bytes)),
            .name = "record",
            .value = {},
            .section = section,
            .source = record_source,
            .fault = fault});
}

void TlsReader::end(Direction direction) {
  Side& ended = side(direction);
  if (ended.failed || (ended.record.empty() && !ended.messages.unfinished())) return;
  ended.failed = true;
  (*sink_)({.direction = direction,
            .layer = Layer::tls,
            .place = bytes_at(ended.begin, ended.record.size()),
            .name = "cut in a record or a message",
            .value = {},
            .section = record_section,
            .source = record_source,
            .fault = cut_record});
}

}  // namespace hilo::trace
