#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Packets of Engine.IO and Socket.IO, by the parsers of npm and by ours (packet_batch.cc), which
// read the same batch: packets that were drawn and written by npm's encoders, and what small
// changes made of them. Of the former ours reads the same and writes what reads the same; of the
// latter it takes nothing that npm's refuses, reads the same where both take it, and where ours
// alone refuses, the reason is one of those below.
//
// SEED=17 BATCH=100000 looks elsewhere, and further.

import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";

import * as engine4 from "engine.io-parser";
import {Decoder, Encoder, PacketType} from "socket.io-parser";

import {hilo, run_cases, test} from "./cases.mjs";

const require = createRequire(import.meta.url);
const engine3 = createRequire(require.resolve("socket.io-2"))("engine.io-parser");

const seed = Number(process.env.SEED ?? 1);
const batch = Number(process.env.BATCH ?? 3000);

// --- chance --------------------------------------------------------------------------------------

let state = seed >>> 0;
function below(limit) {
  state = (state + 0x6d2b79f5) >>> 0;
  let word = Math.imul(state ^ (state >>> 15), state | 1);
  word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
  return ((word ^ (word >>> 14)) >>> 0) % limit;
}
const any = (list) => list[below(list.length)];
const several = (most, make) => Array.from({length: below(most + 1)}, make);

const texts = ["", "a", "hello", "ñ", "€", "😀", "\u0000", "\"\\\n", "\u2028", "_placeholder", "0"];
const draw_text = () => several(3, () => any(texts)).join("");
const draw_bytes = () => Buffer.from(several(6, () => below(256)));
const numbers = [0, 1, -1, 1.5, 1e21, 2 ** 53, -(2 ** 31), 1e-7, 4294967296];

function draw_value(depth, with_bytes) {
  const kind = below(depth > 0 ? 8 : 5);
  if (kind === 0) return any([null, true, false]);
  if (kind === 1) return any(numbers);
  if (kind === 2 && with_bytes) return draw_bytes();
  if (kind < 5) return draw_text();
  if (kind < 7) return several(3, () => draw_value(depth - 1, with_bytes));
  return Object.fromEntries(several(3, () => ["k" + draw_text(), draw_value(depth - 1, with_bytes)]));
}

// A text with up to three characters put in, left out or exchanged.
const letters = [..."0123456789-/,[]{}\":?.eE+ab \u001eé😀", "null", "\"connect\"", "[\"a\"]"];
function changed(text) {
  const characters = [...text];
  for (let i = below(3); i >= 0; --i) {
    const at = below(characters.length + 1);
    const kind = below(3);
    characters.splice(at, kind === 0 ? 0 : 1, ...(kind === 1 ? [] : [any(letters)]));
  }
  return characters.join("");
}

// --- ours ----------------------------------------------------------------------------------------

const hex = (data) => Buffer.from(data).toString("hex");

function ours(lines) {
  const program = join(dirname(hilo), "tests/interop/packet_batch");
  const {status, stdout, error} = spawnSync(program, {
    input: lines.map((line) => line + "\n").join(""), maxBuffer: 1 << 30});
  assert.equal(status, 0, String(error ?? "it failed"));
  const answers = stdout.toString().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assert.equal(answers.length, lines.length);
  return answers;
}

// --- Engine.IO -----------------------------------------------------------------------------------

const engine_types = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

const draw_engine_packet = () =>
  below(4) === 0 ? {type: "message", data: draw_bytes()} : {type: any(engine_types), data: draw_text()};

// As ours tells of them.
const told = (packets) => packets.map(({type, data = ""}) => ({
  type: engine_types.indexOf(type), binary: Buffer.isBuffer(data), data: hex(data)}));

const encoded4 = (packets) => new Promise((done) => engine4.encodePayload(packets, done));
const encoded3 = (packets, binary) => new Promise((done) => engine3.encodePayload(packets, binary, done));

function decoded3(payload) {
  const packets = [];
  engine3.decodePayload(payload, "nodebuffer", (packet) => packets.push(packet));
  return packets;
}
const is_refused = (packets) => packets.some(({type}) => type === "error");

// Node reads as much base64 as there is; ours wants all of it to be that, in the one way to write it.
const is_base64 = (text) => Buffer.from(text, "base64").toString("base64") === text;

test("payloads of Engine.IO 4 are read and written as by engine.io-parser 5", async () => {
  const drawn = Array.from({length: batch}, () => [draw_engine_packet(), ...several(4, draw_engine_packet)]
    .map(({type, data}) => ({type, data: typeof data === "string" ? data.replaceAll("\u001e", "") : data})));
  const payloads = await Promise.all(drawn.map(encoded4));
  ours(payloads.map((payload) => `4 ${hex(payload)}`)).forEach((answer, i) => {
    assert.deepEqual(answer, {packets: told(drawn[i]), again: hex(payloads[i])}, payloads[i]);
  });
});

test("changed payloads of Engine.IO 4 are refused by both, or for a reason", async () => {
  const drawn = Array.from({length: batch}, () => [draw_engine_packet(), draw_engine_packet()]);
  const payloads = (await Promise.all(drawn.map(encoded4))).map(changed);
  ours(payloads.map((payload) => `4 ${hex(payload)}`)).forEach((answer, i) => {
    const theirs = engine4.decodePayload(payloads[i], "nodebuffer");
    const parts = payloads[i].split("\u001e");
    const has_bad_base64 = parts.some((part) => part[0] === "b" && !is_base64(part.slice(1)));
    if (answer === null) return assert.ok(is_refused(theirs) || has_bad_base64, payloads[i]);
    assert.deepEqual(answer.packets, told(theirs), payloads[i]);
  });
});

