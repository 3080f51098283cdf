// SPDX-License-Identifier: MIT

#include "tools/tap/capture_writer.h"

#include <algorithm>

#include "net/clock.h"

namespace hilo::tools::tap {
namespace {

constexpr std::uint8_t fin = 1;
constexpr std::uint8_t syn = 2;
constexpr std::uint8_t psh = 8;
constexpr std::uint8_t ack = 16;
constexpr std::size_t payload_bytes_max = 32768;
constexpr std::array<std::uint32_t, 2> hosts = {0x7F000001, 0x7F000002};

// pcapng is in the byte order of who writes it, and says which: least significant byte first here.
void put_little(std::string& to, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> 8 * i & 0xFF);
}
void put_big(std::string& to, std::uint32_t value, int bytes) {
  for (int i = bytes; i-- > 0;) to += static_cast<char>(value >> 8 * i & 0xFF);
}

// RFC 1071, over two texts of which the first has an even size.
std::uint16_t check_sum(std::string_view first, std::string_view second) {
  std::uint32_t sum = 0;
  for (const std::string_view text : {first, second}) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      sum += std::uint32_t{static_cast<std::uint8_t>(text[i])} << (i % 2 == 0 ? 8 : 0);
    }
  }
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set_big16(std::string& in, std::size_t at, std::uint16_t value) {
  in[at] = static_cast<char>(value >> 8);
  in[at + 1] = static_cast<char>(value & 0xFF);
}

}  // namespace

CaptureWriter::CaptureWriter(const std::string& file)
    : out_(file, std::ios::binary | std::ios::trunc) {
  std::string section;
  put_little(section, 0x1A2B3C4D, 4);
  put_little(section, 1, 2);  // version 1.0
  put_little(section, 0, 2);
  put_little(section, 0xFFFFFFFF, 4);  // of no known length
  put_little(section, 0xFFFFFFFF, 4);
  block(0x0A0D0D0A, section);
  std::string interface;
  put_little(interface, 101, 2);  // LINKTYPE_RAW
  put_little(interface, 0, 2);
  put_little(interface, 0, 4);  // no limit on packets
  block(1, interface);
}

void CaptureWriter::block(std::uint32_t type, const std::string& body) {
  std::string text;
  const std::size_t padding = (4 - body.size() % 4) % 4;
  const auto size = static_cast<std::uint32_t>(body.size() + padding + 12);
  put_little(text, type, 4);
  put_little(text, size, 4);
  text += body + std::string(padding, '\0');
  put_little(text, size, 4);
  out_ << text;
}

bool CaptureWriter::flush() {
  out_.flush();
  return static_cast<bool>(out_);
}

CaptureWriter::Connection::Connection(CaptureWriter& writer, std::uint16_t client_port,
                                      std::uint16_t server_port)
    : writer_(&writer), ports_{client_port, server_port} {
  packet(trace::Direction::to_server, syn, {});
  ++next_[0];
  packet(trace::Direction::to_client, syn | ack, {});
  ++next_[1];
  packet(trace::Direction::to_server, ack, {});
}

void CaptureWriter::Connection::add(trace::Direction direction, Bytes bytes) {
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), payload_bytes_max));
    packet(direction, psh | ack, piece);
    next_[static_cast<std::size_t>(direction)] += static_cast<std::uint32_t>(piece.size());
    bytes = bytes.subspan(piece.size());
  }
}

void CaptureWriter::Connection::end(trace::Direction direction) {
  packet(direction, fin | ack, {});
  ++next_[static_cast<std::size_t>(direction)];
}

void CaptureWriter::Connection::packet(trace::Direction direction, std::uint8_t flags,
                                       Bytes payload) {
  const auto from = static_cast<std::size_t>(direction);
  const std::size_t to = 1 - from;
  std::string tcp;
  put_big(tcp, ports_[from], 2);
  put_big(tcp, ports_[to], 2);
  put_big(tcp, next_[from], 4);
  put_big(tcp, (flags & ack) != 0 ? next_[to] : 0, 4);
  put_big(tcp, 5u << 12 | flags, 2);
  put_big(tcp, 65535, 2);  // window
  put_big(tcp, 0, 4);      // check sum and urgent pointer
  std::string ip;
  put_big(ip, 0x4500, 2);
  put_big(ip, static_cast<std::uint32_t>(40 + payload.size()), 2);
  put_big(ip, 0x00004000, 4);  // not to be fragmented
  put_big(ip, 0x4006, 2);      // 64 hops, TCP
  put_big(ip, 0, 2);
  put_big(ip, hosts[from], 4);
  put_big(ip, hosts[to], 4);
  set_big16(ip, 10, check_sum(ip, {}));
  std::string pseudo = ip.substr(12);
  put_big(pseudo, 6, 2);
  put_big(pseudo, static_cast<std::uint32_t>(20 + payload.size()), 2);
  set_big16(tcp, 16, check_sum(pseudo + tcp, as_text(payload)));

  const auto now = static_cast<std::uint64_t>(net::clock_wall_milliseconds()) * 1000;
  const auto size = static_cast<std::uint32_t>(40 + payload.size());
  std::string body;
  put_little(body, 0, 4);  // the interface
  put_little(body, static_cast<std::uint32_t>(now >> 32), 4);
  put_little(body, static_cast<std::uint32_t>(now), 4);
  put_little(body, size, 4);
  put_little(body, size, 4);
  body += ip + tcp;
  body += as_text(payload);
  writer_->block(6, body);
}

}  // namespace hilo::tools::tap
