// SPDX-License-Identifier: MIT
//
// Draft: a case while it is written. The words of the grammar: requests, frames, what is due to
// them, and how a connection ends. All chance comes from the case's Random.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/conform/frame.h"
#include "tools/conform/handshake_words.h"
#include "tools/fuzz/case.h"
#include "tools/fuzz/random.h"

namespace hilo::tools::fuzz {

// What is known of the server, and how much is asked of it.
struct Grammar {
  Protocol protocol = Protocol::ws;
  std::string authority = "localhost";  // for Host
  std::string path = "/";               // with its query, if the URL had one
  bool tls = false;
  bool expects_echo = false;              // messages come back as they were sent
  std::vector<int> revisions = {4};       // of Engine.IO: 4, 3
  std::string event = "echo";             // of Socket.IO: answered with its own arguments
  std::size_t message_bytes_max = 70000;  // no legal message is larger
};

class Draft {
 public:
  Draft(const Grammar& grammar, Random& random, Case& into)
      : grammar_(&grammar), random_(&random), case_(&into) {
    if (grammar.protocol != Protocol::ws) revision_ = random.pick(grammar.revisions);
  }

  const Grammar& grammar() const { return *grammar_; }
  Random& random() { return *random_; }
  Case& subject() { return *case_; }
  int revision() const { return revision_; }
  void set_revision(int revision) { revision_ = revision; }

  // --- requests
  // The path of Engine.IO with these parameters behind it, "EIO=4&transport=polling".
  std::string target(std::string_view parameters) const;
  std::string websocket_target() const;  // of an upgrade, as the protocol has it
  // The ordinary upgrade request, edited: $PATH, $HOST, $ORIGIN, $AND and $KEY are filled in.
  Octets request(const conform::Edit& edit);
  // An ordinary request, with a body if there is a type for it.
  Octets http(std::string_view method, std::string_view to, std::string_view body = {},
              std::string_view type = {}) const;

  // --- steps
  Step& send(Octets bytes, std::vector<Reply> replies = {});
  Step& await_answer(std::vector<int> statuses);
  void await_replies();
  // A connection on which messages may be sent, as its protocol has it.
  void open(const conform::Edit& edit = {});
  // The same up to Engine.IO: nobody has said CONNECT.
  void open_engine(const conform::Edit& edit = {});
  // A session of Engine.IO by polling; its requests name it by "$SID".
  void open_polling();
  std::string session_target(std::string_view transport = "polling") const;
  Step& get(const std::string& to, std::vector<int> statuses);
  Step& post(std::string_view body, std::vector<int> statuses,
             std::string_view type = "text/plain;charset=UTF-8");
  void send_frame(conform::Frame frame, std::vector<Reply> replies = {});
  void send_frames(const std::vector<conform::Frame>& frames, std::vector<Reply> replies = {});
  Step& send_packet(std::string_view text, std::vector<Reply> replies = {});  // a text message
  // Our Close, and the server's to be awaited.
  void close();
  // What breaks a rule has just been sent: the end with one of these codes is due, or any end.
  void refused_with(std::vector<std::uint16_t> codes);
  // The steps from now on are of the other connection, or of the first one again.
  void on_line(std::uint8_t line) { line_ = line; }

  // --- payloads
  std::string text(std::size_t bytes_max);  // UTF-8 of every length of character
  std::size_t size();                       // of a payload: often one at which lengths change
  Octets encode(conform::Frame frame);      // masked with a key of the case's own

 private:
  Step& add(Step::Kind kind);

  const Grammar* grammar_;
  Random* random_;
  Case* case_;
  int revision_ = 0;
  std::uint8_t line_ = 0;
};

}  // namespace hilo::tools::fuzz
