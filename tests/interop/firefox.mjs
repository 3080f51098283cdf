#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip firefox: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// Firefox's own WebSocket, as a page has it, over ws and wss. HILO names the binary, FIREFOX the
// browser if it is not in its place.

import assert from "node:assert/strict";
import {access} from "node:fs/promises";

import {run_cases, serve, skip_all, test} from "./cases.mjs";
import {story} from "./story.mjs";

const {Firefox} = await import("./firefox_session.mjs").catch(() =>
  skip_all("firefox", "the npm package ws is not installed"));

const places = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"].filter(Boolean);
async function first_that_exists() {
  for (const place of places) {
    if (await access(place).then(() => true, () => false)) return place;
  }
  return skip_all("firefox", "there is no firefox");
}

const browser = await Firefox.launch(await first_that_exists());
const servers = [];

for (const [scheme, flags] of [["ws", []], ["wss", ["--tls-self-signed"]]]) {
  const server = await serve("--subprotocol", "chat", ...flags);
  servers.push(server);
  const with_page = (body) => browser.with_page(server.page, body);

  test(`${scheme}: texts, bytes and empty messages come back in order`, () =>
    with_page(async (evaluate) => {
    const send = ["hola", "", [0, 255], [], "🧵 𝄞"];
    const told = await evaluate(story, {url: server.url(), send, close_after: send.length});
    assert.deepEqual(told.slice(0, -1), ["open", ...send]);
    assert.deepEqual(told.at(-1), {code: 1000, reason: "", wasClean: true});
  }));

  test(`${scheme}: 10,000 pipelined messages come back in order`, () =>
    with_page(async (evaluate) => {
    const send = Array.from({length: 10_000}, (_, i) => `message ${i}`);
    const told = await evaluate(story, {url: server.url(), send, close_after: send.length});
    assert.deepEqual(told.slice(1, -1), send);
  }));

  test(`${scheme}: a megabyte comes back`, () => with_page(async (evaluate) => {
    const send = ["x".repeat(1 << 20)];
    const told = await evaluate(story, {url: server.url(), send, close_after: 1});
    assert.equal(told[1] === send[0], true);
  }));

  test(`${scheme}: the codes a page may send are answered with themselves`, () =>
    with_page(async (evaluate) => {
    for (const code of [1000, 3000, 4999]) {
      const told = await evaluate(story, {url: server.url(), close: [code, "ya"]});
      assert.deepEqual(told.at(-1), {code, reason: "", wasClean: true});
    }
  }));

  test(`${scheme}: a subprotocol is agreed upon, and a path that is not served fails`, () =>
    with_page(async (evaluate) => {
    const known = await evaluate(story, {url: server.url(), protocols: ["other", "chat"]});
    assert.deepEqual(known, ["open", {code: 1000, reason: "", wasClean: true}]);
    const told = await evaluate(story, {url: server.url("/nowhere")});
    assert.deepEqual(told, ["error", {code: 1006, reason: "", wasClean: false}]);
  }));

  test(`${scheme}: the page shows the layers of its own connection, byte by byte`, () =>
    with_page(async (evaluate) => {
    const seen = await evaluate(async () => {
      const until = (done) => new Promise((resolve) => {
        const look = () => (done() ? resolve() : setTimeout(look, 5));
        look();
      });
      const units = (layer) => [...document.querySelectorAll(`#layers-list .unit[data-layer=${layer}]`)];
      document.getElementById("connect").click();
      await until(() => document.querySelector("#state[data-state=open]"));
      document.getElementById("text").value = "hola";
      document.getElementById("send").click();
      await until(() => units("message").length === 2);
      units("frame")[0].querySelector("button").click();
      units("frame")[0].querySelectorAll(".bytes button")[2].click();
      return {
        layers: ["tcp", "http", "handshake", "frame"].map((layer) => units(layer).length > 0),
        field: units("frame")[0].querySelector("tr.marked").textContent,
      };
    });
    assert.deepEqual(seen.layers, [true, true, true, true]);
    assert.match(seen.field, /masking key/);
  }));

  test(`${scheme}: when the server stops, pages are told 1001`, async () => {
    const short_lived = await serve(...flags);
    await browser.with_page(short_lived.page, async (evaluate) => {
      const closed = evaluate(({url}) => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onmessage = () => document.title = "open";
        socket.onopen = () => socket.send("hola");
        socket.onclose = ({code, wasClean}) => resolve({code, wasClean});
      }), {url: short_lived.url()});
      await evaluate(() => new Promise((resolve) => {
        const look = () => document.title === "open" ? resolve(1) : setTimeout(look, 1);
        look();
      }));
      const ended = short_lived.stop();
      assert.deepEqual(await closed, {code: 1001, wasClean: true});
      assert.equal((await ended).code, 0);
    });
  });
}

await run_cases(async () => {
  await browser.close();
  for (const server of servers) {
    const {code, errors} = await server.stop();
    assert.equal(code, 0, errors);
  }
});
