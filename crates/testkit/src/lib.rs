//! What Tidegate's tests stand on: byte splitters, generated corpora, real upstreams and clients.
