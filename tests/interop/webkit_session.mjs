// SPDX-License-Identifier: MIT
//
// WebKitGTK in its MiniBrowser on a display that nobody sees, driven by plain W3C WebDriver
// (https://w3c.github.io/webdriver): JSON over HTTP, one command after the other.
//
// Driver and browser both have to be told where to listen. They get an address of 127.0.0.0/8 made of
// this process' id: a port that was free a moment ago may be another's by the time they take it.

import {spawn} from "node:child_process";
import {once} from "node:events";
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {connect} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {setTimeout as pause} from "node:timers/promises";

import {within_patience} from "./cases.mjs";

const address = `127.${64 + (process.pid >> 16)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const driver_port = 4444;
const browser_port = 4445;
const element_key = "element-6066-11e4-a52e-4f735466cecf";  // what WebDriver calls an element in JSON

// Neither says when it listens.
async function until_listening(port) {
  for (;;) {
    const socket = connect(port, address);
    const listens = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (listens) return;
    await pause(10);
  }
}

export class WebKit {
  #folder = mkdtempSync(join(tmpdir(), "hilo-webkit-"));
  #processes = [];
  #errors = "";
  #session;
  #window;  // what commands go to
  #first_window;
  #is_first_taken = false;

  // `programs` names {display, driver, browser}: Xvfb, WebKitWebDriver and MiniBrowser.
  static async launch(programs) {
    const webkit = new WebKit();
    process.once("exit", () => webkit.#clean_up());
    await within_patience(webkit.#start(programs));
    return webkit;
  }

  async #start({display, driver, browser}) {
    const environment = this.#environment(await this.#start_display(display));
    // WebKit's sandbox of bubblewrap, which root in a container may not make, is off in MiniBrowser
    // unless --enable-sandbox is given. Without the cache of pages who leaves one closes its sockets.
    this.#spawn(browser, ["--automation", "--enable-page-cache=false"],
                {...environment, WEBKIT_INSPECTOR_SERVER: `${address}:${browser_port}`});
    this.#spawn(driver, [
      `--host=${address}`, `--port=${driver_port}`, `--target=${address}:${browser_port}`,
    ], environment);
    await this.#or_end(Promise.all([until_listening(driver_port), until_listening(browser_port)]));
    const {sessionId} = await this.#or_end(this.#send("POST", "/session", {capabilities: {
      alwaysMatch: {acceptInsecureCerts: true, timeouts: {script: null}},
    }}));
    this.#session = `/session/${sessionId}`;
    this.#window = await this.#send("GET", `${this.#session}/window`);
    this.#first_window = this.#window;
  }

  // Gives its number, the first that is free. It ends with its last client (-terminate), even if
  // nobody is left to end it.
  #start_display(program) {
    const {stdio} = this.#spawn(program, [
      "-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-terminate",
    ], {}, "pipe");
    return this.#or_end(once(createInterface({input: stdio[3]}), "line").then(([line]) => line));
  }

  #environment(display) {
    // The browser's bar would make every window wider than a phone.
    const theme = join(this.#folder, ".config", "gtk-3.0");
    mkdirSync(theme, {recursive: true});
    writeFileSync(join(theme, "gtk.css"), "* { min-width: 0; margin: 0; padding: 0; font-size: 1px; }");
    return {
      DISPLAY: `:${display}`,
      HOME: this.#folder,
      XDG_RUNTIME_DIR: this.#folder,
      LANG: "en_US.UTF-8",                    // the language of pages; the locale need not be there
      DBUS_SESSION_BUS_ADDRESS: "disabled:",  // nor a bus, which would be started otherwise
      NO_AT_BRIDGE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",   // nobody looks, and OpenGL in software is dear
    };
  }

  // Of the environment here they get what finds programs and no more.
  #spawn(program, words, environment, display_pipe = "ignore") {
    const child = spawn(program, words, {
      stdio: ["ignore", "ignore", "pipe", display_pipe], env: {PATH: process.env.PATH, ...environment},
    });
    child.stderr.on("data", (data) => (this.#errors = (this.#errors + data).slice(-4000)));
    child.ended = once(child, "exit");
    child.ended.catch(() => {});
    this.#processes.push(child);
    return child;
  }

  // What the promise gives, unless a process ends before that.
  async #or_end(promise) {
    const ends = this.#processes.map(({ended, spawnfile}) => ended.then(([code, signal]) => {
      throw new Error(`${spawnfile} ended (${code ?? signal}): ${this.#errors}`);
    }));
    for (const end of ends) end.catch(() => {});
    return Promise.race([promise, ...ends]);
  }

  async #send(method, path, body) {
    const answer = await fetch(`http://${address}:${driver_port}${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const {value} = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  // A command to one of the windows.
  async #command(method, path, body, window) {
    if (window !== this.#window) {
      await this.#send("POST", `${this.#session}/window`, {handle: window});
      this.#window = window;
    }
    return this.#send(method, this.#session + path, body);
  }

  // A page for `body`, which gets evaluate(function, argument) and a person's
  // {click(selector), type(selector, keys), resize(width, height)}. The function runs in the page,
  // and what it returns, or promises, comes back as JSON would carry it. Pages may be there side by
  // side, but of all of them one at a time is told something.
  //
  // The first window goes from page to page, in one process: a new window has a new one, and so has
  // a page after about:blank, which takes longer to start than most bodies take. What a body leaves
  // in the first window is there until the next page.
  async with_page(url, body) {
    const is_first = !this.#is_first_taken;
    this.#is_first_taken = true;
    const window = is_first ? this.#first_window : await this.#new_window();
    const tell = (method, path, value) => this.#command(method, path, value, window);
    const element = async (selector) => {
      const found = await tell("POST", "/element", {using: "css selector", value: selector});
      return `/element/${found[element_key]}`;
    };
    const evaluate = (run, argument) => tell("POST", "/execute/sync", {
      script: `return Promise.resolve((${run})(...arguments))`, args: [argument ?? null],
    });
    const person = {
      click: async (selector) => tell("POST", `${await element(selector)}/click`, {}),
      type: async (selector, text) => tell("POST", `${await element(selector)}/value`, {text}),
      // The height is the window's, with its bar.
      resize: async (width, height) => {
        await tell("POST", "/window/rect", {width, height});
        await evaluate(async (wanted) => {
          while (innerWidth !== wanted) {
            await new Promise((resolve) => addEventListener("resize", resolve, {once: true}));
          }
        }, width);
      },
    };
    try {
      await tell("POST", "/url", {url});
      await body(evaluate, person);
    } finally {
      if (is_first) this.#is_first_taken = false;
      else await tell("DELETE", "/window");
    }
  }

  async #new_window() {
    const {handle} = await this.#command("POST", "/window/new", {type: "window"}, this.#first_window);
    return handle;
  }

  async close() {
    await this.#send("DELETE", this.#session);
    this.#clean_up();
    await Promise.all(this.#processes.map(({ended}) => ended));
  }

  #clean_up() {
    const [display, ...others] = this.#processes;
    // MiniBrowser's processes for pages and for the network end when they have lost it.
    for (const child of others) child.kill("SIGKILL");
    display?.kill("SIGTERM");  // it removes its socket and its lock
    rmSync(this.#folder, {recursive: true, force: true, maxRetries: 10});
  }
}
