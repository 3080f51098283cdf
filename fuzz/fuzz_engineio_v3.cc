// SPDX-License-Identifier: MIT
//
// Engine.IO 3: both framings of payloads, messages of WebSockets, and the session.

#include "fuzz/engineio_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hilo;
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
  return 0;
}
