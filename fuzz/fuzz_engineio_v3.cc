// SPDX-License-Identifier: MIT
//
// Engine.IO 3: both framings of payloads, messages of WebSockets, forms and scripts of JSONP, and
// the session.

#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/engineio_target.h"
#include "ws/engineio/jsonp.h"

namespace {

using namespace hilo;

// Whatever is in a form lies there; and whatever goes into a script stays within its quotes.
void check_jsonp(std::string form) {
  const MutableBytes whole{reinterpret_cast<std::uint8_t*>(form.data()), form.size()};
  if (const auto payload = engineio::read_jsonp(whole)) {
    HILO_CHECK(payload->data() >= whole.data());
    HILO_CHECK(payload->data() + payload->size() <= whole.data() + whole.size());
  }
  Pool pool;
  Buffer out{pool};
  if (!engineio::write_jsonp(form, Bytes{whole}, out)) return;
  std::string_view script = as_text(Bytes{out.readable()});
  HILO_CHECK(script.starts_with("___eio[") && script.ends_with("\");"));
  script.remove_prefix(7);
  const std::size_t digits = script.find_first_not_of("0123456789");
  HILO_CHECK(script.substr(digits).starts_with("](\""));
  script = script.substr(digits + 3, script.size() - digits - 6);
  HILO_CHECK(script.find('"') == std::string_view::npos);
  HILO_CHECK(script.find("\u2028") == std::string_view::npos);
  HILO_CHECK(std::none_of(script.begin(), script.end(),
                          [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hilo::engineio;
  if (size == 0) return 0;
  if ((data[0] & 1) != 0) {
    fuzz::run_session(Revision::v3, {data + 1, size - 1});
    return 0;
  }
  const std::string rest{reinterpret_cast<const char*>(data + 1), size - 1};
  const bool binary = (data[0] & 2) != 0;
  fuzz::check_payloads(binary ? Framing::v3_binary : Framing::v3_text, rest);
  fuzz::check_messages(Revision::v3, rest);
  check_jsonp(rest);
  return 0;
}
