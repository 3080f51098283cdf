// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_process.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "net/poller.h"
#include "net/socket.h"
#include "tools/hilo/command.h"
#include "tools/hilo/serve_sandbox.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"
#include "ws/hub.h"

namespace hilo::tools {
namespace {

void complain(std::string_view what, std::string_view why) {
  print_error(std::string("hilo serve: ").append(what).append(": ").append(why));
}

// Where a browser on this machine finds the page; nothing for a Unix socket.
std::string page_url(const net::Address& address, bool tls) {
  if (address.family() == net::Family::unix_path) return {};
  std::string host = address.to_string();
  if (address.ip() == "0.0.0.0") host = "127.0.0.1:" + std::to_string(address.port());
  if (address.ip() == "::") host = "[::1]:" + std::to_string(address.port());
  return (tls ? "https://" : "http://") + host + "/";
}

}  // namespace

ServeProcess::ServeProcess(const ServeSettings& settings)
    : settings_(&settings), origins_(settings.origins.begin(), settings.origins.end()) {
  log_.set_level(settings.log.level);
  log_.set_json(settings.log.json);
  if (!settings.sandbox) log_.start();
}

ServeProcess::~ServeProcess() = default;

int ServeProcess::run() {
  const std::uint64_t descriptors = net::socket::raise_descriptor_limit();
  if (!make_tls() || !make_workers()) return exit_failure;
  // Before listening: a signal that comes right after the first line is not missed.
  net::Loop& loop = workers_.front()->loop();
  const auto on_stop = [this](int number) { begin_stop(number); };
  // Without TLS a SIGHUP means what it always did: that the terminal is gone.
  const StopSignals signals = tls_ != nullptr ? StopSignals{loop, on_stop, [this] { reload_tls(); }}
                                              : StopSignals{loop, on_stop};
  if (!signals.status()) {
    complain("cannot catch signals", signals.status().error().message());
    return exit_failure;
  }
  if (!listen() || !prepare_sandbox()) return exit_failure;
  log_start(descriptors);
  // From here on connections are taken, so the predecessor may go. Only then does its path become
  // ours: had we failed before, the next one must still find it there.
  offer_.accept();
  await_successor();
  if (!enter_sandbox()) return exit_failure;
  for (const net::Address& address : bound_) announce(address);
  return run_loops();
}

bool ServeProcess::make_tls() {
  const TlsServeSettings& from = settings_->tls;
  if (!from.wanted()) return true;
  net::tls::ServerOptions options;
  for (std::size_t i = 0; i < from.certificate_files.size(); ++i) {
    options.certificates.push_back({from.certificate_files[i], from.key_files[i]});
  }
  options.self_signed = from.self_signed;
  options.client_ca_file = from.client_ca_file;
  options.client_certificate_required = !from.client_optional;
  options.keylog_file = from.keylog_file;
  options.kernel_tls = from.kernel_tls;
  std::string detail;
  auto context = net::tls::ServerContext::create(std::move(options), &detail);
  if (!context) {
    complain("TLS", detail);
    return false;
  }
  tls_ = std::move(*context);
  if (!from.keylog_file.empty()) {
    log_.event(ws::LogLevel::warning, "tls_keylog", "file=" + from.keylog_file);
  }
  return true;
}

void ServeProcess::reload_tls() {
  std::string detail;
  if (tls_->reload(&detail)) return log_.event(ws::LogLevel::info, "tls_reload", {});
  log_.event(ws::LogLevel::error, "tls_reload_failed", "detail=\"" + detail + "\"");
}

bool ServeProcess::make_workers() {
  std::vector<ws::Hub*> hubs;
  std::vector<MetricsPage*> pages;
  const auto admission = std::make_shared<ws::Admission>(
      settings_->limits, ws::AdmissionOptions{.count_local = settings_->count_local,
                                              .trusted = settings_->trusted_proxies});
  for (unsigned i = 0; i < settings_->threads; ++i) {
    workers_.push_back(std::make_unique<ServeWorker>(
        *settings_, origins_, log_, static_cast<std::uint8_t>(i), admission, trace_rooms_));
    ServeWorker& worker = *workers_.back();
    if (const Status& status = worker.loop().status(); !status) {
      complain("cannot make an event loop", status.error().message());
      return false;
    }
    if (const Status& status = worker.status(); !status) {
      complain("cannot serve the files of " + settings_->files, status.error().message());
      return false;
    }
    i == 0 ? worker.open_lesson(*settings_) : workers_.front()->gather_lesson_from(worker);
    hubs.push_back(&worker.server().hub());
    pages.push_back(&worker.metrics());
  }
  ws::Hub::meet(hubs);
  for (const auto& worker : workers_) worker->metrics().meet(pages);
  running_servers_ = workers_.size();
  return true;
}

bool ServeProcess::listen() {
  if (!settings_->handover_path.empty()) {
    Result<HandoverOffer> offer = HandoverOffer::ask(settings_->handover_path);
    if (!offer) {
      complain("cannot take over from " + settings_->handover_path, offer.error().message());
      return false;
    }
    offer_ = std::move(*offer);
    files_are_ours_ = offer_.files_are_ours();
    if (offer_.exists()) return listen_on_given(offer_.take_sockets());
  }
  if (settings_->systemd) {
    Result<std::vector<net::Fd>> inherited = take_systemd_sockets();
    if (!inherited) {
      complain("systemd", "it has handed over no sockets (LISTEN_FDS, LISTEN_PID)");
      return false;
    }
    files_are_ours_ = false;
    if (!listen_on_given(std::move(*inherited))) return false;
  }
  for (const net::Address& address : settings_->addresses) {
    if (const Status status = listen_on(address); !status) {
      complain("cannot listen on " + address.to_string(), status.error().message());
      return false;
    }
  }
  return true;
}

// The kernel spreads connections over the sockets of one port. A Unix socket cannot be shared that
// way: all its connections live in the first thread.
Status ServeProcess::listen_on(const net::Address& address) {
  const bool shared = workers_.size() > 1 && address.family() != net::Family::unix_path;
  if (shared && address.port() != 0) {
    // Sharing is allowed to every process of this user, so another server on the same port would
    // not be an error but a riddle: ask once without it.
    const Result<net::Fd> probe = net::socket::listen(address, {});
    if (!probe) return probe.error();
  }
  net::Address bound = address;
  ws::ListenOptions options = listen_options(address);
  options.reuse_port = shared;
  for (const auto& worker : workers_) {
    Result<net::Address> result = worker->server().listen(bound, options);
    if (!result) return result.error();
    bound = *result;  // with the port that the first one was given
    if (!shared) break;
  }
  bound_.push_back(bound);
  note_file(bound);
  return {};
}

ws::ListenOptions ServeProcess::listen_options(const net::Address& address) const {
  ws::ListenOptions options;
  options.unix_mode = settings_->unix_mode;
  options.proxy_protocol = settings_->proxy_protocol;
  if (address.family() != net::Family::unix_path) options.tls = tls_;
  return options;
}

// Each thread gets its share of the sockets of an address. Where there are fewer than threads, some
// listen on the same one: whoever comes first takes the connection.
bool ServeProcess::listen_on_given(std::vector<net::Fd> sockets) {
  struct Group {
    net::Address address;
    std::vector<net::Fd> sockets;
  };
  std::vector<Group> groups;
  for (net::Fd& socket : sockets) {
    const Result<net::Address> address = net::socket::local_address(socket.value());
    if (!address) {
      complain("cannot listen on what was handed over", address.error().message());
      return false;
    }
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& each) { return each.address == *address; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{*address, {}});
    group->sockets.push_back(std::move(socket));
  }
  for (auto& [address, group] : groups) {
    const std::size_t own = group.size();
    while (group.size() < workers_.size()) {
      group.push_back(net::socket::duplicate(group[group.size() % own].value()));
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      const Result<net::Address> result = workers_[i % workers_.size()]->server().listen(
          std::move(group[i]), listen_options(address));
      if (result) continue;
      complain("cannot listen on " + address.to_string(), result.error().message());
      return false;
    }
    bound_.push_back(address);
    if (files_are_ours_) note_file(address);
  }
  return true;
}

