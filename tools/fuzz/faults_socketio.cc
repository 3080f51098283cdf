// SPDX-License-Identifier: MIT
//
// Faults of Socket.IO's packets, protocol 5 (that of Engine.IO 4): each ends the session.

#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {
namespace {

void wrong(Draft& draft, const std::vector<std::string>& packets) {
  draft.set_revision(4);
  draft.open();
  draft.send_packet(draft.random().pick(packets));
  draft.refused_with({});
}

// A packet and the binary messages behind it.
void wrong_binary(Draft& draft, const std::string& packet, std::size_t binaries) {
  draft.set_revision(4);
  draft.open();
  if (!packet.empty()) draft.send_packet(packet);
  for (; binaries != 0; --binaries) {
    draft.send_frame(conform::binary(draft.random().octets(draft.random().below(40))));
  }
  draft.refused_with({});
}

constexpr std::string_view placeholder = R"({"_placeholder":true,"num":0})";

std::string binary_event(const std::string& number, std::string_view argument = placeholder) {
  return "45" + number + "-[\"e\"," + std::string(argument) + "]";
}

std::vector<Fault> event_faults() {
  return {
      {"sio-type", "237", "a packet of a type that is none",
       [](Draft& d) {
         wrong(d, {"4", "4abc", "47", "49", "4 2[\"e\"]"});
       },
       Protocol::socketio},
      {"sio-payload", "238", "an EVENT that is no array with a name",
       [](Draft& d) {
         wrong(d, {"42{}", "42", "42[]", "42[1", "42\"e\"", "42[\"e\"", "42[\"e\",]"});
       },
       Protocol::socketio},
      {"sio-ack-id", "239", "an id that is no number",
       [](Draft& d) {
         wrong(d, {"42abc[\"e\"]", "42-1[\"e\"]", "421.5[\"e\"]", "42 1[\"e\"]"});
       },
       Protocol::socketio},
      {"sio-name", "240", "an event whose name is no string",
       [](Draft& d) {
         wrong(d, {"42[{\"toString\":1}]", "42[null]", "42[[]]", "42[true]"});
       },
       Protocol::socketio},
      {"sio-reserved", "241", "an event with a name of the protocol's own",
       [](Draft& d) {
         wrong(d, {"42[\"connect\"]", "42[\"disconnect\"]", "42[\"disconnecting\"]",
                   "42[\"newListener\"]", "42[\"removeListener\"]", "42[\"connect_error\"]"});
       },
       Protocol::socketio},
  };
}

std::vector<Fault> order_faults() {
  return {
      {"sio-early", "242", "an EVENT before CONNECT",
       [](Draft& d) {
         d.set_revision(4);
         d.open_engine();
         d.await_replies();
         d.send_packet("42[\"e\"]");
         d.refused_with({});
       },
       Protocol::socketio},
      {"sio-connect", "245", "a CONNECT whose payload is no object",
       [](Draft& d) {
         wrong(d, {"40/x,[]", "40/x,\"x\"", "40/x,{bad", "40/x,true"});
       },
       Protocol::socketio},
      {"sio-namespace", "247", "an event for a namespace that was not joined",
       [](Draft& d) {
         wrong(d, {"42/not-joined,[\"e\"]", "42/not-joined,1[\"e\"]"});
       },
       Protocol::socketio},
      {"sio-disconnect", "248", "a DISCONNECT with a payload",
       [](Draft& d) {
         wrong(d, {"41{}", "41[1]"});
       },
       Protocol::socketio},
      {"sio-json", "251", "bytes behind the JSON (RFC 8259 §2)",
       [](Draft& d) {
         wrong(d, {"42[\"e\"]x", "42[\"e\"]]", "42[\"e\"][\"f\"]"});
       },
       Protocol::socketio},
  };
}

std::vector<Fault> attachment_faults() {
  return {
      {"sio-attachments", "252", "a number of attachments that is none",
       [](Draft& d) {
         wrong(d, {"45-[\"e\"]", "45x-[\"e\"]", "451", "451.5-[\"e\"]"});
       },
       Protocol::socketio},
      {"sio-many-attachments", "253", "more attachments than anybody takes",
       [](Draft& d) {
         wrong(d, {binary_event("59999999"), binary_event("100000")});
       },
       Protocol::socketio},
      {"sio-binary-alone", "255", "a binary message that no packet announced",
       [](Draft& d) { wrong_binary(d, "", 1); }, Protocol::socketio},
      {"sio-binary-more", "254", "more binary messages than were announced",
       [](Draft& d) { wrong_binary(d, binary_event("1"), 2); }, Protocol::socketio},
      {"sio-binary-text", "255", "a text where a binary message is due",
       [](Draft& d) {
         d.set_revision(4);
         d.open();
         d.send_packet(binary_event("1"));
         d.send_packet("42[\"e\"]");
         d.refused_with({});
       },
       Protocol::socketio},
      {"sio-placeholder", "258", "a placeholder for no attachment",
       [](Draft& d) {
         static const std::vector<std::string> numbers = {"-1", "2", "1.5", "\"0\"", "\"splice\""};
         wrong_binary(
             d,
             binary_event("1", "{\"_placeholder\":true,\"num\":" + d.random().pick(numbers) + "}"),
             1);
       },
       Protocol::socketio},
  };
}

}  // namespace

std::vector<Fault> socketio_faults() {
  std::vector<Fault> all = event_faults();
  for (const std::vector<Fault>& more : {order_faults(), attachment_faults()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace hilo::tools::fuzz
