// SPDX-License-Identifier: MIT
//
// What servers ask and tell each other, by an Adapter: which sockets they have, what those answer,
// and what the application says to itself (server_side_emit).

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/base/guard.h"
#include "ws/socketio/namespace.h"
#include "ws/socketio/server.h"

namespace hilo::socketio {
namespace {

// What describe() has written elsewhere; throws where it is anything else.
RemoteSocket read_remote(Json& socket) {
  return {.id = socket.at("id").get<std::string>(),
          .rooms = socket.at("rooms").get<std::vector<std::string>>(),
          .auth = std::move(socket.at("auth")),
          .data = std::move(socket.at("data"))};
}

// Null: it is none, whatever another server may say.
const std::string* event_of(const Json& values) {
  const bool has_front = values.is_array() && !values.empty();
  return has_front ? values.front().get_ptr<const Json::string_t*>() : nullptr;
}

}  // namespace

// What other servers asked and the application has not answered yet.
class Namespace::Questions final : public AckTarget,
                                   public std::enable_shared_from_this<Questions> {
 public:
  explicit Questions(Server& server) noexcept : server_(&server) {}

  Ack add(ServerReply reply) {
    const std::uint64_t id = next_++;
    // Whoever asked has a clock of its own, which may be behind: it hears the same from both.
    // The namespace may go before that, and whoever asked hears so.
    const auto timer =
        server_->later(server_->options().servers_timeout, [questions = weak_from_this(), id] {
          if (const auto still = questions.lock()) still->give_up(id);
        });
    waiting_.emplace(id, Question{std::move(reply), timer});
    return Ack(*this, {}, id);
  }

  void answer(SlabHandle, std::uint64_t id, OwnedJson answers) override {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    found->second.reply({}, array_of(answers->empty() ? Json() : std::move(answers->front())));
    server_->loop().cancel(found->second.timer);
    waiting_.erase(found);
  }

 private:
  void give_up(std::uint64_t id) {
    const auto late = waiting_.find(id);
    late->second.reply(AckErrc::timed_out, Json::array());
    waiting_.erase(late);
  }
  struct Question {
    ServerReply reply;
    net::Loop::TimerId timer;
  };

  Server* server_;
  std::unordered_map<std::uint64_t, Question> waiting_;
  std::uint64_t next_ = 1;
};

// --- which sockets there are ---------------------------------------------------------------------

OwnedJson Namespace::describe(const Targets& targets) {
  OwnedJson sockets(Json::array());
  for (const Socket& socket : matching(targets)) {
    Json& each = sockets->emplace_back(Json::value_t::object);
    each["id"] = socket.id();
    Json& rooms = each["rooms"] = Json::array();
    for (const std::string_view room : socket.rooms()) {
      if (room != socket.id()) rooms.push_back(room);
    }
    each["auth"] = std::move(*OwnedJson(socket.auth()));
    each["data"] = std::move(*OwnedJson(socket.data()));
  }
  return sockets;
}

void Broadcast::fetch_sockets(FetchHandler handler) const {
  if (Namespace* const nsp = nsp_.get()) nsp->fetch(targets_, std::move(handler));
}

void Namespace::fetch(const Targets& targets, FetchHandler handler) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->handler = [handler = std::move(handler)](std::error_code error, Json& values) mutable {
    std::vector<RemoteSocket> sockets;
    for (Json& each : values.front()) {
      const bool is_read = hilo::guarded([&] { sockets.push_back(read_remote(each)); });
      if (!is_read) error = AckErrc::malformed;
    }
    handler(error, std::move(sockets));
  };
  gathering->answers = describe(targets);
  if (!is_relayed(targets)) return tell_later(gathering);
  ask_others(targets, {.type = ServerMessage::Type::fetch}, gathering);
  limit_waiting(gathering);
}

// --- what the application says -------------------------------------------------------------------

void Namespace::add_listener(std::string_view event, EventHandler handler) {
  server_listeners_.add(server_->names_.add(event), std::move(handler), false);
}

std::size_t Namespace::tell_servers(Emission emission) {
  const auto& event = emission.values->front().get_ref<const Json::string_t&>();
  if (event == "connect" || event == "connection" || event == "new_namespace") {
    return static_cast<std::size_t>(refuse_emission(emission, AckErrc::reserved));
  }
  const bool is_alone = server_->adapter_ == nullptr;
  const std::size_t count = is_alone ? 0 : server_->adapter_->others();
  ServerMessage message{.type = ServerMessage::Type::say, .values = std::move(emission.values)};
  if (!emission.ack) return tell_others({}, std::move(message)), count;
  const auto gathering = std::make_shared<Gathering>();
  gathering->handler = std::move(emission.ack);
  if (is_alone) return tell_later(gathering), count;
  ask_others({}, std::move(message), gathering);
  limit_waiting(gathering);
  return count;
}

