// SPDX-License-Identifier: MIT
//
// The numbers in front of the rows are those of the catalogue of bad inputs, sections F to I.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/frames.h"
#include "ws/core/frame.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

constexpr std::uint64_t no_limit = ~std::uint64_t{0};
constexpr std::array<std::uint8_t, 16> all_opcodes = {0, 1, 2,  3,  4,  5,  6,  7,
                                                      8, 9, 10, 11, 12, 13, 14, 15};

FrameHeader parse(std::string_view bytes) {
  return parse_header(as_bytes(bytes));
}

std::string written(Opcode opcode, bool final, std::uint64_t size, const MaskKey* key) {
  std::array<std::uint8_t, frame_header_bytes_max> bytes{};
  const std::size_t used = write_header(bytes.data(), opcode, final, size, key);
  return std::string(as_text(Bytes{bytes}.first(used)));
}

// A rule: the header that breaks it, and how many bytes of it suffice to see that.
struct Broken {
  int number;
  std::string header;
  std::size_t seen_after;
  Errc error;
  Role role = Role::server;
  bool in_message = false;
  std::uint64_t payload_bytes_max = no_limit;
};

void check_broken(const Broken& row) {
  CAPTURE(row.number);
  CAPTURE(static_cast<int>(row.header[0]));
  const FrameRules rules{row.role, row.in_message, row.payload_bytes_max};
  for (std::size_t size = 0; size <= row.header.size(); ++size) {
    CAPTURE(size);
    const Errc expected = size < row.seen_after ? Errc::none : row.error;
    CHECK(check_header(parse(row.header.substr(0, size)), rules) == expected);
  }
}

}  // namespace

TEST_CASE("the examples of RFC 6455 §5.7 are read") {
  const FrameHeader hello = parse(from_hex("81 05 48 65 6c 6c 6f"));
  CHECK(hello.progress == HeaderProgress::complete);
  CHECK(hello.final);
  CHECK(hello.rsv == 0);
  CHECK(hello.opcode == Opcode::text);
  CHECK_FALSE(hello.masked);
  CHECK(hello.header_bytes == 2);
  CHECK(hello.payload_bytes == 5);

  const FrameHeader masked_hello = parse(from_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  CHECK(masked_hello.masked);
  CHECK(masked_hello.header_bytes == 6);
  CHECK(masked_hello.payload_bytes == 5);
  CHECK(masked_hello.key == MaskKey{0x37, 0xFA, 0x21, 0x3D});

  const FrameHeader first = parse(from_hex("01 03 48 65 6c"));
  CHECK_FALSE(first.final);
  CHECK(first.opcode == Opcode::text);
  CHECK(first.payload_bytes == 3);
  const FrameHeader last = parse(from_hex("80 02 6c 6f"));
  CHECK(last.final);
  CHECK(last.opcode == Opcode::continuation);
  CHECK(last.payload_bytes == 2);

  CHECK(parse(from_hex("89 05 48 65 6c 6c 6f")).opcode == Opcode::ping);
  const FrameHeader pong = parse(from_hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
  CHECK(pong.opcode == Opcode::pong);
  CHECK(pong.masked);

  const FrameHeader medium = parse(from_hex("82 7E 0100"));
  CHECK(medium.progress == HeaderProgress::complete);
  CHECK(medium.opcode == Opcode::binary);
  CHECK(medium.header_bytes == 4);
  CHECK(medium.payload_bytes == 256);
  const FrameHeader large = parse(from_hex("82 7F 0000000000010000"));
  CHECK(large.progress == HeaderProgress::complete);
  CHECK(large.header_bytes == 10);
  CHECK(large.payload_bytes == 65536);
}

TEST_CASE("the examples of RFC 6455 §5.7 are written") {
  CHECK(written(Opcode::text, true, 5, nullptr) == from_hex("81 05"));
  CHECK(written(Opcode::text, true, 5, &example_key) == from_hex("81 85 37fa213d"));
  CHECK(written(Opcode::text, false, 3, nullptr) == from_hex("01 03"));
  CHECK(written(Opcode::continuation, true, 2, nullptr) == from_hex("80 02"));
  CHECK(written(Opcode::ping, true, 5, nullptr) == from_hex("89 05"));
  CHECK(written(Opcode::pong, true, 5, &example_key) == from_hex("8a 85 37fa213d"));
  CHECK(written(Opcode::binary, true, 256, nullptr) == from_hex("82 7E 0100"));
  CHECK(written(Opcode::binary, true, 65536, nullptr) == from_hex("82 7F 0000000000010000"));
}

TEST_CASE("every bit of the first byte lands in its field") {
  for (unsigned first = 0; first < 256; ++first) {
    const FrameHeader header = parse(std::string(1, as_char(first)));
    CHECK(header.progress == HeaderProgress::first_byte);
    CHECK(header.final == (first >= 128));
    CHECK(header.rsv == (first / 16) % 8);
    CHECK(static_cast<unsigned>(header.opcode) == first % 16);
  }
}

TEST_CASE("a header says how much of it has arrived") {
  const std::string extended16 = header_of(0x82, 300, &example_key);
  const std::string extended64 = header_of(0x82, 70000, &example_key);
  using enum HeaderProgress;
  const std::vector<HeaderProgress> of16 = {nothing, first_byte, second_byte, second_byte, length,
                                            length,  length,     length,      complete};
  REQUIRE(of16.size() == extended16.size() + 1);
  for (std::size_t i = 0; i < of16.size(); ++i) {
    CHECK(parse(extended16.substr(0, i)).progress == of16[i]);
  }
  for (std::size_t i = 0; i <= extended64.size(); ++i) {
    const HeaderProgress expected = i < 2    ? static_cast<HeaderProgress>(i)
                                    : i < 10 ? second_byte
                                    : i < 14 ? length
                                             : complete;
    const FrameHeader header = parse(extended64.substr(0, i));
    CHECK(header.progress == expected);
    CHECK(header.payload_bytes == (i < 10 ? 0 : 70000));
    CHECK(header.header_bytes == (i < 2 ? 0 : 14));
  }
  // Without a key the length completes the header; what follows is not looked at.
  CHECK(parse(header_of(0x82, 300, nullptr)).progress == complete);
  CHECK(parse(header_of(0x82, 5, nullptr) + "more than the header").header_bytes == 2);
}

TEST_CASE("what is written is read back, at every length around a power of two") {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t step : {std::uint64_t{0} - 1, std::uint64_t{0}, std::uint64_t{1}}) {
      const std::uint64_t size = (std::uint64_t{1} << shift) + step;
      CAPTURE(size);
      const MaskKey* const keys[] = {nullptr, &example_key};
      for (const MaskKey* key : keys) {
        const std::string bytes = written(Opcode::binary, true, size, key);
        CHECK(bytes == header_of(0x82, size, key));
        const FrameHeader header = parse(bytes);
        CHECK(header.progress == HeaderProgress::complete);
        CHECK(header.header_bytes == bytes.size());
        CHECK(header.payload_bytes == size);
        CHECK(header.masked == (key != nullptr));
        CHECK(header.key == (key != nullptr ? *key : MaskKey{}));
        const FrameRules rules{key != nullptr ? Role::server : Role::client, false, no_limit};
        const Errc verdict = size >> 63 != 0 ? Errc::frame_length_msb : Errc::none;
        CHECK(check_header(header, rules) == verdict);
      }
    }
  }
}

