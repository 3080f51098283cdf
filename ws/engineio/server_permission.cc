// SPDX-License-Identifier: MIT
//
// The part of Server that lets the application take its time over who may open a session
// (allow_later()): what is kept of the request meanwhile, and what becomes of it.

#include <string>
#include <utility>

#include "ws/engineio/server.h"

namespace hilo::engineio {

void Permission::operator()() {
  const std::shared_ptr<detail::Gate> once = std::move(gate_);
  if (once != nullptr && once->server != nullptr) once->server->decided(asked_, {});
}

void Permission::operator()(std::string_view refusal) {
  const std::shared_ptr<detail::Gate> once = std::move(gate_);
  if (once == nullptr || once->server == nullptr) return;
  once->server->decided(asked_, std::string(refusal));
}

// --- asking --------------------------------------------------------------------------------------

// The handle of what waits now; nothing: there is no memory, or the application threw.
std::optional<SlabHandle> Server::ask(const ws::Request& request, Opening opening) {
  const auto entry = asked_.emplace();
  if (entry.object == nullptr) return std::nullopt;
  const SlabHandle handle = entry.handle;
  entry.object->opening = std::move(opening);
  if (options_.allow_timeout.nanoseconds != 0) {
    entry.object->timer = loop().call_after(options_.allow_timeout, [gate = gate_, handle] {
      if (gate->server != nullptr) gate->server->decided(handle, std::string("Timed out"));
    });
  }
  if (ws::guarded([&] { allow_later_(request, Permission(gate_, handle)); })) return handle;
  forget(handle);
  return std::nullopt;
}

void Server::ask_for_polling(ws::http::Exchange& exchange, Opening opening) {
  const std::optional<SlabHandle> handle = ask(exchange.request(), std::move(opening));
  if (!handle) return refuse(exchange, Errc::refused);
  asked_.find(*handle)->exchange = exchange.later();
  exchange.on_gone([gate = gate_, handle = *handle] {
    if (gate->server != nullptr) gate->server->forget(handle);
  });
}

void Server::ask_for_websocket(ws::PendingUpgrade& upgrade) {
  const ws::Request& request = upgrade.request();
  ws::Decision decision = decide(request);
  const bool is_refused = std::holds_alternative<ws::Reject>(decision);
  const bool is_opening = read_query(request.query(), options_).sid.empty();
  if (is_refused || !is_opening) return answer_upgrade(upgrade.id(), std::move(decision));
  ws::Accept& accept = std::get<ws::Accept>(decision);
  const std::optional<SlabHandle> handle =
      ask(request, {.peer = request.peer(),
                    .fields = std::move(accept.fields),
                    .subprotocol = std::move(accept.subprotocol)});
  if (!handle) return answer_upgrade(upgrade.id(), refuse(request, Errc::refused));
  asked_.find(*handle)->upgrade = upgrade.id();
  upgrade.on_gone([gate = gate_, handle = *handle] {
    if (gate->server != nullptr) gate->server->forget(handle);
  });
}

void Server::answer_upgrade(ws::UpgradeId id, ws::Decision decision) {
  if (auto* const accept = std::get_if<ws::Accept>(&decision)) {
    static_cast<void>(http_->accept(id, std::move(*accept)));
  } else {
    static_cast<void>(http_->reject(id, std::move(std::get<ws::Reject>(decision))));
  }
}

// --- the answer ----------------------------------------------------------------------------------

// It is carried out later, for it may come from within the very question.
void Server::decided(SlabHandle handle, std::optional<std::string> refusal) {
  Asked* const asked = asked_.find(handle);
  if (asked == nullptr || asked->is_decided) return;
  const net::Loop::TimerId soon = loop().call_after({}, [gate = gate_, handle] {
    if (gate->server != nullptr) gate->server->carry_out(handle);
  });
  // Without memory for that allow_timeout decides.
  if (soon == net::Loop::TimerId{}) return;
  asked->is_decided = true;
  asked->refusal = std::move(refusal);
  loop().cancel(asked->timer);
  asked->timer = soon;
}

void Server::carry_out(SlabHandle handle) {
  Asked* const found = asked_.find(handle);
  if (found == nullptr) return;
  const ws::http::ExchangeId exchange_id = found->exchange;
  if (ws::guarded([&] { carry_out(*found, handle); })) return;
  // An upgrade runs out of time.
  if (ws::http::Exchange* const exchange = http_->exchange(exchange_id)) exchange->lack_memory();
}

void Server::carry_out(Asked& found, SlabHandle handle) {
  Asked asked = std::move(found);
  asked_.erase(handle);
  Errc error = Errc::none;
  std::string_view message;
  if (asked.refusal) {
    error = Errc::refused;
    message = *asked.refusal;
  }
  // The server may have closed meanwhile.
  if (closing_) {
    error = Errc::server_full;
    message = rule(error).message;
  }
  if (asked.upgrade) {
    if (error == Errc::none) {
      return answer_upgrade(*asked.upgrade,
                            ws::Accept{.subprotocol = std::move(asked.opening.subprotocol),
                                       .fields = std::move(asked.opening.fields)});
    }
    reject(error, asked.opening.peer);
    return answer_upgrade(*asked.upgrade, ws::Reject{.status = rule(error).status,
                                                     .reason = error_json(error, message),
                                                     .is_told = true});
  }
  ws::http::Exchange* const exchange = http_->exchange(asked.exchange);
  if (exchange == nullptr) return;
  exchange->on_gone(nullptr);
  if (error != Errc::none) {
    return refuse(*exchange,
                  {.error = error, .readable_by = asked.opening.origin, .message = message});
  }
  begin_polling(*exchange, std::move(asked.opening));
}

void Server::forget(SlabHandle handle) noexcept {
  Asked* const asked = asked_.find(handle);
  if (asked == nullptr) return;
  loop().cancel(asked->timer);
  asked_.erase(handle);
}

// The server goes: nobody is left to wait.
void Server::refuse_asked() {
  asked_.for_each([this](Asked& asked, SlabHandle) {
    loop().cancel(asked.timer);
    if (asked.upgrade) {
      answer_upgrade(*asked.upgrade, ws::Reject{.status = 503, .is_told = true});
    } else if (auto* const exchange = http_->exchange(asked.exchange)) {
      exchange->on_gone(nullptr);
      refuse(*exchange, Errc::server_full, asked.opening.origin);
    }
  });
}

}  // namespace hilo::engineio
