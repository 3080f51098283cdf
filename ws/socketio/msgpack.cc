// SPDX-License-Identifier: MIT

#include "ws/socketio/msgpack.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "ws/core/utf8.h"

namespace hilo::socketio {
namespace {

// JavaScript's own limit, a hundred million days from 1970.
constexpr std::int64_t date_milliseconds_max = 8'640'000'000'000'000;
constexpr std::int64_t day_milliseconds = 86'400'000;

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// The proleptic Gregorian calendar in eras of 400 years, which begin in March so that a leap day is
// the last of its year.
Date date_of(std::int64_t days) noexcept {
  constexpr std::int64_t era_days = 146'097;
  constexpr std::int64_t march_of_year_0 = 719'468;  // days to 1970
  const std::int64_t day = days + march_of_year_0;
  const std::int64_t era = (day >= 0 ? day : day - (era_days - 1)) / era_days;
  const auto in_era = static_cast<unsigned>(day - era * era_days);
  const unsigned year = (in_era - in_era / 1460 + in_era / 36'524 - in_era / 146'096) / 365;
  const unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
  const unsigned month = (5 * in_year + 2) / 153;  // from March
  const bool is_next_year = month >= 10;
  return {.year = static_cast<std::int64_t>(year) + era * 400 + (is_next_year ? 1 : 0),
          .month = is_next_year ? month - 9 : month + 3,
          .day = in_year - (153 * month + 2) / 5 + 1};
}

// As Date.prototype.toISOString() has it; null if that would throw.
Json iso_date(std::int64_t milliseconds) {
  if (milliseconds > date_milliseconds_max || milliseconds < -date_milliseconds_max) return nullptr;
  std::int64_t days = milliseconds / day_milliseconds;
  if (milliseconds % day_milliseconds < 0) --days;
  const auto in_day = static_cast<unsigned>(milliseconds - days * day_milliseconds);
  const Date date = date_of(days);
  const bool is_plain = date.year >= 0 && date.year <= 9999;
  std::array<char, 40> text;
  const int length = std::snprintf(
      text.data(), text.size(),
      is_plain ? "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ" : "%+07lld-%02u-%02uT%02u:%02u:%02u.%03uZ",
      static_cast<long long>(date.year), date.month, date.day, in_day / 3'600'000,
      in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000);
  return std::string(text.data(), static_cast<std::size_t>(length));
}

// One value after the other. After an error it is not to be asked again.
class Reader {
 public:
  Reader(Bytes message, const PacketLimits& limits) noexcept
      : rest_(message),
        depth_left_(limits.json_depth_max),
        bytes_left_(limits.attachment_bytes_max) {}

  Errc error() const noexcept { return error_; }
  bool at_end() const noexcept { return rest_.empty(); }

  // False if it is none, or there is an error.
  bool map(std::size_t& size) {
    const std::uint8_t first = byte();
    if (first >= 0x80 && first <= 0x8f) {
      size = first & 0x0fU;
    } else if (first == 0xde || first == 0xdf) {
      size = static_cast<std::size_t>(number(first == 0xde ? 2 : 4));
    } else {
      return fail();
    }
    return can_hold(2 * size);
  }

  // A key: a text, UTF-8.
  std::string_view text() {
    const std::uint8_t first = byte();
    if (first >= 0xa0 && first <= 0xbf) return text_of(first & 0x1fU);
    if (first >= 0xd9 && first <= 0xdb) {
      return text_of(static_cast<std::size_t>(number(std::size_t{1} << (first - 0xd9))));
    }
    fail();
    return {};
  }

  // False if it is undefined, which is read as null.
  bool value(Json& into);
  bool is_text_next() const noexcept {
    if (rest_.empty()) return false;
    const std::uint8_t first = rest_.front();
    return (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);
  }

