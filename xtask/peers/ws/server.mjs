// Node's `ws`, as its README shows it, with the native addon that it recommends. Compression is off by default.
// `s` subscribes, `p…` goes to all subscribers, everything else comes back.
import { WebSocket, WebSocketServer } from 'ws'

const SUBSCRIBE = 's'.charCodeAt(0)
const PUBLISH = 'p'.charCodeAt(0)

const subscribers = new Set()
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT) })

server.on('connection', (socket) => {
  socket.on('error', console.error)
  socket.on('close', () => subscribers.delete(socket))
  socket.on('message', (data, isBinary) => {
    if (data[0] === PUBLISH) {
      for (const subscriber of subscribers) {
        if (subscriber.readyState === WebSocket.OPEN) subscriber.send(data, { binary: isBinary })
      }
    } else {
      if (data[0] === SUBSCRIBE) subscribers.add(socket)
      socket.send(data, { binary: isBinary })
    }
  })
})
