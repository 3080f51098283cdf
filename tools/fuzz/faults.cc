// SPDX-License-Identifier: MIT

#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {
namespace {

void append(std::vector<Fault>& all, const std::vector<Fault>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::vector<Fault> faults_of(Protocol protocol) {
  std::vector<Fault> all = http_faults();
  append(all, frame_faults());
  append(all, deflate_faults());
  if (protocol != Protocol::ws) append(all, engineio_faults());
  if (protocol == Protocol::socketio) append(all, socketio_faults());
  return all;
}

void say_something(Draft& draft) {
  if (draft.grammar().protocol != Protocol::ws) return;
  Random& random = draft.random();
  for (std::size_t left = random.below(3); left != 0; --left) {
    const std::string text = draft.text(125);
    if (random.chance(30)) {
      draft.send_frame(conform::ping(text), {{Reply::Kind::pong, text}});
    } else {
      std::vector<Reply> replies;
      if (draft.grammar().expects_echo) replies = {{Reply::Kind::text, text}};
      draft.send_packet(text, std::move(replies));
    }
    draft.subject().steps.back().spare = true;
  }
}

}  // namespace hilo::tools::fuzz
