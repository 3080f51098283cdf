// SPDX-License-Identifier: MIT
//
// Exercise 9: a room in which everybody hears the others.
//
// All below is there: sockets, the loop, handshakes, frames. Give this server its handlers, so that
// everybody who is connected is in one room:
//
//   - Whoever comes or goes, everybody who is there then (who has come, too) is sent how many there
//     are, as the lesson's server does: the text {"numClients":2}
//   - What one of them says, all others hear, text as text and binary as binary; who said it does
//     not.
//
//   to know   server.on_open(), on_message(), on_close(), and what they are given: ws/server.h,
//             ws/handlers.h, ws/connection.h. A Connection& is good within the callback that shows
//             it; what may be kept is its id(), and server.find(id) is the connection, or null. By
//             the time on_close is called its connection hears nothing any more. Handlers outlive
//             this function: what they share has to be theirs (std::shared_ptr), or the server's
//             (topics: ws/hub.h)
//   RFC       none: this is what is left to write
//   stuck?    the first comment of ws/hub.h

#pragma once

namespace hilo::ws {
class Server;
}

namespace hilo::exercise {

void open_room(ws::Server& server);

}  // namespace hilo::exercise
