// SPDX-License-Identifier: MIT
//
// The other side of `make bench-socketio`: npm's socket.io with the settings that it ships with.
// NODE_MODULES names the folder that has it. SIGUSR2 collects garbage (node --expose-gc).

const http = require("http").createServer();
const {Server} = require(`${process.env.NODE_MODULES}/socket.io`);

const io = new Server(http);
io.on("connection", (socket) => {
  socket.on("echo", (value, ack) => ack(value));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("tell", (room, value) => io.to(room).emit("news", value));
});
process.on("SIGUSR2", () => gc());
http.listen(0, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${http.address().port}`));
