// SPDX-License-Identifier: MIT
//
// The closing handshake from every side, failures in every state, and what is owed to the peer.

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "net/base/allocator.h"
#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "tests/support/frames.h"
#include "tests/support/session_feed.h"
#include "ws/core/session.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;
using Kind = Event::Kind;

namespace {

std::string joined(const Outgoing& outgoing) {
  const auto [header, payload] = outgoing.slices();
  return std::string(as_text(header)) + std::string(as_text(payload));
}

// A server's session, and everything it needs to live.
struct Peer {
  explicit Peer(Role role = Role::server, const MessageLimits& with = {})
      : shared{with, &pool}, session(role, shared) {}

  // The next event of `frames`, or of what is left of the frames before.
  Event next(std::string_view frames = {}) {
    if (!frames.empty()) {
      block.assign(frames.begin(), frames.end());
      rest = block;
    }
    return session.next(rest);
  }
  // The frame of the other side, with a mask where it needs one.
  std::string frame(std::uint8_t first, std::string_view payload = {}) const {
    return peer_frame(session.role(), first, payload);
  }
  // Our Close, without its mask.
  std::string close(CloseCode code = CloseCode::normal, std::string_view reason = {}) {
    if (session.role() == Role::server) return joined(session.close(code, reason));
    REQUIRE(session.close(code, reason, example_key, out));
    return sent();
  }
  std::string replies() {
    if (session.role() == Role::server) return joined(session.take_replies());
    REQUIRE(session.take_replies(example_key, out));
    return sent();
  }
  std::string sent() {
    const Bytes frames = out.readable();
    const std::string plain = unmasked_frames(as_text(frames));
    out.release();
    return plain;
  }

  Pool pool;
  Pool out_pool;
  Buffer out{out_pool};
  Session::Shared shared;
  std::vector<std::uint8_t> block;
  MutableBytes rest;
  Session session;
};

const std::vector<Role> both_roles = {Role::server, Role::client};
const std::string normal_close = plain_frame(0x88, close_payload(1000));

// As long as it lives there is none to be had.
class NoMemory {
 public:
  NoMemory() {
    use_allocator({.allocate = [](void*, std::size_t) noexcept -> void* { return nullptr; },
                   .release = [](void*, void* memory) noexcept { std::free(memory); },
                   .context = nullptr});
  }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() { use_standard_allocator(); }
};

// Brings a fresh session into one of its five states.
enum class Reach : std::uint8_t { open, closing, answering, closed, failed };
void reach(Peer& peer, Reach state) {
  switch (state) {
    case Reach::open: return;
    case Reach::closing: CHECK(peer.close() == normal_close); return;
    case Reach::answering:
      CHECK(peer.next(peer.frame(0x88, close_payload(1000))).kind == Kind::close);
      return;
    case Reach::closed:
      CHECK(peer.next(peer.frame(0x88, close_payload(1000))).kind == Kind::close);
      CHECK(peer.replies() == normal_close);
      return;
    case Reach::failed:
      CHECK(peer.next(peer.frame(0x83)).kind == Kind::failure);
      CHECK_FALSE(peer.replies().empty());
      return;
  }
}
const std::vector<Reach> all_states = {Reach::open, Reach::closing, Reach::answering, Reach::closed,
                                       Reach::failed};

}  // namespace

TEST_CASE("our Close first: messages are ignored and pings answered until the peer's Close comes") {
  for (const Role role : both_roles) {
    Peer peer(role);
    CHECK(peer.session.is_open());
    CHECK(peer.close(CloseCode::going_away, "bye") ==
          plain_frame(0x88, close_payload(1001, "bye")));
    CHECK_FALSE(peer.session.is_open());
    CHECK_FALSE(peer.session.wants_transport_close());
    const std::string large(70000, 'x');
    CHECK(peer.next(peer.frame(0x81, "late") + peer.frame(0x8A, "pong") + peer.frame(0x89, "ping") +
                    peer.frame(0x82, large) + peer.frame(0x01, "a") + peer.frame(0x80, "b"))
              .kind == Kind::ping);
    CHECK(peer.replies() == plain_frame(0x8A, "ping"));  // RFC 6455 §5.5.2
    CHECK_FALSE(peer.next());
    CHECK_FALSE(peer.session.has_replies());
    CHECK(peer.pool.taken_bytes() == 0);

    const Event event = peer.next(peer.frame(0x88, close_payload(1001)));
    CHECK(seen(event) == seen_close(CloseCode::going_away));
    CHECK_FALSE(peer.session.has_replies());  // Both have said it; an echo would be a second one.
    CHECK(peer.session.wants_transport_close());
    CHECK_FALSE(peer.next(peer.frame(0x81, "later")));
  }
}

