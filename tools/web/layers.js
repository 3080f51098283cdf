// SPDX-License-Identifier: MIT
//
// The layers of a page's own connections, as the engine that serves them tells it (/trace).
//
//   const layers = make_layers(document.getElementById("panel"));
//   const socket = new WebSocket(await layers.watched(url));   // the same address, and ?trace=ID
//   layers.speak("es");
//   layers.on_message = (direction, number, item, connection) => { ... };  // its n-th message
//
// A page that `hilo explain --format html` writes has what was recorded, and no server:
//
//   make_layers(panel, {live: false}).add(connection, parts);
//
// and the page of `hilo tap --page` has all that passes through it, and tells what to do to it:
//
//   const layers = make_layers(panel, {tap: true});
//   layers.on_window = (is_open) => { ... };          // and on_tap({listen, target}), on_call(direction)
//   layers.open();
//
// What comes is a list of parts for each call that read or wrote something (tools/hilo/trace_rooms.h).
// A part of depth 0 begins a unit: a system call, a head, a frame, a message, a packet; those behind
// it with a greater depth are in it. A unit opens to its bytes and its fields: a byte leads to the
// field that it is part of, a field to its bytes.
"use strict";

const layers_words = {
  en: {
    title: "The layers, as the server sees them", show: "look at the next connection",
    empty: "Connect, and send something: each call of the server that reads or writes bytes is told here, layer by layer.",
    break_title: "Break the next frame on its way:", mask: "MASK bit", rsv: "RSV2 bit", opcode: "opcode 3", length: "length + 1",
    slow: "A slow reader takes", fast: "all it can", per_second: "a second", queue: "waiting for it",
    costs: (c) => `${c.reads} reads, ${c.writes} writes, ${c.messages} messages`,
    per_message: (n) => `${n} system calls a message`,
    server: (n, c) => `The server, for ${n} messages in two seconds (those that tell all this among them): ${c.wait} waits, ${c.read} reads, ${c.write} writes, ${c.allocations} allocations, ${c.copied} bytes copied and ${c.cpu} µs of processor time each`,
    lost: (n) => `${n} parts or more were not shown`, over: "the server shows no more", clear: "Clear", to_server: "to the server", to_client: "to the client",
    breaks: "breaks a rule", answer: "the answer that is due", number: "in the catalogue of bad inputs", bytes: "bytes", more: "more",
    tap_title: "What passes, as the tap tells it",
    tap_empty: "Connect a client to the tap: what it says to the server and what it is answered is told here, layer by layer.",
    tap_break: "Break the client's next frame on its way:", drop_title: "Do not pass on the next frame of the", client: "client", server_side: "server",
    inject_title: "Put in a frame, as if it came from the", inject: "Put in", inject_text: "Frame, as text Hello, ping, close 1000 bye, binary 00 ff, hex 81 00", refused: "It was not put in:",
  },
  es: {
    title: "Las capas, como las ve el servidor", show: "mirar la próxima conexión",
    empty: "Conecta y envía algo: cada llamada del servidor que lee o escribe bytes se cuenta aquí, capa por capa.",
    break_title: "Romper la próxima trama en camino:", mask: "bit MASK", rsv: "bit RSV2", opcode: "opcode 3", length: "longitud + 1",
    slow: "Un lector lento toma", fast: "todo lo que puede", per_second: "por segundo", queue: "en espera",
    costs: (c) => `${c.reads} lecturas, ${c.writes} escrituras, ${c.messages} mensajes`,
    per_message: (n) => `${n} llamadas al sistema por mensaje`,
    server: (n, c) => `El servidor, por cada uno de ${n} mensajes en dos segundos (también los que cuentan todo esto): ${c.wait} esperas, ${c.read} lecturas, ${c.write} escrituras, ${c.allocations} reservas de memoria, ${c.copied} bytes copiados y ${c.cpu} µs de procesador`,
    lost: (n) => `${n} partes o más no se mostraron`, over: "el servidor no muestra más", clear: "Borrar", to_server: "al servidor", to_client: "al cliente",
    breaks: "rompe una regla", answer: "la respuesta debida", number: "en el catálogo de entradas malas", bytes: "bytes", more: "más",
    tap_title: "Lo que pasa, como lo cuenta el tap",
    tap_empty: "Conecta un cliente al tap: lo que dice al servidor y lo que le responden se cuenta aquí, capa por capa.",
    tap_break: "Romper la próxima trama del cliente en camino:", drop_title: "No dejar pasar la próxima trama del", client: "cliente", server_side: "servidor",
    inject_title: "Meter una trama, como si viniera del", inject: "Meter", inject_text: "Trama, como text Hola, ping, close 1000 bye, binary 00 ff, hex 81 00", refused: "No se metió:",
  },
};

