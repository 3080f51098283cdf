// SPDX-License-Identifier: MIT
//
// The script of the client for browsers, where pages look for it:
//
//   socketio::serve_client(http, socketio::find_client_bundle());
//   <script src="/socket.io/socket.io.js"></script>
//
// The official one, in all its forms: socket.io.js, .min.js, .esm.min.js and what stands beside
// them, each with its .map, from the directory where npm has put it. Without one, a script of the
// caller's own in the place of socket.io.js.
//
//   thread    before the server's loop runs; a server of several threads has it in each

#pragma once

#include <string>
#include <string_view>

#include "net/base/result.h"
#include "ws/server.h"

namespace hilo::socketio {

// Whether the script is there and can be read.
bool has_client_bundle(std::string_view directory);
// Where npm puts it, below `root` (empty: the working directory); empty if it is not there.
std::string find_client_bundle(std::string_view root = {});

// Serves the files of `directory` below `path`; if that is empty, `own` as socket.io.js, which must
// outlive the server. Errors: those of ws::Server::files().
Status serve_client(ws::Server& http, std::string_view directory, std::string_view own = {},
                    std::string_view path = "/socket.io/");

}  // namespace hilo::socketio
