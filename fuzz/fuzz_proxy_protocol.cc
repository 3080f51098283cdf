// SPDX-License-Identifier: MIT
//
// The header of a proxy in front of everything else: read whole, and after every byte. A header is
// complete at one length and stays so whatever follows; until then more input is wanted, and what
// was refused once stays refused.

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hilo;
  using Kind = ws::ProxyHeader::Kind;
  const Bytes all{data, size};
  const ws::ProxyHeader whole = ws::parse_proxy_header(all);
  Kind before = Kind::need_input;
  for (std::size_t part = 0; part <= size && part <= ws::proxy_header_bytes_max + 1; ++part) {
    const ws::ProxyHeader header = ws::parse_proxy_header(all.first(part));
    switch (before) {
      case Kind::need_input: break;
      case Kind::complete:
      case Kind::failed: HILO_CHECK(header.kind == before); break;
    }
    switch (header.kind) {
      case Kind::need_input: HILO_CHECK(part < ws::proxy_header_bytes_max); break;
      case Kind::complete:
        HILO_CHECK(header.bytes <= part && header.bytes <= ws::proxy_header_bytes_max);
        HILO_CHECK(before == Kind::complete || header.bytes == part);
        HILO_CHECK(header.bytes == whole.bytes && header.source == whole.source);
        HILO_CHECK(header.ip == whole.ip && header.port == whole.port);
        break;
      case Kind::failed: break;
    }
    before = header.kind;
  }
  HILO_CHECK(before == whole.kind);
  return 0;
}
