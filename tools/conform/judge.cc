// SPDX-License-Identifier: MIT

#include "tools/conform/judge.h"

#include <algorithm>
#include <set>

namespace hilo::tools::conform {
namespace {

bool is_listed(const std::vector<std::uint16_t>& codes, std::uint16_t code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string describe(const Event& event) {
  switch (event.kind) {
    case Event::Kind::message: return opcode_name(event.opcode) + " " + quoted(event.payload);
    case Event::Kind::ping: return "ping " + quoted(event.payload);
    case Event::Kind::pong: return "pong " + quoted(event.payload);
    case Event::Kind::close:
      return event.code == 0 ? "Close without a code" : "Close " + std::to_string(event.code);
    case Event::Kind::violation: return event.payload;
  }
  return {};
}

std::string describe_events(const std::vector<Event>& events) {
  std::string words;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::ping) continue;
    if (!words.empty()) words += ", ";
    words += describe(event);
  }
  return words.empty() ? "nothing" : words;
}

std::string describe_end(const Transcript& transcript) {
  switch (transcript.end) {
    case End::none: return "the connection stayed open";
    case End::fin: return "then FIN";
    case End::cut: return "then FIN without close_notify";
    case End::reset: return "then a reset";
  }
  return {};
}

bool is_reply(const Event& event) {
  return event.kind == Event::Kind::message || event.kind == Event::Kind::pong;
}

// The peer ended it on its own, before we said Close.
bool peer_gave_up(const Transcript& transcript) {
  if (transcript.we_closed_first) return false;
  return transcript.close() != nullptr || transcript.end != End::none;
}

std::size_t sends_at_failure(const Transcript& transcript) {
  const Event* close = transcript.close();
  return close != nullptr ? close->sends : transcript.end_sends;
}

bool is_prefix(const std::vector<Reply>& replies, const std::vector<Event>& events) {
  for (std::size_t count = 0; count <= replies.size(); ++count) {
    const std::vector<Reply> some(replies.begin(),
                                  replies.begin() + static_cast<std::ptrdiff_t>(count));
    if (replies_match(some, events)) return true;
  }
  return false;
}

bool ending_fits(const Outcome& outcome, const Transcript& transcript) {
  const bool gave_up = peer_gave_up(transcript);
  switch (outcome.ending) {
    case Ending::we_close: return !gave_up;
    case Ending::peer_echoes: return transcript.close() != nullptr || transcript.end != End::none;
    case Ending::peer_fails:
      return gave_up &&
             (outcome.before_send == 0 || sends_at_failure(transcript) < outcome.before_send);
    case Ending::dropped: return transcript.end != End::none;
    case Ending::still_open: return !gave_up;
  }
  return false;
}

bool fits(const Outcome& outcome, const Transcript& transcript) {
  const bool replied = outcome.replies_optional ? is_prefix(outcome.replies, transcript.events)
                                                : replies_match(outcome.replies, transcript.events);
  return replied && ending_fits(outcome, transcript);
}

// --- closing -------------------------------------------------------------------------------------

Finding judge_end(const Transcript& transcript, Finding finding) {
  if (transcript.end == End::none) {
    return {Verdict::failed, finding.note + ", and did not close TCP in time (§7.1.1)"};
  }
  if (transcript.end == End::reset) {
    return {worse(finding.verdict, Verdict::non_strict),
            finding.note + ", then a reset instead of a clean end (§7.1.1)"};
  }
  // RFC 8446 §6.1 wants a close_notify. It is TLS that is broken then, not WebSocket, which has
  // said its own goodbye: nothing can have been cut off.
  if (transcript.end == End::cut) {
    return {worse(finding.verdict, Verdict::non_strict),
            finding.note + ", then FIN without close_notify (RFC 8446 §6.1)"};
  }
  finding.note += ", then FIN";
  return finding;
}

Finding judge_answered_close(const Outcome& outcome, const Transcript& transcript) {
  const Event* close = transcript.close();
  if (close == nullptr)
    return {Verdict::failed, "our Close was not answered with a Close (§5.5.1)"};
  Finding finding{Verdict::ok, "answered with " + describe(*close)};
  if (!is_listed(outcome.codes, close->code)) {
    // §5.5.1: the answer "typically echos the status code".
    finding.verdict = Verdict::non_strict;
    finding.note += ", which is not the code it was sent";
  }
  return judge_end(transcript, finding);
}

Finding judge_failing(const Outcome& outcome, const Transcript& transcript) {
  const Event* close = transcript.close();
  if (close == nullptr) {
    return {Verdict::non_strict, std::string("the connection ended without a Close, ") +
                                     (transcript.end == End::reset ? "by a reset" : "with FIN") +
                                     " (§7.1.7 SHOULD send one)"};
  }
  Finding finding{Verdict::ok, "failed with " + describe(*close)};
  if (!is_listed(outcome.codes, close->code)) {
    const bool loose = is_listed(outcome.loose_codes, close->code);
    finding.verdict = loose ? Verdict::non_strict : Verdict::failed;
    finding.note += ", which is not the code for this (§7.4.1)";
  }
  return judge_end(transcript, finding);
}

Finding judge_closing(const Outcome& outcome, const Transcript& transcript) {
  switch (outcome.ending) {
    case Ending::we_close:
    case Ending::peer_echoes: return judge_answered_close(outcome, transcript);
    case Ending::peer_fails: return judge_failing(outcome, transcript);
    case Ending::dropped:
      if (transcript.end == End::none) return {Verdict::failed, "did not let go of the connection"};
      return {Verdict::ok, "let go of the connection"};
    case Ending::still_open: return {Verdict::ok, "open until we ended it"};
  }
  return {};
}

// --- the opening handshake -----------------------------------------------------------------------

Judgement refused_by_server(const Opening& opening, const Transcript& transcript) {
  const Finding closing{Verdict::ok, "not opened"};
  if (!transcript.head) {
    // Not to be answered is never better than to be refused.
    return {{worse(opening.dropped, opening.refused), transcript.end == End::none
                                                          ? "no answer to the handshake"
                                                          : "the connection ended without answer"},
            closing};
  }
  const Head& head = *transcript.head;
  const int status = head.status();
  if (std::string wrong = check_refusal(head); !wrong.empty()) {
    return {{Verdict::failed, wrong}, closing};
  }
  const std::string seen = "refused with " + std::to_string(status);
  if (!opening.refusal_names.empty() && head.count(opening.refusal_names) == 0) {
    return {
        {worse(opening.refused, Verdict::non_strict), seen + " without " + opening.refusal_names},
        closing};
  }
  const auto& wanted = opening.statuses;
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), status) != wanted.end()) {
    return {{opening.refused, seen}, closing};
  }
  return {
      {worse(opening.refused, opening.other_status), seen + ", which is not the status for this"},
      closing};
}

