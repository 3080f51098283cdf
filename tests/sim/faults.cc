// SPDX-License-Identifier: MIT

#include "tests/sim/faults.h"

namespace hilo::sim {

std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::short_io: return "short reads and writes";
    case Fault::would_block: return "would block (EAGAIN)";
    case Fault::delayed: return "delayed bytes";
    case Fault::interrupted: return "interrupted (EINTR)";
    case Fault::held_back: return "readiness told late";
    case Fault::shuffled: return "events in another order";
    case Fault::reset: return "reset at some byte (ECONNRESET)";
    case Fault::silent: return "half-open: silence from some byte on";
    case Fault::zero_window: return "zero window";
    case Fault::taken_error: return "error told by the poller";
    case Fault::connected_at_once: return "connected at once";
    case Fault::connect_lost: return "connect never answered";
    case Fault::connect_refused: return "connect refused (ECONNREFUSED)";
    case Fault::accept_failed: return "accept: ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM";
    case Fault::no_descriptor: return "socket: EMFILE";
    case Fault::no_buffers: return "send: ENOBUFS";
    case Fault::name_missing: return "name not found";
    case Fault::name_late: return "name found too late";
    case Fault::clock_set: return "wall clock set";
    case Fault::host_paused: return "host stopped for up to a minute";
    case Fault::server_killed: return "server killed, and started again";
    case Fault::server_drained: return "server stopped by SIGTERM, and started again";
    case Fault::client_killed: return "client gone without a word";
    case Fault::bad_peer: return "peer that breaks rules";
  }
  return "?";
}

}  // namespace hilo::sim
