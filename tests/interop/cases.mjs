// SPDX-License-Identifier: MIT
//
// What the scripts share: cases that report one line each, running programs, and queues of events.
//
//   test("a text comes back", async () => { ... });   // a throw is a failure
//   await run_cases();                                // prints, and sets the exit code
//
// Nothing waits for a time to pass. `patience` only ends what hangs, and that is a failure.

import {spawn, spawnSync} from "node:child_process";
import {once} from "node:events";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

export const hilo = process.env.HILO ?? "build/release/hilo";
export const mebibyte = 1 << 20;
const patience = 60_000;

const cases = [];
const programs = new Set();

process.on("exit", () => {
  for (const program of programs) program.kill("SIGKILL");
});

export function test(name, body) {
  cases.push({name, body});
}

// A whole script that cannot run: the one line it prints.
export function skip_all(name, reason) {
  console.log(`skip ${name}: ${reason}`);
  process.exit(0);
}

export async function within_patience(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happened for ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function run_cases(at_end = async () => {}) {
  let failed = 0;
  for (const {name, body} of cases) {
    try {
      await within_patience(body());
      console.log(`ok ${name}`);
    } catch (error) {
      ++failed;
      console.log(`not ok ${name}`);
      console.log(String(error.stack ?? error).replace(/^/gm, "  "));
    }
  }
  try {
    await within_patience(at_end());
  } catch (error) {
    ++failed;
    console.log(`not ok the script ends in good order\n  ${error}`);
  }
  process.exit(failed ? 1 : 0);
}

// A running program: `ended` tells {code, out, errors} when it is over.
export class Program {
  constructor(...words) {
    this.process = spawn(hilo, words, {stdio: ["pipe", "pipe", "pipe"]});
    programs.add(this.process);
    this.out = [];
    this.errors = "";
    this.process.stdin.on("error", () => {});  // it may end before it has read everything
    this.process.stdout.on("data", (data) => this.out.push(data));
    this.process.stderr.on("data", (data) => (this.errors += data));
    this.ended = once(this.process, "close").then(([code]) => {
      programs.delete(this.process);
      return {code, out: Buffer.concat(this.out), errors: this.errors};
    });
  }
  end_input(data = "") {
    this.process.stdin.end(data);
  }
  stop(signal = "SIGTERM") {
    this.process.kill(signal);
    return this.ended;
  }
}

// `hilo serve` on a port of its own; resolves once it listens.
export async function serve(...flags) {
  const program = new Program("serve", "--listen", "127.0.0.1:0", ...flags);
  const lines = createInterface({input: program.process.stdout});
  const first = once(lines, "line").then(([line]) => line);
  const early = program.ended.then(({errors}) => { throw new Error(`it ended: ${errors}`); });
  const line = await within_patience(Promise.race([first, early]));
  early.catch(() => {});
  const match = /^listening on (\S+)  (https?:\S+)$/.exec(line);
  if (!match) throw new Error(`unexpected first line: ${line}`);
  program.address = match[1];
  program.page = match[2];
  const scheme = program.page.startsWith("https:") ? "wss" : "ws";
  program.url = (path = "/echo") => `${scheme}://${match[1]}${path}`;
  return program;
}

// `hilo tap` with a page, in front of `target`; resolves once both listen.
export async function tap(target, ...flags) {
  const program = new Program("tap", "--quiet", "--page", "127.0.0.1:0", ...flags, "127.0.0.1:0", target);
  const told = (async () => {
    for await (const line of createInterface({input: program.process.stderr})) {
      program.address ??= /^listening on (\S+)$/.exec(line)?.[1];
      program.page = /^page at (\S+)$/.exec(line)?.[1];
      if (program.page) return;
    }
    throw new Error(`it ended: ${program.errors}`);
  })();
  await within_patience(told);
  return program;
}

// A private CA and what it signed (certificates.sh), in a folder that goes with this process.
export function certificates() {
  const folder = mkdtempSync(join(tmpdir(), "hilo-certificates-"));
  process.on("exit", () => rmSync(folder, {recursive: true}));
  const script = fileURLToPath(new URL("certificates.sh", import.meta.url));
  const {status} = spawnSync("sh", [script, folder], {stdio: "inherit"});
  if (status !== 0) throw new Error("there are no certificates");
  const file = (name) => join(folder, name);
  const read = (name) => readFileSync(file(name));
  return {file, read, ca: read("ca.pem")};
}

// What arrives is kept until somebody asks for it, in order.
export class Inbox {
  #arrived = [];
  #waiting = [];
  #error = null;

  put(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(value);
    else this.#arrived.push(value);
  }
  // Nothing will come any more.
  end(error) {
    this.#error ??= error;
    for (const {reject} of this.#waiting.splice(0)) reject(error);
  }
  take() {
    if (this.#arrived.length) return Promise.resolve(this.#arrived.shift());
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => this.#waiting.push({resolve, reject}));
  }
}
