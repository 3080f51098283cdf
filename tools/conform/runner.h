// SPDX-License-Identifier: MIT
//
// Runs cases, several connections at once, and judges them: against a server, or against clients
// that come by themselves or are started, one for each case.
//
// One thread, one loop; the results come in the order of the cases, whatever the order they ended
// in.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/base/result.h"
#include "net/tls.h"
#include "tools/conform/case.h"
#include "tools/conform/conversation.h"
#include "tools/conform/judge.h"
#include "tools/conform/transcript.h"

namespace hilo::tools::conform {

struct CaseResult {
  const Case* subject = nullptr;
  Judgement judgement;
  Transcript transcript;
};

struct RunOptions {
  Settings settings;
  std::size_t parallel = 16;
  std::vector<net::Address> addresses;  // of the server; to listen on, for clients: the first
  // Over TLS: to a server, whose certificate must be for `tls_name`; with clients, to which we are
  // one.
  std::shared_ptr<const net::tls::ClientContext> tls_to_server = {};
  std::string tls_name = {};
  std::shared_ptr<const net::tls::ServerContext> tls_to_clients = {};
  // What starts a client: a shell command. Its connection is the one to $URL, which is appended if
  // the command does not name it. Empty: clients come by themselves.
  std::string command;
  std::function<void(std::size_t done, std::size_t total)> on_progress;
  std::function<void(const net::Address& bound)> on_listening;
};

// The cases must outlive the results. An error only if nothing could be run at all.
Result<std::vector<CaseResult>> run_against_server(const std::vector<Case>& cases,
                                                   const RunOptions& options);
Result<std::vector<CaseResult>> run_against_clients(const std::vector<Case>& cases,
                                                    const RunOptions& options);

}  // namespace hilo::tools::conform
