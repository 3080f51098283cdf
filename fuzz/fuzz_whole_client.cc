// SPDX-License-Identifier: MIT
//
// A whole client on the simulated network, of WebSockets, Engine.IO or Socket.IO (connecting.h),
// against a server that a program (program.h) drives: it accepts whoever comes, and answers,
// breaks off and falls silent as it is told. Answers are completed: a '@' is the right
// Sec-WebSocket-Accept, the length of a body is right, and so are the lengths of frames. What must
// hold at the end, when the application has left and five minutes have passed:
//
//   - descriptors, watches, timers and bytes of the pool are as they were before there was a client
//   - each attempt ended in one way, each on_open had its on_close, and nothing came behind that
//   - what the server heard on a WebSocket were legal frames, with nothing but Pongs behind a Close

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/connecting.h"
#include "fuzz/program.h"
#include "fuzz/sim_peer.h"
#include "net/base/check.h"

namespace {

using namespace hilo;
using namespace hilo::fuzz;
using namespace hilo::net::literals;

enum Action : std::uint8_t {
  raw,
  answer,  // number: which; then fields, or a body
  frame,   // its first byte, then its payload
  finish_sending,
  hang_up,
  reset,
  stop_reading,  // number: the window
  read_on,
  pass_time,
  act,  // number: what the application does; then its text
  break_network,
  action_count,
};

enum class Rest : std::uint8_t {
  fields,
  body,    // with its length
  chunk,   // of a body
  to_end,  // of the connection
  bytes,   // no head stands in front
};

struct Answer {
  std::string_view head;
  Rest rest;
};

constexpr std::array<Answer, 14> answers{{
    {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n",
     Rest::fields},
    {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n"
     "Sec-WebSocket-Extensions: permessage-deflate\r\n",
     Rest::fields},
    {"HTTP/1.1 200 x\r\n", Rest::body},
    {"HTTP/1.1 200 x\r\nContent-Type: application/octet-stream\r\n", Rest::body},
    {"HTTP/1.1 200 x\r\n", Rest::chunk},
    {"HTTP/1.1 200 x\r\n", Rest::to_end},
    {"HTTP/1.1 302 x\r\n", Rest::fields},
    {"HTTP/1.1 401 x\r\n", Rest::body},
    {"HTTP/1.1 503 x\r\n", Rest::body},
    {"HTTP/1.1 200 x\r\nSet-Cookie: a=b; Path=/\r\n", Rest::body},
    {"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 x\r\n", Rest::body},
    {"HTTP/1.1 200 established\r\n", Rest::fields},  // of a proxy
    {{"\5\0", 2}, Rest::bytes},                      // of SOCKS: no credentials wanted
    {{"\5\0\0\1\0\0\0\0\0\0", 10}, Rest::bytes},     // and connected
}};

std::string write_answer(const Answer& answer, std::string_view rest) {
  std::string text(answer.head);
  switch (answer.rest) {
    case Rest::fields: return text.append(rest).append("\r\n");
    case Rest::body:
      text += "Content-Length: " + std::to_string(rest.size()) + "\r\n\r\n";
      return text.append(rest);
    case Rest::chunk: {
      constexpr std::string_view digits = "0123456789abcdef";
      text.append("Transfer-Encoding: chunked\r\n\r\n");
      if (!rest.empty()) {
        text += {digits[rest.size() / 16 % 16], digits[rest.size() % 16]};
        text.append("\r\n").append(rest).append("\r\n");
      }
      return text.append("0\r\n\r\n");
    }
    case Rest::to_end: return text.append("\r\n").append(rest);
    case Rest::bytes: return text.append(rest);
  }
  return text;
}

class Run {
 public:
  explicit Run(std::uint8_t choices) : pristine_(world_.baseline()) {
    world_.network.names["server.test"].addresses = {*net::Address::from_ip("127.0.0.1", 0)};
    client_ = make_client(world_, choices);
    look_around();
  }

  void step(const Step& step);
  void finish();

 private:
  void look_around();
  void end(RawPeer& peer, bool abruptly);
  void say_answer(const Step& step);
  void set_faults(const Step& step);