TEST_CASE("the peer's Close first: it is echoed, then the connection may end") {
  for (const Role role : both_roles) {
    Peer peer(role);
    const Event event = peer.next(peer.frame(0x88, close_payload(3000, "done")));
    CHECK(seen(event) == seen_close(static_cast<CloseCode>(3000), "done"));
    CHECK_FALSE(peer.session.is_open());
    CHECK_FALSE(peer.session.wants_transport_close());
    CHECK(peer.session.has_replies());
    CHECK(peer.replies() == plain_frame(0x88, close_payload(3000)));
    CHECK(peer.session.wants_transport_close());
    CHECK(peer.replies().empty());
    CHECK_FALSE(peer.next(peer.frame(0x88, close_payload(3000))));
  }
}

TEST_CASE("146: Closes that cross end the handshake on both sides, with one event each") {
  Peer server(Role::server);
  Peer client(Role::client);
  Pool pool;
  Buffer out(pool);
  const std::string from_server = server.close(CloseCode::going_away);
  REQUIRE(client.session.close(CloseCode::normal, "", example_key, out));
  const Buffer& from_client = out;
  CHECK(seen(client.next(from_server)) == seen_close(CloseCode::going_away));
  CHECK(seen(server.next(as_text(from_client.readable()))) == seen_close(CloseCode::normal));
  for (Peer* peer : {&server, &client}) {
    CHECK_FALSE(peer->session.has_replies());
    CHECK(peer->session.wants_transport_close());
    CHECK_FALSE(peer->next());
    CHECK_FALSE(peer->session.end_of_input());
  }
}

TEST_CASE("122: close() while more frames are buffered: the rest is not delivered") {
  Peer peer;
  CHECK(peer.next(peer.frame(0x81, "one") + peer.frame(0x81, "two")).kind == Kind::message);
  CHECK(peer.close() == normal_close);
  CHECK_FALSE(peer.next());
  CHECK(peer.rest.empty());
}

TEST_CASE("a view that was delivered outlives close() and send()") {
  Peer peer;
  const std::string payload(5000, 'v');
  const std::string frame = peer.frame(0x82, payload);
  CHECK_FALSE(peer.next(frame.substr(0, 3000)));
  const std::vector<std::uint8_t> first = peer.block;
  const Event event = peer.next(frame.substr(3000));
  REQUIRE(event.kind == Kind::message);
  CHECK(peer.session.send(Opcode::binary, event.payload).payload.data() == event.payload.data());
  CHECK(peer.close() == normal_close);
  CHECK(as_text(event.payload) == payload);
  CHECK(peer.session.assembled_bytes() == 5000);
  CHECK_FALSE(peer.next());
  CHECK(peer.session.assembled_bytes() == 0);
  CHECK(peer.pool.taken_bytes() == 0);
}

TEST_CASE("a broken rule fails the session in the states that still read") {
  for (const Role role : both_roles) {
    for (const Reach state : all_states) {
      CAPTURE(static_cast<int>(state));
      Peer peer(role);
      reach(peer, state);
      const Event event = peer.next(peer.frame(0x83, "bad"));
      const bool reads = state == Reach::open || state == Reach::closing;
      CHECK(event.kind == (reads ? Kind::failure : Kind::need_input));
      if (reads) {
        // After our Close there is nothing left to tell.
        const bool tell = state == Reach::open;
        CHECK(event.error == Errc::frame_opcode);
        CHECK(event.code == (tell ? CloseCode::protocol_error : CloseCode::abnormal));
        CHECK(peer.session.wants_transport_close() == !tell);
        CHECK(peer.replies() == (tell ? plain_frame(0x88, close_payload(1002)) : ""));
      }
      if (state == Reach::answering) CHECK(peer.replies() == normal_close);
      CHECK(peer.session.wants_transport_close());
      CHECK_FALSE(peer.session.is_open());
      CHECK_FALSE(peer.next(peer.frame(0x81, "after")));
      CHECK(peer.rest.empty());
    }
  }
}

