// SPDX-License-Identifier: MIT

#include "ws/socketio/client_socket_state.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "ws/socketio/manager.h"

namespace hilo::socketio {
namespace {

// Of what a server may have us keep: ids and offsets.
constexpr std::size_t token_bytes_max = 256;

// Empty if there is none.
std::string_view text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  return *found->get_ptr<const std::string*>();
}

// Empty if there is none that may be kept.
std::string_view token_of(const Json& object, const char* key) {
  const std::string_view text = text_of(object, key);
  return text.size() <= token_bytes_max ? text : std::string_view{};
}

// The text that an array ends with; empty if there is none, or none as plain as ids are.
std::string_view last_text(std::string_view json) {
  if (!json.ends_with("\"]")) return {};
  json.remove_suffix(2);
  const std::size_t quote = json.rfind('"');
  if (quote == std::string_view::npos || quote == 0 || json[quote - 1] != ',') return {};
  const std::string_view text = json.substr(quote + 1);
  return text.find('\\') == std::string_view::npos ? text : std::string_view{};
}

}  // namespace

ClientSocketState::ClientSocketState(Manager& manager, std::string_view address,
                                     ClientSocketOptions options)
    : manager_(&manager), anchor_(*this), address_(address), options_(std::move(options)) {
  name_ = std::string_view(address_).substr(0, address_.find('?'));
}

// --- the way in ----------------------------------------------------------------------------------

void ClientSocketState::connect() {
  if (stage_ == Stage::leaving) stage_ = Stage::asked;
  if (stage_ == Stage::idle) stage_ = Stage::waiting;
  if (stage_ == Stage::waiting) manager_->want(*this);
}

void ClientSocketState::session_opened() {
  if (stage_ != Stage::waiting) return;
  stage_ = Stage::asking;
  if (!options_.ask_auth) return ask(options_.auth);
  manager_->call([&] { options_.ask_auth(GiveAuth(anchor_.weak(), manager_->session_)); });
}

void ClientSocketState::give_auth(OwnedJson auth, std::uint64_t session) {
  if (stage_ == Stage::asking && session == manager_->session_) ask(std::move(auth));
}

void ClientSocketState::ask(OwnedJson auth) {
  stage_ = Stage::asked;
  PacketHead head{.type = PacketType::connect, .nsp = name_};
  if (!manager_->is_v3()) {
    if (!auth->is_object()) auth = nullptr;
    if (!pid_.empty()) {
      OwnedJson with_pid = object_of("pid", pid_);
      if (!offset_.empty()) (*with_pid)["offset"] = offset_;
      if (!auth->is_null()) merge(*with_pid, *auth);
      auth = std::move(with_pid);
    }
    manager_->send(manager_->encoded(head, std::move(auth)), {});
    return;
  }
  // Protocol 4: who is there is in "/" already.
  if (name_ == "/" && !left_) {
    if (std::exchange(manager_->main_given_, false)) {
      manager_->at_reap([this] {
        if (stage_ == Stage::asked) connected();
      });
    }
    return;
  }
  head.nsp = address_;
  manager_->send(manager_->encoded(head, nullptr), {});
}

Errc ClientSocketState::accept(const Json& data) {
  if (stage_ != Stage::asked && stage_ != Stage::leaving) return Errc::connect_unasked;
  if (!manager_->is_v3()) {
    if (data.is_null()) return Errc::connect_protocol;
    if (!data.is_object() || token_of(data, "sid").empty()) return Errc::packet_payload;
    const std::string_view pid = token_of(data, "pid");
    recovered_ = !pid.empty() && pid == pid_;
    if (!recovered_) offset_.clear();
    pid_ = pid;
    id_ = token_of(data, "sid");
  }
  if (stage_ == Stage::asked) {
    connected();
    return Errc::none;
  }
  stage_ = Stage::idle;
  left_ = true;
  id_.clear();
  manager_->send(manager_->encoded({.type = PacketType::disconnect, .nsp = name_}, nullptr), {});
  return Errc::none;
}