// Whoever asked and finds nobody who listens is told so: the reply is let go of.
void Namespace::hear(OwnedJson values, ServerReply reply) {
  const std::string* const event = event_of(*values);
  const std::uint32_t name = event != nullptr ? server_->names_.find(*event) : Names::none;
  if (name == Names::none || !server_listeners_.has(name)) return;
  Ack ack;
  if (reply) {
    if (questions_ == nullptr) questions_ = std::make_shared<Questions>(*server_);
    ack = questions_->add(std::move(reply));
  }
  server_listeners_.for_each(name, [&](EventHandler& handler, bool is_last) {
    bool fits = true;
    server_->guarded([&] { fits = call_handler(handler, {*values, 1, &ack}, is_last); });
    if (!fits) server_->reject(Errc::arguments, nullptr);
  });
}

// --- questions and answers -----------------------------------------------------------------------

void Namespace::receive(const ServerMessage& message, ServerReply reply) {
  using Type = ServerMessage::Type;
  const Targets& here = message.targets;
  switch (message.type) {
    case Type::emit:
      if (message.packet != nullptr) static_cast<void>(write(here, *message.packet));
      return;
    case Type::join: return Broadcast(anchor_.weak(), here).sockets_join(message.room);
    case Type::leave: return Broadcast(anchor_.weak(), here).sockets_leave(message.room);
    case Type::disconnect: return Broadcast(anchor_.weak(), here).disconnect_sockets(message.close);
    case Type::fetch: return reply({}, describe(here));
    case Type::say: return hear(*message.values, std::move(reply));
    case Type::ask: break;
  }
  if (event_of(*message.values) == nullptr) return reply(AckErrc::malformed, Json::array());
  AckHandler answer = [reply = std::move(reply)](std::error_code error, Json& answers) mutable {
    reply(error, std::move(answers.front()));
  };
  static_cast<void>(ask(here, {*message.values, std::move(answer)}));
}

void Namespace::ask_others(const Targets& targets, ServerMessage message,
                           const std::shared_ptr<Gathering>& gathering) {
  gathering->missing_elsewhere = server_->adapter_->others();
  gathering->missing += gathering->missing_elsewhere;
  if (gathering->missing_elsewhere == 0) return;
  // Not numbered by the namespace: one that is made anew must not take the answers to another's.
  gathering->question = server_->next_question_++;
  message.question = gathering->question;
  asked_.emplace(gathering->question, gathering);
  tell_others(targets, std::move(message));
}

void Namespace::receive(ServerAnswer answer) {
  const auto found = asked_.find(answer.question);
  if (found == asked_.end()) return;
  const std::shared_ptr<Gathering> gathering = found->second;
  if (--gathering->missing_elsewhere == 0) {
    asked_.erase(found);
    let_go_if_deserted();
  }
  if (answer.error) gathering->error = answer.error;
  for (Json& each : *answer.values) gathering->answers->push_back(std::move(each));
  if (--gathering->missing != 0) return;
  server_->loop().cancel(gathering->timer);
  server_->guarded([&] { gathering->tell(); });
}

void Namespace::tell_later(const std::shared_ptr<Gathering>& gathering) {
  server_->later({},
                 [server = server_, gathering] { server->guarded([&] { gathering->tell(); }); });
}

void Namespace::limit_waiting(const std::shared_ptr<Gathering>& gathering) {
  if (gathering->missing == 0) return tell_later(gathering);
  const net::Duration patience = server_->options().servers_timeout;
  gathering->timer =
      server_->later(patience, [nsp = anchor_.weak(), question = gathering->question] {
        // While it waits, a namespace stays, but for one whose making throws.
        if (nsp.get() != nullptr) nsp.get()->end_waiting(question);
      });
}

void Namespace::end_waiting(std::uint64_t question) {
  const auto found = asked_.find(question);
  if (found == asked_.end()) return;
  const std::shared_ptr<Gathering> late = std::move(found->second);
  asked_.erase(found);
  let_go_if_deserted();
  late->error = AckErrc::timed_out;
  server_->guarded([&] { late->tell(); });
}

}  // namespace hilo::socketio
