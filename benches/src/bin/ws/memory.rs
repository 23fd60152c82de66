//! What a connection at rest owns, part by part: the value and what it has allocated. The kernel's and the runtime's
//! parts (about 0.6 KiB a task and its registration on tokio) are not ours to count.

use allocation_counter::measure;
use bytes::BytesMut;
use tidegate_benches::Suite;
use tidegate_deflate::{Agreement, Direction};
use tidegate_ws::{Agreed, Decoder, Deflate, Encoder, Limits, Role, Socket};
use tokio::net::TcpStream;

/// A message of RFC 7692, as a server may send it.
const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";

pub(crate) fn group(suite: &mut Suite) {
    let group = suite.group("memory of a connection at rest");
    let value = |bytes: usize| bytes as f64;
    group.fact("Socket<TcpStream>", "bytes of the value", value(size_of::<Socket<TcpStream>>()));
    group.fact("Decoder", "bytes of it", value(size_of::<Decoder>()));
    group.fact("Encoder", "bytes of it", value(size_of::<Encoder>()));
    group.fact("plain", "bytes allocated", held(None, false));
    let shared = Deflate::default();
    group.fact("deflate agreed", "bytes allocated", held(Some(&shared), false));
    group.fact("deflate, after a message", "bytes allocated", held(Some(&shared), true));
}

/// What the two halves of a connection own.
fn held(deflate: Option<&Deflate>, exchange: bool) -> f64 {
    let agree = |shared: &Deflate| -> Agreed {
        let direction = Direction::stateless();
        let agreement = Agreement { from_server: direction, from_client: direction };
        shared.agree(agreement, Role::Client)
    };
    let begin = || {
        let decoder = Decoder::new(Role::Client, Limits::default());
        let encoder = Encoder::new(Role::Server);
        let Some(shared) = deflate else { return (decoder, encoder) };
        let (inflating, compressing) = agree(shared).halves();
        (decoder.inflating(inflating), encoder.compressing(compressing))
    };
    let talk = |(decoder, _): &mut (Decoder, Encoder)| {
        if exchange {
            decoder.decode(&mut BytesMut::from(HELLO)).expect("a message");
        }
    };
    // Once, for what threads and pools keep.
    talk(&mut begin());
    let mut kept = None;
    let counted = measure(|| {
        let mut halves = begin();
        talk(&mut halves);
        kept = Some(halves);
    });
    drop(kept);
    counted.bytes_current as f64
}
