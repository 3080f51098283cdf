// SPDX-License-Identifier: MIT
//
// How the values of an event become the parameters of its handler.
//
//   socket.on("move", [](int x, int y, std::optional<double> speed, Ack ack) { ... });
//
//   bool, integers, floating    of JSON's own kind; an integer that fits, and 3.0 is one
//   std::string_view, Binary    views, valid during the call
//   std::string, Json           as they are; by reference without a copy
//   std::optional<T>            empty if the value is missing or null
//   everything else             by nlohmann's from_json: vectors, maps, structs with its macros
//   Ack                         the last one: answers the event (ack.h)
//
// If a value is missing or of another kind the handler is not called. Values beyond the last
// parameter are ignored, as in JavaScript.
//
//   thread   the loop's

#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "net/base/callback.h"
#include "ws/socketio/ack.h"
#include "ws/socketio/packet.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

// What a handler is given: an array of values, of which the first `skip` are not for it, and who
// waits for an answer.
struct Arguments {
  Json& values;
  std::size_t skip = 0;
  Ack* ack = nullptr;

  std::size_t size() const noexcept { return each().size(); }
  // Those that are for the handler. None where another one has left something else there.
  std::span<Json> each() const noexcept {
    auto* const list = values.get_ptr<Json::array_t*>();
    if (list == nullptr || list->size() <= skip) return {};
    return std::span(*list).subspan(skip);
  }
  // The same as an array.
  Json copy() const {
    OwnedJson array(Json::array());
    for (const Json& each : this->each()) array->push_back(std::move(*OwnedJson(each)));
    return std::move(*array);
  }
  // Null beyond the end.
  Json* at(std::size_t index) const { return index < size() ? &values[skip + index] : nullptr; }
};

namespace detail {

// Reader<T>: how a T is read. `read` says whether it is one; `value` is what is passed on, and what
// a handler of acknowledgements gets beside an error.
template <class T>
struct Reader {
  std::optional<T> held;

  bool read(Json* json) {
    if (json == nullptr) return false;
    try {
      held = json->get<T>();
    } catch (const Json::exception&) {
      return false;
    }
    return true;
  }
  T& value() { return held ? *held : held.emplace(); }
};

template <>
struct Reader<Json> {
  Json* held = nullptr;
  Json none = {};
  bool read(Json* json) { return (held = json) != nullptr; }
  Json& value() { return held != nullptr ? *held : none; }
};

template <>
struct Reader<std::string> {
  std::string* held = nullptr;
  std::string none = {};
  bool read(Json* json) {
    held = json != nullptr ? json->get_ptr<std::string*>() : nullptr;
    return held != nullptr;
  }
  std::string& value() { return held != nullptr ? *held : none; }
};

template <>
struct Reader<std::string_view> {
  std::string_view held = {};
  bool read(Json* json) {
    const auto* text = json != nullptr ? json->get_ptr<const std::string*>() : nullptr;
    if (text != nullptr) held = *text;
    return text != nullptr;
  }
  std::string_view& value() { return held; }
};

template <>
struct Reader<Binary> {
  Binary held = {};
  bool read(Json* json) {
    if (json == nullptr || !json->is_binary()) return false;
    held.bytes = Bytes{json->get_binary()};
    return true;
  }
  Binary& value() { return held; }
};

template <>
struct Reader<bool> {
  bool held = false;
  bool read(Json* json) {
    if (json == nullptr || !json->is_boolean()) return false;
    held = json->get<bool>();
    return true;
  }
  bool& value() { return held; }
};

template <std::floating_point T>
struct Reader<T> {
  T held = 0;
  bool read(Json* json) {
    if (json == nullptr || !json->is_number()) return false;
    held = json->get<T>();
    return true;
  }
  T& value() { return held; }
};

template <std::integral T>
struct Reader<T> {
  T held = 0;
  bool read(Json* json) {
    if (json == nullptr) return false;
    if (json->is_number_unsigned()) return take(json->get<std::uint64_t>());
    if (json->is_number_integer()) return take(json->get<std::int64_t>());
    // JavaScript has one kind of number, and some languages write all of theirs with a point.
    if (!json->is_number_float()) return false;
    const double number = json->get<double>();
    constexpr double limit = 9007199254740992.0;  // 2^53: above it not every integer is a double
    if (std::trunc(number) != number || std::abs(number) > limit) return false;
    return take(static_cast<std::int64_t>(number));
  }
  T& value() { return held; }

 private:
  template <class Wide>
  bool take(Wide wide) {
    if (!std::in_range<T>(wide)) return false;
    held = static_cast<T>(wide);
    return true;
  }
};

template <class T>
struct Reader<std::optional<T>> {
  Reader<T> inner = {};
  std::optional<T> held = {};
  bool read(Json* json) {
    if (json == nullptr || json->is_null()) return true;
    if (!inner.read(json)) return false;
    held = inner.value();
    return true;
  }
  std::optional<T>& value() { return held; }
};

// The parameters of a lambda, a function object or a function.
template <class... T>
struct Types {};
template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Parameters = Types<P...>;
};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> {
  using Parameters = Types<P...>;
};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> {
  using Parameters = Types<P...>;
};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> {
  using Parameters = Types<P...>;
};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> {
  using Parameters = Types<P...>;
};

