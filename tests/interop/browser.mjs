#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip browser: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// A real browser, without a window: it uses the page of `hilo serve` as a person would, and its own
// WebSocket as a page would. HILO names the binary, CHROMIUM the browser if it is not in its place.

import assert from "node:assert/strict";
import {access, mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";

import {Inbox, Program, mebibyte, run_cases, serve, skip_all, tap, test} from "./cases.mjs";
import {story} from "./story.mjs";

const {chromium} = await import("playwright-core").catch(() =>
  skip_all("browser", "the npm package playwright-core is not installed"));

const places = [
  process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
].filter(Boolean);
async function first_that_exists() {
  for (const place of places) {
    if (await access(place).then(() => true, () => false)) return place;
  }
  return skip_all("browser", "there is no chromium");
}

const executablePath = await first_that_exists();
const server = await serve("--subprotocol", "chat");
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

// Opens the page, hands it over, and expects that it had nothing to complain about.
async function with_page(body, {expected_errors = [], at = server.page, ...options} = {}) {
  const context = await browser.newContext({locale: "en-US", ...options});
  context.setDefaultTimeout(0);  // a case as a whole has its patience
  const complaints = [];
  try {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(at);
    await body(page);
  } finally {
    await context.close();
  }
  const expected = (text) => expected_errors.some((part) => text.includes(part));
  assert.deepEqual(complaints.filter((text) => !expected(text)), []);
}

// ---- the page, by its controls ----------------------------------------------------------------

const state = (page, name) => page.locator(`#state[data-state=${name}]`).waitFor();
const entry = (page, direction, number = 0) =>
  page.locator(`#log li[data-direction=${direction}]`).nth(number);

async function connect(page) {
  await page.getByRole("button", {name: "Connect"}).click();
  await state(page, "open");
}

test("the page comes with its address filled in", () => with_page(async (page) => {
  assert.equal(await page.getByLabel("Address").inputValue(), server.url());
  await page.getByLabel("/broadcast").check();
  assert.equal(await page.getByLabel("Address").inputValue(), server.url("/broadcast"));
  await page.getByText("not connected").waitFor();
  assert.equal(await page.getByRole("button", {name: "Send"}).isDisabled(), true);
}));

test("a text is sent with Enter and comes back with its round trip", () =>
  with_page(async (page) => {
  await connect(page);
  // The cursor stands in the text by now.
  await page.keyboard.type("¡Hola, 🧵!");
  await page.keyboard.press("Enter");
  const received = entry(page, "received");
  await received.waitFor();
  assert.equal(await received.locator(".body").textContent(), "¡Hola, 🧵!");
  assert.match(await received.locator(".round-trip").textContent(), /^\d+\.\d ms$/);
  assert.equal(await received.getAttribute("data-kind"), "text");
  assert.equal(await received.getAttribute("data-bytes"), "13");
  assert.equal(await entry(page, "sent").getAttribute("data-bytes"), "13");
  assert.equal(await page.getByLabel(/^Text/).inputValue(), "");
}));

test("bytes in hexadecimal come back as they were", () => with_page(async (page) => {
  await connect(page);
  await page.getByLabel("bytes", {exact: true}).check();
  await page.getByLabel("Bytes in hexadecimal").fill("00 7f 80 FF");
  await page.getByRole("button", {name: "Send"}).click();
  const received = entry(page, "received");
  await received.waitFor();
  assert.equal(await received.getAttribute("data-kind"), "binary");
  assert.equal(await received.locator(".body").textContent(), "00 7f 80 ff");
}));

test("what is no hexadecimal is not sent, and told", () => with_page(async (page) => {
  await connect(page);
  await page.getByLabel("bytes", {exact: true}).check();
  await page.getByLabel("Bytes in hexadecimal").fill("0g");
  await page.getByRole("button", {name: "Send"}).click();
  await page.getByRole("alert").getByText("hexadecimal").waitFor();
  assert.equal(await entry(page, "sent").count(), 0);
}));

test("a random megabyte comes back", () => with_page(async (page) => {
  await connect(page);
  await page.getByLabel("random bytes").check();
  await page.getByLabel("How many bytes").fill(String(mebibyte));
  await page.getByRole("button", {name: "Send"}).click();
  const received = entry(page, "received");
  await received.locator(".round-trip").waitFor();
  assert.equal(await received.getAttribute("data-bytes"), String(mebibyte));
}));

test("a message above the limit is closed with 1009, and told", () => with_page(async (page) => {
  await connect(page);
  await page.getByLabel("random bytes").check();
  await page.getByLabel("How many bytes").fill(String(mebibyte + 1));
  await page.getByRole("button", {name: "Send"}).click();
  await page.locator("#log li[data-code='1009']").waitFor();
  await state(page, "closed");
}));

test("closing tells code, reason and cleanness, and one can connect again", () =>
  with_page(async (page) => {
  await connect(page);
  await page.getByLabel("Code").fill("4321");
  await page.getByLabel("Reason").fill("ya está");
  await page.getByRole("button", {name: "Close"}).click();
  const closed = page.locator("#log li[data-code]");
  await closed.waitFor();
  assert.equal(await closed.getAttribute("data-code"), "4321");
  assert.equal(await closed.getAttribute("data-clean"), "true");
  await state(page, "closed");
  await connect(page);
}));

test("a code that a page may not send is told", () => with_page(async (page) => {
  await connect(page);
  await page.getByLabel("Code").fill("1001");
  await page.getByRole("button", {name: "Close"}).click();
  await page.getByRole("alert").getByText("1000").waitFor();
  await state(page, "open");
}));

test("the layers show the frame that was received", () => with_page(async (page) => {
  await connect(page);
  await page.keyboard.type("Hello");
  await page.keyboard.press("Enter");
  await entry(page, "received").waitFor();
  await page.locator("#layer-http code").getByText("GET /echo → 101").waitFor();
  assert.equal(await page.locator("#layer-frame code").textContent(), "↓ 81 05 + 5 bytes");
  assert.equal(await page.locator("#layer-message code").textContent(), "↓ text, 5 bytes");
}));

// ---- the panel with the layers of the page's own connection --------------------------------------

const unit = (page, layer) => page.locator(`#layers-list .unit[data-layer=${layer}]`);
async function say(page, text) {
  await page.getByLabel(/^Text/).fill(text);
  await page.getByLabel(/^Text/).press("Enter");
}

test("a message leads to its layers, a byte to its field, and a field to its bytes", () =>
  with_page(async (page) => {
  await connect(page);
  await say(page, "hola");
  await unit(page, "message").nth(1).waitFor();
  for (const layer of ["tcp", "http", "handshake", "frame"]) {
    assert.notEqual(await unit(page, layer).count(), 0, layer);
  }
  await entry(page, "sent").getByRole("button", {name: "layers"}).click();
  const frame = page.locator(".found .unit[data-layer=frame]");
  const bytes = frame.locator(".bytes button");
  assert.equal(await bytes.count(), 2 + 4 + 4);
  assert.deepEqual([await bytes.nth(0).textContent(), await bytes.nth(1).textContent()], ["81", "84"]);
  await bytes.nth(3).click();
  const marked = frame.locator("tr.marked");
  assert.match(await marked.textContent(), /masking key.*RFC 6455 §5.3.*ws\/core\/frame.cc/);
  assert.equal(await frame.locator(".bytes .marked").count(), 4);
  await frame.locator("tr", {hasText: "payload, unmasked"}).press("Enter");
  assert.match(await marked.textContent(), /"hola"/);
  assert.equal(await frame.locator(".bytes .marked").count(), 4);
  assert.match(await page.locator("#layers-costs").textContent(), /^2 reads, 2 writes, 2 messages: 2.00/);
}));

test("what is broken on its way is told with the rule and the answer that follows", () =>
  with_page(async (page) => {
  await connect(page);
  await page.getByRole("button", {name: "RSV2 bit"}).click();
  await page.locator("#layers[data-done='1']").waitFor();
  await say(page, "hola");
  await page.locator("#log li[data-code='1002']").waitFor();
  await page.locator("#layers-list .fault").getByText("close 1002").waitFor();
}));

test("answers to a slow reader wait in the queue, and come when it hurries", () =>
  with_page(async (page) => {
  await connect(page);
  await page.locator("#layers-slow").fill("5");  // 4 KiB a second
  await page.locator("#layers[data-done='1']").waitFor();
  await page.getByLabel("random bytes").check();
  await page.getByLabel("How many bytes").fill("60000");
  await page.getByRole("button", {name: "Send"}).click();
  await page.locator("#layers-queue").getByText("KiB waiting").waitFor();
  await page.locator("#layers-slow").fill("0");
  await entry(page, "received").waitFor();
}));

test("who is too slow for what others send fills the queue, and what the server does then is told", () =>
  with_page((slow) => with_page(async (quick) => {
  for (const page of [slow, quick]) {
    await page.getByLabel("/broadcast").check();
    await connect(page);
  }
  await slow.locator("#layers-slow").fill("6");  // 1 KiB a second
  await slow.locator("#layers[data-done='1']").waitFor();
  await quick.getByLabel("random bytes").check();
  await quick.getByLabel("How many bytes").fill(String(mebibyte));
  for (let i = 0; i < 3; ++i) await quick.getByRole("button", {name: "Send"}).click();
  await unit(slow, "engine").getByText("does not fit behind them: the connection is reset").waitFor();
  await slow.locator("#log li[data-code='1006']").waitFor();
  await entry(quick, "received", 2).waitFor();
})));

test("an answer in fragments is one message in many frames", () => with_page(async (page) => {
  await page.getByLabel("answer in fragments of").selectOption("4 bytes");
  assert.equal(await page.getByLabel("Address").inputValue(), `${server.url()}/fragments/4`);
  await connect(page);
  await say(page, "¡hola, hilo!");
  const received = entry(page, "received");
  await received.waitFor();
  assert.equal(await received.locator(".body").textContent(), "¡hola, hilo!");
  await unit(page, "message").nth(1).waitFor();
  const answers = unit(page, "frame").filter({hasText: "↓"});
  assert.deepEqual(await answers.locator("button span").allTextContents(),
    ["text 4 bytes of payload", ...Array(2).fill("continuation 4 bytes of payload"), "continuation 1 byte of payload"]);
}));

test("who asks for compression sees what was inflated", () => with_page(async (page) => {
  await page.getByLabel("compress").check();
  await connect(page);
  await entry(page, "event").getByText("permessage-deflate").waitFor();
  await say(page, "hola ".repeat(20));
  await entry(page, "received").waitFor();
  await unit(page, "message").nth(1).waitFor();
  assert.equal(await unit(page, "deflate").count(), 2);
}));

test("who does not want to be looked at is not", () => with_page(async (page) => {
  await page.getByLabel("look at the next connection").uncheck();
  await connect(page);
  await say(page, "hola");
  await entry(page, "received").waitFor();
  assert.equal(await page.locator("#layers-list .call").count(), 0);
  assert.equal(await entry(page, "sent").getByRole("button").count(), 0);
}));

test("a page that hilo explain writes shows a frame by itself, and nothing of it is markup", async () => {
  const words = ["explain", "--format", "html", "--frame", "text", "</script><b>hi", "--mask", "37fa213d"];
  const {code, out: html} = await new Program(...words).ended;
  assert.equal(code, 0);
  const folder = await mkdtemp(join(tmpdir(), "hilo-explain-"));
  await writeFile(join(folder, "page.html"), html);
  await with_page(async (page) => {
    await unit(page, "frame").getByRole("button").click();
    await page.locator(".bytes button").nth(2).click();
    assert.match(await page.locator("tr.marked").textContent(), /masking key/);
    assert.match(await unit(page, "message").textContent(), /<\/script><b>hi/);
    assert.equal(await page.locator("#layers span b").count(), 0);
  }, {at: `file://${folder}/page.html`});
  await rm(folder, {recursive: true});
});

for (const [transports, layers] of [["polling", ["http"]], ["websocket", ["frame"]], ["", ["http", "frame"]],
                                    ["revision3", ["frame"]]]) {
  test(`the chat shows its session by ${transports || "polling, then WebSocket"}`, () =>
    with_page(async (page) => {
    await page.goto(`${official_server.page}chat?transports=${transports}`);
    await unit(page, "socketio").getByText("CONNECT").first().waitFor();
    if (!transports) await unit(page, "engineio").getByText("5 upgrade").waitFor();
    for (const layer of layers) await unit(page, layer).first().waitFor();
    const polls = await unit(page, "http").getByText("transport=polling").count();
    assert.equal(polls > 0, transports === "" || transports === "polling");
    const revision = transports === "revision3" ? "EIO=3" : "EIO=4";
    assert.notEqual(await unit(page, "http").getByText(revision).count(), 0);
  }, {at: "about:blank"}));
}

test("the chat is spoken as in Engine.IO 3, compressed, with those who speak as today", () =>
  with_page(async (old) => with_page(async (young) => {
    const pages = [old, young];
    for (const [index, page] of pages.entries()) {
      await page.getByText("2 clients connected").waitFor();
      await page.getByLabel("Your name").fill(`Ana ${index}`);
      await page.getByRole("button", {name: "Join", exact: true}).click();
      await page.locator("#messages").getByText("In this room: ").waitFor();
    }
    await old.getByLabel("Message").fill("hola desde 2014");
    await old.keyboard.press("Enter");
    for (const page of pages) await page.getByText("Ana 0: hola desde 2014").waitFor();
    await unit(old, "deflate").first().waitFor();
    assert.equal(await unit(young, "deflate").count(), 0);
  }, {at: `${official_server.page}chat`}), {at: `${official_server.page}chat?transports=revision3&deflate=on`}));

test("the subprotocol that was agreed upon is shown", () => with_page(async (page) => {
  await page.getByLabel("Subprotocol").fill("other, chat");
  await connect(page);
  await entry(page, "event").getByText("chat", {exact: true}).waitFor();
}));

test("two pages meet in /broadcast", () => with_page((one) => with_page(async (two) => {
  for (const page of [one, two]) {
    await page.getByLabel("/broadcast").check();
    await connect(page);
  }
  await one.keyboard.type("who is there?");
  await one.keyboard.press("Enter");
  for (const page of [one, two]) {
    await entry(page, "received").getByText("who is there?").waitFor();
  }
  assert.equal(await entry(two, "received").locator(".round-trip").count(), 0);
})));

test("a server that is not there is told", () => with_page(async (page) => {
  await page.getByLabel("Address").fill("ws://127.0.0.1:1/");
  await page.getByRole("button", {name: "Connect"}).click();
  await page.getByText("Could not connect").waitFor();
  assert.equal(await page.locator("#log li[data-code]").getAttribute("data-code"), "1006");
}, {expected_errors: ["127.0.0.1:1/"]}));

test("a browser that speaks Spanish is spoken to in Spanish, and can choose English", () =>
  with_page(async (page) => {
  await page.getByRole("button", {name: "Conectar"}).click();
  await state(page, "open");
  assert.equal(await page.locator("html").getAttribute("lang"), "es");
  await page.getByRole("button", {name: "English"}).click();
  await page.getByText("What has happened").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await page.reload();
  await page.getByRole("button", {name: "Connect"}).waitFor();
}, {locale: "es-MX"}));

const words_missing = (page) => page.evaluate(() => {
  return [words, layers_words].flatMap(({en, es}) => {
    const keys = [new Set(Object.keys(en)), new Set(Object.keys(es))];
    return [...keys[0], ...keys[1]].filter((key) => !keys[0].has(key) || !keys[1].has(key));
  });
});
test("everything has its word in both languages", () => with_page(async (page) => {
  assert.deepEqual(await words_missing(page), []);
}));

// The contrast of WCAG 2 (1.4.3): 4.5 for text, in both themes.
const faint_texts = (page) => page.evaluate(() => {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const background = (element) => {
    for (; element; element = element.parentElement) {
      const color = numbers(getComputedStyle(element).backgroundColor);
      if (color[3] !== 0) return color;
    }
    throw new Error("no background");
  };
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const is_text = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "";
    if (![...element.childNodes].some(is_text) || !element.checkVisibility()) continue;
    const colors = [numbers(getComputedStyle(element).color), background(element)];
    const [a, b] = colors.map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.outerHTML}`);
  }
  return found;
});
for (const colorScheme of ["light", "dark"]) {
  test(`text stands out enough in the ${colorScheme} theme`, () => with_page(async (page) => {
    await connect(page);
    await page.keyboard.type("Hello");
    await page.keyboard.press("Enter");
    await entry(page, "received").waitFor();
    assert.deepEqual(await faint_texts(page), []);
  }, {colorScheme}));
}

const nameless_controls = (page) => page.evaluate(() =>
  [...document.querySelectorAll("input, select, textarea, button")]
    .filter((control) => !(control.labels?.length || control.textContent.trim() || control.ariaLabel))
    .map((control) => control.outerHTML));
test("every control has a name, and nothing is wider than a phone", () =>
  with_page(async (page) => {
  assert.deepEqual(await nameless_controls(page), []);
  await connect(page);
  await page.getByLabel(/^Text/).fill("wide".repeat(200));
  await page.keyboard.press("Enter");
  await entry(page, "received").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
}, {viewport: {width: 320, height: 640}}));

// ---- the browser's own WebSocket --------------------------------------------------------------

test("WebSocket: texts, bytes and empty messages come back in order", () =>
  with_page(async (page) => {
  const send = ["hola", "", [0, 255], [], "🧵 𝄞"];
  const told = await page.evaluate(story, {url: server.url(), send, close_after: send.length});
  assert.deepEqual(told.slice(0, -1), ["open", ...send]);
  assert.equal(told.at(-1).code, 1000);
  assert.equal(told.at(-1).wasClean, true);
}));

test("WebSocket: 10,000 pipelined messages come back in order", () => with_page(async (page) => {
  const send = Array.from({length: 10_000}, (_, i) => `message ${i}`);
  const told = await page.evaluate(story, {url: server.url(), send, close_after: send.length});
  assert.deepEqual(told.slice(1, -1), send);
}));

test("WebSocket: the codes a page may send are answered with themselves", () =>
  with_page(async (page) => {
  for (const code of [1000, 3000, 3999, 4000, 4999]) {
    const told = await page.evaluate(story, {url: server.url(), close: [code, "ya"]});
    assert.equal(told.at(-1).code, code);
    assert.equal(told.at(-1).wasClean, true);
  }
}));

test("WebSocket: a Close without a code is told as 1005", () => with_page(async (page) => {
  const told = await page.evaluate(story, {url: server.url(), close: []});
  assert.deepEqual(told, ["open", {code: 1005, reason: "", wasClean: true}]);
}));

test("WebSocket: a subprotocol nobody knows fails the connection", () => with_page(async (page) => {
  const told = await page.evaluate(story, {url: server.url(), protocols: ["unknown"]});
  assert.deepEqual(told.slice(0, -1), ["error"]);
}, {expected_errors: ["Sent non-empty 'Sec-WebSocket-Protocol'", "subprotocol"]}));

test("WebSocket: a path that is not served fails the connection", () => with_page(async (page) => {
  const told = await page.evaluate(story, {url: server.url("/nowhere")});
  assert.deepEqual(told, ["error", {code: 1006, reason: "", wasClean: false}]);
}, {expected_errors: ["404"]}));

test("WebSocket: a page of another origin is refused with 403", async () => {
  const other = await serve();  // another port is another origin
  try {
    await with_page(async (page) => {
      const told = await page.evaluate(story, {url: other.url()});
      assert.deepEqual(told, ["error", {code: 1006, reason: "", wasClean: false}]);
    }, {expected_errors: ["Unexpected response code: 403"]});
  } finally {
    await other.stop();
  }
});

test("WebSocket: when the server stops, pages are told 1001", async () => {
  const short_lived = await serve("--origin-any");
  await with_page(async (page) => {
    const closed = page.evaluate((url) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => console.log("opened");
      socket.onclose = ({code, wasClean}) => resolve({code, wasClean});
    }), short_lived.url());
    await page.waitForEvent("console", (message) => message.text() === "opened");
    const ended = short_lived.stop();
    assert.deepEqual(await closed, {code: 1001, wasClean: true});
    assert.equal((await ended).code, 0);
  });
});

// ---- the same over TLS ------------------------------------------------------------------------

const secure_server = await serve("--tls-self-signed");
// Its certificate was made when it started: nobody can know it.
const over_tls = (body, more = {}) => () =>
  with_page(body, {at: secure_server.page, ignoreHTTPSErrors: true, ...more});

test("https: the page offers wss, and its messages come back", over_tls(async (page) => {
  assert.equal(await page.getByLabel("Address").inputValue(), secure_server.url());
  await connect(page);
  await page.keyboard.type("¡Hola, 🧵!");
  await page.keyboard.press("Enter");
  await entry(page, "received").getByText("¡Hola, 🧵!").waitFor();
}));

test("wss: texts, bytes and empty messages come back in order", over_tls(async (page) => {
  const send = ["hola", "", [0, 255], [], "🧵 𝄞", "x".repeat(mebibyte)];
  const url = secure_server.url();
  const told = await page.evaluate(story, {url, send, close_after: send.length});
  assert.deepEqual(told.slice(0, -1), ["open", ...send]);
  assert.equal(told.at(-1).wasClean, true);
}));

test("wss: 10,000 pipelined messages come back in order", over_tls(async (page) => {
  const send = Array.from({length: 10_000}, (_, i) => `message ${i}`);
  const url = secure_server.url();
  const told = await page.evaluate(story, {url, send, close_after: send.length});
  assert.deepEqual(told.slice(1, -1), send);
}));

test("wss: a page over http is of another origin than one over https", () =>
  with_page(async (page) => {
  const told = await page.evaluate(story, {url: secure_server.url()});
  assert.deepEqual(told, ["error", {code: 1006, reason: "", wasClean: false}]);
}, {ignoreHTTPSErrors: true, expected_errors: ["Unexpected response code: 403"]}));

test("https: who does not believe the certificate does not get in", async () => {
  await assert.rejects(with_page(async () => {}, {at: secure_server.page}),
                       /ERR_CERT_AUTHORITY_INVALID/);
});

// ---- Socket.IO --------------------------------------------------------------------------------
// The script at /socket.io/socket.io.js is ours, or the official one where --client-bundle says so.

const bundle = fileURLToPath(new URL("node_modules/socket.io-client/dist", import.meta.url));
// This one has two threads: connections come in at either, and move to the one with the sessions.
const official_server = await serve("--client-bundle", bundle, "--threads", "2");
const scripts = {"our own client": server, "the official client": official_server};

// What a page has told its console, line by line.
function console_of(page) {
  const lines = new Inbox();
  page.on("console", (message) => lines.put(message.text()));
  return lines;
}

for (const [whose, one] of Object.entries(scripts)) {
  test(`${whose}: the page of the lesson counts who is connected`, () => with_page(async (page) => {
    const first = console_of(page);
    await page.goto(`${one.page}lesson`);
    assert.equal(await first.take(), "Connected clients: 1");
    await with_page(async (other) => {
      const second = console_of(other);
      await other.goto(`${one.page}lesson`);
      assert.equal(await second.take(), "Connected clients: 2");
      assert.equal(await first.take(), "Connected clients: 2");
    }, {at: "about:blank"});
    assert.equal(await first.take(), "Connected clients: 1");
  }, {at: "about:blank"}));

  test(`${whose}: two windows chat, see who types, and who comes and goes`, () =>
    with_page(async (ana) => with_page(async (bo) => {
      const join = async (page, name) => {
        await page.getByLabel("Your name").fill(name);
        await page.getByRole("button", {name: "Join", exact: true}).click();
      };
      const shows = (page, text) => page.locator("#messages").getByText(text).waitFor();
      await bo.getByText("2 clients connected").waitFor();
      await ana.getByText("2 clients connected").waitFor();
      await join(ana, "Ana");
      await shows(ana, "In this room: Ana");
      await join(bo, "Bo");
      await shows(bo, "In this room: Ana, Bo");
      await shows(ana, "Bo has joined");
      await ana.getByLabel("Message").pressSequentially("¡Hola, 🧵!");
      await bo.getByText("Ana is typing…").waitFor();
      await ana.keyboard.press("Enter");
      for (const page of [ana, bo]) await shows(page, "Ana: ¡Hola, 🧵!");
      await bo.locator("#typing:empty").waitFor({state: "attached"});
      await bo.getByLabel("Message").fill("<b>no markup</b>");
      await bo.keyboard.press("Enter");
      await shows(ana, "Bo: <b>no markup</b>");
      // Another room is another conversation.
      await bo.getByLabel("Room").fill("patio");
      await join(bo, "Bo");
      await shows(ana, "Bo has left");
      await bo.goto("about:blank");
      await ana.getByText("1 client connected").waitFor();
    }, {at: `${one.page}chat`}), {at: `${one.page}chat`}));
}

// ---- the page of a tap --------------------------------------------------------------------------

// The page of a tap in front of the server, and a client that speaks by way of it.
async function with_tap(body, {flags = [], ...options} = {}) {
  const one = await tap(server.url(""), ...flags);
  const client = new Program("connect", "--quiet", `ws://${one.address}/echo`);
  const say = (text) => client.process.stdin.write(`${text}\n`);
  try {
    await with_page(async (page) => {
      await page.locator("#state[data-state=open]").waitFor();
      await body({page, client, say, one});
    }, {at: one.page, ...options});
  } finally {
    await client.stop("SIGKILL");
    const {code, errors} = await one.stop();
    assert.equal(code, 0, errors);
  }
}
// A client that connected before the page was there is told of from here on.
const spoken = async ({page, say}, text) => {
  say(text);
  for (const way of ["to_server", "to_client"]) {
    await page.locator(`.call[data-direction=${way}] .unit[data-layer=message]`)
      .getByText(`"${text}"`).first().waitFor();
  }
};

test("the page of a tap shows what passes, byte by byte, in both directions", () => with_tap(async (all) => {
  const {page, one} = all;
  assert.equal(await page.locator("#listen").textContent(), one.address);
  assert.equal(await page.locator("#target").textContent(), server.url(""));
  await spoken(all, "hola");
  await page.locator("#way-client.reached").waitFor();
  await page.locator("#way-server.reached").waitFor();
  const frame = page.locator(".call[data-direction=to_server] .unit[data-layer=frame]").last();
  await frame.getByRole("button").first().click();
  await frame.locator(".bytes button").nth(3).click();
  assert.match(await frame.locator("tr.marked").textContent(), /masking key/);
}));

test("the page of a tap breaks and drops the next frame, and says what will come of it", () =>
  with_tap(async (all) => {
  const {page, client, say} = all;
  await spoken(all, "hola");
  await page.locator("#layers-drop-client").click();
  await page.locator("#layers[data-done='1']").waitFor();
  say("lost");
  await page.locator(".predicted").getByText("messages have no numbers").waitFor();
  await spoken(all, "adiós");
  await page.getByRole("button", {name: "RSV2 bit"}).click();
  await page.locator("#layers[data-done='2']").waitFor();
  say("broken");
  await page.locator(".predicted").getByText("the client: Close 1002").waitFor();
  await page.locator(".fault").getByText("close 1002").waitFor();
  const {code, out} = await client.ended;
  assert.deepEqual([code, out.toString()], [3, "hola\nadiós\n"]);
}));

test("the page of a tap puts a frame in, or says why not", () => with_tap(async (all) => {
  const {page, client} = all;
  await spoken(all, "hola");
  await page.getByLabel("Put in a frame").selectOption("server");
  await page.getByLabel("Frame, as text Hello").fill("dance");
  await page.getByRole("button", {name: "Put in"}).click();
  await page.getByRole("alert").getByText("'dance' is no kind of frame").waitFor();
  await page.getByLabel("Frame, as text Hello").fill("text put in");
  await page.getByLabel("Frame, as text Hello").press("Enter");
  await page.locator(".unit").getByText("injected").waitFor();
  await page.locator(".unit[data-layer=message]").getByText('"put in"').waitFor();
  assert.equal(await page.getByRole("alert").textContent(), "");
  client.end_input();
  assert.equal((await client.ended).out.toString(), "hola\nput in\n");
}));

for (const colorScheme of ["light", "dark"]) {
  test(`the page of a tap speaks Spanish, on a phone, in the ${colorScheme} theme`, () => with_tap(async (all) => {
    const {page} = all;
    await spoken(all, "hola".repeat(100).slice(0, 64));
    await page.getByRole("button", {name: "Meter"}).waitFor();
    await page.locator("#layers-drop-client").click();
    await page.locator("#layers[data-done='1']").waitFor();
    all.say("perdido");
    await page.locator(".predicted").first().waitFor();
    assert.deepEqual(await words_missing(page), []);
    assert.deepEqual(await faint_texts(page), []);
    assert.deepEqual(await nameless_controls(page), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    await page.getByRole("button", {name: "English"}).click();
    await page.getByText("What passes, as the tap tells it").waitFor();
  }, {locale: "es-MX", colorScheme, viewport: {width: 320, height: 640}}));
}

// ---- JSONP --------------------------------------------------------------------------------------

const old_script = fileURLToPath(
  new URL("./node_modules/socket.io-client-2/dist/socket.io.js", import.meta.url));
const jsonp_server = await serve("--jsonp");

test("socket.io-client 2.5.0 speaks by scripts and forms from a page of another origin", () =>
  with_page(async (page) => {
    await page.addScriptTag({path: old_script});
    const answers = await page.evaluate((url) => new Promise((resolve, reject) => {
      const socket = window.io(url, {transports: ["polling"], forceJSONP: true});
      socket.on("connect_error", reject);
      const texts = ["\u2028 \u2029", "a\\nb\nc\\\\n", '"); alert(1); ("', "h\u00e9llo-\u20ac-\u{1f600} +&=%41"];
      socket.on("connect", () => socket.emit("echo", ...texts, {list: [1, null]}, (...got) =>
        resolve({texts, got, name: socket.io.engine.transport.constructor.name,
          scripts: typeof window.___eio, polls: socket.io.engine.transport.query.j})));
    }), jsonp_server.page.replace("127.0.0.1", "localhost"));
    assert.deepEqual(answers.got, [...answers.texts, {list: [1, null]}]);
    assert.equal(answers.polls, 0);
  }, {at: `${server.page}health`, expected_errors: ["404"]}));

await run_cases(async () => {
  await browser.close();
  for (const one of [server, secure_server, official_server, jsonp_server]) {
    const {code, errors} = await one.stop();
    assert.equal(code, 0, errors);
  }
});