const layers_style = `
  .layers-panel .tools { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; margin-bottom: .6rem; font-size: .88rem; }
  .layers-panel .tools label { display: inline-flex; align-items: center; gap: .4rem; margin: 0; color: inherit; }
  .layers-panel .tools input { width: auto; min-height: 0; accent-color: var(--thread); }
  .layers-panel .tools button { min-height: 2.2rem; padding: .2rem .6rem; color: var(--ink); background: none; border: 1px solid var(--field); font-weight: 400; }
  .layers-panel .tools meter { width: 8rem; }
  .layers-panel form.tools { padding: 0; border: 0; background: none; }
  .layers-panel .tools input[type=text], .layers-panel .tools select { width: auto; min-width: 0; flex: 0 1 16rem; min-height: 2.2rem; padding: .2rem .5rem; color: inherit; background: var(--paper); border: 1px solid var(--field); border-radius: .3rem; font: inherit; }
  .layers-panel .tools select { flex: 0 0 auto; }
  .layers-panel.of-tap .unit > button b { flex-basis: 9rem; }
  .layers-panel p.predicted { margin: 0 0 .1rem; padding-left: .2rem; font-size: .88rem; overflow-wrap: anywhere; }
  .layers-panel .tools span:empty:not([role]) { display: none; }
  .layers-panel ol { list-style: none; margin: 0; padding: 0 .5rem 0 0; max-height: 75vh; overflow-y: auto; }
  .layers-panel ol ol { max-height: none; overflow: visible; padding: 0; }
  .layers-panel .call { margin: 0 0 .5rem; padding: .1rem 0 .1rem .7rem; border-left: 3px solid var(--line); }
  .layers-panel .call[data-direction=to_server] { border-color: var(--thread); }
  .layers-panel .call.found { background: color-mix(in srgb, var(--thread) 12%, transparent); }
  .layers-panel .unit > button {
    display: flex; width: 100%; min-height: 1.9rem; gap: .6rem; align-items: baseline; padding: .1rem .2rem; text-align: left;
    color: inherit; background: none; border: 0; border-radius: .2rem; font: inherit; font-weight: 400; font-size: .9rem; cursor: pointer;
  }
  .layers-panel .unit > button b { flex: 0 0 7rem; font-weight: 600; color: var(--thread); }
  .layers-panel .unit > button span { overflow-wrap: anywhere; }
  .layers-panel .unit > button code { margin-left: auto; white-space: nowrap; color: var(--soft); font-size: .8rem; }
  .layers-panel .bytes { display: flex; flex-wrap: wrap; margin: .3rem 0; font-family: var(--mono, monospace); }
  .layers-panel .bytes button { min-height: 1.7rem; min-width: 1.7rem; padding: 0 .15rem; color: inherit; background: none; border: 0; border-radius: .2rem; font: inherit; font-size: .85rem; font-weight: 400; cursor: pointer; }
  .layers-panel .marked { background: var(--thread) !important; color: var(--on-thread) !important; }
  .layers-panel table { border-collapse: collapse; width: 100%; font-size: .85rem; margin-bottom: .4rem; }
  .layers-panel td { padding: .1rem .5rem .1rem 0; vertical-align: top; overflow-wrap: anywhere; }
  .layers-panel td:first-child, .layers-panel td code { font-family: var(--mono, monospace); white-space: pre; }
  .layers-panel tr { cursor: pointer; }
  .layers-panel tr.marked * { background: none; color: inherit; }
  .layers-panel .fault { color: var(--wrong, #9a3412); font-weight: 600; }
  .layers-panel .where { color: var(--soft); white-space: nowrap; }
  .layers-panel p.where { white-space: normal; }
  @media (max-width: 40rem) {
    .layers-panel .unit > button b { flex-basis: 6.5rem; white-space: nowrap; }
    .layers-panel .unit > button span { flex: 1; min-width: 0; }
    .layers-panel .unit > button code { display: none; }
    .layers-panel td:first-child { white-space: pre-wrap; min-width: 8ch; max-width: 12ch; }
    .layers-panel .where { display: none; }
  }
`;

