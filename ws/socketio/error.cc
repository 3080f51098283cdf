// SPDX-License-Identifier: MIT

#include "ws/socketio/error.h"

#include <array>
#include <string>

#include "net/base/check.h"

namespace hilo::socketio {
namespace {

// clang-format off
constexpr std::array<Rule, errc_count> rules = {{
    {Errc::none, "none", "no error"},
    {Errc::packet_type, "sio_type", "no packet type, or none that this peer may send"},
    {Errc::packet_attachments, "sio_attachments", "no number of attachments where one has to be"},
    {Errc::attachments_too_many, "sio_attachments_many", "more attachments than are allowed"},
    {Errc::packet_namespace, "sio_namespace", "the name of a namespace is too long or malformed"},
    {Errc::packet_id, "sio_id", "the number of an acknowledgement is too large"},
    {Errc::packet_json, "sio_json", "malformed JSON"},
    {Errc::packet_msgpack, "sio_msgpack", "malformed MessagePack"},
    {Errc::packet_payload, "sio_payload", "JSON that does not fit the type of the packet"},
    {Errc::event_name, "sio_event", "an event without a name that may be used"},
    {Errc::attachment_missing, "sio_attachment_missing", "text where an attachment is due"},
    {Errc::attachment_unexpected, "sio_attachment_unexpected", "binary where no attachment is due"},
    {Errc::attachment_bytes, "eio_size", "the attachments of a packet are too large together"},
    {Errc::attachment_timeout, "sio_attachment_timeout", "the attachments did not come in time"},
    {Errc::placeholder, "sio_placeholder", "a placeholder for an attachment that is not there"},
    {Errc::connect_timeout, "sio_connect_timeout", "no namespace was connected to in time"},
    {Errc::connect_twice, "sio_connect_twice", "connected to a namespace twice"},
    {Errc::connect_unasked, "sio_connect_unasked", "an answer to a CONNECT that was not sent"},
    {Errc::connect_protocol, "sio_connect_protocol", "the server speaks protocol 4, as Socket.IO 2 does"},
    {Errc::not_connected, "sio_not_connected", "an event for a namespace that was not connected to"},
    {Errc::namespaces_too_many, "sio_namespaces", "too many namespaces on one connection"},
    {Errc::handler_threw, "sio_handler_threw", "a handler of the application's failed"},
    {Errc::namespace_unknown, "sio_namespace_unknown", "no such namespace"},
    {Errc::ack_unknown, "sio_ack", "an acknowledgement that nobody waits for"},
    {Errc::arguments, "sio_arguments", "values that do not fit the event's handler"},
}};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].error != static_cast<Errc>(i)) return false;
  }
  return true;
}
static_assert(in_order());

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hilo.socketio"; }
  std::string message(int value) const override {
    const auto index = static_cast<std::size_t>(value);
    return std::string(index < rules.size() ? rules[index].text : "unknown error");
  }
};

class AckCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hilo.socketio.ack"; }
  std::string message(int value) const override {
    switch (static_cast<AckErrc>(value)) {
      case AckErrc::timed_out: return "operation has timed out";
      case AckErrc::disconnected: return "socket has been disconnected";
      case AckErrc::too_many: return "too many acknowledgements are waited for";
      case AckErrc::reserved: return "the event has a reserved name";
      case AckErrc::malformed: return "the acknowledgement does not fit its handler";
    }
    return "unknown error";
  }
};

}  // namespace

const Rule& rule(Errc error) noexcept {
  const auto index = static_cast<std::size_t>(error);
  HILO_CHECK(index < rules.size());
  return rules[index];
}

std::error_code make_error_code(Errc error) noexcept {
  static const Category category;
  return {static_cast<int>(error), category};
}

std::error_code make_error_code(AckErrc error) noexcept {
  static const AckCategory category;
  return {static_cast<int>(error), category};
}

}  // namespace hilo::socketio
