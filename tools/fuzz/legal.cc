// SPDX-License-Identifier: MIT

#include "tools/fuzz/legal.h"

#include <algorithm>

#include "tools/conform/deflate.h"

namespace hilo::tools::fuzz {

using conform::Edit;
using conform::Frame;

namespace {

// Requests that have to be accepted as the ordinary one is (rows 70, 71, 78, 82).
Edit opening(Random& random) {
  static const std::vector<Edit> edits = {
      {},
      {},
      conform::request_with_names(conform::LetterCase::lower),
      conform::request_with_names(conform::LetterCase::upper),
      conform::request_with_colons(":"),
      conform::request_with_colons(": \t ", " \t"),
      {.drop = "Upgrade", .add = "Upgrade: WebSocket\r\n"},
      {.drop = "Connection", .add = "Connection: keep-alive, UPGRADE\r\n"},
      {.drop = "Connection", .add = "Connection: Upgrade, Sec-WebSocket-Key\r\n"},
      {.drop = "Host", .add = "Host: $HOST\r\n"},
      {.add = "Sec-WebSocket-Extensions: constructor, x-unknown; a=1\r\n"},
      {.add = "X-Empty:\r\nUser-Agent: hilo\r\nCookie: a=b; c=\"d\"\r\n"},
      {.add = "X-Long: " + conform::repeated("v", 3000) + "\r\n"},
  };
  return random.pick(edits);
}

// Offers of permessage-deflate: each may be declined, or accepted as RFC 7692 §7.1 has it.
Edit deflate_offer(Random& random) {
  static const std::vector<std::string> offers = {
      "permessage-deflate",
      "permessage-deflate; client_no_context_takeover",
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=9; server_no_context_takeover",
      "permessage-deflate; server_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=12, permessage-deflate",
      "permessage-deflate; server_max_window_bits=15; client_max_window_bits=12"};
  return {.add = "Sec-WebSocket-Extensions: " + random.pick(offers) + "\r\n"};
}

// A message in one frame or in several, with pings among them, and what is due to all of it.
void say_message(Draft& draft) {
  Random& random = draft.random();
  const bool is_text = random.chance(60);
  const std::size_t size = draft.size();
  const Octets payload = is_text ? draft.text(size) : random.octets(size);
  std::vector<Frame> frames;
  std::vector<Reply> replies;
  std::size_t at = 0;
  for (std::size_t left = random.chance(50) ? 0 : random.below(5);; --left) {
    const std::size_t end = left == 0 ? payload.size() : random.between(at, payload.size());
    Frame frame = is_text ? conform::text("") : conform::binary("");
    if (!frames.empty()) frame.opcode = conform::op_continuation;
    frame.final = left == 0;
    frame.payload = payload.substr(at, end - at);
    frames.push_back(std::move(frame));
    at = end;
    if (left == 0) break;
    if (random.chance(25)) {
      const std::string text = draft.text(125);
      frames.push_back(conform::ping(text));
      replies.push_back({Reply::Kind::pong, text});
    }
  }
  if (draft.grammar().expects_echo) {
    replies.push_back({is_text ? Reply::Kind::text : Reply::Kind::binary, payload});
  }
  draft.send_frames(frames, std::move(replies));
  draft.subject().steps.back().spare = true;
}

// A compressed one that stands for itself, whatever window was agreed on: it is shorter than any.
void say_compressed(Draft& draft) {
  Random& random = draft.random();
  static const std::vector<conform::Blocks> kinds = {
      conform::Blocks::dynamic, conform::Blocks::fixed, conform::Blocks::stored};
  const std::string text = draft.text(250);
  const Octets wire = conform::deflated(text, 9, random.pick(kinds));
  const std::size_t cut = random.chance(50) ? wire.size() : random.below(wire.size() + 1);
  std::vector<Frame> frames = {conform::with_rsv(conform::text(wire.substr(0, cut)), 4)};
  if (cut != wire.size()) {
    frames.front().final = false;
    frames.push_back(conform::last(wire.substr(cut)));
  }
  std::vector<Reply> replies;
  if (draft.grammar().expects_echo) replies = {{Reply::Kind::text, text}};
  draft.send_frames(frames, std::move(replies));
  draft.subject().steps.back().spare = true;
}

void say_control(Draft& draft) {
  const std::string text = draft.random().chance(50) ? draft.text(125) : "";
  const bool is_ping = draft.random().chance(70);
  std::vector<Reply> replies;
  if (is_ping) replies = {{Reply::Kind::pong, text}};
  draft.send_frame(is_ping ? conform::ping(text) : conform::pong(text), std::move(replies));
  draft.subject().steps.back().spare = true;
}

// A message leaves with the request, before the answer is there (row 91).
void glue(Draft& draft) {
  const std::string text = draft.text(100);
  Step& request = *(draft.subject().steps.end() - 2);
  request.bytes += draft.encode(conform::ping(text));
  request.replies.push_back({Reply::Kind::pong, text});
}

// In most cases a Close; in some the end comes without one (row 148).
void end(Draft& draft) {
  if (draft.random().chance(85)) return draft.close();
  draft.await_replies();
  Step last;
  last.kind = draft.random().chance(50) ? Step::Kind::reset : Step::Kind::half_close;
  const bool is_reset = last.kind == Step::Kind::reset;
  draft.subject().steps.push_back(last);
  if (is_reset) return;
  last.kind = Step::Kind::await_end;
  draft.subject().steps.push_back(last);
}

void write_websocket(Draft& draft) {
  Random& random = draft.random();
  const bool compresses = random.chance(20);
  draft.subject().name = compresses ? "compressed messages" : "messages";
  draft.subject().needs_deflate = compresses;
  draft.subject().exact = draft.grammar().expects_echo;
  Edit edit = opening(random);
  if (compresses) edit = deflate_offer(random);
  draft.open(edit);
  if (random.chance(15)) glue(draft);
  for (std::size_t left = random.below(7); left != 0; --left) {
    if (compresses && random.chance(60)) {
      say_compressed(draft);
    } else if (random.chance(70)) {
      say_message(draft);
    } else {
      say_control(draft);
    }
    if (random.chance(20)) draft.await_replies();
  }
  draft.await_replies();
  end(draft);
}

// --- Engine.IO -----------------------------------------------------------------------------------

void say_engine_packets(Draft& draft) {
  Random& random = draft.random();
  const bool echoes =
      draft.grammar().expects_echo && draft.grammar().protocol == Protocol::engineio;
  for (std::size_t left = random.below(5); left != 0; --left) {
    if (draft.revision() == 3) {
      draft.send_packet("2", {{Reply::Kind::begins, "3"}});
    } else {
      draft.send_packet("3");
    }
    draft.subject().steps.back().spare = true;
    if (!echoes) continue;
    const std::string text = "4" + draft.text(draft.size());
    draft.send_packet(text, {{Reply::Kind::text, text}}).spare = true;
    if (draft.revision() != 4) continue;
    const Octets bytes = random.octets(draft.size());
    draft.send_frame(conform::binary(bytes), {{Reply::Kind::binary, bytes}});
    draft.subject().steps.back().spare = true;
  }
  draft.await_replies();
}

void write_engine_websocket(Draft& draft) {
  draft.subject().name = "Engine.IO over a WebSocket";
  draft.open(opening(draft.random()));
  say_engine_packets(draft);
  const bool says_close = draft.random().chance(50);
  // The server may end it for that, or wait for our Close.
  if (says_close) draft.send_packet("1");
  draft.close();
  if (says_close) draft.subject().steps.back().codes.clear();
}

void write_polling(Draft& draft) {
  draft.subject().name = "Engine.IO by polling";
  draft.open_polling();
  const bool is_3 = draft.revision() == 3;
  for (std::size_t left = draft.random().below(4); left != 0; --left) {
    draft.post(is_3 ? "1:2" : "3", {200});
  }
  const bool echoes =
      draft.grammar().expects_echo && draft.grammar().protocol == Protocol::engineio;
  if (echoes && !is_3) {
    // U+001E stands between packets there.
    const std::string text = "4" + conform::replaced(draft.text(200), "\x1e", "-");
    draft.post(text, {200});
    draft.get(draft.session_target(), {200}).begins = text;
  }
  draft.post(is_3 ? "1:1" : "1", {200});
}

void write_upgrade(Draft& draft) {
  draft.subject().name = "from polling to a WebSocket";
  draft.open_polling();
  draft.on_line(1);
  const std::string to = draft.session_target("websocket");
  draft.send(draft.request({.line = "GET " + to + " HTTP/1.1"})).names_sid = true;
  draft.await_answer({101});
  draft.send_packet("2probe", {{Reply::Kind::text, "3probe"}});
  draft.await_replies();
  draft.send_packet("5");
  draft.close();
}

// --- Socket.IO -----------------------------------------------------------------------------------

// JSON that comes back as it was sent from whoever reads and writes it again.
std::string json_value(Random& random, int depth) {
  switch (random.below(depth > 3 ? 4 : 6)) {
    case 0: return std::to_string(random.below(1000000));
    case 1: return random.chance(50) ? "true" : "null";
    case 2: return "\"" + std::string(random.below(40), 'x') + "\"";
    case 3: return "\"\"";
    case 4: {
      const std::string first = json_value(random, depth + 1);
      return "[" + first + "," + json_value(random, depth + 1) + "]";
    }
    default: return "{\"k\":" + json_value(random, depth + 1) + "}";
  }
}

void say_event(Draft& draft, std::size_t id) {
  Random& random = draft.random();
  const std::string number = std::to_string(id);
  const std::string name = "[\"" + draft.grammar().event + "\",";
  const bool echoes = draft.grammar().expects_echo;
  std::vector<Reply> replies;
  if (random.chance(75)) {
    const std::string value = json_value(random, 0);
    if (echoes) replies = {{Reply::Kind::text, "43" + number + "[" + value + "]"}};
    draft.send_packet("42" + number + name + value + "]", std::move(replies)).spare = true;
    return;
  }
  // The packet and its attachment are one step: neither is anything without the other.
  const Octets bytes = random.octets(random.below(200));
  const std::string packet = "451-" + number + name + "{\"_placeholder\":true,\"num\":0}]";
  // In revision 3 a binary frame begins with the type of its packet.
  const Octets wire = draft.revision() == 3 ? "\x04" + bytes : bytes;
  if (echoes) {
    replies = {{Reply::Kind::begins, "461-" + number + "["}, {Reply::Kind::binary, wire}};
  }
  draft.send_frames({conform::text(packet), conform::binary(wire)}, std::move(replies));
  draft.subject().steps.back().spare = true;
}

void write_socketio(Draft& draft) {
  draft.subject().name = "Socket.IO's events";
  draft.open(opening(draft.random()));
  for (std::size_t id = 0, count = draft.random().below(6); id != count; ++id) {
    say_event(draft, id);
    if (draft.random().chance(20)) draft.await_replies();
  }
  if (draft.revision() == 4 && draft.random().chance(30)) {
    draft.await_replies();  // namespaces do not wait for each other
    draft.send_packet("40/nobody-is-here,", {{Reply::Kind::begins, "44/nobody-is-here,"}}).spare =
        true;
  }
  draft.await_replies();
  if (draft.random().chance(30)) draft.send_packet("41").spare = true;
  draft.close();
}

}  // namespace

void write_legal(Draft& draft) {
  const std::size_t what = draft.random().below(10);
  switch (draft.grammar().protocol) {
    case Protocol::ws: return write_websocket(draft);
    case Protocol::engineio:
      if (what < 5) return write_engine_websocket(draft);
      return what < 8 ? write_polling(draft) : write_upgrade(draft);
    case Protocol::socketio:
      if (what < 7) return write_socketio(draft);
      return what < 8 ? write_upgrade(draft) : write_polling(draft);
  }
}

void write_clean(Draft& draft) {
  draft.subject().name = "a clean connection";
  if (draft.grammar().protocol != Protocol::ws) {
    draft.open();
  } else {
    draft.open();
    const std::string text = "alive?";
    if (draft.grammar().expects_echo) {
      draft.send_packet(text, {{Reply::Kind::text, text}});
    } else {
      draft.send_frame(conform::ping(text), {{Reply::Kind::pong, text}});
    }
    draft.await_replies();
  }
  draft.send_frame(conform::close(1000));
  draft.subject().steps.back().closes = true;
}

}  // namespace hilo::tools::fuzz
