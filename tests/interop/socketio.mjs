#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip socketio: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// npm's socket.io-client of every generation against `hilo serve`: by polling, over WebSockets, and
// while it moves from the one to the other. HILO names the binary.

import assert from "node:assert/strict";

import {Inbox, run_cases, serve, skip_all, test} from "./cases.mjs";

const versions = {
  "1.3.5": "socket.io-client-1.3",
  "1.7.4": "socket.io-client-1.7",
  "2.5.0": "socket.io-client-2",
  "3.1.3": "socket.io-client-3",
  "4.8.1": "socket.io-client",
};
const ways = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};
const thread = "🧵 hilo 𝄞 ñandú ¼ \"\\ \u2028";

const clients = {};
for (const [version, name] of Object.entries(versions)) {
  const module = await import(name).catch(() =>
    skip_all("socketio", `the npm package ${name} is not installed`));
  clients[version] = module.io ?? module.default;
}
const msgpack = await import("socket.io-msgpack-parser").catch(() =>
  skip_all("socketio", "the npm package socket.io-msgpack-parser is not installed"));
const one_thread = await serve();
// Connections come in at either thread, as the kernel likes; all sessions are in one of them.
const two_threads = await serve("--threads", "2");
const in_msgpack = await serve("--parser", "msgpack",);

