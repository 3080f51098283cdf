// SPDX-License-Identifier: MIT

#include "ws/engineio/queue.h"

#include <array>
#include <limits>

namespace hilo::engineio {
namespace {

constexpr std::uint8_t binary_flag = 0x80;

}  // namespace

Status PacketQueue::push(PacketType type, bool binary, Bytes data) noexcept {
  if (data.size() > std::numeric_limits<std::uint32_t>::max()) {
    return std::make_error_code(std::errc::message_size);
  }
  if (Status grown = bytes_.reserve(header_bytes + data.size()); !grown) return grown;
  std::array<std::uint8_t, header_bytes> header;
  header[0] = static_cast<std::uint8_t>(static_cast<unsigned>(type) | (binary ? binary_flag : 0U));
  store_be32(&header[1], static_cast<std::uint32_t>(data.size()));
  // There is room for both, so that half a packet is never there.
  static_cast<void>(bytes_.append(header));
  static_cast<void>(bytes_.append(data));
  return {};
}

Packet PacketQueue::read(MutableBytes rest) noexcept {
  const std::uint8_t first = rest[0];
  return {.type = static_cast<PacketType>(first & ~binary_flag),
          .binary = (first & binary_flag) != 0,
          .data = rest.subspan(header_bytes, load_be32(&rest[1]))};
}

Packet PacketQueue::front() noexcept {
  return read(bytes_.readable());
}

void PacketQueue::pop() noexcept {
  bytes_.consume(header_bytes + front().data.size());
}

bool PacketQueue::has_binary() noexcept {
  MutableBytes rest = bytes_.readable();
  while (!rest.empty()) {
    const Packet packet = read(rest);
    if (packet.binary) return true;
    rest = rest.subspan(header_bytes + packet.data.size());
  }
  return false;
}

std::size_t PacketQueue::count() noexcept {
  std::size_t packets = 0;
  MutableBytes rest = bytes_.readable();
  while (!rest.empty()) {
    rest = rest.subspan(header_bytes + read(rest).data.size());
    ++packets;
  }
  return packets;
}

}  // namespace hilo::engineio
