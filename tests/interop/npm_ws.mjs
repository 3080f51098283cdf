#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip npm_ws: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// The npm package ws, which half the servers of the world speak, as client of `hilo serve` and as
// server of `hilo connect`. HILO names the binary.

import assert from "node:assert/strict";
import {once} from "node:events";
import {createServer} from "node:https";

import {certificates, Inbox, mebibyte, Program, run_cases, serve, skip_all, test} from "./cases.mjs";

const {default: WebSocket, WebSocketServer} = await import("ws").catch(() =>
  skip_all("npm_ws", "the npm package ws is not installed"));

const close_codes = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999,
];
const thread = "🧵 hilo 𝄞 ñandú \u{10ffff}";
const thread_bytes = Buffer.from(thread);
const zeros_to_255 = Buffer.from(Array.from({length: 256}, (_, i) => i));

// A random-looking megabyte that is the same in every run.
function noise(size) {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; ++i) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

// One end of a connection, whoever began it.
class Peer {
  constructor(socket) {
    this.socket = socket;
    this.messages = new Inbox();
    this.pongs = new Inbox();
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        const gone = new Error(`closed with ${code}`);
        this.messages.end(gone);
        this.pongs.end(gone);
        resolve({code, reason: String(reason)});
      });
    });
    socket.on("error", (error) => (this.error = error));
    socket.on("message", (data, binary) => this.messages.put(binary ? data : String(data)));
    socket.on("pong", (data) => this.pongs.put(data));
  }
  send(data, options = {}) {
    this.socket.send(data, options);
  }
  // A text is a string, bytes are a Buffer, on the way out and in.
  async comes_back(data) {
    this.send(data);
    assert.deepEqual(await this.messages.take(), data);
  }
  async close(code, reason) {
    this.socket.close(code, reason);
    return this.closed;
  }
}

const server = await serve("--subprotocol", "chat");
const trust = certificates();
const secure_server = await serve("--tls-cert", trust.file("server.pem"),
                                  "--tls-key", trust.file("server.key"));

async function connect(url = server.url(), protocols = [], options = {}) {
  const socket = new WebSocket(url, protocols, {ca: trust.ca, ...options});
  const peer = new Peer(socket);
  await once(socket, "open");
  return peer;
}

// What both roles have to do with messages; `peer` is npm's end, hilo echoes.
const conversations = {
  "text comes back": (peer) => peer.comes_back("hola"),
  "text beyond the basic plane comes back": (peer) => peer.comes_back(thread),
  "binary comes back": (peer) => peer.comes_back(zeros_to_255),
  "empty messages come back as what they were": async (peer) => {
    await peer.comes_back("");
    await peer.comes_back(Buffer.alloc(0));
  },
  "messages around the limits of the length forms come back": async (peer) => {
    for (const size of [125, 126, 127, 65535, 65536]) await peer.comes_back(noise(size));
  },
  "a message of 1 MiB comes back": (peer) => peer.comes_back(noise(mebibyte)),
  "10,000 small pipelined messages come back in order": async (peer) => {
    const count = 10_000;
    for (let i = 0; i < count; ++i) peer.send(`message ${i}`);
    for (let i = 0; i < count; ++i) assert.equal(await peer.messages.take(), `message ${i}`);
  },
  "a message in fragments is one message": async (peer) => {
    peer.send("uno ", {fin: false});
    peer.send("dos ", {fin: false});
    peer.send("", {fin: false});
    peer.send("tres");
    assert.equal(await peer.messages.take(), "uno dos tres");
  },
  "a character cut by fragments at every byte is whole again": async (peer) => {
    for (const byte of thread_bytes) peer.send(Buffer.of(byte), {fin: false, binary: false});
    peer.send(Buffer.alloc(0), {fin: true});
    assert.equal(await peer.messages.take(), thread);
  },
  "a binary message in fragments is one message": async (peer) => {
    const bytes = noise(300_000);
    const piece = 7919;
    for (let i = 0; i < bytes.length; i += piece) {
      peer.send(bytes.subarray(i, i + piece), {fin: i + piece >= bytes.length});
    }
    assert.deepEqual(await peer.messages.take(), bytes);
  },
  "pings are answered with their payload": async (peer) => {
    for (const payload of [Buffer.alloc(0), Buffer.from("still there?"), noise(125)]) {
      peer.socket.ping(payload);
      assert.deepEqual(await peer.pongs.take(), payload);
    }
  },
  "a ping between two fragments is answered before the message ends": async (peer) => {
    peer.send("first, ", {fin: false});
    peer.socket.ping("now");
    assert.equal(String(await peer.pongs.take()), "now");
    peer.send("then the rest");
    assert.equal(await peer.messages.take(), "first, then the rest");
  },
  "an unasked pong is no trouble": async (peer) => {
    peer.socket.pong("nobody asked");
    await peer.comes_back("still open");
  },
};

