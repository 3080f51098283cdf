// SPDX-License-Identifier: MIT
//
// ClientSocketState: what there is of a client's end of one namespace, in its Manager. Applications
// hold a ClientSocket (client_socket.h).
//
//             connect()           session open           answer
//      idle -----------> waiting ------------> asked ------------> connected
//       ^                   ^                    |                     |
//       |                   +----- session lost -+---------------------+
//       +---- refused, DISCONNECT, disconnect() -+---------------------+
//
// What it asks a server for it must not take back before the answer: then it is `leaving`.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ws/socketio/client_socket.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/listeners.h"
#include "ws/socketio/pending_acks.h"

namespace hilo::socketio {

class ClientSocketState final : public AckTarget {
 public:
  // `address` is the name, maybe with a query behind it.
  ClientSocketState(Manager& manager, std::string_view address, ClientSocketOptions options);

  // --- the application ---

  void connect();
  void disconnect();
  bool send(Emission emission, const Flags& flags);
  void give_auth(OwnedJson auth, std::uint64_t session);

  // --- the Manager ---

  // It goes: nobody who kept an Ack or a GiveAuth finds this any more.
  void raise_anchors() noexcept {
    anchor_.raise();
    end_answers();
  }
  void session_opened();
  // The session is gone. Both are static text: what "disconnect" is told, and who only was about to
  // connect.
  void session_lost(std::string_view reason, std::string_view why);
  // There was none: "connect_error".
  void session_failed(std::string_view message);
  // As after disconnect(), but the server is not told.
  void give_up(std::string_view reason);
  Errc receive(Packet& packet);
  // An event before it is parsed: whether that was all.
  bool receive_raw(const PacketHead& head);

  // The end of a connection, if there was one: to the application, from the reap phase.
  void tell_end();

  std::string_view name() const noexcept { return name_; }
  // It is connected, or will be by itself.
  bool is_active() const noexcept { return stage_ != Stage::idle && stage_ != Stage::leaving; }
  // The server has been asked for it in this session.
  bool is_talking() const noexcept {
    return stage_ == Stage::asked || stage_ == Stage::leaving || stage_ == Stage::connected;
  }

 private:
  friend class ClientSocket;
  // Of what comes before the answer, as it came.
  static constexpr std::size_t early_bytes_max = std::size_t{1} << 20;
  enum class Stage : std::uint8_t { idle, waiting, asking, asked, leaving, connected };
  // What waits for the connection.
  struct Waiting {
    OwnedJson values;
    Flags flags;
    std::optional<std::uint64_t> id;
  };
  // What waits for the answer of the one before it.
  struct Queued {
    std::uint64_t number;
    OwnedJson values;
    AckHandler ack;
    Flags flags;
    std::uint32_t tries = 0;
    bool is_sent = false;
  };

  // AckTarget
  void answer(SlabHandle socket, std::uint64_t id, OwnedJson answers) override;

  // The way in and out.
  void ask(OwnedJson auth);
  Errc accept(const Json& data);
  Errc refused(const Json& data);
  Errc dismissed();
  void connected();
  void hand_over_early();
  void leave_asked(Stage next) noexcept;
  void end(std::string_view reason, Stage next);
  bool has_left(std::uint64_t ack) const noexcept;
  void tell_refusal(std::string_view message, OwnedJson data);

  // What comes in.
  Errc receive_event(std::optional<std::uint64_t> id, OwnedJson values);
  Errc keep_early(std::optional<std::uint64_t> id, OwnedJson values);
  void receive_ack(std::optional<std::uint64_t> id, OwnedJson values);
  void deliver(std::optional<std::uint64_t> id, OwnedJson values);
  void dispatch(std::string_view event, const Arguments& arguments);

  // What goes out.
  bool emit(Emission emission, const Flags& flags);
  bool write(OwnedJson values, const Flags& flags, std::optional<std::uint64_t> id);
  bool refuse(AckHandler ack, AckErrc error);
  void give_up_ack(std::uint64_t id, AckErrc error);
  void unsent(std::uint64_t id);
  void flush();
  bool enqueue(Emission emission, const Flags& flags);
  void drain_queue();
  void answered(std::uint64_t number, std::error_code error, Json& answers);

  Manager* manager_;
  Anchor<ClientSocketState> anchor_;
  std::string address_;
  std::string_view name_;  // of the namespace, in address_
  ClientSocketOptions options_;
  Listeners listeners_;
  // Deques: what is called may add to them.
  std::deque<Callback<void(std::string_view event, const Arguments&)>> on_any_;
  std::deque<Callback<void(std::string_view event, const Json& values)>> on_any_outgoing_;
  Callback<bool(std::string_view json, Ack& ack)> on_raw_;
  PendingAcks acks_;
  std::uint64_t next_ack_ = 0;
  std::deque<Waiting> waiting_;
  std::deque<Waiting> early_;  // came before the answer to CONNECT
  std::size_t early_bytes_ = 0;
  std::deque<Queued> queue_;
  std::uint64_t next_queued_ = 0;
  std::string id_;
  std::string pid_;     // by which the server knows the connection again, if it offers that
  std::string offset_;  // of the last event that came
  std::uint32_t connection_ = 0;  // counts them: answers to events of an earlier one are not sent
  std::string_view end_reason_;   // empty: no end is still to be told
  Stage stage_ = Stage::idle;
  bool told_ = false;  // so far that "disconnect" is owed
  bool recovered_ = false;
  bool left_ = false;  // in this session: what still comes may have been sent before
};

}  // namespace hilo::socketio
