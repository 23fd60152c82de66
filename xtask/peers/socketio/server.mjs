// Socket.IO over WebSocket alone, tuned as its page on performance says: the native addon, and no memory of the
// first HTTP request. Compression is off by default.
import { createServer } from 'node:http'

import { Server } from 'socket.io'

const http = createServer()
const io = new Server(http, { transports: ['websocket'] })

io.engine.on('connection', (socket) => {
  socket.request = null
})

io.on('connection', (socket) => {
  socket.on('echo', (content) => socket.emit('echo', content))
  socket.on('publish', (content) => io.to('all').emit('message', content))
  socket.on('subscribe', () => {
    socket.join('all')
    socket.emit('subscribed')
  })
})

http.listen(Number(process.env.PORT), '127.0.0.1')
