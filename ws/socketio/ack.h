// SPDX-License-Identifier: MIT
//
// Ack: the answer that the sender of an event waits for.
//
//   socket.on("sum", [](int a, int b, Ack ack) { ack(a + b); });
//
// It may be kept and called later, for as long as one likes, and does nothing if nobody waits, if
// the socket is gone or its Server or Manager is, or when it is called a second time. Where several
// handlers of an event ask for it each has its own, and the first that is called is the answer.
//
//   thread   the loop's

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "net/base/slab.h"
#include "ws/socketio/value_view.h"
#include "ws/socketio/values.h"
#include "ws/socketio/weak.h"

namespace hilo::socketio {

// Who sends the answers: a namespace of a server's, a socket of a client's.
class AckTarget {
 public:
  // Both do nothing if that socket is gone.
  virtual void answer(SlabHandle socket, std::uint64_t id, OwnedJson answers) = 0;
  virtual void answer_with(SlabHandle socket, std::uint64_t id,
                           std::span<const ValueView> answers) {
    OwnedJson array(Json::array());
    array->get_ref<Json::array_t&>().reserve(answers.size());
    for (const ValueView& each : answers) array->push_back(std::move(*each.to_json()));
    answer(socket, id, std::move(array));
  }

  // What an Ack finds it by.
  const Weak<AckTarget>& weak_target() const noexcept { return anchor_.weak(); }

 protected:
  AckTarget() : anchor_(*this) {}
  ~AckTarget() = default;
  // No answer comes from now on.
  void end_answers() noexcept { anchor_.raise(); }

 private:
  Anchor<AckTarget> anchor_;
};

class Ack {
 public:
  Ack() noexcept = default;
  Ack(AckTarget& target, SlabHandle socket, std::uint64_t id) noexcept
      : target_(target.weak_target()), socket_(socket), id_(id) {}
  Ack(Ack&& other) noexcept = default;
  Ack& operator=(Ack&& other) noexcept = default;

  // Another one for the same answer.
  Ack twin() {
    Ack other;
    if (target_.get() == nullptr) return other;
    if (given_ == nullptr) given_ = std::make_shared<bool>(false);
    other.target_ = target_;
    other.given_ = given_;
    other.socket_ = socket_;
    other.id_ = id_;
    return other;
  }

  // Whether somebody waits.
  explicit operator bool() const noexcept {
    return target_.get() != nullptr && (given_ == nullptr || !*given_);
  }

  template <class... V>
  void operator()(V&&... values) {
    if constexpr ((ValueView::takes<V> && ...)) {
      const std::array<ValueView, sizeof...(V)> views{ValueView(values)...};
      answer_with(views);
    } else {
      OwnedJson answers(Json::array());
      answers->get_ref<Json::array_t&>().reserve(sizeof...(V));
      (answers->push_back(std::move(*owned(std::forward<V>(values)))), ...);
      answer_owned(std::move(answers));
    }
  }
  // The same with the values of an array.
  void answer(Json values) { answer_owned(std::move(values)); }
  // And with values that stay where they are: answer_each(arguments.each()).
  void answer_each(std::span<const Json> values) {
    std::array<ValueView, 8> views;
    if (values.size() > views.size()) {
      OwnedJson copies(Json::array());
      copies->get_ref<Json::array_t&>().reserve(values.size());
      for (const Json& each : values) copies->push_back(std::move(*OwnedJson(each)));
      return answer_owned(std::move(copies));
    }
    std::transform(values.begin(), values.end(), views.begin(),
                   [](const Json& value) { return ValueView(value); });
    answer_with(std::span(views).first(values.size()));
  }

 private:
  // Null: a twin was faster.
  Weak<AckTarget> take_turn() noexcept {
    const bool is_late = given_ != nullptr && std::exchange(*given_, true);
    Weak<AckTarget> target = std::exchange(target_, {});
    return is_late ? Weak<AckTarget>() : target;
  }
  void answer_owned(OwnedJson values) {
    const Weak<AckTarget> once = take_turn();
    if (AckTarget* const target = once.get()) target->answer(socket_, id_, std::move(values));
  }
  void answer_with(std::span<const ValueView> values) {
    const Weak<AckTarget> once = take_turn();
    if (AckTarget* const target = once.get()) target->answer_with(socket_, id_, values);
  }

  Weak<AckTarget> target_;
  std::shared_ptr<bool> given_;  // null: it has no twin
  SlabHandle socket_;
  std::uint64_t id_ = 0;
};

}  // namespace hilo::socketio
