// SPDX-License-Identifier: MIT

#include "tools/hilo/tap_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/hilo/page_fields.h"
#include "tools/web/assets.h"

namespace hilo::tools {
namespace {

constexpr std::size_t page_connections_max = 256;

ws::Limits page_limits() {
  ws::Limits limits;
  limits.connections_max = page_connections_max;
  return limits;
}

void serve_asset(ws::Server& server, std::string_view path, std::string_view name,
                 std::string_view type) {
  server.get(path, [name, type](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, type, as_text(web::asset(name)), page_fields));
  });
}

// Who is at this machine knows it by that.
bool is_local_name(std::string_view host) {
  return host == "localhost" || static_cast<bool>(net::Address::from_ip(host, 0));
}

}  // namespace

TapPage::TapPage(net::Loop& loop, bool for_others)
    : for_others_(for_others), server_(loop, page_limits()) {
  serve_asset(server_, "/", "tap.html", "text/html; charset=utf-8");
  serve_asset(server_, "/layers.js", "layers.js", "text/javascript; charset=utf-8");
  server_.at("/trace")
      .on_upgrade([this](const ws::Request& request) { return decide(request); })
      .on_open([this](ws::Connection& connection) {
        windows_.push_back(std::make_shared<TraceWindow>(connection.sender()));
        connection.emplace_data<Window>(windows_.back());
        static_cast<void>(connection.send_text(description_));
      })
      .on_message([this](ws::Connection& connection, ws::Message message) {
        obey(connection, message.text());
      })
      .on_close([this](ws::Connection& connection, ws::CloseInfo) {
        if (const Window* const window = connection.data<Window>()) std::erase(windows_, *window);
      });
}

void TapPage::show(tap::Tap& tap) {
  tap_ = &tap;
  tap.show(*this);
}

void TapPage::describe(const std::string& listen, const std::string& target) {
  const nlohmann::json tap = {{"listen", listen}, {"target", target}};
  using OnError = nlohmann::json::error_handler_t;
  description_ = "{\"tap\":" + tap.dump(-1, ' ', false, OnError::replace) + '}';
}

ws::Decision TapPage::decide(const ws::Request& request) const {
  const bool is_own =
      asks_for_own_page(request) && (for_others_ || is_local_name(request.head().host.host));
  if (!is_own) return ws::Reject{.status = 403, .reason = "for this server's own page only\n"};
  if (windows_.size() >= windows_max) return ws::Reject{.status = 503, .reason = "too many\n"};
  return ws::Accept{};
}

void TapPage::obey(ws::Connection& connection, std::string_view text) {
  TraceWindow& window = **connection.data<Window>();
  const std::optional<TraceWindow::Wish> wish = window.hear(text);
  if (!wish || tap_ == nullptr) return;
  if (wish->next_break) tap_->wishes().next_break = *wish->next_break;
  if (wish->drop) tap_->wishes().drop_next[static_cast<std::size_t>(*wish->drop)] = true;
  std::string why;
  if (wish->inject) {
    const std::optional<tap::Injection> injection = tap::parse_injection(*wish->inject, why);
    if (injection && !tap_->inject(*injection)) why = "no connection takes it";
  }
  window.done(connection, why);
}

void TapPage::on_part(const std::string& connection, const trace::Part& part, Bytes bytes) {
  if (windows_.empty()) return;
  const Bytes shown = bytes.first(std::min(bytes.size(), shown_bytes_max));
  call_.add(explain::json_line(part, shown, connection));
}

void TapPage::on_pause(const std::string& connection) {
  if (call_.empty()) return;
  for (const Window& window : windows_) window->tell(connection, call_);
  call_.clear();
}

}  // namespace hilo::tools
