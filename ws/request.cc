// SPDX-License-Identifier: MIT

#include "ws/request.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "ws/core/handshake.h"
#include "ws/core/http_head.h"
#include "ws/core/http_tokens.h"
#include "ws/router.h"

namespace hilo::ws {

std::optional<std::string_view> find_cookie(std::string_view cookies,
                                            std::string_view name) noexcept {
  while (!cookies.empty()) {
    const std::size_t end = cookies.find(';');
    std::string_view pair = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
  }
  return std::nullopt;
}

std::string_view Request::method() const noexcept {
  return head_->method_text;
}

std::string_view Request::target() const noexcept {
  return head_->target;
}

std::string_view Request::path() const noexcept {
  return head_->path;
}

std::string_view Request::query() const noexcept {
  return head_->query;
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  return head_->fields.find(name);
}

std::optional<std::string_view> Request::parameter(std::string_view name) const noexcept {
  return parameters_ != nullptr ? parameters_->find(name) : std::nullopt;
}

FieldListReader Request::subprotocols() const noexcept {
  return {head_->fields, subprotocol_field};
}

std::optional<std::string_view> Request::cookie(std::string_view name) const noexcept {
  const auto cookies = header("Cookie");
  return cookies ? find_cookie(*cookies, name) : std::nullopt;
}

namespace {

bool is_kept(const FieldView& field) noexcept {
  return !equals_ignoring_case(field.name, "Sec-WebSocket-Key");
}

}  // namespace

struct KeptRequest::Block {
  std::uint32_t holders = 1;
  std::uint32_t path = 0;
  std::uint32_t query = 0;
  std::uint32_t subprotocol = 0;
  std::uint32_t fields = 0;  // "name\0value\0" each
};

KeptRequest::~KeptRequest() {
  if (block_ != nullptr && --block_->holders == 0) std::free(block_);
}

KeptRequest KeptRequest::share() const noexcept {
  KeptRequest other;
  if (block_ != nullptr) ++block_->holders;
  other.block_ = block_;
  return other;
}

Result<KeptRequest> KeptRequest::copy(const RequestHead& head, std::string_view subprotocol,
                                      bool with_fields) noexcept {
  std::size_t fields_bytes = 0;
  if (with_fields) {
    for (const FieldView field : head.fields) {
      if (is_kept(field)) fields_bytes += field.name.size() + field.value.size() + 2;
    }
  }
  // A server's heads are below 64 KiB by their limits; a client's URL has no limit but this.
  constexpr std::size_t part_bytes_max = std::numeric_limits<std::uint32_t>::max() / 8;
  if (std::max({head.path.size(), head.query.size(), subprotocol.size(), fields_bytes}) >
      part_bytes_max) {
    return out_of_memory();
  }
  const Block sizes{.path = static_cast<std::uint32_t>(head.path.size()),
                    .query = static_cast<std::uint32_t>(head.query.size()),
                    .subprotocol = static_cast<std::uint32_t>(subprotocol.size()),
                    .fields = static_cast<std::uint32_t>(fields_bytes)};
  const std::size_t text_bytes =
      std::size_t{sizes.path} + sizes.query + sizes.subprotocol + sizes.fields;
  void* const memory = std::malloc(sizeof(Block) + text_bytes);
  if (memory == nullptr) return out_of_memory();
  KeptRequest kept;
  kept.block_ = ::new (memory) Block{sizes};
  char* to = reinterpret_cast<char*>(kept.block_ + 1);
  const auto put = [&to](std::string_view text) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
  };
  put(head.path);
  put(head.query);
  put(subprotocol);
  if (with_fields) {
    constexpr std::string_view separator("\0", 1);
    for (const FieldView field : head.fields) {
      if (!is_kept(field)) continue;
      put(field.name);
      put(separator);
      put(field.value);
      put(separator);
    }
  }
  return kept;
}

KeptRequest::Block KeptRequest::sizes() const noexcept {
  return block_ != nullptr ? *block_ : Block{};
}

std::string_view KeptRequest::part(std::size_t begin, std::size_t size) const noexcept {
  if (size == 0) return {};
  return {reinterpret_cast<const char*>(block_ + 1) + begin, size};
}

bool KeptRequest::equals(const KeptRequest& other) const noexcept {
  const Block a = sizes();
  const Block b = other.sizes();
  const auto size = [](const Block& s) {
    return std::size_t{s.path} + s.query + s.subprotocol + s.fields;
  };
  return a.path == b.path && a.query == b.query && a.subprotocol == b.subprotocol &&
         a.fields == b.fields && part(0, size(a)) == other.part(0, size(b));
}

std::string_view KeptRequest::path() const noexcept {
  return part(0, sizes().path);
}

std::string_view KeptRequest::query() const noexcept {
  return part(sizes().path, sizes().query);
}

std::string_view KeptRequest::subprotocol() const noexcept {
  const Block s = sizes();
  return part(std::size_t{s.path} + s.query, s.subprotocol);
}

std::optional<FieldView> KeptRequest::FieldReader::next() noexcept {
  if (rest_.empty()) return std::nullopt;
  const std::size_t name_end = rest_.find('\0');
  const std::size_t value_end = rest_.find('\0', name_end + 1);
  const FieldView field{rest_.substr(0, name_end),
                        rest_.substr(name_end + 1, value_end - name_end - 1)};
  rest_.remove_prefix(value_end + 1);
  return field;
}

KeptRequest::FieldReader KeptRequest::fields() const noexcept {
  const Block s = sizes();
  return FieldReader(part(std::size_t{s.path} + s.query + s.subprotocol, s.fields));
}

std::optional<std::string_view> KeptRequest::header(std::string_view name) const noexcept {
  for (FieldReader reader = fields(); const auto field = reader.next();) {
    if (equals_ignoring_case(field->name, name)) return field->value;
  }
  return std::nullopt;
}

std::optional<std::string_view> KeptRequest::cookie(std::string_view name) const noexcept {
  const auto cookies = header("Cookie");
  return cookies ? find_cookie(*cookies, name) : std::nullopt;
}

}  // namespace hilo::ws
