// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <span>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/c/core_words.h"
#include "ws/core/handshake.h"
#include "ws/core/http_response.h"
#include "ws/core/origin.h"
#include "ws/core/url.h"

using namespace hilo;
using namespace hilo::ws;

struct hilo_handshake {
  explicit hilo_handshake(Role own) noexcept : role(own) {}

  const Fields* fields() const noexcept {
    if (!complete) return nullptr;
    return role == Role::server ? &request_head.fields : &response_head.fields;
  }

  Role role;
  bool complete = false;  // the head was read
  bool asked = false;
  Pool pool{0};
  Buffer output{pool};  // what the last call handed out
  // As a server.
  RequestParser request_parser;
  RequestHead request_head;
  hilo_request request = {};
  // As a client: what was asked for, in words that stay.
  ResponseReader response_reader;
  ResponseHead response_head;
  Buffer asked_text{pool};
  std::array<std::string_view, subprotocols_max> asked_subprotocols;
  std::size_t asked_subprotocol_count = 0;
  Key key{};

  std::string_view subprotocol;
  std::optional<c::DeflateAgreement> agreement;
  DeflateOptions offered;  // as a client; not enabled: nothing was
  DeflateText offer;
};

namespace hilo::ws::c {
namespace {

constexpr std::size_t list_max = 100;

using TextList = std::array<std::string_view, list_max>;
using FieldList = std::array<FieldView, list_max>;

std::span<const std::string_view> read_list(const hilo_text* texts, std::size_t count,
                                            TextList& list) noexcept {
  for (std::size_t i = 0; i < count; ++i) list[i] = view(texts[i]);
  return {list.data(), count};
}

std::span<const FieldView> read_list(const hilo_field* fields, std::size_t count,
                                     FieldList& list) noexcept {
  for (std::size_t i = 0; i < count; ++i) list[i] = {view(fields[i].name), view(fields[i].value)};
  return {list.data(), count};
}

hilo_request parts_of(const RequestHead& head) noexcept {
  return {.method = text_of(head.method_text),
          .target = text_of(head.target),
          .path = text_of(head.path),
          .query = text_of(head.query),
          .host = text_of(head.host.host),
          .port = head.host.port};
}

// What was written becomes what is handed out, and what could not be written an error.
int finish(hilo_handshake& self, const Status& written, hilo_bytes* to) noexcept {
  *to = {};
  if (!written) return core_code_of(written.error());
  *to = bytes_of(static_cast<const Buffer&>(self.output).readable());
  return HILO_OK;
}

int refuse(hilo_handshake& self, Errc error, hilo_bytes* answer) noexcept {
  self.output.release();
  const bool is_head = self.complete && self.request_head.method == Method::head;
  return finish(self, write_error_response(self.output, error, {.body_omitted = is_head}), answer);
}

Errc judge(const hilo_handshake& self, const UpgradeCheck& check, const OriginPolicy& policy,
           const hilo_accept_options& options) noexcept {
  if (check.error != Errc::none) return check.error;
  const OriginRequest request{.fields = self.request_head.fields,
                              .host = self.request_head.host,
                              .is_tls = options.is_tls != 0};
  return check_origin(request, policy);
}

// The first of the client's subprotocols that the program speaks, in the client's own words, which
// stay; empty if there is none.
std::string_view choose(FieldListReader offered, const hilo_accept_options& options) noexcept {
  TextList subprotocols;
  const std::string_view chosen = choose_subprotocol(
      offered, read_list(options.subprotocols, options.subprotocol_count, subprotocols));
  if (chosen.empty()) return {};
  while (const auto offer = offered.next()) {
    if (*offer == chosen) return *offer;
  }
  return {};
}

int write_acceptance(hilo_handshake& self, const hilo_accept_options& options,
                     const DeflateOptions& deflate, std::string_view key,
                     hilo_bytes* answer) noexcept {
  FieldList fields;
  const std::optional<DeflateAnswer> agreed =
      deflate.enabled ? accept_deflate(self.request_head.fields, deflate) : std::nullopt;
  if (agreed) self.agreement.emplace(DeflateAgreement{deflate, agreed->agreed});
  self.output.release();
  const Status written = write_upgrade_response(
      self.output, {.key = key,
                    .subprotocol = self.subprotocol,
                    .extensions = agreed ? agreed->text.view() : std::string_view{},
                    .fields = read_list(options.fields, options.field_count, fields)});
  return finish(self, written, answer);
}

int accept(hilo_handshake& self, const hilo_accept_options& options, const DeflateOptions& deflate,
           hilo_bytes* answer) noexcept {
  TextList origins;
  const OriginPolicy policy{.allow = static_cast<OriginPolicy::Allow>(options.origin),
                            .list = read_list(options.origins, options.origin_count, origins),
                            .missing_allowed = options.missing_origin_refused == 0};
  const UpgradeCheck check = check_upgrade(self.request_head);
  Errc error = judge(self, check, policy, options);
  self.agreement.reset();
  self.subprotocol = error == Errc::none ? choose(check.subprotocols, options) : std::string_view{};
  if (error == Errc::none && self.subprotocol.empty() && options.subprotocol_required != 0) {
    error = Errc::upgrade_protocol_required;
  }
  if (error == Errc::none) return write_acceptance(self, options, deflate, check.key, answer);
  const int written = refuse(self, error, answer);
  return written == HILO_OK ? code_of(error) : written;
}

// Copies the texts that check_response() compares the answer with.
Status keep_subprotocols(hilo_handshake& self, const hilo_ask_options& options) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < options.subprotocol_count; ++i) {
    size += view(options.subprotocols[i]).size();
  }
  self.asked_text.release();
  self.asked_subprotocol_count = 0;
  if (const Status status = self.asked_text.reserve(size); !status) return status;
  for (std::size_t i = 0; i < options.subprotocol_count; ++i) {
    const std::string_view text = view(options.subprotocols[i]);
    const char* const place = as_text(self.asked_text.writable()).data();
    if (const Status status = self.asked_text.append(as_bytes(text)); !status) return status;
    self.asked_subprotocols[self.asked_subprotocol_count++] = {place, text.size()};
  }
  return {};
}

