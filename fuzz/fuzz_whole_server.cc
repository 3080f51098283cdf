// SPDX-License-Identifier: MIT
//
// The whole server on the simulated network, under a program (program.h) that drives up to four
// peers, the clock, the faults of the network and the application (served.h). Requests and frames
// are completed: a body's length, the sid of a session that was opened before, mask and length of a
// frame. What must hold at the end, when everybody has gone and five minutes have passed:
//
//   - descriptors, watches, timers and bytes of the pool are as they were before anybody came
//   - each on_open had its on_close, nothing was called behind that, and the metrics add up
//   - what each WebSocket heard were legal frames, with nothing but Pongs behind a Close
//   - a server that was told to stop has stopped, and leaves nothing in its loop

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/program.h"
#include "fuzz/served.h"
#include "fuzz/sim_peer.h"
#include "net/base/check.h"

namespace {

using namespace hilo;
using namespace hilo::fuzz;
using namespace hilo::net::literals;

enum Action : std::uint8_t {
  come,  // odd number: where the PROXY protocol is spoken
  raw,
  request,  // number: which; then fields, or a body
  frame,    // its first byte, then its payload
  finish_sending,
  hang_up,
  reset,
  stop_reading,  // number: the window
  read_on,
  pass_time,
  act,  // number: what the application does; then its text
  break_network,
  set_clock,
  action_count,
};

struct Request {
  std::string_view first_line;  // '$' is a sid
  std::string_view fields;
  bool has_body;  // of the type of the step's first byte
};

constexpr std::string_view upgrade_fields =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
constexpr std::string_view deflate_fields =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

constexpr std::array<Request, 24> requests{{
    {"GET /", upgrade_fields, false},
    {"GET /chat", deflate_fields, false},
    {"GET /chunks", deflate_fields, false},
    {"GET /later", upgrade_fields, false},
    {"GET /later", "", false},
    {"GET /page?a=b", "", false},
    {"GET /large", "", false},
    {"HEAD /page", "", false},
    {"POST /form", "", true},
    {"POST /stream/x", "", true},
    {"OPTIONS /engine.io/", "Origin: http://a.test\r\n", false},
    {"GET /engine.io/?EIO=4&transport=polling", "", false},
    {"GET /engine.io/?EIO=4&transport=polling&sid=$", "", false},
    {"POST /engine.io/?EIO=4&transport=polling&sid=$", "", true},
    {"GET /engine.io/?EIO=4&transport=websocket", upgrade_fields, false},
    {"GET /engine.io/?EIO=4&transport=websocket&sid=$", upgrade_fields, false},
    {"GET /engine.io/?EIO=3&transport=polling", "", false},
    {"GET /engine.io/?EIO=3&transport=polling&sid=$&j=0", "", false},
    {"POST /engine.io/?EIO=3&transport=polling&sid=$&j=0", "", true},
    {"GET /socket.io/?EIO=4&transport=polling", "", false},
    {"GET /socket.io/?EIO=4&transport=polling&sid=$", "", false},
    {"POST /socket.io/?EIO=4&transport=polling&sid=$", "", true},
    {"GET /socket.io/?EIO=4&transport=websocket", deflate_fields, false},
    {"GET /socket.io/?EIO=4&transport=websocket&sid=$", upgrade_fields, false},
}};

class Run {
 public:
  explicit Run(std::uint8_t choices) : pristine_(world_.baseline()) {
    served_.emplace(world_, choices);
    world_.settle();
    served_baseline_ = world_.baseline();
  }

  void step(const Step& step);
  void finish();

 private:
  RawPeer& peer_of(const Step& step) { return peers_[step.connection]; }
  void open(const Step& step);
  void say_request(const Step& step);
  void set_faults(const Step& step);
  void look_for_sids(std::string_view heard);
  void end(RawPeer& peer, bool abruptly);