// A socket, and what has come to it: [event, ...values].
class Peer {
  constructor(server, version, transports, options = {}) {
    this.listen(clients[version](server.page, {transports, forceNew: true, ...options}));
  }
  // Another namespace over the same connection.
  in(nsp) {
    const peer = Object.create(Peer.prototype);
    peer.listen(this.socket.io.socket(nsp));
    return peer;
  }
  listen(socket) {
    this.inboxes = new Map();
    this.socket = socket;
    this.connected = new Promise((resolve, reject) => {
      this.socket.once("connect", resolve);
      this.socket.once("connect_error", reject);
    });
    // From the beginning, so that nothing is missed.
    for (const event of ["stats", "welcome", "echo-back", "bin-back", "utf8-back", "message"]) {
      this.inboxes.set(event, new Inbox());
      this.socket.on(event, (...values) => this.inboxes.get(event).put(values));
    }
    this.disconnected = new Promise((resolve) => this.socket.once("disconnect", resolve));
  }
  next(event) { return this.inboxes.get(event).take(); }
  ask(event, ...values) {
    return new Promise((resolve) => this.socket.emit(event, ...values, (...all) => resolve(all)));
  }
  async moves() {
    const engine = this.socket.io.engine;
    if (engine.transport.name === "websocket") return;
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  get transport() { return this.socket.io.engine.transport.name; }
  close() { this.socket.disconnect(); }
}

function events_and_answers(server, version, who = version, options = {}) {
  for (const [way, transports] of Object.entries(ways)) {
    test(`${who}, ${way}: events and answers, text and numbers come back as they were`, async () => {
      const peer = new Peer(server, version, transports, options);
      await peer.connected;
      assert.match((await peer.next("welcome"))[0].ver, /^\d+\.\d+\.\d+$/);
      assert.ok((await peer.next("stats"))[0].numClients >= 1);
      const values = [1, -2.5, thread, {a: [null, true, {b: "ñ"}]}, []];
      assert.deepEqual(await peer.ask("echo", ...values), values);
      peer.socket.emit("echo", ...values);
      assert.deepEqual(await peer.next("echo-back"), values);
      peer.socket.emit("utf8");
      assert.deepEqual(await peer.next("utf8-back"), ["héllo-€-😀"]);
      assert.deepEqual(await peer.ask("echo"), []);
      peer.close();
    });
    // The client of 1.3.5 sends the whole of Node's pool instead of its part: no measure for others.
    if (version !== "1.3.5") {
      test(`${who}, ${way}: bytes come back, in order among the rest`, async () => {
        const peer = new Peer(server, version, transports, options);
        await peer.connected;
        const bytes = Uint8Array.from({length: 5000}, (_, i) => i * 7).buffer;
        peer.socket.emit("bin", Buffer.from(bytes));
        assert.deepEqual(Buffer.from((await peer.next("bin-back"))[0]), Buffer.from(bytes));
        const [first, nested] = await peer.ask("echo", Buffer.from("one"), {inner: [Buffer.from("two")]});
        assert.deepEqual(Buffer.from(first), Buffer.from("one"));
        assert.deepEqual(Buffer.from(nested.inner[0]), Buffer.from("two"));
        for (let i = 0; i < 200; ++i) peer.socket.emit("echo", i % 3 ? i : Buffer.from([i]));
        for (let i = 0; i < 200; ++i) {
          const [value] = await peer.next("echo-back");
          assert.deepEqual(i % 3 ? value : Buffer.from(value), i % 3 ? i : Buffer.from([i]));
        }
        peer.close();
      });
    }
    test(`${who}, ${way}: two namespaces over one connection, and one that is not there`, async () => {
      const main = new Peer(server, version, transports, options);
      await main.connected;
      const chat = main.in("/chat");
      await chat.connected;
      await chat.next("welcome");
      assert.deepEqual(await chat.ask("echo", "in chat"), ["in chat"]);
      const refused = clients[version](`${server.page}nope`, {transports, forceNew: true, ...options});
      const why = await new Promise((resolve) => {
        refused.once("connect_error", resolve);
        refused.once("error", resolve);  // 1.x and 2.x
      });
      assert.equal(why.message ?? why, "Invalid namespace");
      refused.close();
      chat.close();
      assert.deepEqual(await main.ask("echo", "still here"), ["still here"]);
      main.close();
    });
  }
  test(`${who}: a client moves from polling to a WebSocket`, async () => {
    const peer = new Peer(server, version, ways.upgrade, options);
    await peer.connected;
    await peer.moves();
    assert.equal(peer.transport, "websocket");
    assert.deepEqual(await peer.ask("echo", 1), [1]);
    peer.close();
  });
}

for (const version of Object.keys(versions)) events_and_answers(one_thread, version);
for (const version of ["1.7.4", "4.8.1"]) {
  events_and_answers(two_threads, version, `${version}, two threads`);
}
events_and_answers(in_msgpack, "4.8.1", "4.8.1 in MessagePack", {parser: msgpack.default});

test("dates are texts and undefined is null in MessagePack, as they are in JSON", async () => {
  const values = [new Date(0), undefined, {at: new Date(-1), not: undefined}, Number.MAX_SAFE_INTEGER];
  for (const [server, options] of [[one_thread, {}], [in_msgpack, {parser: msgpack.default}]]) {
    const peer = new Peer(server, "4.8.1", ways.websocket, options);
    await peer.connected;
    const [first, nothing, {at, not}, last] = await peer.ask("echo", ...values);
    assert.deepEqual([first, nothing, at, not ?? null, last], [
      "1970-01-01T00:00:00.000Z", null, "1969-12-31T23:59:59.999Z", null, Number.MAX_SAFE_INTEGER]);
    peer.close();
  }
});

test("a client's socket has the same id on either side, in every generation", async () => {
  for (const version of Object.keys(versions)) {
    const suite = version[0] < "3" ? "socketio-client2" : "socketio-client";
    const server = await serve("--compliance", suite);
    const peer = new Peer(server, version, ways.websocket);
    await peer.connected;
    assert.deepEqual(await peer.ask("getId"), [peer.socket.id], version);
    // 1.x gives the same to its sockets of all namespaces, and no server of 4.x does.
    if (version[0] !== "1") {
      const other = peer.in("/foo");
      await other.connected;
      assert.deepEqual(await other.ask("getId"), [other.socket.id], version);
      assert.notEqual(other.socket.id, peer.socket.id);
    }
    peer.close();
    await server.stop();
  }
});

// ---- one chat for all generations -------------------------------------------------------------

for (const [server, where] of [[one_thread, ""], [two_threads, ", two threads"]]) {
  test(`clients of all generations count each other and talk in one room${where}`, async () => {
    const peers = [];
    for (const version of Object.keys(versions)) {
      const peer = new Peer(server, version, peers.length % 2 ? ways.websocket : ways.polling);
      await peer.connected;
      peers.push(peer);
    }
    for (const [i, peer] of peers.entries()) {
      const [names] = await peer.ask("join", "hall", `n${i}`);
      assert.equal(names.length, i + 1);
    }
    for (const peer of peers) {
      peer.socket.emit("message", thread);
      const from = `n${peers.indexOf(peer)}`;
      for (const other of peers) assert.deepEqual(await other.next("message"), [from, thread]);
    }
    while ((await peers[0].next("stats"))[0].numClients !== peers.length);
    const last = peers.at(-1);
    for (const peer of peers.slice(0, -1)) peer.close();
    while ((await last.next("stats"))[0].numClients !== 1);
    last.close();
  });
}

test("4.8.1 comes back by itself when its connection breaks", async () => {
  const peer = new Peer(one_thread, "4.8.1", ways.websocket, {reconnectionDelay: 10});
  await peer.connected;
  const first = peer.socket.id;
  const again = new Promise((resolve) => peer.socket.once("connect", resolve));
  peer.socket.io.engine.close();
  await peer.disconnected;
  // What is sent meanwhile waits in the client.
  const answer = peer.ask("echo", "meanwhile");
  await again;
  assert.notEqual(peer.socket.id, first);
  assert.deepEqual(await answer, ["meanwhile"]);
  peer.close();
});

for (const parser of ["json", "msgpack"])
test(`4.8.1 takes up where it was, with what it missed, where --recovery says so (${parser})`, async () => {
  const server = await serve("--recovery", "1min", "--threads", "2", "--parser", parser);
  const options = parser === "json" ? {} : {parser: msgpack.default};
  const lost = new Peer(server, "4.8.1", ways.websocket, {reconnectionDelay: 500, ...options});
  await lost.connected;
  const other = new Peer(server, "4.8.1", ways.upgrade, options);
  await other.connected;
  for (const count of [1, 2]) assert.equal((await lost.next("stats"))[0].numClients, count);
  assert.equal(lost.socket.recovered, false);
  const {id} = lost.socket;
  const again = new Promise((resolve) => lost.socket.once("connect", resolve));
  lost.socket.io.engine.close();
  // The server has seen the end, and has told the other.
  while ((await other.next("stats"))[0].numClients !== 1);
  await again;
  assert.equal(lost.socket.recovered, true);
  assert.equal(lost.socket.id, id);
  // What it missed, which is its own end, and what came after its return.
  for (const count of [1, 2]) assert.equal((await lost.next("stats"))[0].numClients, count);
  assert.deepEqual(await lost.ask("echo", thread), [thread]);
  for (const peer of [lost, other]) peer.close();
  await server.stop();
});

test("SIGTERM ends the clients of two threads in peace, by whatever way they came", async () => {
  const server = await serve("--threads", "2", "--drain-time", "5s");
  const peers = [];
  for (let i = 0; i < 9; ++i) {
    const transports = Object.values(ways)[i % 3];
    const peer = new Peer(server, "4.8.1", transports, {reconnection: false});
    await peer.connected;
    if (transports.length === 2) await peer.moves();
    assert.deepEqual(await peer.ask("echo", i), [i]);
    peers.push(peer);
  }
  const end = server.stop();
  for (const peer of peers) assert.equal(await peer.disconnected, "transport close");
  assert.equal((await end).code, 0);
});

await run_cases(async () => {
  for (const server of [one_thread, two_threads, in_msgpack]) assert.equal((await server.stop()).code, 0);
});
