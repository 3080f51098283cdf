// SPDX-License-Identifier: MIT
//
// 12: permessage-deflate is offered and answered (RFC 7692 §5, §7.1). To a server we offer; a
// client's offer we answer, in ways that it has to take or to refuse.

#include <vector>

#include "tools/conform/cases.h"
#include "tools/conform/deflate.h"

namespace hilo::tools::conform {
namespace {

const std::string deflate = "permessage-deflate";

// Bytes that come again after 700 and after 17,000: whoever looks further back than a window of 9
// to 14 bits finds them, and is found out. Ours are sent in stored blocks, which look back nowhere.
Octets far_repetitions() {
  const Octets near = noise(700, 41);
  const Octets far = noise(17000, 42);
  return near + near + far + far;
}

Frame compressed(Frame frame, Blocks blocks = Blocks::stored) {
  frame.payload = deflated(frame.payload, 15, blocks);
  frame.rsv = 4;
  return frame;
}

std::vector<Step> exchange() {
  return {send({compressed(binary(far_repetitions()))}), await(1), send({text("plain")}), await(2),
          send({compressed(text("Hello"))})};
}
Outcome exchanged() {
  return echoes({echo_binary(far_repetitions()), echo("plain"), echo("Hello")});
}

// --- of a server ---------------------------------------------------------------------------------

void add_offers(CaseList& list) {
  const auto add = [&](const std::string& offer) {
    Case& added = list.add("an offer to accept: " + offer, exchange(), {exchanged()});
    added.side = Side::server;
    added.need = Need::deflate;
    added.opening.offer = offer;
  };
  list.group("12.1", "RFC 7692 §7.1");
  add(deflate);
  add(deflate + "; server_no_context_takeover");
  add(deflate + "; client_no_context_takeover");
  add(deflate + "; server_no_context_takeover; client_no_context_takeover");
  add(deflate + "; client_max_window_bits");
  for (const std::string bits : {"8", "9", "10", "11", "12", "13", "14", "15"}) {
    add(deflate + "; client_max_window_bits=" + bits);
  }
  for (const std::string bits : {"9", "10", "11", "12", "13", "14", "15"}) {
    add(deflate + "; server_max_window_bits=" + bits);
  }
  add(deflate + "; server_max_window_bits=\"10\"");
  add(deflate + "; client_max_window_bits=\"10\"");
  add(deflate + "; server_max_window_bits=10; client_max_window_bits=10");
  add(deflate +
      "; client_max_window_bits; server_no_context_takeover; server_max_window_bits=12; "
      "client_no_context_takeover");
  add(deflate + ";server_no_context_takeover");
  add(deflate + "\t;\tserver_no_context_takeover ; client_max_window_bits = 12");

  list.group("12.2", "RFC 7692 §5.1, §7");
  add("x-unknown, " + deflate);
  add(deflate + ", x-unknown");
  add(deflate + ", " + deflate);
  add(deflate + "; server_max_window_bits=10, " + deflate);
  add(deflate + "; server_max_window_bits=7, " + deflate);
  add(deflate + "; client_max_window_bits=16, " + deflate);
  add(deflate + "; unknown, " + deflate + "; client_max_window_bits");
  add(deflate + "; server_no_context_takeover=1, " + deflate + "; server_no_context_takeover");
  add("permessage-bzip2, x-webkit-deflate-frame, " + deflate);
}

void add_bad_offers(CaseList& list) {
  const auto add = [&](const std::string& offer) {
    Case& added = list.add("an offer to decline: " + offer, {send({text("Hello")})},
                           {echoes({echo("Hello")})});
    added.side = Side::server;
    added.opening.offer = offer;
    // Whoever refuses the whole handshake has not accepted the offer, but done more than asked.
    added.opening.refused = Verdict::non_strict;
  };
  list.group("12.3", "RFC 7692 §7, §7.1");
  add(deflate + "; unknown");
  add(deflate + "; unknown=1");
  add(deflate + "; mux");
  add(deflate + "; Server_No_Context_Takeover");
  for (const std::string name : {"server_no_context_takeover", "client_no_context_takeover"}) {
    add(deflate + "; " + name + "=1");
    add(deflate + "; " + name + "=true");
    add(deflate + "; " + name + "; " + name);
  }
  for (const std::string name : {"server_max_window_bits", "client_max_window_bits"}) {
    for (const std::string bits :
         {"0", "1", "7", "16", "17", "100", "08", "09", "015", "-9", "+9", "0x9", "9.0", "ten"}) {
      add(deflate + "; " + name + "=" + bits);
    }
    add(deflate + "; " + name + "=10; " + name + "=10");
    add(deflate + "; " + name + "=10; " + name + "=11");
  }
  add(deflate + "; server_max_window_bits");
  add(deflate + "; client_max_window_bits; client_max_window_bits=10");
  add(deflate + "; unknown, " + deflate + "; server_max_window_bits=7");

  list.group("12.4", "RFC 7692 §5.1, RFC 6455 §9.1");
  for (const std::string other :
       {"permessage-deflat", "permessage-deflate2", "deflate", "deflate-frame", "perframe-deflate",
        "x-webkit-deflate-frame", "permessage-gzip"}) {
    add(other);
  }
  Case& eight =
      list.add("a window of 8 bits for the server: granted and kept to, or declined",
               {send({binary(far_repetitions())})}, {echoes({echo_binary(far_repetitions())})});
  eight.side = Side::server;
  eight.opening.offer = deflate + "; server_max_window_bits=8";
}

// --- of a client ---------------------------------------------------------------------------------

void add_answers(CaseList& list) {
  const auto add = [&](const std::string& answer) {
    Case& added = list.add("the answer to an offer: " + answer, exchange(), {exchanged()});
    added.side = Side::client;
    added.opening.offer = answer;
  };
  list.group("12.5", "RFC 7692 §5.1, §7.1");
  add(deflate);
  add(deflate + "; server_no_context_takeover");
  add(deflate + "; client_no_context_takeover");
  add(deflate + "; server_no_context_takeover; client_no_context_takeover");
  for (const std::string name : {"server_max_window_bits", "client_max_window_bits"}) {
    for (const std::string bits : {"8", "9", "10", "11", "12", "13", "14", "15"}) {
      add(deflate + "; " + name + "=" + bits);
    }
    add(deflate + "; " + name + "=\"10\"");
  }
  add(deflate +
      "; server_max_window_bits=10; client_max_window_bits=10; "
      "server_no_context_takeover; client_no_context_takeover");
  add(deflate + ";server_max_window_bits = 10");

  list.group("12.6", "RFC 7692 §5.1, §7.1");
  for (const std::string name : {"server_max_window_bits", "client_max_window_bits"}) {
    for (const std::string bits : {"0", "7", "16", "08", "015", "-9", "+9", "ten"}) {
      add(deflate + "; " + name + "=" + bits);
    }
    add(deflate + "; " + name);
    add(deflate + "; " + name + "=10; " + name + "=10");
  }
  for (const std::string name : {"server_no_context_takeover", "client_no_context_takeover"}) {
    add(deflate + "; " + name + "=1");
    add(deflate + "; " + name + "; " + name);
  }
  add(deflate + "; unknown");
  add(deflate + "; unknown=1");
  add(deflate + ", " + deflate);
  add(deflate + ", x-unknown");
  add("x-unknown, " + deflate);
  add(deflate + ";");
  add(deflate + "; server_max_window_bits=");
  add(deflate + "; server_max_window_bits=\"10");
  add(deflate + " server_no_context_takeover");
}

// --- RSV1 has a meaning now, in one place --------------------------------------------------------

void add_bits(CaseList& list) {
  list.group("12.7", "RFC 7692 §6.1, RFC 6455 §5.2");
  const auto add = [&](std::string title, std::vector<Part> parts) {
    list.add("with permessage-deflate: " + std::move(title), {send(std::move(parts))},
             {fails({1002})})
        .need = Need::deflate;
  };
  const Octets squeezed = deflated("Hello");
  const Octets begin = squeezed.substr(0, 3);
  const Octets end = squeezed.substr(3);
  add("RSV1 on the second fragment only", {text("Hel", false), with_rsv(last(end), 4)});
  add("RSV1 on both fragments", {with_rsv(text(begin, false), 4), with_rsv(last(end), 4)});
  add("RSV1 on the middle fragment of three",
      {with_rsv(text(begin, false), 4), with_rsv(more(""), 4), last(end)});
  add("RSV1 on an empty last fragment",
      {with_rsv(text(squeezed, false), 4), with_rsv(last(""), 4)});
  add("RSV1 on a ping", {with_rsv(ping("Hello"), 4)});
  add("RSV1 on a pong", {with_rsv(pong("Hello"), 4)});
  add("RSV1 on a Close", {with_rsv(close(1000), 4)});
  add("RSV1 on a ping between compressed fragments",
      {with_rsv(text(begin, false), 4), with_rsv(ping("x"), 4), last(end)});
  for (const std::uint8_t rsv : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{5},
                                 std::uint8_t{6}, std::uint8_t{7}}) {
    add("RSV bits " + std::to_string(rsv) + " on a compressed message",
        {with_rsv(text(squeezed), rsv)});
  }
  add("RSV1 on a reserved opcode", {with_rsv(with_opcode(text(squeezed), 3), 4)});
  add("RSV1 on a reserved control opcode", {with_rsv(with_opcode(text("x"), 11), 4)});
}

}  // namespace

void add_negotiation_cases(CaseList& list, Side tested) {
  if (tested == Side::server) {
    add_offers(list);
    add_bad_offers(list);
  } else {
    add_answers(list);
  }
  add_bits(list);
}

}  // namespace hilo::tools::conform
