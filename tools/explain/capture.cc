// SPDX-License-Identifier: MIT

#include "tools/explain/capture.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hilo::tools::explain {
namespace {

// Of pcapng blocks (draft-ietf-opsawg-pcapng §4).
constexpr std::uint32_t section_header = 0x0A0D0D0A;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t simple_packet = 3;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t decryption_secrets = 10;
constexpr std::uint32_t tls_key_log = 0x544C534B;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
constexpr std::uint32_t pcap_magic = 0xA1B2C3D4;
constexpr std::uint32_t pcap_nanosecond_magic = 0xA1B23C4D;

// Numbers in the byte order of the machine that wrote them.
class Words {
 public:
  constexpr explicit Words(bool big_endian = false) : big_endian_(big_endian) {}
  std::uint32_t u32(Bytes from, std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value |= std::uint32_t{from[at + i]} << 8 * (big_endian_ ? 3 - i : i);
    return value;
  }
  std::uint16_t u16(Bytes from, std::size_t at) const {
    return static_cast<std::uint16_t>(big_endian_ ? from[at] << 8 | from[at + 1]
                                                  : from[at + 1] << 8 | from[at]);
  }

 private:
  bool big_endian_;
};
constexpr Words network_order(true);

// The links of https://www.tcpdump.org/linktypes.html that are read here, and where IP begins.
std::optional<std::size_t> ip_offset(std::uint32_t link) {
  switch (link) {
    case 0: return 4;     // NULL
    case 1: return 14;    // Ethernet
    case 12: return 0;    // RAW, in old files
    case 101: return 0;   // RAW
    case 113: return 16;  // SLL
    case 276: return 20;  // SLL2
    default: return std::nullopt;
  }
}

struct Packet {
  std::string from;
  std::string to;
  std::uint32_t sequence = 0;
  bool syn = false;
  bool ack = false;
  Bytes payload;
};

std::string address_of(Bytes host, std::uint16_t port) {
  std::string text;
  if (host.size() == 4) {
    for (const std::uint8_t byte : host) text += (text.empty() ? "" : ".") + std::to_string(byte);
  } else {
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < host.size(); ++i) {
      if (i != 0 && i % 2 == 0) text += ':';
      text += digits[host[i] >> 4];
      text += digits[host[i] & 15];
    }
    text = '[' + text + ']';
  }
  return text + ':' + std::to_string(port);
}

std::optional<Packet> parse_packet(Bytes ip) {
  if (ip.empty()) return std::nullopt;
  const unsigned version = ip[0] >> 4;
  const std::size_t header = version == 4 ? (std::size_t{ip[0]} & 15) * 4 : 40;
  if ((version != 4 && version != 6) || header < 20 || ip.size() < header + 20) return std::nullopt;
  constexpr std::uint8_t tcp_protocol = 6;
  if (ip[version == 4 ? 9 : 6] != tcp_protocol) return std::nullopt;
  // Ethernet pads short packets, so the length that IP says counts; 0 is said where the card cut
  // it.
  std::size_t size = version == 4 ? network_order.u16(ip, 2) : network_order.u16(ip, 4) + header;
  if (size < header + 20 || size > ip.size()) size = ip.size();
  const Bytes tcp = ip.subspan(header, size - header);
  const std::size_t data = (std::size_t{tcp[12]} >> 4) * 4;
  if (data < 20 || data > tcp.size()) return std::nullopt;
  const std::size_t host_bytes = version == 4 ? 4 : 16;
  const std::size_t host_begin = version == 4 ? 12 : 8;
  return Packet{
      .from = address_of(ip.subspan(host_begin, host_bytes), network_order.u16(tcp, 0)),
      .to = address_of(ip.subspan(host_begin + host_bytes, host_bytes), network_order.u16(tcp, 2)),
      .sequence = network_order.u32(tcp, 4),
      .syn = (tcp[13] & 2) != 0,
      .ack = (tcp[13] & 16) != 0,
      .payload = tcp.subspan(data)};
}

// One direction, put in order.
struct Flow {
  bool begun = false;
  std::uint32_t next = 0;                // the sequence number that is due
  std::map<std::uint32_t, Bytes> early;  // by distance from the first byte of the flow
  std::uint32_t first = 0;
};

class Connections {
 public:
  void add(const Packet& packet) {
    const std::string there = packet.from + " > " + packet.to;
    const std::string back = packet.to + " > " + packet.from;
    if (packet.syn && !packet.ack) {
      index_.erase(there);
      index_.erase(back);
    }
    if (!index_.contains(there) && index_.contains(back)) {
      return add(index_[back], trace::Direction::to_client, packet);
    }
    if (!index_.contains(there)) begin(packet, there, back);
    const bool answered = packet.syn && packet.ack;
    if (answered && index_.contains(back))
      return add(index_[back], trace::Direction::to_client, packet);
    if (index_.contains(there)) add(index_[there], trace::Direction::to_server, packet);
  }
  std::vector<CapturedConnection> take() {
    std::erase_if(connections_,
                  [](const CapturedConnection& each) { return each.segments.empty(); });
    return std::move(connections_);
  }

