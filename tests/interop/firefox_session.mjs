// SPDX-License-Identifier: MIT
//
// Firefox without a window, driven by its own WebDriver BiDi (https://w3c.github.io/webdriver-bidi):
// commands in JSON over a WebSocket, which nothing but the browser and the package ws is needed for.

import {spawn} from "node:child_process";
import {once} from "node:events";
import {rmSync} from "node:fs";
import {mkdtemp, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";

import WebSocket from "ws";

// A profile that asks nobody anything: no updates, no telemetry, no first-run pages.
const preferences = `
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.server", "");
`;

export class Firefox {
  #process;
  #profile;
  #socket;
  #waiting = new Map();
  #last_id = 0;

  // Throws an error of code ENOENT if there is no such program.
  static async launch(program) {
    const firefox = new Firefox();
    firefox.#profile = await mkdtemp(join(tmpdir(), "hilo-firefox-"));
    await writeFile(join(firefox.#profile, "user.js"), preferences);
    firefox.#process = spawn(
      program,
      ["--headless", "--no-remote", "--profile", firefox.#profile, "--remote-debugging-port", "0"],
      {stdio: ["ignore", "ignore", "pipe"], env: {...process.env, HOME: firefox.#profile}});
    process.once("exit", () => firefox.#clean_up());
    const failed = once(firefox.#process, "error").then(([error]) => { throw error; });
    const address = await Promise.race([firefox.#address(), failed]);
    failed.catch(() => {});
    firefox.#socket = new WebSocket(`${address}/session`);
    firefox.#socket.on("message", (data) => firefox.#answer(JSON.parse(data)));
    await once(firefox.#socket, "open");
    await firefox.#command("session.new", {
      capabilities: {alwaysMatch: {acceptInsecureCerts: true}},
    });
    return firefox;
  }

  // "WebDriver BiDi listening on ws://127.0.0.1:port"
  async #address() {
    let told = "";
    for await (const line of createInterface({input: this.#process.stderr})) {
      const match = /listening on (ws:\S+)/.exec(line);
      if (match) {
        this.#process.stderr.resume();
        return match[1];
      }
      told += `${line}\n`;
    }
    throw new Error(`Firefox ended: ${told}`);
  }

  #command(method, params) {
    const id = ++this.#last_id;
    this.#socket.send(JSON.stringify({id, method, params}));
    return new Promise((resolve, reject) => this.#waiting.set(id, {resolve, reject}));
  }

  #answer({id, type, result, error, message}) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;  // an event
    this.#waiting.delete(id);
    if (type === "success") waiting.resolve(result);
    else waiting.reject(new Error(`${error}: ${message}`));
  }

  // A page of its own for `body`, which gets evaluate(function, argument): the function runs in the
  // page, and what it returns, or promises, comes back as JSON would carry it.
  async with_page(url, body) {
    const {context} = await this.#command("browsingContext.create", {type: "tab"});
    try {
      await this.#command("browsingContext.navigate", {context, url, wait: "complete"});
      await body(async (run, argument) => {
        const {type, result, exceptionDetails} = await this.#command("script.evaluate", {
          expression: `Promise.resolve((${run})(${JSON.stringify(argument)}))
            .then((value) => JSON.stringify(value ?? null))`,
          target: {context},
          awaitPromise: true,
        });
        if (type !== "success") throw new Error(exceptionDetails.text);
        return JSON.parse(result.value);
      });
    } finally {
      await this.#command("browsingContext.close", {context});
    }
  }

  async close() {
    const ended = once(this.#process, "exit");
    await this.#command("browser.close", {});
    await ended;
    this.#clean_up();
  }

  #clean_up() {
    this.#process.kill("SIGKILL");
    rmSync(this.#profile, {recursive: true, force: true, maxRetries: 10});
  }
}