TEST_CASE("148: the end of the stream fails the session unless the Closes were exchanged") {
  for (const Reach state : all_states) {
    CAPTURE(static_cast<int>(state));
    Peer peer;
    reach(peer, state);
    const Event event = peer.session.end_of_input();
    const bool early = state == Reach::open || state == Reach::closing;
    CHECK(event.kind == (early ? Kind::failure : Kind::need_input));
    if (early) CHECK(event.error == Errc::end_without_close);
    if (early) CHECK(event.code == CloseCode::abnormal);
    CHECK(peer.replies() == (state == Reach::answering ? normal_close : ""));
    CHECK(peer.session.wants_transport_close());
    CHECK_FALSE(peer.session.end_of_input());
  }
}

TEST_CASE("148: the end of the stream inside a frame or a message discards it") {
  const std::vector<std::string> begun = {
      masked_frame(0x82, "whole").substr(0, 1), masked_frame(0x82, "whole").substr(0, 8),
      masked_frame(0x01, "fragment"), masked_frame(0x89, "ping").substr(0, 8)};
  for (const std::string& bytes : begun) {
    Peer peer;
    CHECK_FALSE(peer.next(bytes));
    CHECK(peer.session.unfinished());
    CHECK(peer.session.end_of_input().error == Errc::end_without_close);
    CHECK_FALSE(peer.session.unfinished());
    CHECK_FALSE(peer.session.end_of_input());
    CHECK(peer.pool.taken_bytes() == 0);
  }
}

TEST_CASE("the caller's own verdict fails the session like a broken rule") {
  for (const Reach state : all_states) {
    CAPTURE(static_cast<int>(state));
    Peer peer;
    reach(peer, state);
    const Event event = peer.session.fail_with(Errc::control_flood);
    const bool reads = state == Reach::open || state == Reach::closing;
    CHECK(event.kind == (reads ? Kind::failure : Kind::need_input));
    if (state == Reach::open) CHECK(event.code == CloseCode::policy_violation);
    if (state == Reach::closing) CHECK(event.code == CloseCode::abnormal);
    if (state == Reach::open) CHECK(peer.replies() == plain_frame(0x88, close_payload(1008)));
    if (state == Reach::closing) CHECK(peer.replies().empty());
  }
  Peer silent;
  CHECK(silent.session.fail_with(Errc::slow_consumer).code == CloseCode::abnormal);
  CHECK(silent.session.wants_transport_close());
}

TEST_CASE("135: pings whose Pongs are not taken are answered by the last one") {
  for (const Role role : both_roles) {
    Peer peer(role);
    std::string pings;
    for (int i = 0; i < 40; ++i) pings += peer.frame(0x89, std::to_string(i));
    CHECK(peer.next(pings).kind == Kind::ping);
    for (int i = 1; i < 40; ++i) CHECK(peer.next().kind == Kind::ping);
    CHECK(peer.replies() == plain_frame(0x8A, "39"));
    CHECK(peer.replies().empty());
  }
}

TEST_CASE("a Pong that is not taken before the next call is dropped") {
  Peer peer;
  CHECK(peer.next(peer.frame(0x89, "?")).kind == Kind::ping);
  CHECK(peer.session.has_replies());
  CHECK_FALSE(peer.next());
  CHECK_FALSE(peer.session.has_replies());
  CHECK(joined(peer.session.take_replies()).empty());
  CHECK(peer.session.take_replies().empty());
}

