// SPDX-License-Identifier: MIT
//
// The words that the tables of opening handshakes are written in: an Edit of the ordinary request
// or response, and what may come of it.

#pragma once

#include <string>
#include <vector>

#include "tools/conform/case.h"
#include "tools/conform/cases.h"

namespace hilo::tools::conform {

// How a head differs from the ordinary one.
struct Edit {
  std::string line = {};   // the first line, without its end
  std::string drop = {};   // names of fields to leave out, separated by spaces
  std::string first = {};  // lines to put behind the first line, with their ends
  std::string add = {};    // lines to put at the end, with their ends
  std::string whole = {};  // all of it, instead
  bool bare = false;       // nothing is sent at all
};
Octets edited_request(const Edit& edit);
Octets edited_response(const Edit& edit);

enum class LetterCase : std::uint8_t { lower, upper };
Edit request_with_names(LetterCase letters);
Edit response_with_names(LetterCase letters);
// The ordinary request with this between names and values, and that behind the values.
Edit request_with_colons(const std::string& colon, const std::string& behind = {});
Edit response_with_colons(const std::string& colon, const std::string& behind = {});
Edit request_with_line_ends(const std::string& end);
Edit response_with_line_ends(const std::string& end);

// Cases of a server's opening handshake; where it is open, an echo shows that it works.
class HandshakeCases {
 public:
  explicit HandshakeCases(CaseList& list) : list_(&list) {}

  // 101 and nothing else.
  Case& accepted(std::string title, const Edit& edit) const;
  // 101; a refusal is not strict.
  Case& lenient(std::string title, const Edit& edit) const;
  // 101, or a refusal: the rules leave it open.
  Case& either(std::string title, const Edit& edit) const;
  // 101, or a refusal by choice of the application.
  Case& may_refuse(std::string title, const Edit& edit) const;
  // One of these statuses; another refusal is not strict, 101 is wrong.
  Case& refused(std::string title, const Edit& edit, std::vector<int> statuses) const;
  // The same, but 101 is only not strict.
  Case& frowned(std::string title, const Edit& edit, std::vector<int> statuses) const;
  // Anything but 101: without an upgrade it is a request like any other.
  Case& ignored(std::string title, const Edit& edit) const;

 private:
  Case& add(std::string title, const Edit& edit) const;
  CaseList* list_;
};

}  // namespace hilo::tools::conform