function make_layers(panel, {live = true, tap = false} = {}) {
  const calls_max = 300;
  const rates = [0, 1048576, 262144, 65536, 16384, 4096, 1024];  // of the slider, bytes a second
  const layers = {on_message: null, on_window: null, on_tap: null, on_call: null};
  let words = layers_words.en;
  let room = null;  // {id, window, counts: connection -> {to_server, to_client}}
  let costs = {reads: 0, writes: 0, messages: 0};
  let lost = 0;
  const encoder = new TextEncoder();

  // ---- elements -------------------------------------------------------------------------------
  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }
  function said(tag, key, properties = {}) {
    const element = make(tag, properties, words[key]);
    element.dataset.layersText = key;
    return element;
  }
  document.head.append(make("style", {textContent: layers_style}));
  panel.classList.add("layers-panel");
  panel.classList.toggle("of-tap", tap);
  const show = make("input", {type: "checkbox", checked: true, id: "layers-show"});
  const slider = make("input", {type: "range", min: 0, max: rates.length - 1, value: 0, id: "layers-slow"});
  const rate_text = make("output");
  const queue = make("meter", {min: 0, max: 1, value: 0, hidden: true});
  const queue_text = make("span", {id: "layers-queue"});
  const costs_text = make("span", {id: "layers-costs"});
  const server_text = make("p", {className: "where", id: "layers-server"});
  const lost_text = make("span", {className: "fault"});
  const list = make("ol", {id: "layers-list", tabIndex: 0});
  const empty = said("p", tap ? "tap_empty" : "empty", {className: "where"});
  const clear = said("button", "clear", {type: "button"});
  const breaks = ["mask", "rsv", "opcode", "length"].map((what) => {
    const button = said("button", what, {type: "button", id: `layers-break-${what}`});
    button.addEventListener("click", () => tell({break: what}));
    return button;
  });
  if (tap) panel.append(
    said("h2", "tap_title"),
    make("div", {className: "tools"}, said("span", "tap_break"), ...breaks),
    make("div", {className: "tools"}, said("span", "drop_title"), ...["client", "server"].map(make_drop)),
    make_inject(),
    make("div", {className: "tools"}, clear, lost_text),
    empty);
  else if (live) panel.append(
    said("h2", "title"),
    make("div", {className: "tools"}, make("label", {}, show, said("span", "show")), costs_text, lost_text, clear),
    make("div", {className: "tools"}, said("span", "break_title"), ...breaks),
    make("div", {className: "tools"}, make("label", {}, said("span", "slow"), slider), rate_text, queue, queue_text),
    server_text, empty);
  panel.append(list);

  // ---- what else a tap does to frames ---------------------------------------------------------
  function make_drop(side) {
    const button = said("button", side === "server" ? "server_side" : side, {type: "button", id: `layers-drop-${side}`});
    button.addEventListener("click", () => tell({drop: side}));
    return button;
  }
  function make_inject() {
    const side = make("select", {id: "layers-inject-side"},
      said("option", "client", {value: "client"}), said("option", "server_side", {value: "server"}));
    const frame = make("input", {type: "text", id: "layers-inject-frame", value: "text Hola", autocomplete: "off", spellcheck: false});
    const problem = make("span", {className: "fault", id: "layers-refused"});
    problem.setAttribute("role", "alert");
    const title = said("label", "inject_title");
    title.htmlFor = side.id;
    const form = make("form", {className: "tools"}, title, side, frame, said("button", "inject", {id: "layers-inject"}), problem);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      problem.textContent = "";
      tell({inject: `${side.value}:${frame.value}`});
    });
    layers.on_refused = (why) => { problem.textContent = `${words.refused} ${why}`; };
    layers.name_inject = () => frame.setAttribute("aria-label", words.inject_text);
    return form;
  }

  function speak(language) {
    words = layers_words[language];
    layers.name_inject?.();
    for (const element of panel.querySelectorAll("[data-layers-text]")) element.textContent = words[element.dataset.layersText];
    list.setAttribute("aria-label", words.title);
    show_rate();
    show_costs();
  }
  function size(bytes) {
    return bytes >= 1048576 ? `${(bytes / 1048576).toFixed(1)} MiB` : bytes >= 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${bytes} B`;
  }
  function show_rate() {
    const rate = rates[slider.value];
    rate_text.textContent = rate ? `${size(rate)} ${words.per_second}` : words.fast;
  }
  function show_costs() {
    costs_text.textContent = words.costs(costs);
    if (costs.messages) {
      costs_text.textContent += `: ${words.per_message(((costs.reads + costs.writes) / costs.messages).toFixed(2))}`;
    }
  }
  slider.addEventListener("input", () => { show_rate(); tell({slow: rates[slider.value]}); });
  clear.addEventListener("click", () => {
    list.replaceChildren();
    empty.hidden = false;
    costs = {reads: 0, writes: 0, messages: 0};
    show_costs();
    lost = 0;
    lost_text.textContent = "";
  });

  // ---- the window -----------------------------------------------------------------------------
  function tell(wish) {
    if (room?.window.readyState === WebSocket.OPEN) room.window.send(JSON.stringify(wish));
  }
  // Its id, or null where there is none to be had.
  function open_window() {
    if (room?.window.readyState === WebSocket.OPEN) return Promise.resolve(room.id);
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return new Promise((resolve) => {
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const window = new WebSocket(`${scheme}://${location.host}/trace?id=${id}`);
      window.onopen = () => {
        layers.on_window?.(true);
        room = {id, window, counts: {}};
        lost = 0;
        lost_text.textContent = "";
        if (rates[slider.value]) tell({slow: rates[slider.value]});
        resolve(id);
      };
      window.onclose = () => {
        if (room?.window === window) lost_text.textContent = words.over;
        layers.on_window?.(false);
        resolve(null);
      };
      window.onmessage = (event) => {
        heard(JSON.parse(event.data));
        window.send(JSON.stringify({had: encoder.encode(event.data).length}));
      };
    });
  }
  // The id for a connection that is to be shown, or null.
  layers.id = async () => (show.checked && location.host ? open_window() : null);
  layers.watched = async (url) => {
    const id = url.host === location.host ? await layers.id() : null;
    if (id === null) return url;
    const watched = new URL(url);
    watched.searchParams.set("trace", id);
    return watched;
  };

  function heard(message) {
    if (message.done) panel.dataset.done = message.done;
    if (message.refused) layers.on_refused?.(message.refused);
    if (message.tap) layers.on_tap?.(message.tap);
    if (message.lost) lost_text.textContent = words.lost(lost += message.lost);
    if (message.queue !== undefined) {
      queue.hidden = false;
      queue.max = Math.max(message.most, 1);
      queue.value = message.queue;
      queue_text.textContent = `${size(message.queue)} ${words.queue}`;
    }
    if (message.parts) add_call(message.connection, message.parts);
  }

  // ---- what the server counts (/metrics) ------------------------------------------------------
  const costs_every_ms = 2000;
  let before = null;
  async function read_costs() {
    if (document.hidden || room?.window.readyState !== WebSocket.OPEN) return;
    const text = await fetch("/metrics").then((answer) => answer.text(), () => "");
    const value = (name) => Number(text.match(new RegExp(`^hilo_${name} (\\S+)$`, "m"))?.[1]);
    const now = {
      messages: value("messages_in_total") + value("messages_out_total"),
      wait: value('calls_total{call="wait"}'), read: value('calls_total{call="read"}'), write: value('calls_total{call="write"}'),
      allocations: value("pool_allocations_total"), copied: value("copied_bytes_total"), cpu: value("cpu_seconds_total") * 1e6,
    };
    const count = before === null ? 0 : now.messages - before.messages;
    if (count > 0) {
      const each = Object.fromEntries(Object.keys(now).map((key) => [key, ((now[key] - before[key]) / count).toFixed(2)]));
      server_text.textContent = words.server(count, each);
    }
    before = now;
  }
  if (live && !tap) setInterval(read_costs, costs_every_ms);

  // ---- a call of the stream -------------------------------------------------------------------
  function add_call(connection, parts) {
    const at_end = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const call = make("li", {className: "call"});
    call.dataset.direction = parts[0].direction;
    layers.on_call?.(parts[0].direction);
    const units = make("ol");
    call.append(units);
    let unit = [];
    const finish = () => { if (unit.length) units.append(make_unit(connection, unit)); };
    for (const part of parts) {
      if (part.depth === 0) { finish(); unit = []; }
      unit.push(part);
      count(connection, part, call);
    }
    finish();
    list.append(call);
    while (live && list.childElementCount > calls_max) list.firstElementChild.remove();
    if (live && (at_end || call.querySelector(".fault"))) list.scrollTop = list.scrollHeight;
    empty.hidden = true;
    show_costs();
  }
  function count(connection, part, call) {
    if (part.layer === "tcp" && part.name === "read") ++costs.reads;
    if (part.layer === "tcp" && part.name === "write") ++costs.writes;
    if (part.layer !== "message" || part.depth !== 0) return;
    ++costs.messages;
    if (!room) return;
    const counts = room.counts[connection] ??= {to_server: 0, to_client: 0};
    layers.on_message?.(part.direction, counts[part.direction]++, call, connection);
  }

  // ---- a unit: its bytes and its fields -------------------------------------------------------
  function make_unit(connection, parts) {
    const [head, ...fields] = parts;
    const item = make("li", {className: "unit"});
    item.dataset.layer = head.layer;
    const arrow = head.direction === "to_server" ? "↑" : "↓";
    const button = make("button", {type: "button"},
      make("b", {}, `${tap ? `${connection} ` : ""}${arrow} ${head.layer}`), make("span", {}, `${head.name} ${head.value}`.trim()), make("code", {}, head.section || (tap ? "" : connection)));
    button.setAttribute("aria-expanded", "false");
    button.title = words[head.direction];
    item.append(button);
    for (const part of parts) {
      if (part.error) item.append(make_fault(part));
      if (part.name.startsWith("predicted")) item.append(make("p", {className: "predicted"}, `${part.name}: ${part.value}`));
    }
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) return item.querySelector(".detail").remove();
      item.append(make_detail(head, fields));
    });
    return item;
  }
  function make_fault(part) {
    const answer = part.alert ? `alert ${part.alert}` : part.answer ? `${part.answer < 1000 ? "HTTP" : "close"} ${part.answer}` : "";
    const due = answer && `${words.answer}: ${answer}`;
    const number = part.catalogue ? `${part.catalogue} ${words.number}` : "";
    return make("p", {className: "fault"}, `${words.breaks}: ${part.text} (${part.error}). ${[due, number].filter(Boolean).join("; ")}`);
  }
  function make_detail(head, fields) {
    const detail = make("div", {className: "detail"});
    const rows = [head, ...fields].filter((part) => !part.error || part.value);
    const first = head.bit / 8;
    const bytes = head.hex ? head.hex.split(" ") : [];
    const buttons = bytes.map((text, index) => {
      const button = make("button", {type: "button"}, text);
      button.addEventListener("click", () => mark(innermost(first + index)));
      return button;
    });
    const table = make("table");
    const shown = rows.map((part) => ({part, row: make_row(part, () => mark(part))}));
    table.append(make("tbody", {}, ...shown.map((each) => each.row)));
    // The field that has the fewest bits of those that this byte is part of.
    function innermost(byte) {
      return rows.filter((part) => part.bits && part.bit < (byte + 1) * 8 && part.bit + part.bits > byte * 8)
        .reduce((least, part) => (part.bits <= least.bits ? part : least), head);
    }
    function mark(chosen) {
      for (const {part, row} of shown) row.classList.toggle("marked", part === chosen);
      buttons.forEach((button, index) => {
        const bit = (first + index) * 8;
        button.classList.toggle("marked", Boolean(chosen.bits) && chosen.bit < bit + 8 && chosen.bit + chosen.bits > bit);
      });
      shown.find((each) => each.part === chosen)?.row.scrollIntoView({block: "nearest"});
    }
    if (buttons.length) detail.append(make("div", {className: "bytes"}, ...buttons));
    detail.append(table);
    return detail;
  }
  function make_row(part, chosen) {
    const row = make("tr", {tabIndex: 0}, make("td", {}, wire(part)),
      make("td", {}, `${"  ".repeat(part.depth)}${part.name} ${part.value}`),
      make("td", {className: "where"}, part.section ?? ""), make("td", {className: "where"}, make("code", {}, part.source ?? "")));
    row.addEventListener("click", chosen);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") chosen(); });
    return row;
  }
  // The bits of less than a byte, or the first bytes.
  function wire(part) {
    if (!part.hex) return "";
    if (part.bits >= 8) return part.hex.length > 23 ? `${part.hex.slice(0, 23)} …` : part.hex;
    const bits = parseInt(part.hex, 16).toString(2).padStart(8, "0");
    const from = part.bit % 8;
    return Array.from(bits, (bit, index) => (index >= from && index < from + part.bits ? bit : ".")).join("");
  }

  layers.add = add_call;
  layers.open = open_window;
  layers.speak = speak;
  // Shows the call that a message was part of.
  layers.find = (call) => {
    for (const other of list.querySelectorAll(".found")) other.classList.remove("found");
    call.classList.add("found");
    call.scrollIntoView({block: "nearest"});
    for (const button of call.querySelectorAll(".unit > button[aria-expanded=false]")) button.click();
  };
  speak("en");
  return layers;
}