 private:
  bool fail(Errc error = Errc::packet_msgpack) noexcept {
    if (error_ == Errc::none) error_ = error;
    rest_ = {};
    return false;
  }
  Bytes take(std::size_t size) noexcept {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  // 0xc1, which never stands for anything, if there is none left.
  std::uint8_t byte() noexcept {
    const Bytes taken = take(1);
    return taken.empty() ? 0xc1 : taken.front();
  }
  std::uint64_t number(std::size_t size) noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t each : take(size)) value = value << 8 | each;
    return value;
  }
  std::int64_t signed_number(std::size_t size) noexcept {
    const auto unused = static_cast<int>(64 - 8 * size);
    return static_cast<std::int64_t>(number(size) << unused) >> unused;
  }
  // A value takes a byte at least, so that nobody gets room for a number that is only claimed.
  bool can_hold(std::size_t count) noexcept { return count <= rest_.size() || fail(); }

  std::string_view text_of(std::size_t size) {
    const Bytes bytes = take(size);
    if (!ws::utf8_valid(bytes)) fail();
    return as_text(bytes);
  }
  Json binary(std::size_t size) {
    const Bytes bytes = take(size);
    if (bytes.size() > bytes_left_) {
      fail(Errc::attachment_bytes);
      return nullptr;
    }
    bytes_left_ -= bytes.size();
    return binary_of(bytes);
  }
  // Of a type that nobody has agreed on, npm's parser makes [type, bytes].
  void extension(std::int64_t type, std::size_t size, Json& into) {
    into = Json::array();
    into.push_back(type);
    into.push_back(binary(size));
  }
  void array(std::size_t size, Json& into);
  void object(std::size_t size, Json& into);
  Json integer(std::int64_t value) {
    return value < 0 ? Json(value) : Json(static_cast<std::uint64_t>(value));
  }
  void behind(std::uint8_t first, Json& into);
  bool fixed_extension(std::size_t size, Json& into);

  Bytes rest_;
  std::size_t depth_left_;
  std::size_t bytes_left_;
  Errc error_ = Errc::none;
};

void Reader::array(std::size_t size, Json& into) {
  into = Json::array();
  if (!can_hold(size)) return;
  if (depth_left_ == 0) {
    fail();
    return;
  }
  --depth_left_;
  for (std::size_t i = 0; i < size && error_ == Errc::none; ++i) {
    value(into.emplace_back(nullptr));
  }
  ++depth_left_;
}

void Reader::object(std::size_t size, Json& into) {
  into = Json::object();
  if (!can_hold(2 * size)) return;
  if (depth_left_ == 0) {
    fail();
    return;
  }
  --depth_left_;
  for (std::size_t i = 0; i < size && error_ == Errc::none; ++i) {
    const std::string_view key = text();
    if (error_ != Errc::none) break;
    value(into[std::string(key)]);
  }
  ++depth_left_;
}

// Of type 0, one byte is undefined, which is false here, and eight bytes are a Date.
bool Reader::fixed_extension(std::size_t size, Json& into) {
  const std::int64_t type = signed_number(1);
  if (type == 0 && size == 1) {
    take(1);
    return false;
  }
  if (type == 0 && size == 8) {
    into = iso_date(signed_number(8));
  } else {
    extension(type, size, into);
  }
  return true;
}

// What has a length or a number behind its first byte.
void Reader::behind(std::uint8_t first, Json& into) {
  const auto length = [&](std::uint8_t smallest) {
    return static_cast<std::size_t>(number(std::size_t{1} << (first - smallest)));
  };
  switch (first) {
    case 0xc4:
    case 0xc5:
    case 0xc6: into = binary(length(0xc4)); return;
    case 0xc7:
    case 0xc8:
    case 0xc9: {
      const std::size_t size = length(0xc7);
      const std::int64_t type = signed_number(1);
      if (type != 0) return extension(type, size, into);
      into = binary(size);
      return;
    }
    case 0xca:
      into = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(number(4))));
      return;
    case 0xcb: into = std::bit_cast<double>(number(8)); return;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: into = number(std::size_t{1} << (first - 0xcc)); return;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: into = integer(signed_number(std::size_t{1} << (first - 0xd0))); return;
    case 0xd9:
    case 0xda:
    case 0xdb: into = std::string(text_of(length(0xd9))); return;
    case 0xdc: return array(static_cast<std::size_t>(number(2)), into);
    case 0xdd: return array(static_cast<std::size_t>(number(4)), into);
    case 0xde: return object(static_cast<std::size_t>(number(2)), into);
    case 0xdf: return object(static_cast<std::size_t>(number(4)), into);
    default: fail();
  }
}

