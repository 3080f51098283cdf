// SPDX-License-Identifier: MIT
//
// What a peer asked for: Request is a view while the head is there, KeptRequest an owned copy for
// the life of a WebSocket.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/base/result.h"
#include "ws/core/field_view.h"

namespace hilo::ws {

class FieldListReader;
class PathParameters;
struct RequestHead;

// The value of `name` in a Cookie field (RFC 6265 §4.2): the first if it is there twice.
std::optional<std::string_view> find_cookie(std::string_view cookies,
                                            std::string_view name) noexcept;

// A request whose head lies in the receive buffer: valid during the callback that shows it, and for
// an Exchange until it was answered. Nothing is decoded or normalised.
class Request {
 public:
  Request(const RequestHead& head, const net::PeerAddress& peer,
          const PathParameters* parameters = nullptr) noexcept
      : head_(&head), peer_(&peer), parameters_(parameters) {}

  std::string_view method() const noexcept;
  std::string_view target() const noexcept;
  std::string_view path() const noexcept;
  std::string_view query() const noexcept;
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::optional<std::string_view> cookie(std::string_view name) const noexcept;
  // What stood in the place of ":name" or "*name" in the pattern that led here (router.h), as it
  // came: percent_decode() of ws/core/percent.h makes it plain.
  std::optional<std::string_view> parameter(std::string_view name) const noexcept;
  // The subprotocols a WebSocket client offers, in its order of preference (ws/core/http_fields.h).
  FieldListReader subprotocols() const noexcept;
  const net::PeerAddress& peer() const noexcept { return *peer_; }
  const RequestHead& head() const noexcept { return *head_; }  // ws/core/http_head.h

 private:
  const RequestHead* head_;
  const net::PeerAddress* peer_;
  const PathParameters* parameters_;
};

// The request that opened a WebSocket, in one block of exactly its size: a few dozen bytes without
// fields, as many as the head had with them. Connections that asked for the same may share it,
// which is why Sec-WebSocket-Key, a nonce that has done its work, is not kept. Like all of an
// endpoint it belongs to one thread.
class KeptRequest {
 public:
  // Its fields in the order they came in, which is valid as long as the request is:
  //   for (auto reader = request.fields(); const auto field = reader.next();) ...
  class FieldReader {
   public:
    std::optional<FieldView> next() noexcept;

   private:
    friend class KeptRequest;
    explicit FieldReader(std::string_view rest) noexcept : rest_(rest) {}
    std::string_view rest_;
  };

  KeptRequest() noexcept = default;
  KeptRequest(KeptRequest&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  KeptRequest& operator=(KeptRequest&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~KeptRequest();

  // Views are valid as long as this object is.
  std::string_view path() const noexcept;
  std::string_view query() const noexcept;
  std::string_view subprotocol() const noexcept;  // the one agreed upon, or empty
  FieldReader fields() const noexcept;
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::optional<std::string_view> cookie(std::string_view name) const noexcept;

  // out_of_memory() leaves it empty.
  static Result<KeptRequest> copy(const RequestHead& head, std::string_view subprotocol,
                                  bool with_fields) noexcept;
  // Another one of the same content, in the same memory.
  KeptRequest share() const noexcept;
  // Of the same content, to the byte.
  bool equals(const KeptRequest& other) const noexcept;

 private:
  struct Block;  // what stands in front of the texts
  Block sizes() const noexcept;
  std::string_view part(std::size_t begin, std::size_t size) const noexcept;

  Block* block_ = nullptr;
};

}  // namespace hilo::ws
