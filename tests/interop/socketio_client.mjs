#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip socketio_client: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// `hilo connect --socketio` against npm's socket.io servers of three generations: by polling, over
// WebSockets, and while it moves from the one to the other. HILO names the binary.

import assert from "node:assert/strict";
import {createServer} from "node:http";
import {createInterface} from "node:readline";

import {Inbox, Program, run_cases, skip_all, test} from "./cases.mjs";

const thread = "🧵 hilo 𝄞 ñandú ¼ \"\\ \u2028";
const packages = {"2.5.1": "socket.io-2", "3.1.2": "socket.io-3", "4.8.1": "socket.io"};
const modules = {};
for (const [version, name] of Object.entries(packages)) {
  const module = await import(name).catch(() =>
    skip_all("socketio_client", `the npm package ${name} is not installed`));
  modules[version] = module.Server ?? module.default;
}

const msgpack = await import("socket.io-msgpack-parser").catch(() =>
  skip_all("socketio_client", "the npm package socket.io-msgpack-parser is not installed"));

// A server of that version, with the handlers that the cases want.
async function start(version, options = {}) {
  const http = createServer();
  const io = version.startsWith("2") ? modules[version](http, options)
                                     : new modules[version](http, options);
  const serve = (nsp) => nsp.on("connection", (socket) => {
    socket.emit("welcome", {auth: socket.handshake.auth ?? null, query: socket.handshake.query.token ?? null});
    socket.on("echo", (...values) => {
      const ack = values.pop();
      typeof ack === "function" ? ack(...values) : socket.emit("echo-back", ...values, ack);
    });
    socket.on("ask", (number) => socket.emit("question", number, (answer) => socket.emit("told", answer)));
    socket.on("leave", () => socket.disconnect());
    socket.on("break", () => socket.conn.close());
  });
  serve(io.of("/"));
  serve(io.of("/news"));
  io.of("/closed").use((socket, next) => {
    const error = new Error("not you");
    error.data = {code: 7};
    next(error);
  });
  const upgraded = new Promise((resolve) =>
    io.engine.on("connection", (connection) => connection.once("upgrade", resolve)));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${http.address().port}`;
  return {io, url, upgraded, close: () => io.close()};
}

// A running `hilo connect --socketio`: what it prints, line by line.
class Client {
  constructor(version, ...words) {
    const generation = version.startsWith("2") ? ["--eio3"] : [];
    this.program = new Program("connect", "--socketio", ...generation, ...words);
    this.lines = new Inbox();
    const lines = createInterface({input: this.program.process.stdout});
    lines.on("line", (line) => this.lines.put(JSON.parse(line)));
  }
  say(line) { this.program.process.stdin.write(`${line}\n`); }
  next() { return this.lines.take(); }
  async end() {
    this.program.end_input();
    const {code, errors} = await this.program.ended;
    return {code, errors};
  }
}
const bytes = (text) => ({$base64: Buffer.from(text).toString("base64")});
const event = (name, ...values) => ({event: name, nsp: "/", values});

for (const version of Object.keys(packages)) for (const way of ["websocket", "upgrade", "polling"]) {
  const is_old = version.startsWith("2");
  const by = ["--transport", way];
  test(`${version}, ${way}: events and answers go both ways, text and bytes as they were`, async () => {
    const server = await start(version);
    const client = new Client(version, ...by, ...(is_old ? [] : ["--auth", '{"a":1}']), `${server.url}/?token=t`);
    assert.deepEqual(await client.next(), event("welcome", {auth: is_old ? null : {a: 1}, query: "t"}));
    const values = [1, -2.5, thread, {a: [null, true, {b: "ñ"}]}, [], bytes("one"), {inner: [bytes("two")]}];
    const typed = values.map((value) => JSON.stringify(value)).join(" ");
    client.say(`ack echo ${typed}`);
    assert.deepEqual(await client.next(), {answer: values, event: "echo", nsp: "/"});
    client.say(`emit echo ${typed}`);
    assert.deepEqual(await client.next(), event("echo-back", ...values));
    client.say("emit ask 7");
    const question = await client.next();
    assert.deepEqual(question, {...event("question", 7), question: 1});
    client.say(`answer 1 ${JSON.stringify(bytes("three"))}`);
    assert.deepEqual(await client.next(), event("told", bytes("three")));
    for (let i = 0; i < 200; ++i) client.say(`emit echo ${i % 3 ? i : JSON.stringify(bytes(`${i}`))}`);
    for (let i = 0; i < 200; ++i) {
      assert.deepEqual(await client.next(), event("echo-back", i % 3 ? i : bytes(`${i}`)));
    }
    if (way === "upgrade") await server.upgraded;
    const transports = Object.values(server.io.engine.clients).map((each) => each.transport.name);
    assert.deepEqual(transports, [way === "polling" ? "polling" : "websocket"]);
    assert.equal((await client.end()).code, 0);
    server.close();
  });
  test(`${version}, ${way}: namespaces share a connection; one is refused, one is not there`, async () => {
    const server = await start(version);
    const client = new Client(version, ...by, "--namespace", "/", "--namespace", "/news", server.url);
    assert.equal((await client.next()).event, "welcome");
    assert.equal((await client.next()).event, "welcome");
    client.say('/news ack echo "in the news"');
    assert.deepEqual(await client.next(), {answer: ["in the news"], event: "echo", nsp: "/news"});
    client.say('ack echo "in the other"');
    assert.deepEqual(await client.next(), {answer: ["in the other"], event: "echo", nsp: "/"});
    assert.equal(server.io.engine.clientsCount, 1);
    assert.equal((await client.end()).code, 0);
    const refused = await new Client(version, ...by, `${server.url}/closed`).program.ended;
    assert.equal(refused.code, 1);
    assert.match(refused.errors, is_old ? /\/closed: / : /\/closed: not you \{"code":7\}/);
    const none = await new Client(version, ...by, `${server.url}/none`).program.ended;
    assert.equal(none.code, 1);
    assert.match(none.errors, /\/none: Invalid namespace/);
    server.close();
  });
  test(`${version}, ${way}: it comes back when the connection breaks, and stays away when it is sent`, async () => {
    const server = await start(version);
    const client = new Client(version, ...by, "--reconnect", "--listen", server.url);
    assert.equal((await client.next()).event, "welcome");
    client.say("emit break");
    assert.equal((await client.next()).event, "welcome");
    client.say("emit leave");
    const {code, errors} = await client.program.ended;
    assert.equal(code, 0);
    assert.match(errors, /disconnected from \/: transport close\n.*\n?connected to \/ /s);
    assert.match(errors, /disconnected from \/: io server disconnect\n/);
    server.close();
  });
}

test("4.8.1 in MessagePack: events and answers, bytes, a namespace, one that is refused", async () => {
  for (const way of ["websocket", "upgrade", "polling"]) {
    const server = await start("4.8.1", {parser: msgpack.default});
    const client = new Client("4.8.1", "--parser", "msgpack", "--transport", way, "--auth", '{"a":1}',
      "--namespace", "/", "--namespace", "/news", server.url);
    for (const nsp of ["/", "/news"]) {
      assert.deepEqual(await client.next(), {...event("welcome", {auth: {a: 1}, query: null}), nsp});
    }
    const values = [1, -2.5, thread, {a: [null, true, {b: "ñ"}]}, [], bytes("one"), {inner: [bytes("two")]}];
    client.say(`ack echo ${values.map((value) => JSON.stringify(value)).join(" ")}`);
    assert.deepEqual(await client.next(), {answer: values, event: "echo", nsp: "/"});
    client.say("emit ask 7");
    assert.deepEqual(await client.next(), {...event("question", 7), question: 1});
    client.say(`answer 1 ${JSON.stringify(bytes("three"))}`);
    assert.deepEqual(await client.next(), event("told", bytes("three")));
    for (let i = 0; i < 100; ++i) client.say(`/news emit echo ${i}`);
    for (let i = 0; i < 100; ++i) assert.deepEqual((await client.next()).values, [i]);
    assert.equal((await client.end()).code, 0);
    const refused = new Client("4.8.1", "--parser", "msgpack", "--namespace", "/closed", server.url);
    const {code, errors} = await refused.end();
    assert.notEqual(code, 0);
    assert.match(errors, /not you/);
    server.close();
  }
});

test("2.5.1: who speaks protocol 5 to it is told", async () => {
  const server = await start("2.5.1");
  for (const [way, told] of [["websocket", "protocol 4"], ["polling", "revision 3"]]) {
    const {code, errors} = await new Client("4", "--transport", way, server.url).program.ended;
    assert.equal(code, 1);
    assert.match(errors, new RegExp(`the server speaks ${told}`));
  }
  server.close();
});

test("4.8.1: a connection is recovered, and what was missed comes", async () => {
  const server = await start("4.8.1", {connectionStateRecovery: {}});
  const client = new Client("4.8.1", "--reconnect", server.url);
  assert.equal((await client.next()).event, "welcome");
  const [socket] = await server.io.fetchSockets();
  const gone = new Promise((resolve) => server.io.of("/").sockets.get(socket.id).on("disconnect", resolve));
  server.io.emit("news", "heard");
  assert.equal((await client.next()).values[0], "heard");
  server.io.of("/").sockets.get(socket.id).conn.close();
  await gone;
  server.io.emit("news", "missed");
  assert.equal((await client.next()).values[0], "missed");
  const {code, errors} = await client.end();
  assert.equal(code, 0);
  assert.match(errors, new RegExp(`connected to / as ${socket.id}, recovered\n`));
  server.close();
});

await run_cases();