void ClientSocketState::connected() {
  if (manager_->is_v3()) {
    id_ = manager_->engine_.handshake().sid;
    if (name_ != "/") id_ = std::string(name_).append("#").append(id_);
  }
  stage_ = Stage::connected;
  ++connection_;
  ++manager_->metrics_.connected;
  manager_->failures_ = 0;
  told_ = ws::guarded([this] {
    hand_over_early();
    flush();
  });
  // Without memory for that the connection is none.
  if (!told_) return manager_->end("transport error", "transport error");
  if (stage_ != Stage::connected) return;
  Json none = no_values();
  dispatch("connect", {none});
}

// In order, up to the one whose handler has changed where we are.
void ClientSocketState::hand_over_early() {
  const Stage stage = stage_;
  early_bytes_ = 0;
  while (!early_.empty() && stage_ == stage) {
    Waiting first = std::move(early_.front());
    early_.pop_front();
    deliver(first.id, std::move(first.values));
  }
  early_.clear();
}

void ClientSocketState::leave_asked(Stage next) noexcept {
  stage_ = next;
  early_.clear();
  early_bytes_ = 0;
}

// --- the way out ---------------------------------------------------------------------------------

void ClientSocketState::disconnect() {
  switch (stage_) {
    case Stage::connected:
      manager_->send(manager_->encoded({.type = PacketType::disconnect, .nsp = name_}, nullptr),
                     {});
      left_ = true;
      end("io client disconnect", Stage::idle);
      break;
    case Stage::asked: leave_asked(Stage::leaving); break;
    case Stage::waiting:
    case Stage::asking: stage_ = Stage::idle; break;
    case Stage::idle:
    case Stage::leaving: return;
  }
  manager_->close_later_if_unwanted();
}

void ClientSocketState::give_up(std::string_view reason) {
  if (stage_ == Stage::connected) return end(reason, Stage::idle);
  leave_asked(Stage::idle);
}

void ClientSocketState::session_lost(std::string_view reason, std::string_view why) {
  left_ = false;
  switch (stage_) {
    case Stage::connected: return end(reason, Stage::waiting);
    case Stage::asking:
    case Stage::asked:
      leave_asked(Stage::waiting);
      return manager_->at_reap([this, why] { tell_refusal(why, nullptr); });
    case Stage::leaving: stage_ = Stage::idle; return;
    case Stage::idle:
    case Stage::waiting: return;
  }
}

void ClientSocketState::session_failed(std::string_view message) {
  if (is_active()) tell_refusal(message, nullptr);
}

void ClientSocketState::end(std::string_view reason, Stage next) {
  stage_ = next;
  id_.clear();
  acks_.for_each([this](const PendingAck& ack) {
    if (has_left(ack.id)) manager_->loop_->cancel(ack.timer);
  });
  end_reason_ = reason;
  manager_->tell_ends_later(*this);
}

// What has not left waits for the next connection, and so do its answers.
bool ClientSocketState::has_left(std::uint64_t ack) const noexcept {
  return std::none_of(waiting_.begin(), waiting_.end(),
                      [ack](const Waiting& each) { return each.id == ack; });
}

// Once, whoever comes to it first.
void ClientSocketState::tell_end() {
  if (end_reason_.empty()) return;
  ++manager_->metrics_.disconnected;
  const std::string_view reason = std::exchange(end_reason_, {});
  if (std::exchange(told_, false)) {
    OwnedJson values = manager_->farewell_.take(reason);
    dispatch("disconnect", {*values});
    manager_->farewell_.give_back(std::move(values));
  }
  acks_.take_each([this](std::uint64_t ack) { return has_left(ack); },
                  [this](AckHandler& handler) {
                    Json none = no_values();
                    manager_->call([&] { handler(AckErrc::disconnected, none); });
                  });
}