Judgement refused_by_client(const Transcript& transcript, Verdict refused) {
  const Finding closing{Verdict::ok, "not opened"};
  if (!transcript.events.empty()) {
    return {{worse(refused, Verdict::non_strict),
             "gave up, but sent " + describe_events(transcript.events) + " before (§4.1)"},
            closing};
  }
  if (transcript.end == End::none) {
    return {{Verdict::failed, "neither used the connection nor ended it (§4.1)"}, closing};
  }
  return {{refused, "gave up without a frame"}, closing};
}

// A client takes a response by using it: an answer to what was sent behind it.
bool client_used_it(const Transcript& transcript) {
  return std::any_of(transcript.events.begin(), transcript.events.end(), is_reply);
}

bool keys_repeat(const std::vector<Event>& events) {
  std::set<std::uint32_t> keys;
  return std::any_of(events.begin(), events.end(), [&](const Event& event) {
    return event.kind == Event::Kind::message && !keys.insert(event.key).second;
  });
}

Judgement judge_open(const Case& subject, const Transcript& transcript, Verdict accepted) {
  const auto& events = transcript.events;
  const auto broken = std::find_if(events.begin(), events.end(), [](const Event& event) {
    return event.kind == Event::Kind::violation;
  });
  if (broken != events.end()) {
    return {{Verdict::failed, "sent " + broken->payload}, {Verdict::failed, "not judged"}};
  }
  if (subject.distinct_keys && keys_repeat(events)) {
    return {{Verdict::failed, "masked two messages with the same key (§5.3)"},
            {Verdict::ok, "not judged"}};
  }
  if (accepted > Verdict::informational) {
    return {{accepted, "accepted what had to be refused"}, {Verdict::ok, "not judged"}};
  }
  for (const Outcome& outcome : subject.outcomes) {
    if (!fits(outcome, transcript)) continue;
    Judgement judgement{{worse(accepted, outcome.verdict), "got " + describe_events(events)},
                        judge_closing(outcome, transcript)};
    if (transcript.end_in_frame) {
      judgement.closing = {Verdict::failed, "the connection ended inside a frame or message"};
    }
    return judgement;
  }
  return {{Verdict::failed, "got " + describe_events(events) + ", " + describe_end(transcript)},
          judge_closing(subject.outcomes.front(), transcript)};
}

}  // namespace

bool replies_match(const std::vector<Reply>& replies, const std::vector<Event>& events) {
  std::vector<const Reply*> messages;
  std::vector<const Reply*> pongs;
  for (const Reply& reply : replies) (reply.is_pong ? pongs : messages).push_back(&reply);
  std::size_t message_at = 0;
  std::size_t pong_at = 0;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::message) {
      if (message_at == messages.size()) return false;
      const Reply& wanted = *messages[message_at++];
      if (wanted.opcode != event.opcode || wanted.payload != event.payload) return false;
    } else if (event.kind == Event::Kind::pong) {
      while (pong_at < pongs.size() && pongs[pong_at]->payload != event.payload) ++pong_at;
      if (pong_at == pongs.size()) return false;
      ++pong_at;
    }
  }
  return message_at == messages.size() && pong_at == pongs.size();
}

Judgement judge(const Case& subject, Side tested, const Transcript& transcript) {
  if (!transcript.trouble.empty()) {
    return {{Verdict::failed, transcript.trouble}, {Verdict::failed, "no connection"}};
  }
  if (!transcript.head_wrong.empty()) {
    return {{Verdict::failed, transcript.head_wrong}, {Verdict::ok, "not judged"}};
  }
  if (!transcript.unmet.empty()) {
    return {{Verdict::unimplemented, transcript.unmet}, {Verdict::ok, "not judged"}};
  }
  if (tested == Side::server) {
    if (!transcript.upgraded) return refused_by_server(subject.opening, transcript);
    return judge_open(subject, transcript, subject.opening.accepted);
  }
  Verdict accepted = subject.opening.accepted;
  Verdict refused = subject.opening.refused;
  if (!subject.opening.offer.empty()) {
    const bool legal = transcript.agreement.wrong.empty();
    accepted = legal ? Verdict::ok : Verdict::failed;
    refused = legal ? Verdict::failed : Verdict::ok;
  }
  const bool may_refuse = refused <= Verdict::informational;
  const bool may_accept = accepted <= Verdict::informational && !transcript.events.empty();
  if (may_refuse && !may_accept && !client_used_it(transcript)) {
    return refused_by_client(transcript, refused);
  }
  return judge_open(subject, transcript, accepted);
}

}  // namespace hilo::tools::conform
