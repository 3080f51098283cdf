// SPDX-License-Identifier: MIT
//
// permessage-deflate as the tester judges it (RFC 7692): the terms that two sides agreed to, what
// may be answered to an offer, and both directions of DEFLATE by zlib, with the agreed window and
// nothing larger, so that a peer that reaches further back is found out.

#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/conform/octets.h"

namespace hilo::tools::conform {

struct DeflateTerms {
  bool agreed = false;
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  int server_bits = 15;
  int client_bits = 15;
};

struct Extension {
  std::string name;
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};
// Nothing if the text breaks the grammar of RFC 6455 §9.1.
std::optional<std::vector<Extension>> parse_extensions(std::string_view text);

// Why this offer of permessage-deflate is one that a server has to decline; empty if it need not.
std::string check_offer(const Extension& offer);

struct Agreement {
  DeflateTerms terms;  // agreed: false if the answer names no permessage-deflate
  std::string wrong;   // why no such answer may be given to this offer
};
// `offer` and `answer`: the values of Sec-WebSocket-Extensions.
Agreement check_answer(std::string_view offer, std::string_view answer);

enum class Blocks : std::uint8_t { dynamic, fixed, stored };

// Compresses message after message; each payload is without its last 00 00 FF FF.
class Deflater {
 public:
  explicit Deflater(int bits = 15, Blocks blocks = Blocks::dynamic);
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  Octets message(std::string_view text);
  // A block of its own, flushed and with its 00 00 FF FF: part of a message.
  Octets block(std::string_view text);
  // What ends the stream: a block with BFINAL set.
  Octets finish(std::string_view text);

 private:
  Octets run(std::string_view text, int flush);
  z_stream stream_{};
};

// One message with a fresh context.
Octets deflated(std::string_view text, int bits = 15, Blocks blocks = Blocks::dynamic);

class Inflater {
 public:
  Inflater(int bits, bool takeover);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // A whole message, or nothing if that is no DEFLATE within the window.
  std::optional<Octets> message(std::string_view payload);

 private:
  bool takeover_;
  std::size_t piece_bytes_;
  z_stream stream_{};
};

}  // namespace hilo::tools::conform