  sim::World world_{1, small_buffers};
  sim::Baseline pristine_;
  std::optional<sim::PeerListener> listener_{"127.0.0.1:9001"};
  std::array<RawPeer, connections_max> peers_;
  std::size_t accepted_ = 0;
  std::unique_ptr<Connecting> client_;
};

// Whoever came takes the place of the one who has been here longest.
void Run::look_around() {
  world_.settle();
  while (listener_->waiting() != 0) {
    RawPeer& peer = peers_[accepted_++ % peers_.size()];
    end(peer, false);
    peer.take(listener_->accept_socket());
  }
  world_.settle();
  for (RawPeer& each : peers_) static_cast<void>(each.heard());
}

void Run::say_answer(const Step& step) {
  constexpr std::string_view mark = "Sec-WebSocket-Key: ";
  RawPeer& peer = peers_[step.connection];
  const std::string_view heard = peer.heard();
  const std::size_t at = heard.rfind(mark);
  const std::string_view key = at == std::string_view::npos ? "" : heard.substr(at + mark.size());
  const std::string_view rest = std::string_view(step.data).substr(step.data.empty() ? 0 : 1);
  const std::string text = write_answer(answers[step.number() % answers.size()], rest);
  peer.send(with_accept(text, key.substr(0, key.find('\r'))));
}

void Run::set_faults(const Step& step) {
  world_.network.faults = {};
  world_.network.faults.short_io = step.percent(0);
  world_.network.faults.would_block = step.percent(1);
  world_.network.faults.connect_lost = step.percent(2);
  world_.network.faults.name_missing = step.percent(3);
  world_.network.faults.reset = step.percent(4);
}

void Run::step(const Step& step) {
  RawPeer& peer = peers_[step.connection];
  switch (step.action % action_count) {
    case raw: peer.send(step.data); break;
    case answer: say_answer(step); break;
    case frame:
      if (!step.data.empty()) {
        peer.send(test::plain_frame(step.number(), std::string_view(step.data).substr(1)));
      }
      break;
    case finish_sending: peer.finish_sending(); break;
    case hang_up: end(peer, false); break;
    case reset: end(peer, true); break;
    case stop_reading: peer.stop_reading(std::size_t{1} + 16 * step.number()); break;
    case read_on: peer.read_on(); break;
    case pass_time: world_.run_for(step.duration()); break;
    case act: client_->act(step.number(), step.data); break;
    case break_network: set_faults(step); break;
    default: break;
  }
  if (step.turns) look_around();
}

// Behind the request of a WebSocket, if it was the first, there are frames or nothing.
void Run::end(RawPeer& peer, bool abruptly) {
  abruptly ? peer.reset() : peer.close();
  const std::string heard = peer.take_heard();
  const std::size_t head_end = heard.find("\r\n\r\n");
  if (head_end == std::string::npos || !heard.starts_with("GET ")) return;
  const std::string_view head = std::string_view(heard).substr(0, head_end);
  if (head.find("Sec-WebSocket-Key: ") == std::string_view::npos) return;
  check_frames(ws::Role::server, std::string_view(heard).substr(head_end + 4));
}

void Run::finish() {
  world_.network.faults = {};
  client_->leave();
  look_around();
  listener_.reset();
  for (RawPeer& peer : peers_) {
    peer.read_on();
    end(peer, false);
  }
  world_.run_for(300_s);
  client_->check_at_rest();
  client_ = nullptr;
  world_.settle();
  HILO_CHECK(world_.baseline() == pristine_);
}

// --- the mutator ---------------------------------------------------------------------------------

constexpr std::string_view open_packet =
    "0{\"sid\":\"s\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,"
    "\"maxPayload\":100}";
constexpr std::array<std::string_view, 20> packets{
    open_packet,
    open_packet,
    "ok",
    "3probe",
    "2",
    "4hello",
    "1",
    "6",
    "40{\"sid\":\"x\"}",
    "40/room,{\"sid\":\"y\"}",
    "41",
    "44{\"message\":\"no\"}",
    "42[\"echo\",1]",
    "420[\"echo\",{}]",
    "430[1]",
    "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]",
    "42[\"bye\"]",
    "4c",
    "4b",
    "96:0{\"sid\":\"s\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":"
    "20000}"};
constexpr std::array<std::string_view, 8> lines{
    "Location: ws://server.test:9001/b\r\n",
    "Location: /c\r\n",
    "Location: wss://server.test:9001/d\r\n",
    "Connection: close\r\n",
    "Sec-WebSocket-Protocol: chat\r\n",
    "Set-Cookie: a=b\r\n",
    "Content-Length: 0\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"};

}  // namespace

void hilo::fuzz::run_program(const Program& program) {
  Run run(program.choices);
  for (const Step& step : program.steps) run.step(step);
  run.finish();
}

Step hilo::fuzz::draw_step(std::mt19937& random) {
  constexpr std::array<Action, 8> likely{answer, answer, answer, frame,
                                         frame,  frame,  act,    pass_time};
  Step step;
  step.action = likely[random() % likely.size()];
  if (random() % 3 == 0) step.action = static_cast<std::uint8_t>(random() % action_count);
  step.connection = static_cast<std::uint8_t>(random() % connections_max);
  step.turns = random() % 8 != 0;
  step.data = test::as_char(random());
  if (step.action == answer) {
    const Rest rest = answers[step.number() % answers.size()].rest;
    step.data += rest == Rest::fields ? any_of(lines, random) : any_of(packets, random);
  } else if (step.action == frame && random() % 2 == 0) {
    step.data = "\x81" + std::string(any_of(packets, random));
  } else if (step.action == frame) {
    const Frame drawn = random_frame(random);
    step.data = test::as_char(drawn.first) + drawn.payload;
  } else if (step.action == break_network) {
    for (int i = 0; i < 4; ++i) step.data += test::as_char(random());
  }
  return step;
}
