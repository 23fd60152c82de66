// uWebSockets.js, with its own topics for publishing.
// `s` subscribes, `p…` goes to all subscribers, everything else comes back.
import uws from '@rjweb/uws'

const SUBSCRIBE = 's'.charCodeAt(0)
const PUBLISH = 'p'.charCodeAt(0)

const app = uws.App().ws('/*', {
  compression: uws.DISABLED,
  message: (socket, message, isBinary) => {
    const [verb] = new Uint8Array(message, 0, 1)
    if (verb === PUBLISH) {
      app.publish('all', message, isBinary)
    } else {
      if (verb === SUBSCRIBE) socket.subscribe('all')
      socket.send(message, isBinary)
    }
  },
})

app.listen('127.0.0.1', Number(process.env.PORT), (listening) => {
  if (!listening) {
    console.error(`cannot listen on port ${process.env.PORT}`)
    process.exit(1)
  }
})
