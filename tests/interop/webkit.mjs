#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip webkit: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// WebKitGTK: its own WebSocket as a page has it, and our pages. HILO names the binary; XVFB,
// WEBKIT_DRIVER and MINIBROWSER the programs if they are not in their places.

import assert from "node:assert/strict";
import {existsSync, readdirSync} from "node:fs";

import {run_in, until} from "./any_browser.mjs";
import {skip_all} from "./cases.mjs";
import {WebKit} from "./webkit_session.mjs";

function first_of(what, places) {
  const place = places.filter(Boolean).find((one) => existsSync(one));
  return place ?? skip_all("webkit", `there is no ${what}`);
}
const machines = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
const programs = {
  display: first_of("Xvfb", [process.env.XVFB, "/usr/bin/Xvfb"]),
  driver: first_of("WebKitWebDriver", [process.env.WEBKIT_DRIVER, "/usr/bin/WebKitWebDriver"]),
  // Debian has it beside the library, in a folder named for the machine.
  browser: first_of("MiniBrowser", [process.env.MINIBROWSER,
    ...machines.map((machine) => `/usr/lib/${machine}/webkit2gtk-4.1/MiniBrowser`)]),
};

const enter = "\uE007";  // as WebDriver writes the key

const browser = await WebKit.launch(programs);

// Of an https page WebKitGTK 2.50 leaves at times what has come unread in its socket, for ever: once in
// 25 runs of all cases over wss, on a busy machine. One page is enough to see that it speaks wss; the
// other browsers have the rest.
const wanted = (name) => !name.startsWith("wss: ") || name.includes("texts, bytes and empty messages");

function person_cases({test, scheme, server}) {
  for (const [place, width] of [["at a desk", 1180], ["with a phone", 320]]) {
    test(`${scheme}: a person ${place} connects, types, and goes from a message to its bytes by keys`, () =>
      browser.with_page(server.page, async (evaluate, {click, type, resize}) => {
      const is_there = (selector) =>
        until(evaluate, (what) => document.querySelector(what) !== null, selector);
      await resize(width, 900);
      await click("#connect");
      await is_there("#state[data-state=open]");
      await type("#text", "wide".repeat(100) + enter);
      await is_there("#log li[data-direction=received]");
      await until(evaluate, () =>
        document.querySelectorAll("#layers-list .unit[data-layer=message]").length === 2);
      // Where these are changes while the server goes on to tell something: no place to point at.
      await type("#log li[data-direction=sent] .layers-link", enter);
      await type(".found .unit[data-layer=frame] .bytes button:nth-child(5)", enter);
      const seen = await evaluate(() => ({
        field: document.querySelector(".found tr.marked").textContent,
        width: document.documentElement.scrollWidth,
      }));
      assert.match(seen.field, /masking key/);
      assert.equal(seen.width, width);
    }));
  }
}

await run_in(browser, {more_cases: person_cases, wanted});
