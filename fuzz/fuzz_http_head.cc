// SPDX-License-Identifier: MIT
//
// Heads of requests and of responses: the same bytes must give the same verdict and the same views
// whole, byte by byte, and in pieces, each time from a fresh block. The first byte of the input
// chooses the parser and the cuts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/mutator.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;
using Kind = HeadProgress::Kind;

struct Outcome {
  HeadProgress progress;
  std::string head;
};

void append(std::string& text, std::string_view part) {
  text.append(part).append("\n");
}

// All views of a head lie inside the head's bytes; copies of them are compared.
void append_fields(std::string& text, const Fields& fields, Bytes head) {
  HILO_CHECK(fields.size() <= field_count_limit);
  const std::string_view all = as_text(head);
  for (const FieldView field : fields) {
    HILO_CHECK(is_token(field.name));
    HILO_CHECK(all_in(field.value, ByteClass::value));
    HILO_CHECK(field.value == trim(field.value));
    HILO_CHECK(field.name.data() >= all.data());
    HILO_CHECK(field.value.data() + field.value.size() + 4 <= all.data() + all.size());
    append(text, field.name);
    append(text, field.value);
  }
}

std::string describe(const RequestHead& head, Bytes bytes) {
  std::string text;
  HILO_CHECK(is_token(head.method_text) && head.method_text.size() <= method_bytes_max);
  HILO_CHECK(is_target_text(head.target) && !head.target.empty());
  HILO_CHECK(head.version_minor == 0 || head.fields.count("host") == 1);
  HILO_CHECK(head.version_minor == 0 || !head.host.host.empty());
  if (head.form == TargetForm::origin) {
    HILO_CHECK(head.path.starts_with('/'));
    const std::size_t mark = head.path.size() == head.target.size() ? 0 : 1;
    HILO_CHECK(head.path.size() + mark + head.query.size() == head.target.size());
  }
  for (const std::string_view part :
       {head.method_text, head.target, head.path, head.query, head.host.host}) {
    append(text, part);
  }
  append(text, std::to_string(head.version_minor) + std::to_string(head.host.port));
  append_fields(text, head.fields, bytes);
  return text;
}

std::string describe(const ResponseHead& head, Bytes bytes) {
  HILO_CHECK(head.status >= 100 && head.status <= 999);
  std::string text = std::to_string(head.status) + " " + std::to_string(head.version_minor) + " ";
  append(text, head.reason);
  append_fields(text, head.fields, bytes);
  return text;
}

template <class Parser>
Outcome feed(Bytes input, std::size_t piece) {
  Parser parser;
  Outcome outcome;
  std::unique_ptr<std::uint8_t[]> block;
  for (std::size_t end = 0; end < input.size();) {
    end = std::min(input.size(), end + piece);
    auto moved = std::make_unique<std::uint8_t[]>(end);
    std::copy_n(input.begin(), end, moved.get());
    block = std::move(moved);
    const Bytes bytes{block.get(), end};
    outcome.progress = parser.parse(bytes);
    if (outcome.progress.kind == Kind::need_input) continue;
    if (outcome.progress.kind == Kind::complete) {
      HILO_CHECK(outcome.progress.head_bytes <= end);
      HILO_CHECK(outcome.progress.head_bytes + piece > end || piece == input.size());
      const Bytes head = bytes.first(outcome.progress.head_bytes);
      outcome.head = describe(parser.head(head), head);
    }
    break;
  }
  return outcome;
}

template <class Parser>
void check(Bytes input, std::size_t piece) {
  const Outcome whole = feed<Parser>(input, input.size());
  HILO_CHECK((whole.progress.kind == Kind::failed) == (whole.progress.error != Errc::none));
  for (const std::size_t length : {piece, std::size_t{1}}) {
    const Outcome split = feed<Parser>(input, length);
    HILO_CHECK(split.progress.kind == whole.progress.kind);
    HILO_CHECK(split.progress.error == whole.progress.error);
    HILO_CHECK(split.progress.head_bytes == whole.progress.head_bytes);
    HILO_CHECK(split.head == whole.head);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const Bytes input{data + 1, size - 1};
  const std::size_t piece = 2 + data[0] / 2;
  if (data[0] % 2 == 0) {
    check<RequestParser>(input, piece);
  } else {
    check<ResponseParser>(input, piece);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  return hilo::fuzz::mutate_head_of_either(data, size, size_max, seed);
}