std::span<const std::string_view> asked(const hilo_handshake& self) noexcept {
  return {self.asked_subprotocols.data(), self.asked_subprotocol_count};
}

int ask(hilo_handshake& self, const hilo_ask_options& options, const std::uint8_t* nonce,
        hilo_bytes* request) noexcept {
  const Result<Url> url = parse_url(view(options.url));
  if (!url) return core_code_of(url.error());
  if (const Status kept = keep_subprotocols(self, options); !kept) {
    return core_code_of(kept.error());
  }
  FieldList fields;
  self.offer = deflate_offer(self.offered);
  self.key = encode_key(std::span<const std::uint8_t, key_bytes>{nonce, key_bytes});
  self.output.release();
  const Status written = write_upgrade_request(
      self.output, {.authority = url->authority,
                    .path = url->path,
                    .query = url->query,
                    .key = {self.key.data(), self.key.size()},
                    .origin = view(options.origin),
                    .extensions = self.offer.view(),
                    .subprotocols = asked(self),
                    .fields = read_list(options.fields, options.field_count, fields)});
  self.asked = static_cast<bool>(written);
  return finish(self, written, request);
}

}  // namespace

const DeflateAgreement* agreement_of(const hilo_handshake& handshake) noexcept {
  return handshake.agreement ? &*handshake.agreement : nullptr;
}

}  // namespace hilo::ws::c

int hilo_handshake_new(int role, hilo_handshake** handshake) noexcept {
  *handshake = nullptr;
  if (role != HILO_ROLE_SERVER && role != HILO_ROLE_CLIENT) return -EINVAL;
  *handshake = new (std::nothrow) hilo_handshake(static_cast<Role>(role));
  return *handshake == nullptr ? -ENOMEM : HILO_OK;
}

void hilo_handshake_free(hilo_handshake* handshake) noexcept {
  delete handshake;
}

int hilo_handshake_read(hilo_handshake* handshake, const uint8_t* data, size_t size,
                        size_t* head_bytes) noexcept {
  hilo_handshake& self = *handshake;
  const Bytes all = c::view(data, size);
  const bool is_server = self.role == Role::server;
  const HeadProgress progress =
      is_server ? self.request_parser.parse(all) : self.response_reader.parse(all);
  *head_bytes = 0;
  if (progress.kind == HeadProgress::Kind::failed) return c::code_of(progress.error);
  if (progress.kind == HeadProgress::Kind::need_input) return HILO_OK;
  if (is_server) {
    self.request_head = self.request_parser.head(all);
    self.request = c::parts_of(self.request_head);
  } else {
    self.response_head = self.response_reader.head(all);
  }
  self.complete = true;
  *head_bytes = progress.head_bytes;
  return HILO_OK;
}

int hilo_handshake_field(const hilo_handshake* handshake, hilo_text name,
                         hilo_text* value) noexcept {
  *value = {};
  const Fields* const fields = handshake->fields();
  if (fields == nullptr) return 0;
  const auto found = fields->find(c::view(name));
  if (!found) return 0;
  *value = c::text_of(*found);
  return 1;
}

size_t hilo_handshake_field_count(const hilo_handshake* handshake) noexcept {
  const Fields* const fields = handshake->fields();
  return fields == nullptr ? 0 : fields->size();
}

int hilo_handshake_field_at(const hilo_handshake* handshake, size_t index,
                            hilo_field* field) noexcept {
  *field = {};
  if (index >= hilo_handshake_field_count(handshake)) return -EINVAL;
  const FieldView found = (*handshake->fields())[index];
  *field = {c::text_of(found.name), c::text_of(found.value)};
  return HILO_OK;
}