TEST_CASE("a ping that arrives in pieces is answered from its own memory") {
  Peer peer;
  const std::string frame = peer.frame(0x89, std::string(125, 'p'));
  for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
    const std::string one = frame.substr(i, 1);
    CHECK_FALSE(peer.next(one));
  }
  const Event event = peer.next(frame.substr(frame.size() - 1));
  REQUIRE(event.kind == Kind::ping);
  CHECK_FALSE(peer.session.unfinished());
  peer.block.assign(1, 0);  // The reply does not live in the input.
  CHECK(peer.replies() == plain_frame(0x8A, std::string(125, 'p')));
  CHECK(as_text(event.payload) == std::string(125, 'p'));
  CHECK_FALSE(peer.next());
  CHECK(peer.pool.taken_bytes() == 0);
}

TEST_CASE("unfinished() is true from the first byte of a message to its last") {
  for (const Role role : both_roles) {
    Peer peer(role);
    CHECK_FALSE(peer.session.unfinished());
    CHECK_FALSE(peer.next(peer.frame(0x81, "ab").substr(0, 1)));
    CHECK(peer.session.unfinished());  // half a header
    CHECK_FALSE(peer.next(peer.frame(0x81, "ab").substr(1, peer.frame(0x81, "ab").size() - 2)));
    CHECK(peer.session.unfinished());  // half a frame
    CHECK(peer.next(peer.frame(0x81, "ab").substr(peer.frame(0x81, "ab").size() - 1)).kind ==
          Kind::message);
    CHECK_FALSE(peer.session.unfinished());  // delivered, though still held
    CHECK_FALSE(peer.next(peer.frame(0x01, "")));
    CHECK(peer.session.unfinished());  // an empty fragment is a beginning
    CHECK(peer.next(peer.frame(0x89, "")).kind == Kind::ping);
    CHECK(peer.session.unfinished());  // a ping does not end it
    CHECK(peer.next(peer.frame(0x80, "")).kind == Kind::message);
    CHECK_FALSE(peer.session.unfinished());
    CHECK(peer.next(peer.frame(0x82, "whole")).kind == Kind::message);
    CHECK_FALSE(peer.session.unfinished());
    CHECK(peer.next(peer.frame(0x83, "")).kind == Kind::failure);
    CHECK_FALSE(peer.session.unfinished());
  }
}

TEST_CASE("space to receive into is offered only inside a large frame of data") {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  Peer peer;
  const std::string payload(100000, 's');
  const std::string frame = peer.frame(0x82, payload);
  CHECK(peer.session.receive_space(all).empty());
  CHECK_FALSE(peer.next(frame.substr(0, 14)));
  CHECK(peer.session.receive_space(all).empty());
  CHECK_FALSE(peer.next(frame.substr(14, 50000)));
  CHECK(peer.session.receive_space(0).empty());
  CHECK(peer.session.receive_space(7).size() == 7);
  CHECK_FALSE(peer.session.commit(0));
  const MutableBytes space = peer.session.receive_space(all);
  CHECK(space.size() >= 1000);
  CHECK(space.size() <= 50000);
  std::memcpy(space.data(), frame.data() + 50014, 1000);
  CHECK_FALSE(peer.session.commit(1000));
  // Never more than the frame has left, and nothing once it is whole or given up.
  CHECK_FALSE(peer.next(frame.substr(51014, frame.size() - 51014 - 3)));
  CHECK(peer.session.receive_space(all).size() == 3);
  SUBCASE("whole") {
    std::memcpy(peer.session.receive_space(3).data(), frame.data() + frame.size() - 3, 3);
    const Event event = peer.session.commit(3);
    CHECK(event.kind == Kind::message);
    CHECK(as_text(event.payload) == payload);
    CHECK(peer.session.receive_space(all).empty());
    CHECK(peer.pool.taken_bytes() == 0);
  }
  SUBCASE("closed") {
    CHECK(peer.close() == normal_close);
    CHECK(peer.session.receive_space(all).empty());
    CHECK_FALSE(peer.next(frame.substr(frame.size() - 3)));
    CHECK(peer.pool.taken_bytes() == 0);
    CHECK(peer.next(peer.frame(0x88)).kind == Kind::close);
  }
}

