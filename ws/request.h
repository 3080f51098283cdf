// SPDX-License-Identifier: MIT
//
// What a peer asked for: Request is a view while the head is there, KeptRequest an owned copy for
// the life of a WebSocket.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "net/address.h"
#include "ws/core/handshake.h"
#include "ws/core/http_head.h"

namespace hilo::ws {

// The value of `name` in a Cookie field (RFC 6265 §4.2): the first if it is there twice.
std::optional<std::string_view> find_cookie(std::string_view cookies,
                                            std::string_view name) noexcept;

// A request whose head lies in the receive buffer: valid during the callback that shows it, and for
// an Exchange until it was answered. Nothing is decoded or normalised.
class Request {
 public:
  Request(const RequestHead& head, const net::PeerAddress& peer) noexcept
      : head_(&head), peer_(&peer) {}

  std::string_view method() const noexcept { return head_->method_text; }
  std::string_view target() const noexcept { return head_->target; }
  std::string_view path() const noexcept { return head_->path; }
  std::string_view query() const noexcept { return head_->query; }
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    return head_->fields.find(name);
  }
  std::optional<std::string_view> cookie(std::string_view name) const noexcept;
  // The subprotocols a WebSocket client offers, in its order of preference.
  FieldListReader subprotocols() const noexcept { return {head_->fields, subprotocol_field}; }
  const net::PeerAddress& peer() const noexcept { return *peer_; }
  const RequestHead& head() const noexcept { return *head_; }

 private:
  const RequestHead* head_;
  const net::PeerAddress* peer_;
};

// The request that opened a WebSocket, in one block of exactly its size. Without fields it takes a
// few dozen bytes; with them, as many as the head had.
class KeptRequest {
 public:
  KeptRequest() noexcept = default;

  // Views are valid as long as this object is.
  std::string_view path() const noexcept;
  std::string_view query() const noexcept;
  std::string_view subprotocol() const noexcept;  // the one agreed upon, or empty
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::optional<std::string_view> cookie(std::string_view name) const noexcept;

  // out_of_memory() leaves it empty.
  static Result<KeptRequest> copy(const RequestHead& head, std::string_view subprotocol,
                                  bool with_fields) noexcept;

 private:
  struct Sizes {
    std::uint32_t path;
    std::uint32_t query;
    std::uint32_t subprotocol;
    std::uint32_t fields;
  };
  Sizes sizes() const noexcept;
  std::string_view part(std::size_t begin, std::size_t size) const noexcept;

  std::unique_ptr<char[]> block_;  // Sizes, path, query, subprotocol, then "name\0value\0" a field
};

}  // namespace hilo::ws
