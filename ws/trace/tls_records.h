// SPDX-License-Identifier: MIT
//
// TlsReader: the TLS records of a connection, told one by one in both directions (RFC 8446 §5, and
// RFC 5246 §6.2 of TLS 1.2), and, with the secrets of a key log, what they carry.
//
//   bytes of TCP --> record, record ... --> handshake messages, alerts: Parts of layer tls
//                          |
//                      on_plain: application data, as a Dialogue wants it
//
//   opened     TLS 1.3 with its three usual suites, TLS 1.2 with those that are an AEAD of the same
//              ciphers (tls_names.h). Not opened, and said so: early data (0-RTT), what follows a
//              renegotiation, other suites and versions, and everything without the secrets
//   ends       a record that is malformed, or that does not decrypt, is told with its fault; of the
//              first nothing more is read in that direction, of the other nothing more is opened
//   place      all parts stand where they are in the stream of TCP. What was encrypted is nowhere
//              there: it has no place
//   memory     one record of each direction (18 KiB), and one handshake message (tls_messages.h)
//   thread     one at a time
//   views      keys and sink outlive it

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/trace/part.h"
#include "ws/trace/tls_key_log.h"
#include "ws/trace/tls_keys.h"
#include "ws/trace/tls_messages.h"

namespace hilo::trace {

class TlsReader {
 public:
  static constexpr std::size_t header_bytes = 5;
  static constexpr std::size_t content_bytes_max = 16384;             // RFC 8446 §5.1
  static constexpr std::size_t fragment_bytes_max = 16384 + 2048;     // RFC 5246 §6.2.3
  static constexpr std::size_t fragment_1_3_bytes_max = 16384 + 256;  // RFC 8446 §5.2

  // `keys` may be null. `on_plain` must not feed the reader.
  TlsReader(const TlsKeyLog* keys, PartSink& sink, Callback<void(Direction, Bytes)> on_plain);
  TlsReader(const TlsReader&) = delete;
  TlsReader& operator=(const TlsReader&) = delete;
  ~TlsReader() = default;

  // A connection that begins with these bytes, two at least, begins with a record. Frames never do:
  // to them it is RSV3 and a reserved opcode.
  static bool begins_record(Bytes bytes) noexcept;

  void feed(Direction direction, Bytes bytes);
  // The stream of that direction has ended; tells what it left unfinished.
  void end(Direction direction);

 private:
  // What protects the records of a direction.
  enum class Epoch : std::uint8_t {
    clear,      // nothing yet
    handshake,  // of TLS 1.3
    traffic
  };

  struct Side {
    Side(TlsReader& reader, Direction of);

    Direction direction;
    std::uint64_t begin = 0;           // of the record that comes, in the stream
    std::vector<std::uint8_t> record;  // as far as it has come
    TlsMessageReader messages;
    Epoch epoch = Epoch::clear;
    std::optional<TlsKeys> keys;
    std::vector<std::uint8_t> secret;  // that they are of, in TLS 1.3
    std::uint64_t sequence = 0;        // of the next record under these keys
    std::string_view closed = {};      // why no record is opened
    bool told_why = false;
    bool on_trial = false;  // whether the keys are for these records is seen when they fit
    bool failed = false;    // what comes is no TLS any more
  };

  Side& side(Direction direction) noexcept { return sides_[static_cast<std::size_t>(direction)]; }
  bool take_header(Side& side);
  void end_record(Side& side);
  bool is_protected(const Side& side, std::uint8_t type) const noexcept;
  void tell_record(Side& side, bool encrypted);
  void open_record(Side& side);
  void tell_opened(Side& side, std::uint8_t type, std::size_t content_bytes);
  void take_inner(Side& side, std::vector<std::uint8_t> content);
  void take_content(Side& side, std::uint8_t type, Bytes content,
                    std::optional<std::uint64_t> offset);
  void on_message(Side& side, const TlsMessage& message);
  void on_server_hello(const TlsHello& hello);
  void begin_1_3(Side& side);
  void begin_1_2(Side& side);
  void begin_traffic(Side& side);
  void use_secret(Side& side, Bytes secret);
  void stay_closed(Side& side, std::string_view why);
  void tell_closed(Side& side, std::string_view why);
  void tell(const Side& side, Place place, std::string_view name, std::string value,
            std::string_view section, Fault fault = {});
  void fail(Side& side, const Fault& fault, std::string_view section);

  const TlsKeyLog* keys_;
  PartSink* sink_;
  Callback<void(Direction, Bytes)> on_plain_;
  std::array<Side, 2> sides_;
  std::vector<std::uint8_t> client_random_;
  std::vector<std::uint8_t> server_random_;
  std::uint16_t version_ = 0;  // chosen; 0: no ServerHello was seen
  std::uint16_t suite_ = 0;
  bool early_data_ = false;  // the client asked for it
};

}  // namespace hilo::trace