template <class F, class... P, std::size_t... I>
bool call_with(F& f, const Arguments& arguments, Types<P...>, std::index_sequence<I...>) {
  std::tuple<Reader<std::decay_t<P>>...> readers;
  if (!(std::get<I>(readers).read(arguments.at(I)) && ...)) return false;
  f(static_cast<P>(std::get<I>(readers).value())...);
  return true;
}

// The parameters in front of a last one.
template <class Last, class Indices, class... P>
struct Split;
template <class Last, std::size_t... I, class... P>
struct Split<Last, std::index_sequence<I...>, P...> {
  using Front = Types<std::tuple_element_t<I, std::tuple<P...>>...>;
};
template <class... P>
inline constexpr bool ends_with_ack = false;
template <class First, class... P>
inline constexpr bool ends_with_ack<First, P...> =
    std::is_same_v<std::decay_t<std::tuple_element_t<sizeof...(P), std::tuple<First, P...>>>, Ack>;

template <class F, class... P, class... Front, std::size_t... I>
bool call_with_ack(F& f, const Arguments& arguments, Types<P...>, Types<Front...>,
                   std::index_sequence<I...>) {
  std::tuple<Reader<std::decay_t<Front>>...> readers;
  if (!(std::get<I>(readers).read(arguments.at(I)) && ...)) return false;
  Ack nobody;
  Ack& ack = arguments.ack != nullptr ? *arguments.ack : nobody;
  f(static_cast<Front>(std::get<I>(readers).value())..., std::move(ack));
  return true;
}

template <class F, class... P>
bool call(F& f, const Arguments& arguments, Types<P...> parameters) {
  if constexpr (ends_with_ack<P...>) {
    using Indices = std::make_index_sequence<sizeof...(P) - 1>;
    using Front = typename Split<Ack, Indices, P...>::Front;
    return call_with_ack(f, arguments, parameters, Front{}, Indices{});
  } else if constexpr (std::is_same_v<Types<P...>, Types<const Arguments&>>) {
    f(arguments);
    return true;
  } else {
    return call_with(f, arguments, parameters, std::index_sequence_for<P...>{});
  }
}

}  // namespace detail

// False if the values do not fit.
using EventHandler = Callback<bool(const Arguments&)>;

// Calls one of the handlers of an event. Those behind it may want to answer, too.
inline bool call_handler(EventHandler& handler, const Arguments& arguments, bool is_last) {
  if (is_last || arguments.ack == nullptr || !*arguments.ack) return handler(arguments);
  Ack twin = arguments.ack->twin();
  return handler({arguments.values, arguments.skip, &twin});
}

template <class F>
EventHandler bind_event(F&& handler) {
  using Parameters = typename detail::Signature<std::decay_t<F>>::Parameters;
  return [handler = std::forward<F>(handler)](const Arguments& arguments) mutable {
    return detail::call(handler, arguments, Parameters{});
  };
}

// What is told the answer to an emit(), or why there is none.
using AckHandler = Callback<void(std::error_code, Json& answers)>;

namespace detail {

template <class F, class... P, std::size_t... I>
void answer_with_error(F& f, std::error_code error, Json& answers, Types<std::error_code, P...>,
                       std::index_sequence<I...>) {
  std::tuple<Reader<std::decay_t<P>>...> readers;
  const Arguments arguments{answers};
  if (!(std::get<I>(readers).read(arguments.at(I)) && ...)) {
    if (!error) error = make_error_code(AckErrc::malformed);
    readers = {};
  }
  f(error, static_cast<P>(std::get<I>(readers).value())...);
}
template <class F, class... P>
void answer(F& f, std::error_code error, Json& answers, Types<std::error_code, P...> parameters) {
  answer_with_error(f, error, answers, parameters, std::index_sequence_for<P...>{});
}
// A handler that asks for no error is not told of one.
template <class F, class... P>
void answer(F& f, std::error_code error, Json& answers, Types<P...> parameters) {
  if (error) return;
  call_with(f, Arguments{answers}, parameters, std::index_sequence_for<P...>{});
}

}  // namespace detail

template <class F>
AckHandler bind_ack(F&& handler) {
  using Parameters = typename detail::Signature<std::decay_t<F>>::Parameters;
  return [handler = std::forward<F>(handler)](std::error_code error, Json& answers) mutable {
    detail::answer(handler, error, answers, Parameters{});
  };
}

// What emit() was given: the event and its values, and whom the answer is for.
struct Emission {
  OwnedJson values = Json::array();  // the name stands first
  AckHandler ack = nullptr;

  // Every peer would take it for a broken packet (is_reserved_event()).
  bool is_reserved() const noexcept {
    const auto* const event = values->front().get_ptr<const Json::string_t*>();
    return event == nullptr || is_reserved_event(*event);
  }
};

namespace detail {

template <class V>
void add(Emission& emission, V&& value) {
  if constexpr (std::is_constructible_v<Json, V>) {
    emission.values->push_back(std::move(*owned(std::forward<V>(value))));
  } else {
    emission.ack = bind_ack(std::forward<V>(value));
  }
}

}  // namespace detail

// The last value may be a handler for the answer.
template <class... V>
Emission make_emission(std::string_view event, V&&... values) {
  Emission emission;
  auto& array = emission.values->get_ref<Json::array_t&>();
  array.reserve(1 + sizeof...(values));
  array.emplace_back(event);
  (detail::add(emission, std::forward<V>(values)), ...);
  return emission;
}

}  // namespace hilo::socketio
