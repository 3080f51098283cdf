// SPDX-License-Identifier: MIT
//
// What `hilo serve` still needs of files once it listens, as its flags say:
//
//   --files, --client-bundle     to read what is below them
//   --tls-cert, --tls-key,       SIGHUP reads them again. They may have been replaced by then, by
//   --tls-client-ca              others or by the targets of other links; so all files can be read
//                                that are below their directories, and below those where their
//                                links led
//   --tls-keylog                 the same SIGHUP opens it again. Where it was moved away there is
//                                none to be opened, and the old certificates stay in use
//   --listen unix:, --handover   at the end the socket's file is removed; so any file can be that
//                                is below its directory, which had best be the socket's own

#pragma once

#include <span>
#include <string>

#include "tools/hilo/sandbox.h"
#include "tools/hilo/serve_worker.h"

namespace hilo::tools {

// Of a server that removes these files at its end. What OpenSSL reads with its first use is read
// now.
SandboxNeeds sandbox_needs(const ServeSettings& settings, std::span<const std::string> files);

}  // namespace hilo::tools