// The file of a Unix socket, which is to go with us.
void ServeProcess::note_file(const net::Address& address) {
  constexpr std::string_view scheme = "unix:";
  const std::string text = address.to_string();
  if (text.starts_with("unix:/")) files_.push_back(text.substr(scheme.size()));
}

bool ServeProcess::prepare_sandbox() {
  if (!settings_->sandbox) return true;
  std::string detail;
  Result<Sandbox> sandbox = Sandbox::prepare(sandbox_needs(*settings_, files_), detail);
  if (!sandbox) {
    complain("--sandbox", detail);
    return false;
  }
  if (std::string_view(net::Poller::name()) == "kqueue") {
    complain("--sandbox", "libkqueue makes calls of its own");
    return false;
  }
  sandbox_.emplace(std::move(*sandbox));
  return true;
}

// Threads are started afterwards, that of the log, too: they inherit it.
bool ServeProcess::enter_sandbox() {
  if (!sandbox_) return true;
  if (const Status status = sandbox_->enter(); !status) {
    complain("--sandbox", status.error().message());
    return false;
  }
  log_.start();
  log_.event(ws::LogLevel::info, "sandbox",
             "landlock_abi=" + std::to_string(sandbox_->landlock_abi()));
  return true;
}

// Without it we serve all the same: the predecessor has gone already.
void ServeProcess::await_successor() {
  if (settings_->handover_path.empty()) return;
  std::vector<int> sockets;
  for (const auto& worker : workers_) {
    for (const int fd : worker->server().listening_descriptors()) sockets.push_back(fd);
  }
  auto successor = std::make_unique<HandoverServer>(
      workers_.front()->loop(), std::move(sockets), files_are_ours_, [this] {
        log_.event(ws::LogLevel::info, "handover", {});
        drain(ws::CloseCode::service_restart, true);
      });
  if (const Status status = successor->listen(settings_->handover_path); !status) {
    return complain("cannot listen on " + settings_->handover_path, status.error().message());
  }
  successor_ = std::move(successor);
}