TEST_CASE("the length takes its shortest form") {
  CHECK(written(Opcode::text, true, 0, nullptr).size() == 2);
  CHECK(written(Opcode::text, true, 125, nullptr).size() == 2);
  CHECK(written(Opcode::text, true, 126, nullptr).size() == 4);
  CHECK(written(Opcode::text, true, 65535, nullptr).size() == 4);
  CHECK(written(Opcode::text, true, 65536, nullptr).size() == 10);
  CHECK(written(Opcode::text, true, 65536, &example_key).size() == frame_header_bytes_max);
}

TEST_CASE("random headers are read as they were written") {
  std::mt19937_64 random(6455);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t size = random() >> (random() % 64);
    const auto opcode = static_cast<Opcode>(random() % 16);
    const bool final = random() % 2 == 0;
    MaskKey key{};
    store_be32(key.data(), static_cast<std::uint32_t>(random()));
    const bool with_key = random() % 2 == 0;
    const FrameHeader header = parse(written(opcode, final, size, with_key ? &key : nullptr));
    const bool same = header.opcode == opcode && header.final == final && header.rsv == 0 &&
                      header.payload_bytes == size && header.masked == with_key &&
                      header.key == (with_key ? key : MaskKey{});
    REQUIRE(same);
  }
}

TEST_CASE("a broken rule is reported with the byte that breaks it") {
  const std::vector<Broken> rows = {
      {106, from_hex("A1 85 00000000"), 1, Errc::frame_rsv},
      {106, from_hex("91 85 00000000"), 1, Errc::frame_rsv},
      {107, from_hex("C1 85 00000000"), 1, Errc::frame_rsv},
      {108, from_hex("C0 85 00000000"), 1, Errc::frame_rsv, Role::server, true},
      {108, from_hex("C9 85 00000000"), 1, Errc::frame_rsv},
      {110, from_hex("82 FE 0005 00000000"), 4, Errc::frame_length_not_minimal},
      {110, from_hex("82 FE 007D 00000000"), 4, Errc::frame_length_not_minimal},
      {110, from_hex("82 7E 007D"), 4, Errc::frame_length_not_minimal, Role::client},
      {111, from_hex("82 FF 000000000000FFFF 00000000"), 10, Errc::frame_length_not_minimal},
      {111, from_hex("82 FF 0000000000000000 00000000"), 10, Errc::frame_length_not_minimal},
      {112, from_hex("82 FF 8000000000000000 00000000"), 10, Errc::frame_length_msb},
      {112, from_hex("82 7F FFFFFFFFFFFFFFFF"), 10, Errc::frame_length_msb, Role::client},
      {113, from_hex("82 FF 7FFFFFFFFFFFFFFF 00000000"), 10, Errc::message_too_big, Role::server,
       false, 1 << 20},
      {114, from_hex("82 FE 03E9 00000000"), 4, Errc::message_too_big, Role::server, false, 1000},
      {114, from_hex("82 8B 00000000"), 2, Errc::message_too_big, Role::server, false, 10},
      {115, from_hex("80 FF 7FFFFFFFFFFFFFFF 00000000"), 10, Errc::message_too_big, Role::server,
       true, (1 << 20) - 10},
      {123, from_hex("81 05"), 2, Errc::frame_unmasked},
      {123, from_hex("89 00"), 2, Errc::frame_unmasked},
      {123, from_hex("88 00"), 2, Errc::frame_unmasked},
      {124, from_hex("81 85 00000000"), 2, Errc::frame_masked, Role::client},
      {131, from_hex("89 FE 007E 00000000"), 2, Errc::control_too_long},
      {131, from_hex("8A FF 0000000000010000 00000000"), 2, Errc::control_too_long},
      {132, from_hex("09 80 00000000"), 1, Errc::control_fragmented},
      {132, from_hex("08 80 00000000"), 1, Errc::control_fragmented},
      {145, from_hex("88 FE 007E 00000000"), 2, Errc::control_too_long},
      {151, from_hex("80 85 00000000"), 1, Errc::continuation_unexpected},
      {151, from_hex("00 85 00000000"), 1, Errc::continuation_unexpected},
      {152, from_hex("81 85 00000000"), 1, Errc::continuation_expected, Role::server, true},
      {152, from_hex("02 85 00000000"), 1, Errc::continuation_expected, Role::server, true},
  };
  for (const Broken& row : rows) check_broken(row);
}

