// SPDX-License-Identifier: MIT
//
// Names from Network::names, after the delay that stands there; no thread.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net/resolver.h"
#include "tests/sim/torture.h"
#include "tests/sim/virtual_network.h"

namespace hilo::net {

using sim::Fault;
using sim::Network;

namespace {

struct Answer {
  std::vector<Address> addresses;
  Duration delay;
};

Answer look_up(std::string_view host, std::uint16_t port) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const Result<Address> numeric = Address::from_ip(host, port)) return {{*numeric}, {}};
  const auto& names = Network::current().names;
  const auto found = names.find(host);
  if (found == names.end()) return {};
  Answer answer{{}, found->second.delay};
  for (const Address& address : found->second.addresses) {
    answer.addresses.push_back(*Address::from_ip(address.ip(), port));
  }
  return answer;
}

}  // namespace

struct Resolver::State {
  struct Request {
    std::vector<Address> addresses;
    std::error_code error;
    OnResolved on_resolved;
    Loop::TimerId timer;
  };

  void finish(Id id) {
    // The callback may destroy the resolver.
    const auto node = requests.extract(id);
    Request& request = node.mapped();
    if (request.error) {
      request.on_resolved(request.error);
    } else {
      request.on_resolved(std::span<const Address>{request.addresses});
    }
  }

  Loop* loop;
  Duration timeout;
  Id next_id = 1;
  std::map<Id, Request> requests;
};

Resolver::Resolver(Loop& loop, Duration timeout) {
  const sim::torture::Outside simulator;
  state_ = std::make_shared<State>(State{&loop, timeout, 1, {}});
}

Resolver::~Resolver() {
  for (auto& [id, request] : state_->requests) state_->loop->cancel(request.timer);
}

Resolver::Id Resolver::resolve(std::string_view host, std::uint16_t port, OnResolved on_resolved) {
  const sim::torture::SystemCall call(sim::torture::Call::look_up);
  State* const state = state_.get();
  const Id id = state->next_id++;
  Answer answer = look_up(host, port);
  Network& network = Network::current();
  if (network.strikes(Fault::name_missing, network.faults.name_missing)) answer.addresses.clear();
  if (network.strikes(Fault::name_late, network.faults.name_late))
    answer.delay = state->timeout * 2;
  State::Request& request = state->requests[id];
  if (answer.delay > state->timeout) {
    request.error = std::make_error_code(std::errc::timed_out);
  } else if (answer.addresses.empty()) {
    request.error = std::make_error_code(std::errc::no_such_device_or_address);
  }
  if (call.fails()) request.error = call.error();
  request.addresses = std::move(answer.addresses);
  request.on_resolved = std::move(on_resolved);
  request.timer = state->loop->call_after(std::min(answer.delay, state->timeout),
                                          [state, id] { state->finish(id); });
  return id;
}

void Resolver::cancel(Id id) noexcept {
  const auto found = state_->requests.find(id);
  if (found == state_->requests.end()) return;
  state_->loop->cancel(found->second.timer);
  state_->requests.erase(found);
}

}  // namespace hilo::net
