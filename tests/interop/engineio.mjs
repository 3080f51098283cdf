#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip engineio: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// npm's engine.io-client, of Engine.IO 4 and of Engine.IO 3, against `hilo serve --compliance
// engineio-echo`: by polling, over WebSockets, and while it moves from the one to the other. HILO
// names the binary.

import assert from "node:assert/strict";

import {Inbox, run_cases, serve, skip_all, test} from "./cases.mjs";

const missing = (name) => () => skip_all("engineio", `the npm package ${name} is not installed`);
const client4 = await import("engine.io-client").catch(missing("engine.io-client"));
const client3 = await import("engine.io-client-3").catch(missing("engine.io-client@3"));

const server = await serve("--compliance", "engineio-echo");
const base = server.page;

const clients = {
  "engine.io-client 6": (options) => new client4.Socket(base, {path: "/engine.io/", ...options}),
  "engine.io-client 3": (options) => client3.default(base, {path: "/engine.io/", ...options}),
};
const ways = {
  polling: {transports: ["polling"]},
  websocket: {transports: ["websocket"]},
  upgrade: {transports: ["polling", "websocket"]},
};
const thread = "🧵 hilo 𝄞 ñandú \u{10ffff} ¼ \"\\ \u0000\u2028";

// A client, and what has come to it.
class Peer {
  constructor(make, options) {
    this.messages = new Inbox();
    this.socket = make(options);
    this.socket.binaryType = "arraybuffer";
    this.open = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.once("error", reject);
    });
    this.upgraded = new Promise((resolve) => this.socket.once("upgrade", resolve));
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (reason) => {
        this.messages.end(new Error(`closed: ${reason}`));
        resolve(reason);
      });
    });
    // An empty text is undefined to the client of Engine.IO 4.
    this.socket.on("message", (data = "") => {
      this.messages.put(typeof data === "string" ? data : Buffer.from(data));
    });
  }
  async comes_back(data) {
    this.socket.send(data);
    assert.deepEqual(await this.messages.take(), data);
  }
}

async function ask(query, options = {}) {
  const response = await fetch(`${base}engine.io/?${query}`, options);
  return {status: response.status, text: await response.text()};
}

for (const [client, make] of Object.entries(clients)) {
  for (const [way, options] of Object.entries(ways)) {
    const connect = async (more = {}) => {
      const peer = new Peer(make, {...options, ...more});
      await peer.open;
      if (way === "upgrade") await peer.upgraded;
      return peer;
    };
    test(`${client}, ${way}: text comes back, ASCII and not`, async () => {
      const peer = await connect();
      assert.equal(peer.socket.transport.name, way === "polling" ? "polling" : "websocket");
      await peer.comes_back("hola");
      await peer.comes_back(thread);
      await peer.comes_back("");
      peer.socket.close();
      assert.equal(await peer.closed, "forced close");
    });
    test(`${client}, ${way}: binary comes back`, async () => {
      const peer = await connect();
      await peer.comes_back(Buffer.from([0, 1, 2, 255, 30, 58]));
      await peer.comes_back(Buffer.from(Array.from({length: 3000}, (_, i) => i & 255)));
      peer.socket.close();
      await peer.closed;
    });
    test(`${client}, ${way}: binary comes back in base64`, async () => {
      const peer = await connect({forceBase64: true});
      await peer.comes_back(Buffer.from([0, 1, 2, 255, 30, 58]));
      peer.socket.close();
      await peer.closed;
    });
    test(`${client}, ${way}: half a megabyte comes back`, async () => {
      const peer = await connect();
      await peer.comes_back("x".repeat(500_000));
      await peer.comes_back(Buffer.alloc(500_000, 7));
      peer.socket.close();
      await peer.closed;
    });
    test(`${client}, ${way}: a thousand messages come back in order`, async () => {
      const peer = await connect();
      for (let i = 0; i < 1000; ++i) peer.socket.send(`message ${i}`);
      for (let i = 0; i < 1000; ++i) assert.equal(await peer.messages.take(), `message ${i}`);
      peer.socket.close();
      await peer.closed;
    });
    test(`${client}, ${way}: more than maxPayload ends the session`, async () => {
      const peer = await connect();
      peer.socket.on("error", () => {});
      peer.socket.send("x".repeat(1_000_001));
      assert.match(await peer.closed, /^transport (error|close)$/);
    });
  }
  test(`${client}: nothing is lost, doubled or reordered while it upgrades`, async () => {
    const peer = new Peer(make, ways.upgrade);
    await peer.open;
    let sent = 0;
    let upgraded = false;
    peer.upgraded.then(() => (upgraded = true));
    // Text and binary in turns, until some have gone over either transport.
    const send = () => {
      for (let i = 0; i < 7; ++i, ++sent) {
        peer.socket.send(sent % 5 === 0 ? Buffer.from(String(sent)) : String(sent));
      }
    };
    let taken = 0;
    for (let behind = 0; behind < 20; behind += upgraded ? 1 : 0) {
      send();
      for (; taken < sent; ++taken) assert.equal(String(await peer.messages.take()), String(taken));
    }
    assert.equal(peer.socket.transport.name, "websocket");
    peer.socket.close();
    await peer.closed;
  });
  test(`${client}: a hundred clients come and go at once`, async () => {
    const peers = Array.from({length: 100}, (_, i) => new Peer(make, Object.values(ways)[i % 3]));
    await Promise.all(peers.map(async (peer, i) => {
      await peer.open;
      await peer.comes_back(`I am ${i}`);
      peer.socket.close();
      await peer.closed;
    }));
  });
}

test("refusals have the numbers that the protocol gives them", async () => {
  const answer = (status, code, message) => ({status, text: JSON.stringify({code, message})});
  assert.deepEqual(await ask("EIO=4"), answer(400, 0, "Transport unknown"));
  assert.deepEqual(await ask("EIO=4&transport=polling&sid=abc"),
                   answer(400, 1, "Session ID unknown"));
  assert.deepEqual(await ask("EIO=4&transport=polling", {method: "POST"}),
                   answer(400, 2, "Bad handshake method"));
  assert.deepEqual(await ask("EIO=4&transport=websocket"), answer(400, 3, "Bad request"));
  assert.deepEqual(await ask("EIO=5&transport=polling"),
                   answer(400, 5, "Unsupported protocol version"));
});

await run_cases(() => server.stop());