TEST_CASE("text that is read into the space fails as it arrives") {
  Peer peer;
  const std::string frame =
      peer.frame(0x81, std::string(40000, 'a') + "\xFF" + std::string(100, 'a'));
  CHECK_FALSE(peer.next(frame.substr(0, 39000)));
  const MutableBytes space = peer.session.receive_space(1100);
  REQUIRE(space.size() == 1100);
  std::memcpy(space.data(), frame.data() + 39000, 1100);
  CHECK(seen(peer.session.commit(1100)) == seen_failure(Errc::text_not_utf8));
  CHECK(peer.pool.taken_bytes() == 0);
}

TEST_CASE("memory that cannot be had fails the session, and the peer is told") {
  Peer peer(Role::client, {.message_bytes_max = ~std::size_t{0}});
  const std::size_t size = Pool::block_bytes_max + 1;
  const std::string header = header_of(0x02, size, nullptr);
  std::vector<std::uint8_t> block(header.begin(), header.end());
  // The size alone is too much; no byte of it is looked at.
  MutableBytes input{block.data(), header.size() + size};
  CHECK(seen(peer.session.next(input)) == seen_failure(Errc::no_memory));
  CHECK(peer.replies() == plain_frame(0x88, close_payload(1011)));
}

TEST_CASE("what comes in parts fails where there is no memory for it, and short messages go on") {
  for (const bool closing : {false, true}) {
    Peer peer;
    if (closing) CHECK(peer.close() == normal_close);
    const NoMemory none;
    if (!closing) CHECK(peer.next(peer.frame(0x82, "whole")).kind == Kind::message);
    const Event event = peer.next(peer.frame(0x02, "the first part").substr(0, 9));
    CHECK(event.error == Errc::no_memory);
    CHECK(event.code == (closing ? CloseCode::abnormal : CloseCode::internal_error));
    CHECK_FALSE(peer.session.unfinished());
    CHECK(peer.session.held_bytes() == 0);
  }
}

TEST_CASE("a verdict takes back whatever is under way, and what was shown of it") {
  const std::string ping(100, '?');
  const std::string part(300, 'm');
  for (const std::size_t cut : {1U, 5U, 50U}) {
    Peer peer;
    CHECK_FALSE(peer.next(peer.frame(0x01, part) + peer.frame(0x89, ping).substr(0, cut)));
    CHECK(peer.session.held_bytes() == peer.pool.taken_bytes());
    CHECK(peer.pool.taken_bytes() != 0);
    CHECK(seen(peer.session.fail_with(Errc::ping_timeout)) == seen_failure(Errc::ping_timeout));
    CHECK(peer.pool.taken_bytes() == 0);
  }
  Peer pinged;
  CHECK(pinged.next(pinged.frame(0x89, "?")).kind == Kind::ping);
  CHECK(pinged.session.has_replies());
  CHECK(seen(pinged.session.end_of_input()) == seen_failure(Errc::end_without_close));
  CHECK(pinged.pool.taken_bytes() == 0);
  CHECK_FALSE(pinged.session.has_replies());
}

TEST_CASE("what was shown is given back before the next read, if that is asked for") {
  Peer peer;
  CHECK(peer.next(peer.frame(0x89, "?")).kind == Kind::ping);
  CHECK(peer.replies() == plain_frame(0x8A, "?"));
  peer.session.release_shown();
  CHECK(peer.pool.taken_bytes() == 0);
  // Of a message that is under way nothing is lost.
  CHECK_FALSE(peer.next(peer.frame(0x01, "ab")));
  CHECK(peer.next(peer.frame(0x89, "?")).kind == Kind::ping);
  peer.session.release_shown();
  CHECK_FALSE(peer.session.has_replies());
  const Event event = peer.next(peer.frame(0x80, "c"));
  CHECK(as_text(event.payload) == "abc");
}

TEST_CASE("who was given no space has nothing to commit") {
  Peer peer;
  CHECK(peer.session.receive_space(1000).empty());
  CHECK_FALSE(peer.session.commit(0));
  CHECK(peer.next(peer.frame(0x82, "x")).kind == Kind::message);
}