 private:
  // The one who asks is the client; of a capture that began too late the one who speaks first.
  void begin(const Packet& packet, const std::string& there, const std::string& back) {
    const bool from_server = packet.syn && packet.ack;
    if (!packet.syn && packet.payload.empty()) return;
    index_[from_server ? back : there] = connections_.size();
    connections_.push_back({.name = from_server ? back : there, .segments = {}});
    flows_.resize(connections_.size() * 2);
  }

  void add(std::size_t index, trace::Direction direction, const Packet& packet) {
    Flow& flow = flows_[index * 2 + static_cast<std::size_t>(direction)];
    if (packet.syn || !flow.begun) {
      flow = {
          .begun = true, .next = packet.sequence + (packet.syn ? 1u : 0u), .early = {}, .first = 0};
      flow.first = flow.next;
    }
    if (packet.payload.empty()) return;
    // Distances, since sequence numbers wrap around.
    const std::uint32_t distance = packet.sequence - flow.first;
    constexpr std::uint32_t half = std::uint32_t{1} << 31;
    if (distance >= half) return;  // from before the beginning
    Bytes& held = flow.early[distance];
    if (packet.payload.size() > held.size()) held = packet.payload;
    for (auto it = flow.early.begin(); it != flow.early.end(); it = flow.early.erase(it)) {
      const std::uint32_t due = flow.next - flow.first;
      if (it->first > due) break;
      const std::size_t known = due - it->first;
      if (known >= it->second.size()) continue;
      const Bytes fresh = it->second.subspan(known);
      flow.next += static_cast<std::uint32_t>(fresh.size());
      connections_[index].segments.push_back({.direction = direction, .bytes = fresh});
    }
  }

  std::vector<CapturedConnection> connections_;
  std::vector<Flow> flows_;
  std::map<std::string, std::size_t> index_;
};

void add_frame(Connections& connections, std::uint32_t link, Bytes frame) {
  const std::optional<std::size_t> offset = ip_offset(link);
  if (!offset || frame.size() <= *offset) return;
  if (const std::optional<Packet> packet = parse_packet(frame.subspan(*offset)))
    connections.add(*packet);
}

// A 24-byte header, then packets with 16 bytes in front of each.
bool read_pcap(Bytes file, const Words& words, Connections& connections) {
  if (file.size() < 24) return false;
  const std::uint32_t link = words.u32(file, 20) & 0xFFFF;
  Bytes rest = file.subspan(24);
  while (rest.size() >= 16) {
    const std::size_t size = words.u32(rest, 8);
    if (size > rest.size() - 16) return true;
    add_frame(connections, link, rest.subspan(16, size));
    rest = rest.subspan(16 + size);
  }
  return true;
}

// Type and length of secrets, and these (§4.7).
void read_secrets(const Words& words, Bytes body, std::vector<std::string_view>& key_logs) {
  if (body.size() < 8 || words.u32(body, 0) != tls_key_log) return;
  const std::size_t bytes = std::min<std::size_t>(words.u32(body, 4), body.size() - 8);
  key_logs.push_back(as_text(body.subspan(8, bytes)));
}

bool read_pcapng(Bytes file, Connections& connections, std::vector<std::string_view>& key_logs) {
  Words words;
  std::vector<std::uint32_t> links;
  while (file.size() >= 12) {
    if (words.u32(file, 0) == section_header) {
      words = Words(Words(true).u32(file, 8) == byte_order_magic);
      if (words.u32(file, 8) != byte_order_magic) return false;
      links.clear();
    }
    const std::uint32_t type = words.u32(file, 0);
    const std::size_t size = words.u32(file, 4);
    if (size < 12 || size % 4 != 0) return false;
    if (size > file.size()) return true;
    const Bytes body = file.subspan(8, size - 12);
    if (type == interface_description && body.size() >= 8) links.push_back(words.u16(body, 0));
    if (type == enhanced_packet && body.size() >= 20) {
      const std::size_t index = words.u32(body, 0);
      const std::size_t bytes = words.u32(body, 12);
      if (index >= links.size() || bytes > body.size() - 20) return false;
      add_frame(connections, links[index], body.subspan(20, bytes));
    }
    if (type == simple_packet && body.size() >= 4 && !links.empty()) {
      const std::size_t bytes = std::min<std::size_t>(words.u32(body, 0), body.size() - 4);
      add_frame(connections, links[0], body.subspan(4, bytes));
    }
    if (type == decryption_secrets) read_secrets(words, body, key_logs);
    file = file.subspan(size);
  }
  return true;
}

}  // namespace

bool is_capture(Bytes file) noexcept {
  if (file.size() < 12) return false;
  for (const bool swapped : {false, true}) {
    const std::uint32_t magic = Words(swapped).u32(file, 0);
    if (magic == section_header || magic == pcap_magic || magic == pcap_nanosecond_magic)
      return true;
  }
  return false;
}

std::optional<Capture> read_capture(Bytes file) {
  if (!is_capture(file)) return std::nullopt;
  Connections connections;
  Capture capture;
  const std::uint32_t magic = Words().u32(file, 0);
  const bool swapped = magic != pcap_magic && magic != pcap_nanosecond_magic;
  const bool good = magic == section_header ? read_pcapng(file, connections, capture.key_logs)
                                            : read_pcap(file, Words(swapped), connections);
  if (!good) return std::nullopt;
  capture.connections = connections.take();
  return capture;
}

}  // namespace hilo::tools::explain
