// SPDX-License-Identifier: MIT

#include "tools/conform/handshake_words.h"

#include <utility>

namespace hilo::tools::conform {
namespace {

using Field = std::pair<std::string, std::string>;

struct Plain {
  std::string line;
  std::vector<Field> fields;
};

const Plain& plain_request() {
  static const Plain plain{"GET $PATH HTTP/1.1",
                           {{"Host", "$HOST"},
                            {"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},
                            {"Sec-WebSocket-Key", "$KEY"},
                            {"Sec-WebSocket-Version", "13"}}};
  return plain;
}

const Plain& plain_response() {
  static const Plain plain{
      "HTTP/1.1 101 Switching Protocols",
      {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", "$ACCEPT"}}};
  return plain;
}

Octets apply(const Plain& plain, const Edit& edit) {
  if (!edit.whole.empty() || edit.bare) return edit.whole;
  Octets head = (edit.line.empty() ? plain.line : edit.line) + "\r\n" + edit.first;
  const std::string dropped = " " + edit.drop + " ";
  for (const auto& [name, value] : plain.fields) {
    if (dropped.find(" " + name + " ") != std::string::npos) continue;
    head += name + ": " + value + "\r\n";
  }
  return head + edit.add + "\r\n";
}

Edit written(const Plain& plain, LetterCase letters) {
  Edit edit;
  edit.whole = plain.line + "\r\n";
  for (const auto& [name, value] : plain.fields) {
    std::string changed = name;
    for (char& c : changed) {
      if (letters == LetterCase::lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      if (letters == LetterCase::upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    edit.whole += changed + ": " + value + "\r\n";
  }
  edit.whole += "\r\n";
  return edit;
}

Edit spaced(const Plain& plain, const std::string& colon, const std::string& behind,
            const std::string& end) {
  Edit edit;
  edit.whole = plain.line + end;
  for (const auto& [name, value] : plain.fields) {
    edit.whole.append(name).append(colon).append(value).append(behind).append(end);
  }
  edit.whole += end;
  return edit;
}

}  // namespace

Octets edited_request(const Edit& edit) {
  return apply(plain_request(), edit);
}
Octets edited_response(const Edit& edit) {
  return apply(plain_response(), edit);
}
Edit request_with_names(LetterCase letters) {
  return written(plain_request(), letters);
}
Edit response_with_names(LetterCase letters) {
  return written(plain_response(), letters);
}
Edit request_with_colons(const std::string& colon, const std::string& behind) {
  return spaced(plain_request(), colon, behind, "\r\n");
}
Edit response_with_colons(const std::string& colon, const std::string& behind) {
  return spaced(plain_response(), colon, behind, "\r\n");
}
Edit request_with_line_ends(const std::string& end) {
  return spaced(plain_request(), ": ", "", end);
}
Edit response_with_line_ends(const std::string& end) {
  return spaced(plain_response(), ": ", "", end);
}

Case& HandshakeCases::add(std::string title, const Edit& edit) const {
  Case& added = list_->add(std::move(title), {send({text("Hello")})}, {echoes({echo("Hello")})});
  added.side = Side::server;
  added.opening.head = edited_request(edit);
  added.opening.bare = edit.bare;
  return added;
}

Case& HandshakeCases::accepted(std::string title, const Edit& edit) const {
  return add(std::move(title), edit);
}

Case& HandshakeCases::lenient(std::string title, const Edit& edit) const {
  Case& added = add(std::move(title), edit);
  added.opening.refused = Verdict::non_strict;
  return added;
}

Case& HandshakeCases::either(std::string title, const Edit& edit) const {
  Case& added = add(std::move(title), edit);
  added.opening.refused = Verdict::ok;
  return added;
}

Case& HandshakeCases::may_refuse(std::string title, const Edit& edit) const {
  Case& added = add(std::move(title), edit);
  added.opening.refused = Verdict::informational;
  added.opening.statuses = {400, 403, 404};
  return added;
}

Case& HandshakeCases::refused(std::string title, const Edit& edit,
                              std::vector<int> statuses) const {
  Case& added = add(std::move(title), edit);
  added.opening.accepted = Verdict::failed;
  added.opening.refused = Verdict::ok;
  added.opening.statuses = std::move(statuses);
  return added;
}

Case& HandshakeCases::frowned(std::string title, const Edit& edit,
                              std::vector<int> statuses) const {
  Case& added = refused(std::move(title), edit, std::move(statuses));
  added.opening.accepted = Verdict::non_strict;
  return added;
}

Case& HandshakeCases::ignored(std::string title, const Edit& edit) const {
  return refused(std::move(title), edit, {});
}

}  // namespace hilo::tools::conform