TEST_CASE("a Pong that is owed may stand behind our Close, and not behind the peer's") {
  for (const Role role : both_roles) {
    Peer peer(role);
    CHECK(peer.next(peer.frame(0x89, "?")).kind == Kind::ping);
    CHECK(peer.close() == normal_close);
    CHECK(peer.replies() == plain_frame(0x8A, "?"));
    CHECK(peer.next(peer.frame(0x89, "!") + peer.frame(0x88, close_payload(1000))).kind ==
          Kind::ping);
    CHECK(peer.next().kind == Kind::close);
    CHECK_FALSE(peer.session.has_replies());
    CHECK(peer.session.wants_transport_close());
  }
}

TEST_CASE("bug 2: the peer's Close ends the message that was unfinished") {
  // Its memory was held, and unfinished() stayed true, until the session was destroyed.
  for (const bool ours_first : {false, true}) {
    Peer peer;
    CHECK_FALSE(peer.next(peer.frame(0x02, std::string(5000, 'x'))));
    if (ours_first) CHECK(peer.close() == normal_close);
    CHECK(peer.session.unfinished());
    CHECK(peer.next(peer.frame(0x88, close_payload(1000))).kind == Kind::close);
    CHECK_FALSE(peer.session.unfinished());
    CHECK(peer.session.assembled_bytes() == 0);
    CHECK(peer.pool.taken_bytes() == Pool::block_bytes_min);  // the reason may lie there
    CHECK_FALSE(peer.next(""));
    CHECK(peer.pool.taken_bytes() == 0);
  }
}

TEST_CASE("bug 3: a long message in many fragments does not spoil the closing handshake") {
  // What arrives after our Close is dropped, and earned no fragments any more.
  Peer peer;
  CHECK_FALSE(peer.next(peer.frame(0x02, std::string(100, 'x'))));
  CHECK(peer.close() == normal_close);
  CHECK_FALSE(peer.next(repeat(peer.frame(0x00, std::string(100, 'x')), 3000)));
  CHECK_FALSE(peer.next(peer.frame(0x80, "end")));
  CHECK(peer.pool.taken_bytes() == 0);
  CHECK(peer.next(peer.frame(0x88, close_payload(1000))).kind == Kind::close);
  CHECK(peer.session.wants_transport_close());
}

TEST_CASE("bug 4: a reply for which there is no memory can be taken again") {
  Peer peer(Role::client);
  Buffer full(peer.out_pool);
  // As large as a Buffer can be, or as one can in an address space of 32 bits; its pages are never
  // touched.
  const std::size_t most =
      sizeof(void*) < 8 ? Pool::block_bytes_max / 2 : Pool::block_bytes_max - 1;
  REQUIRE(full.reserve(most));
  full.commit(most);

  CHECK(peer.next(peer.frame(0x89, "?")).kind == Kind::ping);
  CHECK_FALSE(peer.session.take_replies(example_key, full));
  CHECK(peer.replies() == plain_frame(0x8A, "?"));

  CHECK_FALSE(peer.session.send(Opcode::text, as_bytes("x"), example_key, full, false));
  CHECK_FALSE(peer.session.ping(as_bytes("x"), example_key, full));
  CHECK_FALSE(peer.session.close(CloseCode::normal, "", example_key, full));
  CHECK(peer.session.is_open());
  REQUIRE(peer.session.send(Opcode::text, as_bytes("x"), example_key, peer.out));
  CHECK(peer.sent() == plain_frame(0x81, "x"));  // Not a continuation: nothing was sent before.

  CHECK(peer.next(peer.frame(0x88, close_payload(1000))).kind == Kind::close);
  CHECK_FALSE(peer.session.take_replies(example_key, full));
  CHECK_FALSE(peer.session.wants_transport_close());
  CHECK(peer.replies() == normal_close);
  CHECK(peer.session.wants_transport_close());
}

TEST_CASE("bug 5: a budget of no fragments refuses a cut message no more than a whole one") {
  // The same frame was delivered whole and refused in pieces.
  Peer peer(Role::server, {.fragments_base = 0});
  const std::string frame = peer.frame(0x82, "payload");
  CHECK(peer.next(frame).kind == Kind::message);
  CHECK_FALSE(peer.next(frame.substr(0, 8)));
  CHECK(peer.next(frame.substr(8)).kind == Kind::message);
}
