// SPDX-License-Identifier: MIT
//
// Engine.IO 4: payloads, messages of WebSockets, and the session.

#include "fuzz/engineio_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hilo;
  using namespace hilo::engineio;
  if (size == 0) return 0;
  if ((data[0] & 1) != 0) {
    fuzz::run_session(Revision::v4, {data + 1, size - 1});
    return 0;
  }
  const std::string rest{reinterpret_cast<const char*>(data + 1), size - 1};
  fuzz::check_payloads(Framing::v4, rest);
  fuzz::check_messages(Revision::v4, rest);
  return 0;
}