test("payloads of Engine.IO 3 are read and written as by engine.io-parser 2", async () => {
  for (const binary of [false, true]) {
    const drawn = Array.from({length: batch}, () => [draw_engine_packet(), ...several(4, draw_engine_packet)]);
    const payloads = await Promise.all(drawn.map((packets) => encoded3(packets, binary)));
    const kinds = payloads.map((payload) => Buffer.isBuffer(payload) ? "b" : "3");
    ours(payloads.map((payload, i) => `${kinds[i]} ${hex(payload)}`)).forEach((answer, i) => {
      assert.deepEqual(answer?.packets, told(drawn[i]), String(payloads[i]));
      const again = Buffer.from(answer.again, "hex");
      assert.deepEqual(told(decoded3(kinds[i] === "b" ? again : again.toString())), told(drawn[i]));
    });
  }
});

// --- Socket.IO -----------------------------------------------------------------------------------

const namespaces = ["/", "/chat", "/a/b", "/ñ"];

function draw_packet() {
  const nsp = any(namespaces);
  const id = below(2) === 0 ? {id: any([0, 1, 12, 2 ** 53 - 1])} : {};
  const values = several(3, () => draw_value(3, true));
  switch (below(5)) {
    case 0: return {type: PacketType.CONNECT, nsp, data: {token: draw_value(2, false)}};
    case 1: return {type: PacketType.DISCONNECT, nsp};
    case 2: return {type: PacketType.ACK, nsp, id: below(1000), data: values};
    default: return {type: PacketType.EVENT, nsp, ...id, data: ["e" + draw_text(), ...values]};
  }
}

// Null: refused, or not whole.
function decoded(messages) {
  const decoder = new Decoder();
  let packet = null;
  decoder.on("decoded", (whole) => (packet = whole));
  try {
    for (const message of messages) {
      if (packet !== null) return null;
      decoder.add(message);
    }
  } catch {
    return null;
  }
  return packet;
}

function shown(value) {
  if (Buffer.isBuffer(value)) return {$bytes: hex(value)};
  if (Object.is(value, -0)) return 0;  // an integer to ours
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each)]));
}
const view = ({type, nsp, id, data}) => ({type, nsp, id, data: shown(data ?? null)});

// A value and all that is in it.
const everything_in = (value) => value === null || typeof value !== "object" ? [value]
  : [value, ...Object.values(value).flatMap(everything_in)];

const line_of = (side, messages) => [side, ...messages.map((message) =>
  (typeof message === "string" ? "t" : "b") + hex(message))].join(" ");
const read_again = ({again: [text, ...attachments]}) =>
  decoded([Buffer.from(text, "hex").toString(), ...attachments.map((each) => Buffer.from(each, "hex"))]);

test("packets of Socket.IO are read and written as by socket.io-parser 4", async () => {
  const encoder = new Encoder();
  const drawn = Array.from({length: batch}, draw_packet).map((packet) => encoder.encode(packet));
  ours(drawn.map((messages) => line_of("server", messages))).forEach((answer, i) => {
    const theirs = view(decoded(drawn[i]));
    assert.notEqual(answer, null, String(drawn[i]));
    assert.deepEqual(view(answer), theirs, String(drawn[i]));
    assert.deepEqual(view(read_again(answer)), theirs, String(drawn[i]));
  });
});

// Why ours refuses a text that socket.io-parser takes.
const is_missing = ({type, data}) =>
  data === undefined && type !== PacketType.CONNECT && type !== PacketType.DISCONNECT;
const places = (data) => everything_in(shown(data)).filter((each) => each?.$bytes !== undefined).length;
const is_endless = (value) => value === Infinity || value === -Infinity;
const reasons = {
  "no type": (text) => text === "",
  "a refusal, which is the server's to tell": (text, {type}) => type === PacketType.CONNECT_ERROR,
  "no data": (text, packet) => is_missing(packet),
  "a control character in the namespace": (text, {nsp}) => /[\x00-\x1f\x7f]/.test(nsp),
  "an id that is no exact number": (text, {id = 0}) => !Number.isSafeInteger(id),
  "a number that no double holds": (text, {data}) => everything_in(data).some(is_endless),
  "a count that is more than digits": (text) => /^[56]\d*[^\d-]/.test(text),
  "an attachment without a place": (text, {data}) => {
    const attachments = /^[56](\d+)-/.exec(text)?.[1];
    return attachments !== undefined && Number(attachments) !== places(data);
  },
  "a place that is numbered -0": (text) => text.includes('"num":-0'),
};

test("changed packets of Socket.IO are refused by both, or for a reason", async () => {
  const encoder = new Encoder();
  const drawn = Array.from({length: batch}, draw_packet).map((packet) => encoder.encode(packet))
    .map(([text, ...attachments]) => [changed(text), ...attachments]);
  ours(drawn.map((messages) => line_of("server", messages))).forEach((answer, i) => {
    const [text] = drawn[i];
    const theirs = decoded(drawn[i]);
    // npm's takes a space for the digit 0.
    if (/^(\d(\d+-)?(\/[^,]*,)?\d*)? /.test(text)) return;
    if (answer === null && theirs !== null) {
      const why = Object.keys(reasons).filter((name) => reasons[name](text, theirs));
      return assert.notDeepEqual(why, [], text);
    }
    // What stands behind a '?' is a query of the namespace to ours, as it was in protocol 4.
    const [nsp] = theirs?.nsp.split("?") ?? [];
    assert.deepEqual(answer && view(answer), theirs && view({...theirs, nsp}), text);
  });
});

await run_cases();