bool Reader::value(Json& into) {
  // Of a name that is there twice the last value counts.
  dispose(into);
  into = nullptr;
  bool is_there = true;
  const std::uint8_t first = byte();
  if (first <= 0x7f) {
    into = std::uint64_t{first};
  } else if (first <= 0x8f) {
    object(first & 0x0fU, into);
  } else if (first <= 0x9f) {
    array(first & 0x0fU, into);
  } else if (first <= 0xbf) {
    into = std::string(text_of(first & 0x1fU));
  } else if (first >= 0xe0) {
    into = static_cast<std::int64_t>(static_cast<std::int8_t>(first));
  } else if (first == 0xc0) {
    into = nullptr;
  } else if (first == 0xc2 || first == 0xc3) {
    into = first == 0xc3;
  } else if (first >= 0xd4 && first <= 0xd8) {
    is_there = fixed_extension(std::size_t{1} << (first - 0xd4), into);
  } else {
    behind(first, into);
  }
  return is_there;
}

Errc set_type(const Json& value, PacketHead& head) {
  constexpr auto last = static_cast<std::uint64_t>(PacketType::connect_error);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > last) return Errc::packet_type;
  head.type = static_cast<PacketType>(value.get<std::uint64_t>());
  return Errc::none;
}

Errc set_id(const Json& value, PacketHead& head) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > id_max) return Errc::packet_id;
  head.id = value.get<std::uint64_t>();
  return Errc::none;
}

}  // namespace

Errc read_msgpack(Bytes message, const PacketLimits& limits, PacketHead& head, bool& has_data,
                  Json& data) {
  head = {};
  has_data = false;
  dispose(data);
  data = nullptr;
  Reader reader(message, limits);
  bool has_type = false;
  bool has_namespace = false;
  std::size_t fields = 0;
  reader.map(fields);
  for (std::size_t i = 0; i < fields && reader.error() == Errc::none; ++i) {
    const std::string_view name = reader.text();
    Errc error = Errc::none;
    if (name == "nsp" && reader.is_text_next()) {
      has_namespace = true;
      error = set_namespace(reader.text(), limits, head);
    } else if (name == "data") {
      has_data = reader.value(data);
    } else {
      OwnedJson other;  // of the packet, or what a parser of npm's left in it
      const bool is_there = reader.value(*other);
      if (name == "nsp") error = Errc::packet_namespace;
      if (name == "id" && is_there) error = set_id(*other, head);
      if (name == "type") {
        has_type = true;
        error = set_type(*other, head);
      }
    }
    if (reader.error() == Errc::none && error != Errc::none) return error;
  }
  if (reader.error() != Errc::none) return reader.error();
  if (!reader.at_end()) return Errc::packet_msgpack;
  if (!has_type) return Errc::packet_type;
  return has_namespace ? Errc::none : Errc::packet_namespace;
}

Json::binary_t write_msgpack(const PacketHead& head, OwnedJson data) {
  OwnedJson packet = object_of("type", static_cast<unsigned>(head.type));
  (*packet)["nsp"] = head.nsp;
  if (head.id) (*packet)["id"] = *head.id;
  if (!data->is_null()) (*packet)["data"] = std::move(*data);
  return Json::binary_t(Json::to_msgpack(*packet));
}

}  // namespace hilo::socketio