TEST_CASE("109: a reserved opcode is refused with its first byte, whatever follows") {
  for (const std::uint8_t opcode : all_opcodes) {
    const bool reserved = (opcode >= 3 && opcode <= 7) || opcode >= 11;
    CHECK(is_reserved(static_cast<Opcode>(opcode)) == reserved);
    CHECK(is_control(static_cast<Opcode>(opcode)) == (opcode >= 8));
    if (!reserved) continue;
    for (const unsigned final_bit : {0x80U, 0U}) {
      const auto first = static_cast<std::uint8_t>(final_bit | opcode);
      for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{70000}}) {
        check_broken({109, header_of(first, size, &example_key), 1, Errc::frame_opcode});
      }
    }
  }
}

TEST_CASE("the field that arrives first decides which of two broken rules is reported") {
  const FrameRules rules{Role::server, false, 100};
  CHECK(check_header(parse(from_hex("F3 05")), rules) == Errc::frame_rsv);
  CHECK(check_header(parse(from_hex("83 05")), rules) == Errc::frame_opcode);
  CHECK(check_header(parse(from_hex("09 7E FFFF")), rules) == Errc::control_fragmented);
  CHECK(check_header(parse(from_hex("80 7E 0001")), rules) == Errc::continuation_unexpected);
  CHECK(check_header(parse(from_hex("89 7E FFFF")), rules) == Errc::frame_unmasked);
  CHECK(check_header(parse(from_hex("82 FF 8000000000000000")), rules) == Errc::frame_length_msb);
}

TEST_CASE("legal headers pass at every stage") {
  struct Legal {
    std::string header;
    Role role;
    bool in_message;
    std::uint64_t payload_bytes_max;
  };
  const std::vector<Legal> rows = {
      {from_hex("81 80 37fa213d"), Role::server, false, 0},
      {from_hex("82 FE 007E 37fa213d"), Role::server, false, 126},
      {from_hex("82 FF 0000000000010000 37fa213d"), Role::server, false, 65536},
      {from_hex("82 FF 7FFFFFFFFFFFFFFF 37fa213d"), Role::server, false, no_limit},
      {from_hex("01 85 00000000"), Role::server, false, 5},
      {from_hex("00 85 37fa213d"), Role::server, true, 5},
      {from_hex("80 85 37fa213d"), Role::server, true, 5},
      {from_hex("81 05"), Role::client, false, 5},
      {from_hex("82 7F 0000000000010000"), Role::client, false, 65536},
      // Control frames pass through messages, and the limit of a message is not theirs.
      {from_hex("89 FD 37fa213d"), Role::server, true, 0},
      {from_hex("8A 80 37fa213d"), Role::server, true, 0},
      {from_hex("88 7D"), Role::client, true, 0},
  };
  for (const Legal& row : rows) {
    for (std::size_t size = 0; size <= row.header.size(); ++size) {
      const FrameHeader header = parse(row.header.substr(0, size));
      CHECK(check_header(header, {row.role, row.in_message, row.payload_bytes_max}) == Errc::none);
    }
  }
}

TEST_CASE("114: a payload of exactly the limit passes, one byte more does not") {
  for (const std::uint64_t limit : {0U, 1U, 125U, 126U, 1000U, 65535U, 65536U, 1U << 20}) {
    const FrameRules rules{Role::server, false, limit};
    CHECK(check_header(parse(header_of(0x82, limit, &example_key)), rules) == Errc::none);
    CHECK(check_header(parse(header_of(0x82, limit + 1, &example_key)), rules) ==
          Errc::message_too_big);
  }
}