Errc ClientSocketState::refused(const Json& data) {
  if (stage_ == Stage::connected && manager_->is_v3()) {
    // ERROR in protocol 4 is also what goes wrong later.
    OwnedJson values = array_of(data);
    dispatch("error", {*values});
    return Errc::none;
  }
  if (stage_ != Stage::asked && stage_ != Stage::leaving) return Errc::connect_unasked;
  const bool is_told = stage_ == Stage::asked;
  leave_asked(Stage::idle);
  manager_->close_later_if_unwanted();
  if (!is_told) return Errc::none;
  if (data.is_string()) {
    tell_refusal(data.get<std::string>(), nullptr);
  } else if (manager_->is_v3()) {
    tell_refusal(text_of(data, "message"), data);  // protocol 4 has one value for both
  } else {
    const auto more = data.find("data");
    tell_refusal(text_of(data, "message"), more != data.end() ? OwnedJson(*more) : OwnedJson());
  }
  return Errc::none;
}

// DISCONNECT. Of the last one of all it may be the connection's end, too, which the server does not
// say: who comes back when told does so over another one.
Errc ClientSocketState::dismissed() {
  const Stage was = stage_;
  switch (was) {
    case Stage::connected: end("io server disconnect", Stage::idle); break;
    case Stage::leaving: stage_ = Stage::idle; break;
    case Stage::asked:
      if (left_) {
        // Of the last connection, and so is what came before it: the answer is still to come.
        leave_asked(Stage::asked);
        return Errc::none;
      }
      leave_asked(Stage::idle);
      break;
    case Stage::idle:
    case Stage::waiting:
    case Stage::asking: return left_ ? Errc::none : Errc::not_connected;
  }
  left_ = true;
  manager_->close_if_unwanted();
  if (was == Stage::asked) tell_refusal("io server disconnect", nullptr);
  return Errc::none;
}

void ClientSocketState::tell_refusal(std::string_view message, OwnedJson data) {
  OwnedJson values = array_of(message, std::move(*data));
  dispatch("connect_error", {*values});
}

// --- what comes in -------------------------------------------------------------------------------

Errc ClientSocketState::receive(Packet& packet) {
  // Of the connection before this one, if it ended in this very turn.
  tell_end();
  switch (packet.head.type) {
    case PacketType::connect: return accept(packet.data);
    case PacketType::connect_error: return refused(packet.data);
    case PacketType::disconnect: return dismissed();
    case PacketType::event: return receive_event(packet.head.id, std::move(packet.data));
    case PacketType::ack:
      if (stage_ != Stage::connected && !left_) return Errc::not_connected;
      receive_ack(packet.head.id, std::move(packet.data));
      return Errc::none;
    case PacketType::binary_event:
    case PacketType::binary_ack: break;
  }
  return Errc::packet_type;
}

Errc ClientSocketState::receive_event(std::optional<std::uint64_t> id, OwnedJson values) {
  if (stage_ == Stage::connected) {
    deliver(id, std::move(values));
  } else if (stage_ == Stage::asked) {
    return keep_early(id, std::move(values));
  } else if (left_) {
    return Errc::none;  // it may have been sent before the server knew
  } else {
    // Of a namespace that has refused us, say: no reason to lose the others.
    manager_->reject(Errc::not_connected);
  }
  return Errc::none;
}

// What was missed comes before the answer that says so, and so does what middleware says. Too much
// to keep of what was missed is handed over all the same.
Errc ClientSocketState::keep_early(std::optional<std::uint64_t> id, OwnedJson values) {
  const std::size_t bytes = manager_->packet_bytes_;
  if (early_.size() >= manager_->options_.waiting_events_max ||
      bytes > early_bytes_max - std::min(early_bytes_, early_bytes_max)) {
    if (pid_.empty()) return Errc::not_connected;
    hand_over_early();
    if (stage_ != Stage::asked) return Errc::none;
    deliver(id, std::move(values));
    return Errc::none;
  }
  early_bytes_ += bytes;
  early_.push_back({.values = std::move(values), .flags = {}, .id = id});
  return Errc::none;
}

