// SPDX-License-Identifier: MIT

#include "tools/fuzz/noise.h"

#include <algorithm>

#include "tools/fuzz/legal.h"

namespace hilo::tools::fuzz {
namespace {

constexpr std::size_t bytes_max = 600;

// What a parser may stumble over: bytes of all kinds, with words of the protocols among them.
Octets random_bytes(Random& random) {
  static const std::vector<Octets> words = {"GET / HTTP/1.1\r\n",
                                            "\r\n",
                                            "\r\n\r\n",
                                            "Host: a\r\n",
                                            "Upgrade: websocket",
                                            "Transfer-Encoding: chunked",
                                            ": ",
                                            "0\r\n\r\n",
                                            "\x81\xFE",
                                            "\x88\x80",
                                            "\x89\x80",
                                            "\x00\x00",
                                            "\xFF\xFF",
                                            "\x82\xFF\x00\x00",
                                            "Content-Length: ",
                                            "EIO=4&transport=polling",
                                            "42[\"",
                                            "{\"_placeholder\":",
                                            "\x1e"};
  Octets bytes;
  for (std::size_t left = random.between(1, 12); left != 0; --left) {
    bytes += random.chance(50) ? random.pick(words) : random.octets(random.below(50));
  }
  return bytes;
}

// What is sent and when stays; what it is answered with is left to the server.
void forget_what_is_due(Case& subject) {
  constexpr std::uint32_t short_while = 15;
  for (Step& step : subject.steps) {
    step.replies.clear();
    step.statuses.clear();
    step.codes.clear();
    step.begins.clear();
    step.or_end = true;
    if (step.kind == Step::Kind::send || step.kind == Step::Kind::reset) continue;
    if (step.kind == Step::Kind::half_close) continue;
    step.kind = Step::Kind::watch;
    step.milliseconds = short_while;
  }
  subject.exact = false;
}

void spoil(Case& subject, Random& random) {
  std::vector<Step*> sends;
  for (Step& step : subject.steps) {
    if (step.kind == Step::Kind::send) sends.push_back(&step);
  }
  if (sends.empty()) return;
  for (std::size_t left = random.between(1, 3); left != 0; --left) {
    // The request is spoilt now and then: what is behind it, is never read then.
    const std::size_t first = sends.size() > 1 && random.chance(80) ? 1 : 0;
    mutate(sends[random.between(first, sends.size() - 1)]->bytes, random);
  }
}

}  // namespace

void mutate(Octets& bytes, Random& random) {
  if (bytes.empty()) return bytes.push_back(static_cast<char>(random.below(256)));
  const std::size_t at = random.below(bytes.size());
  const std::size_t size = std::min(bytes.size() - at, random.between(1, 16));
  switch (random.below(6)) {
    case 0: bytes[at] = static_cast<char>(bytes[at] ^ 1 << random.below(8)); break;
    case 1: bytes[at] = static_cast<char>(random.below(256)); break;
    case 2: bytes.erase(at, size); break;
    case 3: bytes.insert(at, bytes.substr(at, size)); break;
    case 4: bytes.insert(at, random.octets(size)); break;
    default: bytes.resize(at); break;
  }
}

void write_noise(Draft& draft) {
  Random& random = draft.random();
  const std::size_t kind = random.below(10);
  if (kind < 2) {
    draft.subject().name = "noise for a request";
    draft.send(random_bytes(random));
  } else if (kind < 5) {
    draft.subject().name = "noise behind an upgrade";
    draft.open();
    Octets bytes = random_bytes(random);
    bytes += random.octets(random.below(bytes_max));
    draft.send(std::move(bytes));
  } else {
    write_legal(draft);
    draft.subject().name = "spoilt: " + draft.subject().name;
    draft.subject().needs_deflate = false;
    forget_what_is_due(draft.subject());
    spoil(draft.subject(), random);
  }
  // A Close among it, or not: the end is ours.
  for (const auto kind_of_end : {Step::Kind::half_close, Step::Kind::await_end}) {
    Step step;
    step.kind = kind_of_end;
    step.line = draft.subject().steps.back().line;
    draft.subject().steps.push_back(step);
  }
}

}  // namespace hilo::tools::fuzz
