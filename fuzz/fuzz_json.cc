// SPDX-License-Identifier: MIT
//
// JSON as Socket.IO reads and writes it, judged by the library's own parser: the same texts are
// values, of the same worth, and what is written is read as the same by both.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/socketio/values.h"

namespace {

using namespace hilo;
using namespace hilo::socketio;

constexpr std::size_t depth_max = 64;

void check_written(const Json& value, bool ascii) {
  std::string written;
  write_json(value, ascii, written);
  Json again;
  HILO_CHECK(parse_json(written, depth_max, again) == Errc::none);
  HILO_CHECK(again == value);
  HILO_CHECK(Json::parse(written, nullptr, false) == value);
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  HILO_CHECK(!ascii || std::all_of(written.begin(), written.end(), is_ascii));
}

// A text that may be anything, as a leaf.
void check_text(std::string_view text) {
  for (const bool ascii : {false, true}) {
    std::string written;
    write_json(Json(text), ascii, written);
    Json again;
    HILO_CHECK(parse_json(written, depth_max, again) == Errc::none);
    check_written(again, ascii);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Of its own, so that a read behind its end is found.
  const std::string text(as_text(Bytes{data, size}));
  check_text(text);
  const auto opens = [](char c) { return c == '[' || c == '{'; };
  // The library skips a byte order mark, and knows no limit of depth.
  if (text.starts_with("\xef\xbb\xbf")) return 0;
  if (std::count_if(text.begin(), text.end(), opens) > std::ptrdiff_t{depth_max}) return 0;
  const Json theirs = Json::parse(text, nullptr, false);
  Json ours;
  const Errc error = parse_json(text, depth_max, ours);
  HILO_CHECK((error == Errc::none) == !theirs.is_discarded());
  if (error != Errc::none) return 0;
  HILO_CHECK(ours == theirs && ours.type() == theirs.type());
  check_written(ours, false);
  check_written(ours, true);
  return 0;
}
