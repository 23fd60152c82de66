// Bun's own server and topics. Compression is off by default.
// `s` subscribes, `p…` goes to all subscribers, everything else comes back.
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  fetch(request, server) {
    if (server.upgrade(request)) return undefined
    return new Response('a WebSocket is expected here', { status: 426 })
  },
  websocket: {
    message(socket, message) {
      if (message[0] === 'p') {
        server.publish('all', message)
      } else {
        if (message[0] === 's') socket.subscribe('all')
        socket.send(message)
      }
    },
  },
})