bool ClientSocketState::receive_raw(const PacketHead& head) {
  tell_end();
  if (!on_raw_ || stage_ != Stage::connected) return false;
  Ack ack = head.id ? Ack(*this, {.index = 0, .generation = connection_}, *head.id) : Ack();
  // Its place, as in deliver().
  std::string offset;
  if (!pid_.empty() && !head.id) offset = last_text(head.json);
  // It may put another one in its place.
  auto running = std::move(on_raw_);
  bool is_taken = true;
  manager_->call([&] { is_taken = running(head.json, ack); });
  if (!on_raw_) on_raw_ = std::move(running);
  if (!is_taken) return false;
  ++manager_->metrics_.events_received;
  if (!offset.empty() && offset.size() <= token_bytes_max) offset_ = std::move(offset);
  return true;
}

void ClientSocketState::deliver(std::optional<std::uint64_t> id, OwnedJson values) {
  ++manager_->metrics_.events_received;
  Json& front = values->front();
  if (front.is_number()) front = front.dump();
  const std::string event = front.get<std::string>();
  // An event that can be asked for again has its place behind its values.
  std::string offset;
  if (!pid_.empty() && !id && values->back().is_string() && values->size() > 1) {
    offset = values->back().get<std::string>();
  }
  Ack ack = id ? Ack(*this, {.index = 0, .generation = connection_}, *id) : Ack();
  for (std::size_t i = 0; i < on_any_.size(); ++i) {
    manager_->call([&] {
      Ack twin = ack.twin();
      on_any_[i](event, {*values, 1, &twin});
    });
  }
  // They may have left anything there.
  if (values->is_array() && !values->empty()) dispatch(event, {*values, 1, &ack});
  if (!offset.empty() && offset.size() <= token_bytes_max) offset_ = std::move(offset);
}

void ClientSocketState::dispatch(std::string_view event, const Arguments& arguments) {
  const std::uint32_t name = manager_->names_.find(event);
  if (name == Names::none) return;
  listeners_.for_each(name, [&](EventHandler& handler, bool is_last) {
    bool fits = true;
    manager_->call([&] { fits = call_handler(handler, arguments, is_last); });
    if (fits) return;
    manager_->reject(Errc::arguments);
    manager_->tell(manager_->on_misfit_, ClientSocket(*this), event);
  });
}

void ClientSocketState::receive_ack(std::optional<std::uint64_t> id, OwnedJson values) {
  PendingAck ack;
  if (id) ack = acks_.take(*id);
  if (!ack.handler) return manager_->reject(Errc::ack_unknown);
  manager_->loop_->cancel(ack.timer);
  manager_->call([&] { ack.handler({}, *values); });
}

void ClientSocketState::answer(SlabHandle connection, std::uint64_t id, OwnedJson answers) {
  if (stage_ != Stage::connected || connection.generation != connection_) return;
  const PacketHead head{.type = PacketType::ack, .nsp = name_, .id = id};
  manager_->send(manager_->encoded(head, std::move(answers)), {});
}

// --- what goes out -------------------------------------------------------------------------------

bool ClientSocketState::send(Emission emission, const Flags& flags) {
  if (emission.is_reserved()) return refuse(std::move(emission.ack), AckErrc::reserved);
  if (options_.retries != 0 && !flags.volatile_) return enqueue(std::move(emission), flags);
  return emit(std::move(emission), flags);
}

