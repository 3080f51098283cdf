// SPDX-License-Identifier: MIT
//
// What holds in every browser: its own WebSocket as a page has it, over ws and wss, and our pages.
// The browser is anything with
//
//   with_page(url, body)   opens a page for `body`, which gets evaluate(function, argument): it runs
//                          the function, or its source, in the page and gives what that promises
//   close()

import assert from "node:assert/strict";

import {run_cases, serve, test as run_test} from "./cases.mjs";
import {story} from "./story.mjs";

// Waits until something in the page is so. What the condition looks at is in its document, whose
// changes are waited for: the timers of a page that nobody sees are late.
export function until(evaluate, condition, argument) {
  return evaluate(`(argument) => new Promise((resolve, reject) => {
    const look = () => {
      try {
        if ((${condition})(argument)) resolve(true);
        else return;
      } catch (error) {
        reject(error);
      }
      observer.disconnect();
    };
    const observer = new MutationObserver(look);
    observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
    look();
  })`, argument);
}

// ---- the browser's own WebSocket ----------------------------------------------------------------

function socket_cases({test, scheme, flags, server, with_page}) {
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

  test(`${scheme}: when the server stops, pages are told 1001`, async () => {
    const short_lived = await serve(...flags);
    await with_page(async (evaluate) => {
      await evaluate((url) => new Promise((resolve, reject) => {
        const socket = new WebSocket(url);
        window.end_of_socket = new Promise((closed) => {
          socket.onclose = ({code, wasClean}) => closed({code, wasClean});
        });
        window.end_of_socket.then(reject);
        socket.onmessage = () => resolve(true);
        socket.onopen = () => socket.send("hola");
      }), short_lived.url());
      const ended = short_lived.stop();
      assert.deepEqual(await evaluate(() => window.end_of_socket), {code: 1001, wasClean: true});
      assert.equal((await ended).code, 0);
    }, short_lived.page);
  });
}

// ---- the pages ----------------------------------------------------------------------------------

function page_cases({test, scheme, server, with_page}) {
  test(`${scheme}: the page shows the layers of its own connection, byte by byte`, () =>
    with_page(async (evaluate) => {
    await evaluate(() => document.getElementById("connect").click());
    await until(evaluate, () => document.querySelector("#state[data-state=open]"));
    await evaluate(() => {
      document.getElementById("text").value = "hola";
      document.getElementById("send").click();
    });
    const units = "#layers-list .unit[data-layer=";
    await until(evaluate, (of) => document.querySelectorAll(`${of}message]`).length === 2, units);
    const seen = await evaluate((of) => {
      const frame = document.querySelector(`${of}frame]`);
      frame.querySelector("button").click();
      frame.querySelectorAll(".bytes button")[2].click();
      return {
        layers: ["tcp", "http", "handshake", "frame"].map((layer) =>
          document.querySelector(`${of}${layer}]`) !== null),
        field: frame.querySelector("tr.marked").textContent,
      };
    }, units);
    assert.deepEqual(seen.layers, [true, true, true, true]);
    assert.match(seen.field, /masking key/);
  }));

  test(`${scheme}: two windows chat, and see how many are connected`, () => {
    const connected = (evaluate, count) =>
      until(evaluate, (n) => document.getElementById("count").textContent.startsWith(`${n} `), count);
    const shows = (evaluate, text) => until(evaluate, (what) =>
      [...document.querySelectorAll("#messages li")].some((item) => item.textContent === what), text);
    const join = async (evaluate, name) => {
      await evaluate((who) => {
        document.getElementById("name").value = who;
        document.getElementById("join").click();
      }, name);
      await until(evaluate, () => !document.getElementById("send").disabled);
    };
    const say = (evaluate, text) => evaluate((what) => {
      document.getElementById("text").value = what;
      document.getElementById("send").click();
    }, text);
    const chat = `${server.page}chat`;
    return with_page(async (ana) => {
      await connected(ana, 1);
      await join(ana, "Ana");
      await with_page(async (bo) => {
        for (const window of [bo, ana]) await connected(window, 2);
        await join(bo, "Bo");
        await say(ana, "¡Hola, 🧵!");
        await shows(bo, "Ana: ¡Hola, 🧵!");
        await say(bo, "<b>no markup</b>");
        await shows(ana, "Bo: <b>no markup</b>");
      }, chat);
      await connected(ana, 1);
    }, chat);
  });
}

// Runs those of these whose names are wanted, and what else the script has, and ends the browser and
// the process.
export async function run_in(browser, {more_cases = () => {}, wanted = () => true} = {}) {
  const servers = [];
  const test = (name, body) => { if (wanted(name)) run_test(name, body); };
  for (const [scheme, flags] of [["ws", []], ["wss", ["--tls-self-signed"]]]) {
    const server = await serve("--subprotocol", "chat", ...flags);
    servers.push(server);
    const with_page = (body, at = server.page) => browser.with_page(at, body);
    const place = {test, scheme, flags, server, with_page};
    socket_cases(place);
    page_cases(place);
    more_cases(place);
  }
  await run_cases(async () => {
    await browser.close();
    for (const server of servers) {
      const {code, errors} = await server.stop();
      assert.equal(code, 0, errors);
    }
  });
}
