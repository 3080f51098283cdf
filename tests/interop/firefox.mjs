#!/bin/sh
':' //; command -v node >/dev/null && exec node "$0"; echo "skip firefox: there is no node"; exit
// SPDX-License-Identifier: MIT
//
// Firefox: its own WebSocket as a page has it, and our pages. HILO names the binary, FIREFOX the
// browser if it is not in its place.

import {existsSync} from "node:fs";

import {run_in} from "./any_browser.mjs";
import {skip_all} from "./cases.mjs";

const {Firefox} = await import("./firefox_session.mjs").catch(() =>
  skip_all("firefox", "the npm package ws is not installed"));

const places = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"].filter(Boolean);
const program = places.find((place) => existsSync(place)) ?? skip_all("firefox", "there is no firefox");

await run_in(await Firefox.launch(program));
