// SPDX-License-Identifier: MIT
//
// A WebSocket as a page has it: what happened to it, in order, until it was closed. The function
// runs in the browser, so it refers to nothing outside.

export function story({url, protocols = [], send = [], close_after = 0, close = [1000, "ya"]}) {
  return new Promise((resolve) => {
    const told = [];
    let received = 0;
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    const close_if_due = () => {
      if (received === close_after) socket.close(...close);
    };
    socket.onopen = () => {
      told.push("open");
      for (const data of send) socket.send(Array.isArray(data) ? Uint8Array.from(data) : data);
      close_if_due();
    };
    socket.onerror = () => told.push("error");
    socket.onmessage = ({data}) => {
      ++received;
      told.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
      close_if_due();
    };
    socket.onclose = ({code, reason, wasClean}) => {
      told.push({code, reason, wasClean});
      resolve(told);
    };
  });
}