// ---- hilo as server ---------------------------------------------------------------------------

for (const [name, conversation] of Object.entries(conversations)) {
  test(`serve: ${name}`, async () => {
    const peer = await connect();
    await conversation(peer);
    assert.equal((await peer.close(1000)).code, 1000);
  });
  test(`serve, wss: ${name}`, async () => {
    const peer = await connect(secure_server.url());
    await conversation(peer);
    assert.equal((await peer.close(1000)).code, 1000);
  });
}

test("serve: every close code is answered with itself", async () => {
  for (const code of close_codes) {
    const peer = await connect();
    assert.equal((await peer.close(code, "adiós")).code, code);
  }
});

test("serve: a Close without a code is answered without one", async () => {
  const peer = await connect();
  assert.equal((await peer.close()).code, 1005);
});

test("serve: messages before the Close are answered before it", async () => {
  const peer = await connect();
  for (let i = 0; i < 100; ++i) peer.send(`${i}`);
  assert.equal((await peer.close(1000)).code, 1000);
  for (let i = 0; i < 100; ++i) assert.equal(await peer.messages.take(), `${i}`);
});

test("serve: a message above 1 MiB is refused with 1009", async () => {
  const peer = await connect();
  peer.send(Buffer.alloc(mebibyte + 1));
  assert.equal((await peer.closed).code, 1009);
});

test("serve: text that is no UTF-8 is refused with 1007", async () => {
  const peer = await connect();
  peer.send(Buffer.of(0xc3, 0x28), {binary: false});
  assert.equal((await peer.closed).code, 1007);
});

test("serve: without an offer there is no subprotocol", async () => {
  const peer = await connect();
  assert.equal(peer.socket.protocol, "");
  await peer.close(1000);
});

test("serve: of the offered subprotocols the known one is chosen", async () => {
  const peer = await connect(server.url(), ["unknown", "chat"]);
  assert.equal(peer.socket.protocol, "chat");
  await peer.close(1000);
});

test("serve: an offer of unknown subprotocols is answered with none", async () => {
  const socket = new WebSocket(server.url(), ["unknown"]);
  const [error] = await once(socket, "error");
  assert.match(error.message, /no subprotocol/i);
});

async function refused_with(url, options = {}) {
  const socket = new WebSocket(url, options);
  socket.on("error", () => {});
  const [request, response] = await once(socket, "unexpected-response");
  request.destroy();
  return response.statusCode;
}

test("serve: a page of another origin is refused with 403", async () => {
  assert.equal(await refused_with(server.url(), {origin: "http://elsewhere.example"}), 403);
});

test("serve: a path that is not served is refused with 404", async () => {
  assert.equal(await refused_with(server.url("/nowhere")), 404);
});

test("serve: a version that is not spoken is refused with 426", async () => {
  assert.equal(await refused_with(server.url(), {protocolVersion: 8}), 426);
});

test("serve: /broadcast reaches everybody", async () => {
  const peers = [];
  for (let i = 0; i < 3; ++i) peers.push(await connect(server.url("/broadcast")));
  for (const data of [thread, zeros_to_255, ""]) {
    for (const sender of peers) {
      sender.send(data);
      for (const peer of peers) assert.deepEqual(await peer.messages.take(), data);
    }
  }
  for (const peer of peers) await peer.close(1000);
});

