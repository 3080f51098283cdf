#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// npm ws as an echo, for `hilo conform`. How the peers of this folder are called: run.py.

import {createRequire} from "node:module";
import {createInterface} from "node:readline";

import WebSocket, {WebSocketServer} from "ws";

const options = {maxPayload: 1 << 20, perMessageDeflate: {threshold: 0}, handshakeTimeout: 5000};

function echo(socket) {
  socket.on("message", (data, binary) => socket.send(data, {binary}));
  socket.on("error", () => {});  // the peer is here to break the rules
}

function serve() {
  const server = new WebSocketServer({host: "127.0.0.1", port: 0, ...options});
  server.on("connection", echo);
  server.on("listening", () => console.log(`listening on ${server.address().port}`));
}

async function connect(base) {
  const urls = [];
  for await (const id of createInterface({input: process.stdin})) urls.push(base + id);
  async function play() {
    for (let url; (url = urls.shift()) !== undefined;) {
      const socket = new WebSocket(url, options);
      echo(socket);
      await new Promise((over) => socket.on("close", over));
    }
  }
  await Promise.all(Array.from({length: 16}, play));
}

const [role, base] = process.argv.slice(2);
if (role === "version") {
  const {version} = createRequire(import.meta.url)("ws/package.json");
  console.log(`npm ws ${version}, node ${process.versions.node}`);
} else if (role === "serve") serve();
else await connect(base);
