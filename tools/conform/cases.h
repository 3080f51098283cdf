// SPDX-License-Identifier: MIT
//
// The catalogue of cases, family by family. The number of a case never changes: a new one goes to
// the end of its group.
//
//    1  framing: lengths and where frames are cut     8  masking
//    2  pings, pongs and other control frames         9  limits, and large messages
//    3  reserved bits                                11  the opening handshake, of a server
//    4  opcodes                                      12  permessage-deflate: negotiation
//    5  fragmentation                                13  permessage-deflate: messages
//    6  UTF-8                                        14  the opening handshake, of a client
//    7  the closing handshake
//
// Where there is one, the family of Autobahn's suite with the same subject has the same number.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/conform/case.h"
#include "tools/conform/conversation.h"

namespace hilo::tools::conform {

// Numbers cases as they are added: group "3.2" gives 3.2.1, 3.2.2 and so on.
class CaseList {
 public:
  explicit CaseList(std::vector<Case>& into) : into_(&into) {}
  // The cases that follow are group `id`, and answer to `section` unless they say otherwise.
  void group(std::string_view id, std::string_view section);
  Case& add(std::string title, std::vector<Step> steps, std::vector<Outcome> outcomes);
  // What is wrong is known by `wrong`; a peer that needs `rest` to notice is late.
  Case& add_early(std::string title, std::vector<Part> wrong, std::vector<Part> rest,
                  std::vector<std::uint16_t> codes);
  // The same, with a frame that announces `bytes` of payload and nothing else.
  Case& add_by_header(std::string title, std::vector<Part> before, Frame wrong, std::size_t bytes,
                      std::vector<std::uint16_t> codes);

 private:
  std::vector<Case>* into_;
  std::string group_;
  std::string section_;
  int number_ = 0;
};

void add_framing_cases(CaseList& list);
void add_control_cases(CaseList& list);
void add_reserved_cases(CaseList& list);
void add_fragmentation_cases(CaseList& list);
void add_utf8_cases(CaseList& list);
void add_close_cases(CaseList& list);
void add_masking_cases(CaseList& list);
void add_limit_cases(CaseList& list, const Settings& settings);
void add_server_handshake_cases(CaseList& list);
void add_negotiation_cases(CaseList& list, Side tested);
void add_deflate_cases(CaseList& list, const Settings& settings);
void add_client_handshake_cases(CaseList& list);

// All that apply to the side under test and the settings.
std::vector<Case> all_cases(const Settings& settings);

// "6.4.2", a family or group "6" or "6.4", or a pattern with '*' as in "*.1" or "7.*.3".
bool is_picked(std::string_view id, std::string_view pattern);

}  // namespace hilo::tools::conform