test("serve: 200 connections at once each get their own echo", async () => {
  const peers = await Promise.all(Array.from({length: 200}, () => connect()));
  await Promise.all(peers.map((peer, i) => peer.comes_back(`I am ${i}`)));
  await Promise.all(peers.map((peer) => peer.close(1000)));
});

test("serve: when it stops, clients are told 1001", async () => {
  const short_lived = await serve();
  const peer = await connect(short_lived.url());
  await peer.comes_back("hola");
  const ended = short_lived.stop();
  assert.equal((await peer.closed).code, 1001);
  assert.equal((await ended).code, 0);
});

// ---- hilo as client ---------------------------------------------------------------------------

// Starts npm's server and hilo as its client; `talk` gets npm's end, and how hilo ended comes back.
async function be_server(flags, talk, options = {}, input = "") {
  const listening = new WebSocketServer({host: "127.0.0.1", port: 0, maxPayload: 0, ...options});
  try {
    await once(listening, "listening");
    const url = `ws://127.0.0.1:${listening.address().port}/path`;
    return await be_server_at(listening, url, flags, talk, input);
  } finally {
    for (const socket of listening.clients) socket.terminate();
    listening.close();
  }
}

async function be_secure_server(flags, talk, options = {}, input = "") {
  const https = createServer({cert: trust.read("server.pem"), key: trust.read("server.key")});
  https.listen(0, "127.0.0.1");
  await once(https, "listening");
  const listening = new WebSocketServer({server: https, maxPayload: 0, ...options});
  try {
    const url = `wss://localhost:${https.address().port}/path`;
    const ca = ["--ca-file", trust.file("ca.pem")];
    return await be_server_at(listening, url, [...ca, ...flags], talk, input);
  } finally {
    for (const socket of listening.clients) socket.terminate();
    https.close();
  }
}

async function be_server_at(listening, url, flags, talk, input) {
  const program = new Program("connect", ...flags, url);
  let talking;  // stays undefined if hilo gives up before it is connected
  listening.once("connection", (socket) => {
    talking = talk(new Peer(socket));
    talking.catch(() => program.stop("SIGKILL"));
  });
  program.end_input(input);
  const ended = await program.ended;
  await talking;
  return ended;
}

const roles = {"connect": be_server, "connect, wss": be_secure_server};
for (const [role, be] of Object.entries(roles)) {
  for (const [name, conversation] of Object.entries(conversations)) {
    test(`${role}: ${name}`, async () => {
      let closed;
      const ended = await be(["--echo"], async (peer) => {
        await conversation(peer);
        closed = await peer.close(1000, "that was all");
      });
      assert.equal(ended.code, 0, ended.errors);
      assert.match(ended.errors, /closed 1000 "that was all"/);
      assert.equal(closed.code, 1000);
    });
  }
}

test("connect: every close code is answered with itself, and told by the exit code", async () => {
  for (const code of close_codes) {
    let closed;
    const ended = await be_server(["--wait", "60s"], async (peer) => {
      closed = await peer.close(code, "adiós");
    });
    assert.equal(closed.code, code);
    assert.equal(ended.code, code <= 1001 ? 0 : 3, `${code}: ${ended.errors}`);
    assert.match(ended.errors, new RegExp(`closed ${code} "adiós"`));
  }
});

test("connect: its own Close carries code and reason", async () => {
  let closed;
  const flags = ["--close-code", "4001", "--close-reason", "ya está"];
  await be_server(flags, async (peer) => (closed = await peer.closed));
  assert.deepEqual(closed, {code: 4001, reason: "ya está"});
});

test("connect: lines of stdin are messages, and messages are lines of stdout", async () => {
  const lines = Array.from({length: 1000}, (_, i) => `${thread} ${i}\n`).join("");
  const ended = await be_server([], async (peer) => {
    peer.socket.on("message", (data, binary) => peer.send(data, {binary}));
  }, {}, lines);
  assert.equal(ended.code, 0, ended.errors);
  assert.equal(String(ended.out), lines);
});

test("connect: a connection that breaks is told by the exit code", async () => {
  const ended = await be_server(["--echo"], async (peer) => {
    await peer.comes_back("hola");
    peer.socket.terminate();
  });
  assert.equal(ended.code, 3, ended.errors);
});

