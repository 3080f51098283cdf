// SPDX-License-Identifier: MIT

#include <memory>
#include <string>
#include <string_view>

#include "tests/sim/peer.h"
#include "tests/sim/torture.h"
#include "tests/sim/torture/visit.h"

namespace hilo::sim::torture {
namespace {

// Requests of a raw peer: only the server is the product here.
class PageVisit final : public Visit {
 public:
  explicit PageVisit(Stage& stage) : stage_(&stage) {}

  void begin() override {
    const Outside test;
    peer_ = std::make_unique<Peer>(Peer::connect(stage_->address));
    peer_->set_capacity(std::size_t{1} << 20);
    const std::string body(20'000, 'b');
    peer_->send(
        "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" +
        body +
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n"
        "OPTIONS /page HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  void leave() override {
    if (peer_ == nullptr) return;
    const Outside test;
    text_ = peer_->received();
    peer_->close();
  }

  bool is_whole() const override {
    return count("HTTP/1.1 200 ") == 4 && count("HTTP/1.1 204 ") == 1 &&
           count("HTTP/1.1 404 ") == 1;
  }
  std::string complaint() const override {
    return text_.empty() || text_.starts_with("HTTP/1.1 ") ? "" : "an answer without a head";
  }

 private:
  int count(std::string_view what) const {
    int found = 0;
    for (std::size_t at = text_.find(what); at != std::string::npos;
         at = text_.find(what, at + 1)) {
      ++found;
    }
    return found;
  }

  Stage* stage_;
  std::unique_ptr<Peer> peer_;
  std::string text_;
};

}  // namespace

std::unique_ptr<Visit> make_page_visit(Stage& stage) {
  return std::make_unique<PageVisit>(stage);
}

}  // namespace hilo::sim::torture
