// SPDX-License-Identifier: MIT

#include "ws/http.h"

#include <utility>

#include "ws/http_connection.h"

namespace hilo::ws::http {

Status Exchange::respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                         std::span<const FieldView> fields) {
  return connection_->respond(status, content_type, body, fields);
}

Status Exchange::respond_from(std::uint16_t status, std::string_view content_type,
                              std::uint64_t length, std::unique_ptr<BodySource> source,
                              std::span<const FieldView> fields) {
  return connection_->respond_from(status, content_type, length, std::move(source), fields);
}

const net::PeerAddress& Exchange::peer() const noexcept {
  return connection_->peer();
}

bool Exchange::is_tls() const noexcept {
  return connection_->tls() != nullptr;
}

Bytes Exchange::body() const noexcept {
  return connection_->body();
}

void Exchange::on_body(BodyHandler handler) {
  connection_->hear_body(std::move(handler));
}

ExchangeId Exchange::later() noexcept {
  later_ = true;
  return {connection_->handle(), connection_->request_number_};
}

void Exchange::on_gone(Callback<void()> callback) {
  on_gone_ = std::move(callback);
}

void Exchange::lack_memory() {
  on_gone_ = nullptr;
  connection_->lack_memory();
}

}  // namespace hilo::ws::http
