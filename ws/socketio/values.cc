// SPDX-License-Identifier: MIT

#include "ws/socketio/values.h"

#include <algorithm>
#include <utility>

#include "net/base/guard.h"
#include "ws/socketio/plain_json.h"

namespace hilo::socketio {
namespace {

// The parser recurses, so it is not asked about what is too deep for it.
bool is_too_deep(std::string_view text, std::size_t depth_max) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max) return true;
    } else if ((c == ']' || c == '}') && depth != 0) {
      --depth;
    }
  }
  return false;
}

bool is_placeholder(const Json& value) {
  if (!value.is_object()) return false;
  const auto mark = value.find("_placeholder");
  return mark != value.end() && mark->is_boolean() && mark->get<bool>();
}

void copy(const Json& from, Json& into) {
  if (const auto* const array = from.get_ptr<const Json::array_t*>()) {
    into = Json(Json::value_t::array);
    auto& list = into.get_ref<Json::array_t&>();
    list.reserve(array->size());
    for (const Json& each : *array) copy(each, list.emplace_back(nullptr));
  } else if (const auto* const object = from.get_ptr<const Json::object_t*>()) {
    into = Json(Json::value_t::object);
    auto& members = into.get_ref<Json::object_t&>();
    for (const auto& [name, each] : *object) copy(each, members[name]);
  } else if (from.is_binary()) {
    into = Json(Json::value_t::binary);
    into.get_binary() = from.get_binary();
  } else {
    into = from;
  }
}

struct Restoring {
  std::span<const Json::binary_t> attachments;
  std::size_t copy_bytes_left;

  Errc restore(Json& value) {
    if (is_placeholder(value)) return replace(value);
    if (!value.is_structured()) return Errc::none;
    for (Json& inner : value) {
      if (const Errc error = restore(inner); error != Errc::none) return error;
    }
    return Errc::none;
  }

  Errc replace(Json& value) {
    const auto number = value.find("num");
    if (number == value.end() || !number->is_number_unsigned()) return Errc::placeholder;
    const auto index = number->get<std::uint64_t>();
    if (index >= attachments.size()) return Errc::placeholder;
    const Json::binary_t& bytes = attachments[static_cast<std::size_t>(index)];
    if (bytes.size() > copy_bytes_left) return Errc::attachment_bytes;
    copy_bytes_left -= bytes.size();
    OwnedJson leaf(binary_of(Bytes{bytes}));
    dispose(value);
    value = std::move(*leaf);
    return Errc::none;
  }
};

}  // namespace

void to_json(Json& into, const Binary& binary) {
  into = binary_of(binary.bytes);
}

void from_json(const Json& value, Binary& into) {
  into.bytes = Bytes{value.get_binary()};
}

void dispose_structure(Json& value) noexcept {
  if (auto* const array = value.get_ptr<Json::array_t*>()) {
    for (Json& each : *array) dispose(each);
    array->clear();
  } else if (auto* const object = value.get_ptr<Json::object_t*>()) {
    for (auto& [name, each] : *object) dispose(each);
    object->clear();
  }
}

// NOLINTNEXTLINE(bugprone-exception-escape): a null asks for no memory, so making one cannot throw
Json no_values() noexcept {
  Json none;
  static_cast<void>(guarded([&] { none = Json::array(); }));
  return none;
}

Json binary_of(Bytes bytes) {
  Json leaf(Json::value_t::binary);
  leaf.get_binary().assign(bytes.begin(), bytes.end());
  return leaf;
}

OwnedJson::OwnedJson(const Json& value) {
  // Of a constructor that throws no destructor is called.
  OwnedJson made(nullptr);
  copy(value, *made);
  value_ = std::move(*made);
}

void merge(Json& into, Json& from) {
  for (auto& [name, value] : from.get_ref<Json::object_t&>()) {
    Json& member = into[name];
    dispose(member);
    member = std::move(value);
  }
}

OwnedJson value_of(Json::initializer_list_t list) {
  const auto is_pair = [](const auto& each) {
    return each->is_array() && each->size() == 2 && (*each)[0].is_string();
  };
  if (!std::all_of(list.begin(), list.end(), is_pair)) {
    OwnedJson array(Json::array());
    array->get_ref<Json::array_t&>().reserve(list.size());
    for (const auto& each : list) array->push_back(each.moved_or_copied());
    return array;
  }
  OwnedJson object(Json::object());
  for (const auto& each : list) {
    OwnedJson pair(each.moved_or_copied());
    auto& members = object->get_ref<Json::object_t&>();
    members.emplace(std::move((*pair)[0].get_ref<Json::string_t&>()), std::move((*pair)[1]));
  }
  return object;
}

Errc parse_json(std::string_view text, std::size_t depth_max, Json& into) {
  if (read_plain_json(text, depth_max, into)) return Errc::none;
  // To the library a NUL is the end of the text, whatever stands behind it; to JSON it is nothing.
  if (text.find('\0') != std::string_view::npos) return Errc::packet_json;
  if (is_too_deep(text, depth_max)) return Errc::packet_json;
  dispose(into);
  // Of what is none it would destroy the half it has read.
  if (!Json::accept(text.begin(), text.end())) return Errc::packet_json;
  into = Json::parse(text.begin(), text.end(), nullptr, false);
  return into.is_discarded() ? Errc::packet_json : Errc::none;
}

void write_json(const Json& value, bool ascii, std::string& out) {
  write_plain_json(value, ascii, out);
}

bool has_binary(const Json& value) noexcept {
  if (const auto* const array = value.get_ptr<const Json::array_t*>()) {
    return std::any_of(array->begin(), array->end(), has_binary);
  }
  if (const auto* const object = value.get_ptr<const Json::object_t*>()) {
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return has_binary(member.second); });
  }
  return value.is_binary();
}

void take_out_binary(Json& value, std::vector<Json::binary_t>& attachments) {
  if (value.is_binary()) {
    attachments.push_back(std::move(value.get_binary()));
    OwnedJson placeholder = object_of("_placeholder", true);
    (*placeholder)["num"] = attachments.size() - 1;
    value = std::move(*placeholder);
  } else if (value.is_structured()) {
    for (Json& inner : value) take_out_binary(inner, attachments);
  }
}

Errc put_in_binary(Json& value, std::span<const Json::binary_t> attachments,
                   std::size_t copy_bytes_max) {
  return Restoring{attachments, copy_bytes_max}.restore(value);
}

}  // namespace hilo::socketio