  sim::World world_{1, small_buffers};
  sim::Baseline pristine_;
  std::optional<Served> served_;
  sim::Baseline served_baseline_;
  std::array<RawPeer, connections_max> peers_;
  std::array<std::string, 4> sids_;  // the latest
  std::size_t sid_count_ = 0;
};

void Run::open(const Step& step) {
  end(peer_of(step), false);
  sim::Network& network = world_.network;
  const auto socket = network.make(sim::Socket::Kind::stream);
  const std::uint16_t port = step.number() % 2 != 0 ? Served::proxy_port : Served::port;
  const net::Io io = network.connect(socket, *net::Address::from_ip("127.0.0.1", port));
  if (io.kind != net::Io::Kind::failed) peer_of(step).take(socket);
}

// The first byte is which one; the rest its body, or more fields.
void Run::say_request(const Step& step) {
  const Request& asked = requests[step.number() % requests.size()];
  const std::string_view rest = std::string_view(step.data).substr(step.data.empty() ? 0 : 1);
  std::string text(asked.first_line);
  if (const std::size_t at = text.find('$'); at != std::string::npos) {
    text.replace(at, 1, sids_[step.number() / requests.size() % sids_.size()]);
  }
  text.append(" HTTP/1.1\r\nHost: a.test\r\n").append(asked.fields);
  if (asked.has_body) {
    text += "Content-Length: " + std::to_string(rest.size()) + "\r\n\r\n";
    text += rest;
  } else {
    text.append(rest).append("\r\n");
  }
  peer_of(step).send(text);
}

void Run::set_faults(const Step& step) {
  world_.network.faults = {};
  world_.network.faults.short_io = step.percent(0);
  world_.network.faults.would_block = step.percent(1);
  world_.network.faults.held_back = step.percent(2);
  world_.network.faults.shuffled = step.percent(3);
  world_.network.faults.reset = step.percent(4);
}

void Run::step(const Step& step) {
  RawPeer& peer = peer_of(step);
  switch (step.action % action_count) {
    case come: open(step); break;
    case raw: peer.send(step.data); break;
    case request: say_request(step); break;
    case frame:
      if (!step.data.empty()) {
        peer.send(test::masked_frame(step.number(), std::string_view(step.data).substr(1)));
      }
      break;
    case finish_sending: peer.finish_sending(); break;
    case hang_up: end(peer, false); break;
    case reset: end(peer, true); break;
    case stop_reading: peer.stop_reading(std::size_t{1} + 16 * step.number()); break;
    case read_on: peer.read_on(); break;
    case pass_time: world_.run_for(step.duration()); break;
    case act: served_->act(step.number(), step.data); break;
    case break_network: set_faults(step); break;
    case set_clock:
      world_.network.wall_clock_offset = step.duration() * (step.turns ? 1000 : -1000);
      break;
    default: break;
  }
  if (!step.turns) return;
  world_.settle();
  for (RawPeer& each : peers_) look_for_sids(each.heard());
}

// Of sessions; what Socket.IO calls a sid stands behind a '4'.
void Run::look_for_sids(std::string_view heard) {
  constexpr std::string_view mark = "0{\"sid\":\"";
  const std::size_t at = heard.rfind(mark);
  if (at == std::string_view::npos || (at > 0 && heard[at - 1] == '4')) return;
  const std::string_view behind = heard.substr(at + mark.size());
  const std::string_view sid = behind.substr(0, behind.find('"'));
  if (std::find(sids_.begin(), sids_.end(), sid) != sids_.end()) return;
  sids_[sid_count_++ % sids_.size()] = sid;
}

void Run::end(RawPeer& peer, bool abruptly) {
  abruptly ? peer.reset() : peer.close();
  const std::string heard = peer.take_heard();
  if (!heard.starts_with("HTTP/1.1 101 ")) {
    constexpr std::string_view version = "HTTP/1.1 ";
    HILO_CHECK(version.starts_with(heard.substr(0, version.size())));
    return;
  }
  const std::size_t head_end = heard.find("\r\n\r\n");
  if (head_end == std::string::npos) return;
  check_frames(ws::Role::client, std::string_view(heard).substr(head_end + 4));
}

void Run::finish() {
  world_.network.faults = {};
  served_->read_to_the_end();
  world_.settle();
  for (RawPeer& peer : peers_) {
    peer.read_on();
    end(peer, false);
  }
  // Sessions wait for clients that may come back, and recovery for longer than that.
  world_.run_for(300_s);
  served_->check_at_rest();
  if (!served_->is_going()) HILO_CHECK(world_.baseline() == served_baseline_);
  served_.reset();
  world_.settle();
  HILO_CHECK(world_.baseline() == pristine_);
}

// --- the mutator ---------------------------------------------------------------------------------

constexpr std::array<std::string_view, 20> packets{
    "2probe",
    "5",
    "3",
    "4hello",
    "1",
    "40",
    "40/room,",
    "41",
    "42[\"echo\",1]",
    "421[\"echo\",{}]",
    "430[1]",
    "2probe\x1e"
    "5",
    "4c",
    "4b",
    "42[\"join\",\"r\"]",
    "4t",
    "42[\"ask\"]",
    "451-[\"bytes\",{\"_placeholder\":true,\"num\":0}]",
    "40/dynamic-1,{\"a\":1}",
    "42[\"bye\",true]"};
constexpr std::array<std::string_view, 10> lines{
    "X-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n",
    "Forwarded: for=192.0.2.1;proto=https;host=a.test\r\n",
    "Origin: http://a.test\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Sec-WebSocket-Protocol: chat\r\n",
    "Content-Type: application/octet-stream\r\n",
    "Range: bytes=0-1\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"};

}  // namespace

void hilo::fuzz::run_program(const Program& program) {
  Run run(program.choices);
  for (const Step& step : program.steps) run.step(step);
  run.finish();
}

Step hilo::fuzz::draw_step(std::mt19937& random) {
  Step step;
  constexpr std::array<Action, 8> likely{come,  request, request,   frame,
                                         frame, frame,   pass_time, act};
  step.action = likely[random() % likely.size()];
  if (random() % 3 == 0) step.action = static_cast<std::uint8_t>(random() % action_count);
  step.connection = static_cast<std::uint8_t>(random() % (random() % 2 == 0 ? 1 : connections_max));
  step.turns = random() % 8 != 0;
  step.data = test::as_char(random());
  if (step.action == request) {
    step.data += requests[step.number() % requests.size()].has_body ? any_of(packets, random)
                                                                    : any_of(lines, random);
  } else if (step.action == frame && random() % 2 == 0) {
    step.data = "\x81" + std::string(any_of(packets, random));
  } else if (step.action == frame) {
    const Frame drawn = random_frame(random);
    step.data = test::as_char(drawn.first) + drawn.payload;
  } else if (step.action == raw) {
    step.data = any_of(lines, random);
  } else if (step.action == break_network) {
    for (int i = 0; i < 4; ++i) step.data += test::as_char(random());
  }
  return step;
}