test("connect: a server that says no is told by the exit code", async () => {
  const options = {verifyClient: (_, answer) => answer(false, 401, "not you")};
  const ended = await be_server([], async () => {}, options);
  assert.equal(ended.code, 1);
  assert.match(ended.errors, /401/);
});

test("connect: the subprotocol is agreed upon", async () => {
  let protocol;
  const options = {handleProtocols: (offered) => (offered.has("chat") ? "chat" : false)};
  const flags = ["--subprotocol", "other", "--subprotocol", "chat", "--echo"];
  const ended = await be_server(flags, async (peer) => {
    protocol = peer.socket.protocol;
    await peer.close(1000);
  }, options);
  assert.equal(ended.code, 0, ended.errors);
  assert.equal(protocol, "chat");
});

test("connect: a message above 1 MiB is refused with 1009", async () => {
  let closed;
  const ended = await be_server(["--echo"], async (peer) => {
    peer.send(Buffer.alloc(mebibyte + 1));
    closed = await peer.closed;
  });
  assert.equal(closed.code, 1009);
  assert.equal(ended.code, 3, ended.errors);
});

// ---- permessage-deflate: the same conversations once more -----------------------------------------

const ways_to_deflate = {
  "deflate": {
    flags: [],
    theirs: {serverNoContextTakeover: true, clientNoContextTakeover: true},
  },
  "deflate with context takeover": {
    flags: ["--deflate-server-takeover", "--deflate-client-takeover"],
    theirs: {},
  },
  "deflate with small windows": {
    flags: ["--deflate-server-takeover", "--deflate-client-takeover",
            "--deflate-server-window-bits", "9", "--deflate-client-window-bits", "10"],
    theirs: {serverMaxWindowBits: 9, clientMaxWindowBits: 10},
  },
};
// Below 64 KiB: beyond that a message may not stand for more than a hundred times its size.
const repetition = `${thread} `.repeat(1500);

for (const [way, {flags, theirs}] of Object.entries(ways_to_deflate)) {
  const ours = ["--deflate", "--deflate-threshold", "1", ...flags];
  const options = {perMessageDeflate: {threshold: 0, ...theirs}};
  const all = {...conversations, "text that repeats itself comes back": (peer) =>
    peer.comes_back(repetition)};

  test(`serve: ${way}: every conversation`, async () => {
    const compressing = await serve(...ours);
    for (const [name, conversation] of Object.entries(all)) {
      const peer = await connect(compressing.url(), [], options);
      assert.equal(peer.socket.extensions, "permessage-deflate");
      await conversation(peer).catch((error) => assert.fail(`${name}: ${error.stack}`));
      assert.equal((await peer.close(1000)).code, 1000);
    }
    assert.equal((await compressing.stop()).code, 0);
  });

  for (const [name, conversation] of Object.entries(all)) {
    test(`connect: ${way}: ${name}`, async () => {
      const ended = await be_server(["--echo", ...ours], async (peer) => {
        assert.equal(peer.socket.extensions, "permessage-deflate");
        await conversation(peer);
        await peer.close(1000, "that was all");
      }, options);
      assert.equal(ended.code, 0, ended.errors);
    });
  }
}

test("serve: deflate: zeros that inflate to more than 1 MiB are refused with 1009", async () => {
  const compressing = await serve("--deflate");
  const peer = await connect(compressing.url());
  peer.send(Buffer.alloc(10 * mebibyte));
  assert.equal((await peer.closed).code, 1009);
  await compressing.stop();
});

test("connect: a server that compresses, and a client that did not offer it", async () => {
  const ended = await be_server(["--echo"], async (peer) => {
    assert.equal(peer.socket.extensions, "");
    await peer.comes_back(repetition);
    await peer.close(1000);
  }, {perMessageDeflate: true});
  assert.equal(ended.code, 0, ended.errors);
});

await run_cases(async () => {
  for (const one of [server, secure_server]) {
    const {code, errors} = await one.stop();
    assert.equal(code, 0, errors);
  }
});
