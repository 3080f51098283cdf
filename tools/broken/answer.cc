// SPDX-License-Identifier: MIT

#include "tools/broken/answer.h"

#include "net/base/pool.h"
#include "tools/broken/request.h"
#include "ws/core/accept_key.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/core/http_head.h"
#include "ws/core/http_response.h"
#include "ws/core/http_tokens.h"

namespace hilo::tools::broken {
namespace {

using ws::Errc;

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view deflate_name = "permessage-deflate";

Answer refuse(Fault fault, Errc error) {
  Pool pool;
  Buffer buffer{pool};
  static_cast<void>(ws::write_error_response(buffer, error));
  Answer answer{.kind = Answer::Kind::refused, .head = std::string(as_text(buffer.readable()))};
  const std::string_view field = "Sec-WebSocket-Version: 13\r\n";
  const std::size_t at = answer.head.find(field);
  if (fault == Fault::version_not_named && at != std::string::npos) {
    answer.head.erase(at, field.size());
  }
  return answer;
}

// RFC 6455 §4.2.1, as far as the reader of heads has not seen to it.
Errc judge(const ws::RequestHead& head) {
  if (!ws::wants_websocket(head)) {
    const bool is_get = head.method == ws::Method::get || head.method == ws::Method::head;
    return is_get ? Errc::http_upgrade_required : Errc::http_method_not_allowed;
  }
  const ws::UpgradeCheck check = ws::check_upgrade(head);
  return check.error;
}

// "x-a, x-b", as it was offered.
std::string offered_subprotocols(const ws::RequestHead& head) {
  std::string all;
  ws::FieldListReader reader(head.fields, ws::subprotocol_field);
  while (const auto member = reader.next()) {
    if (!all.empty()) all += ", ";
    all += *member;
  }
  return all;
}

std::string in_capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string subprotocol_answer(Fault fault, const ws::RequestHead& head) {
  const std::string offered = offered_subprotocols(head);
  if (fault == Fault::unasked_subprotocol) return "x-unasked";
  if (offered.empty()) return {};
  if (fault == Fault::every_subprotocol) return offered;
  if (fault == Fault::subprotocol_in_capitals) {
    return in_capitals(offered.substr(0, offered.find(',')));
  }
  return {};
}

bool names_deflate(const ws::RequestHead& head) {
  ws::ExtensionReader reader(head.fields);
  while (const auto offer = reader.next()) {
    if (offer->name == deflate_name) return true;
  }
  return false;
}

struct Agreed {
  std::string text;
  std::optional<ws::DeflateParameters> deflate;
};

void replace(std::string& text, std::string_view part, std::string_view by) {
  if (const std::size_t at = text.find(part); at != std::string::npos) {
    text.replace(at, part.size(), by);
  }
}

Agreed agree(Fault fault, const ws::RequestHead& head) {
  Agreed agreed;
  if (fault == Fault::unasked_extension) agreed.text = "x-unasked";
  if (fault == Fault::any_deflate_offer && names_deflate(head)) {
    return {.text = std::string(deflate_name), .deflate = ws::DeflateParameters{}};
  }
  const auto answer = ws::accept_deflate(head.fields, deflate_options(fault));
  if (!answer || fault == Fault::unasked_extension) return agreed;
  agreed.text = answer->text.view();
  ws::DeflateParameters how = answer->agreed;
  if (fault == Fault::deflate_bits_unasked &&
      agreed.text.find("client_max_window_bits") == std::string::npos) {
    agreed.text += "; client_max_window_bits=12";
  }
  if (fault == Fault::deflate_bits_too_many && how.server_window_bits < 15) {
    replace(agreed.text, "server_max_window_bits=" + std::to_string(how.server_window_bits),
            "server_max_window_bits=15");
  }
  if (fault == Fault::deflate_takeover_kept) {
    replace(agreed.text, "; server_no_context_takeover", "");
  }
  if (fault == Fault::deflate_twice) agreed.text += ", " + agreed.text;
  if (fault == Fault::forgets_context) how.client_no_context_takeover = true;
  if (fault == Fault::compresses_in_wide_window) how.server_window_bits = 15;
  if (fault == Fault::compresses_with_old_context) how.server_no_context_takeover = false;
  agreed.deflate = how;
  return agreed;
}

// RFC 6455 §4.2.2.
Answer open(Fault fault, const ws::RequestHead& head, std::size_t request_bytes) {
  const std::string_view key = head.fields.find("Sec-WebSocket-Key").value_or("");
  const auto digest =
      ws::accept_key(fault == Fault::wrong_accept ? "AAAAAAAAAAAAAAAAAAAAAQ==" : key);
  const Agreed agreed = agree(fault, head);
  const std::string subprotocol = subprotocol_answer(fault, head);

  Answer answer{.kind = Answer::Kind::opened, .head = "HTTP/1.1 101 Switching Protocols\r\n"};
  if (fault == Fault::status_200) answer.head = "HTTP/1.1 200 OK\r\n";
  if (fault == Fault::http_1_0) answer.head = "HTTP/1.0 101 Switching Protocols\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    answer.head.append(name).append(": ").append(value).append("\r\n");
  };
  if (fault != Fault::missing_upgrade) add("Upgrade", "websocket");
  if (fault != Fault::missing_connection) add("Connection", "Upgrade");
  if (fault != Fault::missing_accept) {
    add("Sec-WebSocket-Accept", {digest.data(), digest.size()});
  }
  if (!subprotocol.empty()) add(ws::subprotocol_field, subprotocol);
  if (!agreed.text.empty()) add(ws::extensions_field, agreed.text);
  answer.head += "\r\n";
  answer.request_bytes = request_bytes;
  answer.deflate = agreed.deflate;
  return answer;
}

}  // namespace

ws::DeflateOptions deflate_options(Fault fault) {
  return {.enabled = true,
          .threshold_bytes = 1,
          .server_no_context_takeover = fault == Fault::compresses_with_old_context,
          .client_no_context_takeover = false};
}

Answer answer_request(Fault fault, std::string_view so_far) {
  const std::size_t end = so_far.find(head_end);
  const std::size_t head_bytes = end == std::string_view::npos ? 0 : end + head_end.size();
  // What is to be overlooked is known when the head is whole, so it is not judged before.
  if (head_bytes == 0 && is_overlooked(fault)) return {};
  std::string text{so_far};
  if (is_overlooked(fault)) text = overlook(fault, so_far.substr(0, head_bytes));

  ws::RequestParser parser;
  const ws::HeadProgress progress = parser.parse(as_bytes(text));
  if (progress.kind == ws::HeadProgress::Kind::need_input) return {};
  if (progress.kind == ws::HeadProgress::Kind::failed) return refuse(fault, progress.error);
  const ws::RequestHead head = parser.head(as_bytes(text));
  if (const Errc error = judge(head); error != Errc::none) return refuse(fault, error);
  return open(fault, head, head_bytes);
}

}  // namespace hilo::tools::broken
