// SPDX-License-Identifier: MIT
//
// Rows of "these bytes in, these events and these replies out", run however the bytes may be cut,
// and against the slow twin.

#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/reference_session.h"
#include "tests/support/session_feed.h"

namespace hilo::test {

struct SessionRow {
  int number;  // of the catalogue of bad inputs
  std::string input;
  std::vector<Seen> events;
  std::string replies = {};
  ws::Role role = ws::Role::server;
  ws::MessageLimits limits = {};
  std::optional<ws::DeflateParameters> deflate = {};
};

inline std::string close_reply(ws::CloseCode code) {
  return plain_frame(0x88, close_payload(static_cast<std::uint64_t>(code)));
}

// Input that breaks a rule after the events `before`.
inline SessionRow refused(int number, std::string input, ws::Errc error,
                          std::vector<Seen> before = {}, std::string replies = {}) {
  before.push_back(seen_failure(error));
  return {number, std::move(input), std::move(before),
          std::move(replies) + close_reply(ws::close_code_for(error))};
}

inline void check_row(const SessionRow& row) {
  CAPTURE(row.number);
  const bool ended = !row.events.empty() && (row.events.back().kind == ws::Event::Kind::failure ||
                                             row.events.back().kind == ws::Event::Kind::close);
  for (const Way way : all_ways) {
    for (const std::uint32_t seed : {1U, 2U, 3U}) {
      if (seed > 1 && (way == Way::whole || way == Way::single_bytes)) continue;
      const Transcript said =
          feed(row.role, row.limits, row.input, {.way = way, .seed = seed, .deflate = row.deflate});
      CAPTURE(static_cast<int>(way));
      CAPTURE(describe(said));
      CHECK(said.fault == "");
      const bool same_events = said.events == row.events;
      CHECK(same_events);
      const bool same_replies = said.replies == row.replies;
      CHECK(same_replies);
      CHECK(said.wants_transport_close == ended);
      const bool as_the_twin = said == reference(row.role, row.limits, row.input, row.deflate);
      CHECK(as_the_twin);
    }
  }
}

inline void check_rows(const std::vector<SessionRow>& rows) {
  for (const SessionRow& row : rows) check_row(row);
}

}  // namespace hilo::test