bool ClientSocketState::emit(Emission emission, const Flags& flags) {
  const bool is_now = stage_ == Stage::connected;
  if (!is_now && flags.volatile_) return refuse(std::move(emission.ack), AckErrc::disconnected);
  if (!is_now && waiting_.size() >= manager_->options_.waiting_events_max) {
    return refuse(std::move(emission.ack), AckErrc::too_many);
  }
  std::optional<std::uint64_t> id;
  if (emission.ack) {
    if (acks_.size() >= manager_->options_.acks_max) {
      return refuse(std::move(emission.ack), AckErrc::too_many);
    }
    id = next_ack_++;
    PendingAck ack{.id = *id, .handler = std::move(emission.ack)};
    const net::Duration timeout = flags.timeout.value_or(options_.ack_timeout);
    if (timeout.nanoseconds != 0 || flags.timeout) {
      ack.timer = manager_->later(timeout, [this, id] { give_up_ack(*id, AckErrc::timed_out); });
    }
    acks_.add(std::move(ack));
  }
  if (is_now) {
    const bool is_sent = write(std::move(emission.values), flags, id);
    if (!is_sent && id) unsent(*id);
    return is_sent;
  }
  waiting_.push_back({std::move(emission.values), flags, id});
  return true;
}

bool ClientSocketState::write(OwnedJson values, const Flags& flags,
                              std::optional<std::uint64_t> id) {
  const std::string event = values->front().get<std::string>();
  for (std::size_t i = 0; i < on_any_outgoing_.size(); ++i) {
    manager_->call([&] { on_any_outgoing_[i](event, std::as_const(*values)); });
  }
  const PacketHead head{.type = PacketType::event, .nsp = name_, .id = id};
  return manager_->send(manager_->encoded(head, std::move(values)), flags);
}

// Nothing of the application's is called within its own call.
bool ClientSocketState::refuse(AckHandler ack, AckErrc error) {
  if (!ack) return false;
  manager_->at_reap([this, error, ack = std::move(ack)]() mutable {
    Json none = no_values();
    manager_->call([&] { ack(error, none); });
  });
  return false;
}

// Nobody will answer what did not leave.
void ClientSocketState::unsent(std::uint64_t id) {
  PendingAck ack = acks_.take(id);
  manager_->loop_->cancel(ack.timer);
  static_cast<void>(refuse(std::move(ack.handler), AckErrc::disconnected));
}

void ClientSocketState::give_up_ack(std::uint64_t id, AckErrc error) {
  PendingAck ack = acks_.take(id);
  if (!ack.handler) return;
  std::erase_if(waiting_, [id](const Waiting& each) { return each.id == id; });
  Json none = no_values();
  manager_->call([&] { ack.handler(error, none); });
}

// What has waited goes first, in its order.
void ClientSocketState::flush() {
  while (!waiting_.empty() && stage_ == Stage::connected) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    const bool is_sent = write(std::move(next.values), next.flags, next.id);
    if (!is_sent && next.id) unsent(*next.id);
  }
  drain_queue();
}

// --- one after the other, until it is answered ---------------------------------------------------

bool ClientSocketState::enqueue(Emission emission, const Flags& flags) {
  if (queue_.size() >= manager_->options_.waiting_events_max) {
    return refuse(std::move(emission.ack), AckErrc::too_many);
  }
  queue_.push_back({next_queued_++, std::move(emission.values), std::move(emission.ack), flags});
  drain_queue();
  return true;
}

void ClientSocketState::drain_queue() {
  if (stage_ != Stage::connected || queue_.empty() || queue_.front().is_sent) return;
  Queued& next = queue_.front();
  next.is_sent = true;
  ++next.tries;
  Emission again;
  again.values = *next.values;
  again.ack = [this, number = next.number](std::error_code error, Json& answers) {
    answered(number, error, answers);
  };
  static_cast<void>(emit(std::move(again), Flags(next.flags)));
}

void ClientSocketState::answered(std::uint64_t number, std::error_code error, Json& answers) {
  if (queue_.empty() || queue_.front().number != number) return;
  if (error && queue_.front().tries <= options_.retries) {
    queue_.front().is_sent = false;
    return drain_queue();
  }
  Queued done = std::move(queue_.front());
  queue_.pop_front();
  if (done.ack) manager_->call([&] { done.ack(error, answers); });
  drain_queue();
}

}  // namespace hilo::socketio
