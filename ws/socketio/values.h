// SPDX-License-Identifier: MIT
//
// The values of Socket.IO: JSON whose leaves may be bytes.
//
// Json is nlohmann's; a binary leaf is its own kind of value there (Json::binary). On the wire JSON
// has no bytes, so they are taken out and a placeholder stays:
//
//   ["file", <3 bytes>]   <-->   ["file",{"_placeholder":true,"num":0}]  and  <3 bytes>

#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/base/bytes.h"
#include "ws/socketio/packet.h"

namespace hilo::socketio {

using Json = nlohmann::json;

// Bytes as an argument of emit() and of handlers: a view, valid during the call.
struct Binary {
  Bytes bytes = {};
};
// As a leaf of a Json, wherever nlohmann's library converts: the copy, and a view of a leaf. The
// latter throws what that library throws if there are no bytes.
void to_json(Json& into, const Binary& binary);
void from_json(const Json& value, Binary& into);

// Of an array or an object.
void dispose_structure(Json& value) noexcept;
// Gives back what a value holds, leaves first, and asks for no memory, as the library's own way
// does: that makes a list of all children, and ends the process where there is no room for it.
// Costs the stack what writing the value does.
inline void dispose(Json& value) noexcept {
  if (value.is_structured()) dispose_structure(value);
}

// A value that ends by dispose(), as all of hilo's own do; for an application's that must outlive a
// lack of memory, too. Null once it was moved from.
class OwnedJson {
 public:
  OwnedJson() noexcept = default;
  OwnedJson(std::nullptr_t) noexcept {}
  OwnedJson(Json&& value) noexcept : value_(std::move(value)) {}
  // A copy, made so that what there is no memory for can be disposed of.
  OwnedJson(const Json& value);
  OwnedJson(OwnedJson&& other) noexcept = default;
  OwnedJson& operator=(OwnedJson&& other) noexcept {
    dispose(value_);
    value_ = std::move(other.value_);
    return *this;
  }
  ~OwnedJson() { dispose(value_); }

  Json& operator*() noexcept { return value_; }
  const Json& operator*() const noexcept { return value_; }
  Json* operator->() noexcept { return &value_; }
  const Json* operator->() const noexcept { return &value_; }

 private:
  Json value_;
};

// What a Json can be made of, as one of hilo's own.
template <class V>
OwnedJson owned(V&& value) {
  if constexpr (std::is_same_v<std::decay_t<V>, Json>) {
    return OwnedJson(std::forward<V>(value));
  } else {
    return OwnedJson(Json(std::forward<V>(value)));
  }
}
// Adds the members of one object to those of another; where both have one it is the former's.
void merge(Json& into, Json& from);

// What the library makes of {{"numClients", 2}}: an object of pairs, or else an array. Its own way
// destroys each pair.
OwnedJson value_of(Json::initializer_list_t list);
// An array of these. (The library's initializer lists are made of values that it must destroy.)
template <class... V>
OwnedJson array_of(V&&... values) {
  OwnedJson array(Json::array());
  auto& list = array->template get_ref<Json::array_t&>();
  list.reserve(sizeof...(values));
  (list.push_back(std::move(*owned(std::forward<V>(values)))), ...);
  return array;
}
// An object with one member.
template <class V>
OwnedJson object_of(const char* name, V&& value) {
  OwnedJson object(Json::object());
  (*object)[name] = std::move(*owned(std::forward<V>(value)));
  return object;
}

// An empty array; null where there is no memory for one.
Json no_values() noexcept;
// Bytes as a leaf. (Json::binary() leaves half a value where there is no memory.)
Json binary_of(Bytes bytes);

// Strict JSON (RFC 8259) of limited depth, and nothing behind it. Of a key that is there twice the
// last one counts. Errc::none or packet_json.
[[nodiscard]] Errc parse_json(std::string_view text, std::size_t depth_max, Json& into);
// Bytes that are no UTF-8 become U+FFFD. `ascii`: everything above it as \u escapes.
void write_json(const Json& value, bool ascii, std::string& out);

bool has_binary(const Json& value) noexcept;
// Takes every binary leaf out, in the order of the text, and leaves a placeholder for it.
void take_out_binary(Json& value, std::vector<Json::binary_t>& attachments);
// The way back. A placeholder may stand several times; what that copies beyond `copy_bytes_max` is
// refused. Errc::none, placeholder or attachment_bytes.
[[nodiscard]] Errc put_in_binary(Json& value, std::span<const Json::binary_t> attachments,
                                 std::size_t copy_bytes_max);

}  // namespace hilo::socketio
