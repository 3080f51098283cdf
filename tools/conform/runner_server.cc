// SPDX-License-Identifier: MIT

#include <unordered_map>
#include <utility>

#include "net/connector.h"
#include "tools/conform/runner.h"

namespace hilo::tools::conform {
namespace {

class ServerRun {
 public:
  ServerRun(const std::vector<Case>& cases, const RunOptions& options)
      : cases_(&cases), options_(&options), results_(cases.size()) {}

  Result<std::vector<CaseResult>> run() {
    if (!loop_.status()) return loop_.status().error();
    if (cases_->empty()) return std::move(results_);
    for (std::size_t i = 0; i < options_->parallel; ++i) begin_next();
    if (const Status status = loop_.run(); !status) return status.error();
    return std::move(results_);
  }

 private:
  // One place of `parallel`: a connection that is made, then a conversation.
  struct Place {
    explicit Place(net::Loop& loop) : connector(loop) {}
    net::Connector connector;
    std::unique_ptr<Conversation> conversation;
  };

  void begin_next() {
    if (next_ == cases_->size()) return;
    const std::size_t index = next_++;
    auto& place = places_.emplace(index, std::make_unique<Place>(loop_)).first->second;
    place->connector.connect(
        options_->addresses, {.timeout = options_->settings.patience},
        [this, index](Result<net::Fd> fd) { connected(index, std::move(fd)); });
  }

  void connected(std::size_t index, Result<net::Fd> fd) {
    if (!fd) return give_up(index, "cannot connect: " + fd.error().message());
    Wire wire{.fd = std::move(*fd)};
    if (const auto& tls = options_->tls_to_server) {
      wire.transport = tls->connect(wire.fd.value(), options_->tls_name);
      if (!wire.transport) return give_up(index, "no memory for TLS");
    }
    auto& conversation = places_.at(index)->conversation;
    conversation = std::make_unique<Conversation>(
        loop_, options_->settings, std::move(wire), &(*cases_)[index], nullptr,
        [this, index](Conversation& c) { over(index, std::move(c.transcript())); });
    conversation->start();
  }

  void give_up(std::size_t index, std::string why) {
    Transcript transcript;
    transcript.trouble = std::move(why);
    over(index, std::move(transcript));
  }

  // Called by what the place holds, so the place is destroyed a little later.
  void over(std::size_t index, Transcript transcript) {
    const Case& subject = (*cases_)[index];
    CaseResult& result = results_[index];
    result.subject = &subject;
    result.judgement = judge(subject, Side::server, transcript);
    result.transcript = std::move(transcript);
    loop_.post([this, index] {
      places_.erase(index);
      begin_next();
      if (places_.empty()) loop_.stop();
    });
    ++done_;
    if (options_->on_progress) options_->on_progress(done_, cases_->size());
  }

  const std::vector<Case>* cases_;
  const RunOptions* options_;
  std::vector<CaseResult> results_;
  net::Loop loop_;
  std::unordered_map<std::size_t, std::unique_ptr<Place>> places_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
};

}  // namespace

Result<std::vector<CaseResult>> run_against_server(const std::vector<Case>& cases,
                                                   const RunOptions& options) {
  return ServerRun(cases, options).run();
}

}  // namespace hilo::tools::conform