const hilo_request* hilo_handshake_request(const hilo_handshake* handshake) noexcept {
  const bool is_there = handshake->role == Role::server && handshake->complete;
  return is_there ? &handshake->request : nullptr;
}

int hilo_handshake_wants_websocket(const hilo_handshake* handshake) noexcept {
  return hilo_handshake_request(handshake) != nullptr && wants_websocket(handshake->request_head);
}

void hilo_accept_options_init(hilo_accept_options* options, size_t size) noexcept {
  c::write_defaults(options, size, {});
}

int hilo_handshake_accept(hilo_handshake* handshake, const hilo_accept_options* options,
                          hilo_bytes* answer) noexcept {
  *answer = {};
  hilo_accept_options all = {};
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (hilo_handshake_request(handshake) == nullptr) return -EINVAL;
  if (all.origin < HILO_ORIGIN_SAME_HOST || all.origin > HILO_ORIGIN_ANY) return -EINVAL;
  if (all.origin_count > c::list_max || all.subprotocol_count > c::list_max ||
      all.field_count > c::list_max) {
    return -E2BIG;
  }
  DeflateOptions deflate;
  if (const int error = c::read_deflate(all.deflate, deflate); error != HILO_OK) return error;
  return c::accept(*handshake, all, deflate, answer);
}

hilo_text hilo_handshake_subprotocol(const hilo_handshake* handshake) noexcept {
  return c::text_of(handshake->subprotocol);
}

int hilo_handshake_refuse(hilo_handshake* handshake, int error, hilo_bytes* answer) noexcept {
  *answer = {};
  const Errc known = c::rule_of(error);
  if (handshake->role != Role::server || known == Errc::none) return -EINVAL;
  return c::refuse(*handshake, known, answer);
}

int hilo_handshake_respond(hilo_handshake* handshake, int status, hilo_text content_type,
                           hilo_text body, hilo_bytes* answer) noexcept {
  *answer = {};
  if (handshake->role != Role::server || status < 200 || status > 599) return -EINVAL;
  handshake->output.release();
  const bool is_head = handshake->complete && handshake->request_head.method == Method::head;
  const Response response{.status = static_cast<std::uint16_t>(status),
                          .content_type = c::view(content_type),
                          .close = true,
                          .body_omitted = is_head,
                          .body = c::view(body)};
  return c::finish(*handshake, write_response(handshake->output, response), answer);
}

int hilo_url_parse(hilo_text text, hilo_url* url, size_t url_size) noexcept {
  hilo_url parts = {};
  const Result<Url> parsed = parse_url(c::view(text));
  if (parsed) {
    parts = {.scheme = static_cast<int>(parsed->scheme),
             .port = parsed->port,
             .host = c::text_of(parsed->host),
             .authority = c::text_of(parsed->authority),
             .userinfo = c::text_of(parsed->userinfo),
             .socket_path = c::text_of(parsed->socket_path),
             .path = c::text_of(parsed->path),
             .query = c::text_of(parsed->query)};
  }
  std::memset(static_cast<void*>(url), 0, url_size);
  std::memcpy(static_cast<void*>(url), &parts, std::min(url_size, sizeof parts));
  return c::core_code_of(parsed.error());
}

void hilo_ask_options_init(hilo_ask_options* options, size_t size) noexcept {
  c::write_defaults(options, size, {});
}

int hilo_handshake_ask(hilo_handshake* handshake, const hilo_ask_options* options,
                       const uint8_t* nonce, hilo_bytes* request) noexcept {
  *request = {};
  hilo_ask_options all = {};
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (handshake->role != Role::client || nonce == nullptr) return -EINVAL;
  if (all.subprotocol_count > subprotocols_max || all.field_count > c::list_max) return -E2BIG;
  if (const int error = c::read_deflate(all.deflate, handshake->offered); error != HILO_OK) {
    return error;
  }
  return c::ask(*handshake, all, nonce, request);
}

int hilo_handshake_status(const hilo_handshake* handshake) noexcept {
  const bool is_there = handshake->role == Role::client && handshake->complete;
  return is_there ? handshake->response_head.status : 0;
}

int hilo_handshake_check(hilo_handshake* handshake) noexcept {
  hilo_handshake& self = *handshake;
  if (self.role != Role::client || !self.complete || !self.asked) return -EINVAL;
  const ResponseCheck check =
      check_response(self.response_head, {.key = {self.key.data(), self.key.size()},
                                          .extensions = self.offer.view(),
                                          .subprotocols = c::asked(self)});
  self.subprotocol = check.subprotocol;
  self.agreement.reset();
  if (check.error != Errc::none || !check.has_extensions) return c::code_of(check.error);
  const DeflateCheck deflate = check_deflate_answer(self.response_head.fields, self.offered);
  if (deflate.is_agreed) {
    self.agreement.emplace(c::DeflateAgreement{self.offered, deflate.agreed});
  }
  return c::code_of(deflate.error);
}
