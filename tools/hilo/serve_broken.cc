// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_broken.h"

#include "net/loop.h"
#include "tools/broken/fault.h"
#include "tools/broken/server.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"

namespace hilo::tools {
namespace {

constexpr std::string_view list_name = "list";

// NAME, RFC, RULE, CASES, with tabs between: for people and for programs.
int print_faults() {
  std::string text;
  for (const broken::FaultRow& row : broken::faults()) {
    text.append(row.name).append("\t").append(row.section).append("\t");
    text.append(row.rule).append("\t").append(row.cases).append("\n");
  }
  print_text(text);
  return exit_ok;
}

int failure(std::string_view what, const std::error_code& why) {
  print_error("hilo serve: " + std::string(what) + ": " + why.message());
  return exit_failure;
}

}  // namespace

Complaint take_fault_name(std::string_view value, std::string& into) {
  if (value != list_name && !broken::find_fault(value)) {
    return "is no fault (--broken list prints them)";
  }
  into = value;
  return {};
}

int serve_broken(const std::string& name, const std::vector<net::Address>& addresses) {
  if (name == list_name) return print_faults();
  net::Loop loop;
  if (!loop.status()) return failure("cannot make an event loop", loop.status().error());
  const StopSignals signals{loop, [&loop](int) { loop.stop(); }};
  if (!signals.status()) return failure("cannot catch signals", signals.status().error());
  broken::BrokenServer server{loop, broken::find_fault(name).value_or(broken::Fault::nothing)};
  for (const net::Address& address : addresses) {
    const Result<net::Address> bound = server.listen(address);
    if (!bound) return failure("cannot listen on " + address.to_string(), bound.error());
    print_line("listening on " + bound->to_string());
  }
  const Status status = loop.run();
  return status ? exit_ok : failure("the event loop failed", status.error());
}

}  // namespace hilo::tools
