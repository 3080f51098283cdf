// SPDX-License-Identifier: MIT
//
// npm ws as an echo and a broadcast. Prints "listening on PORT". `node npm_ws.mjs [deflate]`; NODE_MODULES
// names a folder that has it.

import {createRequire} from "node:module";

const {WebSocketServer} = createRequire(`${process.env.NODE_MODULES}/`)("ws");
const perMessageDeflate = process.argv[2] === "deflate" && {
  threshold: 0,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};
const server = new WebSocketServer({host: "127.0.0.1", port: 0, perMessageDeflate});
server.on("connection", (socket, request) => {
  const everyone = request.url === "/broadcast" ? server.clients : [socket];
  socket.on("message", (data, binary) => {
    for (const each of everyone) each.send(data, {binary});
  });
});
server.on("listening", () => console.log(`listening on ${server.address().port}`));