void ServeProcess::announce(const net::Address& address) {
  std::string line = "listening on " + address.to_string();
  if (const std::string url = page_url(address, tls_ != nullptr); !url.empty())
    line.append("  ").append(url);
  print_line(line);
}

void ServeProcess::log_start(std::uint64_t descriptors) {
  log_.event(ws::LogLevel::info, "start",
             "version=" HILO_VERSION " threads=" + std::to_string(workers_.size()) +
                 " poller=" + net::Poller::name() + " descriptors=" + std::to_string(descriptors) +
                 " pid=" + std::to_string(::getpid()));
}

int ServeProcess::run_loops() {
  std::vector<std::thread> threads;
  // Starting a thread is the one thing here that tells its failure by an exception.
  try {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      threads.emplace_back([this, i] { run_loop(*workers_[i]); });
    }
  } catch (const std::system_error& error) {
    complain("cannot start a thread", error.code().message());
    failed_ = true;
    end_all();
  }
  if (!failed_) run_loop(*workers_.front());
  for (std::thread& thread : threads) thread.join();
  log_.event(ws::LogLevel::info, "end", {});
  return failed_ ? exit_failure : exit_ok;
}

void ServeProcess::run_loop(ServeWorker& worker) {
  const Status status = worker.loop().run();
  if (status) return;
  complain("the event loop failed", status.error().message());
  failed_ = true;
  end_all();
}

void ServeProcess::begin_stop(int signal_number) {
  log_.event(ws::LogLevel::info, "stop", "signal=" + std::to_string(signal_number));
  const bool in_peace = signal_number == SIGTERM && settings_->drain_time.nanoseconds != 0;
  if (in_peace) return drain(ws::CloseCode::going_away, false);
  // Whoever drains already has its own end to tell of, which comes all the sooner.
  const bool is_first = !std::exchange(ending_, true);
  if (is_first) remove_files();
  for (const auto& worker : workers_) {
    worker->loop().post([this, is_first, each = worker.get()] {
      Callback<void()> on_end;
      if (is_first) on_end = [this] { on_stopped(); };
      each->stop(ws::CloseCode::going_away, std::move(on_end));
    });
  }
}

// To be called in the first worker's loop.
void ServeProcess::drain(ws::CloseCode code, bool handed_over) {
  if (std::exchange(ending_, true)) return;
  // The files belong to the successor, if there is one.
  if (!handed_over) remove_files();
  if (successor_ != nullptr) successor_->end();
  const ws::DrainOptions options{
      .window = settings_->drain_time, .code = code, .handed_over = handed_over};
  // A successor answers whoever comes back.
  if (handed_over) return drain_servers(options);
  const net::Duration at_most{
      std::min(net::Duration::seconds(2).nanoseconds, options.window.nanoseconds / 4)};
  for (const auto& worker : workers_) {
    worker->loop().post([each = worker.get()] { each->announce_end(); });
  }
  net::Loop& loop = workers_.front()->loop();
  workers_.front()->drain_polls(at_most, [this, &loop, options, begun = loop.now()] {
    ws::DrainOptions left = options;
    left.window = options.window - (loop.now() - begun);
    drain_servers(left);
  });
}

void ServeProcess::drain_servers(const ws::DrainOptions& options) {
  for (const auto& worker : workers_) {
    worker->loop().post(
        [this, options, each = worker.get()] { each->drain(options, [this] { on_stopped(); }); });
  }
}

// Now and not at the end, when the next server may already have bound the same path.
void ServeProcess::remove_files() {
  for (const std::string& file : files_) ::unlink(file.c_str());
  if (successor_ != nullptr) ::unlink(settings_->handover_path.c_str());
}

// Loops go on until all servers have stopped: they may still have things to tell each other.
void ServeProcess::on_stopped() {
  if (--running_servers_ == 0) end_all();
}

void ServeProcess::end_all() {
  for (const auto& worker : workers_) worker->loop().stop();
}

}  // namespace hilo::tools
