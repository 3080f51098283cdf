// SPDX-License-Identifier: MIT
//
// Sec-WebSocket-Extensions: what is read from a list, written down again in its plainest form, must
// be read as the same offers; and a list must mean the same on one line and on two.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/extension.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

// The offers as text: in the grammar, without white space, quoted where they have escapes.
std::string write_down(ExtensionReader& reader) {
  std::string text;
  std::size_t offers = 0;
  while (const auto offer = reader.next()) {
    HILO_CHECK(++offers <= extension_offers_max);
    HILO_CHECK(is_token(offer->name));
    if (!text.empty()) text.append(",");
    text.append(offer->name);
    ParameterReader parameters(*offer);
    while (const auto parameter = parameters.next()) {
      HILO_CHECK(is_token(parameter->name));
      HILO_CHECK(parameter->has_value == !parameter->value.empty());
      HILO_CHECK(parameter->has_escapes || parameter->value.empty() || is_token(parameter->value));
      text.append(";").append(parameter->name);
      const char* quote = parameter->has_escapes ? "\"" : "";
      if (parameter->has_value)
        text.append("=").append(quote).append(parameter->value).append(quote);
    }
  }
  HILO_CHECK(!reader.next());
  return text;
}

// The same list through a head, on as many lines as `lines` has.
void check_lines(const std::string& lines, std::string_view expected, Errc error) {
  const std::string text = "GET / HTTP/1.0\r\n" + lines + "\r\n";
  RequestParser parser;
  if (parser.parse(as_bytes(text)).kind != HeadProgress::Kind::complete) return;
  const Fields fields = parser.head(as_bytes(text)).fields;
  ExtensionReader reader(fields);
  HILO_CHECK(write_down(reader) == expected);
  HILO_CHECK(reader.error() == error);
  if (!expected.empty() || error != Errc::none) HILO_CHECK(check_extensions(fields) == error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view list = as_text({data, size});
  ExtensionReader reader(list);
  const std::string plain = write_down(reader);
  const Errc error = reader.error();

  ExtensionReader again(plain);
  HILO_CHECK(write_down(again) == plain);
  HILO_CHECK(again.error() == Errc::none);

  // A list with a line end in it would be other lines of the head.
  if (!all_in(list, ByteClass::value)) return 0;
  const std::string name = "Sec-WebSocket-Extensions: ";
  check_lines(name + std::string(list) + "\r\n", plain, error);
  const std::size_t comma = list.find(',');
  const bool is_quoted = list.substr(0, comma).find('"') != std::string_view::npos;
  if (comma != std::string_view::npos && !is_quoted) {
    check_lines(name + std::string(list.substr(0, comma)) + "\r\n" + name +
                    std::string(list.substr(comma + 1)) + "\r\n",
                plain, error);
  }
  return 0;
}
