// SPDX-License-Identifier: MIT

#include "tools/conform/opening.h"

#include <algorithm>

namespace hilo::tools::conform {
namespace {

constexpr std::string_view deflate_name = "permessage-deflate";

// The answer that grants what the offer insists on, and nothing else.
std::string plain_answer(std::string_view offer) {
  std::string text{deflate_name};
  const auto offers = parse_extensions(offer);
  if (!offers) return text;
  for (const Extension& each : *offers) {
    if (each.name != deflate_name || !check_offer(each).empty()) continue;
    for (const auto& [name, value] : each.parameters) {
      if (name == "server_no_context_takeover") text += "; " + name;
      if (name == "server_max_window_bits") text += "; " + name + "=" + value.value_or("");
    }
    break;
  }
  return text;
}

}  // namespace

std::string request_head(const Case& subject, const Settings& settings, std::string_view key) {
  const Opening& opening = subject.opening;
  std::string head = opening.head;
  if (head.empty() && !opening.bare) {
    head =
        "GET $PATH HTTP/1.1\r\nHost: $HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: $KEY\r\nSec-WebSocket-Version: 13\r\n";
    std::string offer = opening.offer;
    if (offer.empty() && subject.need != Need::nothing) offer = deflate_name;
    if (subject.need == Need::deflate_no_takeover) offer += "; client_no_context_takeover";
    if (!offer.empty()) head += "Sec-WebSocket-Extensions: " + offer + "\r\n";
    if (!opening.subprotocols.empty()) {
      head += "Sec-WebSocket-Protocol: " + opening.subprotocols + "\r\n";
    }
    head += "\r\n";
  }
  head = replaced(head, "$PATH", settings.path);
  head = replaced(head, "$AND", settings.path.find('?') == std::string::npos ? "?" : "&");
  head = replaced(head, "$ORIGIN", (settings.tls ? "https://" : "http://") + settings.host);
  head = replaced(head, "$HOST", settings.host);
  return replaced(head, "$KEY", key);
}

std::string response_head(const Case& subject, std::string_view answer, std::string_view key) {
  const Opening& opening = subject.opening;
  std::string head = opening.head;
  if (head.empty() && !opening.bare) {
    head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: $ACCEPT\r\n";
    if (!answer.empty()) {
      head.append("Sec-WebSocket-Extensions: ").append(answer).append("\r\n");
    }
    if (!opening.subprotocols.empty()) {
      head += "Sec-WebSocket-Protocol: " + opening.subprotocols + "\r\n";
    }
    head += "\r\n";
  }
  const std::string accept = accept_for(key);
  std::string swapped = accept;
  for (char& c : swapped) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
  }
  head = replaced(head, "$ECHOED", key);
  head = replaced(head, "$SWAPPED", swapped);
  head = replaced(head, "$SHORT", accept.substr(0, accept.size() - 1));
  head = replaced(head, "$SPACED", accept.substr(0, 10) + " " + accept.substr(10));
  return replaced(head, "$ACCEPT", accept);
}

bool offers_deflate(std::string_view offer) {
  const auto offers = parse_extensions(offer);
  return offers && std::any_of(offers->begin(), offers->end(),
                               [](const auto& each) { return each.name == deflate_name; });
}

std::string answer_to(const Case& subject, std::string_view offer) {
  if (!subject.opening.offer.empty()) return subject.opening.offer;
  if (subject.need == Need::nothing || !offers_deflate(offer)) return {};
  std::string answer = plain_answer(offer);
  if (subject.need == Need::deflate_no_takeover &&
      answer.find("server_no_context_takeover") == std::string::npos) {
    answer += "; server_no_context_takeover";
  }
  return answer;
}

std::string unmet_need(Need need, Side tested, const DeflateTerms& terms) {
  const bool server = tested == Side::server;
  if (need == Need::nothing) return {};
  if (!terms.agreed) {
    return server ? "permessage-deflate was declined" : "permessage-deflate was not offered";
  }
  // What is compressed by us, in the role that is not tested.
  const bool no_takeover = server ? terms.client_no_takeover : terms.server_no_takeover;
  if (need == Need::deflate_takeover && no_takeover) return "context takeover was declined";
  if (need == Need::deflate_no_takeover && !no_takeover) return "context takeover was agreed on";
  return {};
}

}  // namespace hilo::tools::conform
