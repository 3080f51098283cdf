// SPDX-License-Identifier: MIT
//
// A small Socket.IO client for a browser: protocol 5 on Engine.IO 4, over a WebSocket alone; or, as
// clients of Socket.IO 2 did, protocol 4 on Engine.IO 3.
//
//   const socket = io();                       // or io("/news"), io("https://host/news", {auth: {...}})
//   const older = io({EIO: 3});                // the client pings, and is in "/" without asking
//   socket.on("stats", (data) => { ... });
//   socket.emit("sum", 1, 2, (answer) => { ... });
//
// It has the names of the official client and leaves out what a page of hilo does not need:
// polling, binary values, retries. `hilo serve` hands out the official one where it finds it.
"use strict";

(() => {
  // ---- events ---------------------------------------------------------------------------------
  class Emitter {
    #handlers = new Map();

    on(name, handler) {
      if (!this.#handlers.has(name)) this.#handlers.set(name, []);
      this.#handlers.get(name).push(handler);
      return this;
    }
    once(name, handler) {
      const once = (...values) => { this.off(name, once); handler.apply(this, values); };
      once.handler = handler;
      return this.on(name, once);
    }
    off(name, handler) {
      if (name === undefined) this.#handlers.clear();
      else if (handler === undefined) this.#handlers.delete(name);
      else this.#handlers.set(name, (this.#handlers.get(name) ?? []).filter(
        (other) => other !== handler && other.handler !== handler));
      return this;
    }
    tell(name, ...values) {
      for (const handler of [...(this.#handlers.get(name) ?? [])]) handler.apply(this, values);
    }
  }

  // ---- one connection for all namespaces of a host ----------------------------------------------
  const base_ms = 1000;
  const cap_ms = 30000;
  const type = { connect: "0", disconnect: "1", event: "2", ack: "3", connect_error: "4" };

  class Manager {
    sockets = new Map();
    #link = null;
    #open = false;
    #failures = 0;
    #timer = 0;   // to connect again
    #silence = 0; // how long the server may be quiet, once it has said so
    #watch = 0;
    #beat = 0;    // pings of revision 3

    constructor(url, revision) {
      this.url = url;
      this.revision = revision;
    }

    get open() { return this.#open; }

    connect() {
      if (this.#link) return;
      clearTimeout(this.#timer);
      const link = new WebSocket(this.url);
      this.#link = link;
      link.onmessage = (event) => this.#receive(event.data);
      link.onclose = () => { if (this.#link === link) this.#lost("transport close"); };
    }
    send(packet) { this.#link.send(`4${packet}`); }
    // Nobody is left who would talk.
    close_if_idle() {
      if ([...this.sockets.values()].some((socket) => socket.active)) return;
      clearTimeout(this.#timer);
      this.#drop();
    }

    #drop() {
      clearTimeout(this.#watch);
      clearInterval(this.#beat);
      const link = this.#link;
      this.#link = null;
      this.#open = false;
      link?.close();
    }
    #lost(reason) {
      this.#drop();
      for (const socket of this.sockets.values()) socket.lost(reason);
      if (![...this.sockets.values()].some((socket) => socket.active)) return;
      // Full jitter: clients that were thrown out together do not come back together.
      const most = Math.min(cap_ms, base_ms * 2 ** this.#failures++);
      this.#timer = setTimeout(() => this.connect(), Math.random() * most);
    }
    #heard() {
      clearTimeout(this.#watch);
      this.#watch = setTimeout(() => this.#lost("ping timeout"), this.#silence);
    }
    #receive(text) {
      if (typeof text !== "string") return this.#lost("parse error");
      const rest = text.slice(1);
      if (text[0] === "0") this.#opened(JSON.parse(rest));
      this.#heard();
      switch (text[0]) {
        case "1": return this.#lost("transport close");
        case "2": return void this.#link.send("3");
        case "4": return this.#dispatch(rest);
      }
    }
    #opened({ sid, pingInterval, pingTimeout }) {
      this.sid = sid;
      this.#silence = pingInterval + pingTimeout;
      if (this.revision === 3) this.#beat = setInterval(() => this.#link.send("2"), pingInterval);
      this.#open = true;
      this.#failures = 0;
      for (const socket of this.sockets.values()) if (socket.active) socket.join();
    }
    #dispatch(packet) {
      const [, kind, name = "/", id, data] = /^(\d)(\/[^,]*)?,?(\d+)?(.*)$/s.exec(packet) ?? [];
      const socket = this.sockets.get(name);
      if (socket) socket.receive(kind, id, data ? JSON.parse(data) : undefined);
    }
  }

  // ---- one namespace ----------------------------------------------------------------------------
  class Socket extends Emitter {
    connected = false;
    active = false; // wants to be connected
    id = undefined;
    #manager;
    #name;
    #auth;
    #waiting = []; // what was emitted before there was a connection
    #acks = new Map();
    #next_ack = 0;

    constructor(manager, name, auth) {
      super();
      this.#manager = manager;
      this.#name = name;
      this.#auth = auth;
    }

    connect() {
      if (this.active) return this;
      this.active = true;
      if (this.#manager.open) this.join(); else this.#manager.connect();
      return this;
    }
    disconnect() {
      if (this.connected) this.#send(type.disconnect);
      this.active = false;
      this.lost("io client disconnect");
      this.#manager.close_if_idle();
      return this;
    }
    emit(name, ...values) {
      const ack = typeof values.at(-1) === "function" ? values.pop() : null;
      const id = ack ? this.#next_ack++ : "";
      if (ack) this.#acks.set(id, ack);
      const packet = id + JSON.stringify([name, ...values]);
      if (this.connected) this.#send(type.event, packet); else this.#waiting.push(packet);
      return this;
    }

    // The rest is the Manager's.
    join() {
      if (this.#manager.revision === 3) return this.#name === "/" ? undefined : this.#send(type.connect);
      const send = (auth) => this.#send(type.connect, auth ? JSON.stringify(auth) : "");
      if (typeof this.#auth === "function") this.#auth(send); else send(this.#auth);
    }
    lost(reason) {
      this.#acks.clear();
      this.id = undefined;
      if (!this.connected) return this.active && this.tell("connect_error", new Error(reason));
      this.connected = false;
      this.tell("disconnect", reason);
    }
    receive(kind, id, data) {
      switch (kind) {
        case type.connect: return this.#joined(data);
        case type.disconnect:
          this.active = false;
          this.lost("io server disconnect");
          return this.#manager.close_if_idle();
        case type.connect_error:
          this.active = false;
          this.tell("connect_error", Object.assign(new Error(data.message ?? data), { data: data.data }));
          return this.#manager.close_if_idle();
        case type.event:
          if (id !== undefined) data.push((...values) => this.#send(type.ack, id + JSON.stringify(values)));
          return this.tell(...data);
        case type.ack: {
          const ack = this.#acks.get(Number(id));
          this.#acks.delete(Number(id));
          return ack?.(...data);
        }
      }
    }

    #joined(data) {
      this.connected = true;
      this.id = data?.sid ?? `${this.#name === "/" ? "" : `${this.#name}#`}${this.#manager.sid}`;
      for (const packet of this.#waiting.splice(0)) this.#send(type.event, packet);
      this.tell("connect");
    }
    #send(kind, packet = "") {
      this.#manager.send(kind + (this.#name === "/" ? "" : `${this.#name},`) + packet);
    }
  }

  // ---- io ---------------------------------------------------------------------------------------
  const managers = new Map();

  function io(where = "/", options = {}) {
    if (typeof where === "object") [where, options] = ["/", where];
    const page = new URL(where, location.href);
    const link = new URL(options.path ?? "/socket.io/", page);
    link.protocol = page.protocol.replace("http", "ws");
    const revision = options.EIO ?? 4;
    link.search = new URLSearchParams({ ...options.query, EIO: revision, transport: "websocket" });
    if (!managers.has(link.href)) managers.set(link.href, new Manager(link.href, revision));
    const manager = managers.get(link.href);
    const name = page.pathname;
    if (!manager.sockets.has(name)) manager.sockets.set(name, new Socket(manager, name, options.auth));
    const socket = manager.sockets.get(name);
    return options.autoConnect === false ? socket : socket.connect();
  }
  io.connect = io;
  window.io = io;
})();
