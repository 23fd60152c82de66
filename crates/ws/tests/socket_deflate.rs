//! The socket with permessage-deflate over in-memory streams: both roles, takeover, sharing, waiting, size.
#![cfg(feature = "tokio")]
#![expect(clippy::disallowed_methods, reason = "tests spawn their peers")]

use std::time::Duration;

use bytes::Bytes;
use tidegate_deflate::{
    Agreement, Compressor, Direction, InflaterPool, Settings, TakeoverSlots, Verdict,
};
use tidegate_ws::{
    Broadcast, Decoder, Deflate, Encoder, Error, Event, Limits, Prepared, Role, Socket, Violation,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const SECOND: Duration = Duration::from_secs(1);

fn shared(inflaters: usize, slots: usize) -> Deflate {
    Deflate::new(Settings::new(), InflaterPool::new(inflaters), TakeoverSlots::new(slots))
}

fn socket(io: DuplexStream, role: Role, shared: &Deflate, takeover: bool) -> Socket<DuplexStream> {
    let direction = Direction { takeover, ..Direction::stateless() };
    let agreement = Agreement { from_server: direction, from_client: direction };
    Socket::new(io, role, Limits::default()).deflate(Some(shared.agree(agreement, role)))
}

fn text(number: usize) -> String {
    format!("{number}: {}", "the tide rises, the tide falls. ".repeat(number))
}

#[tokio::test(start_paused = true)]
async fn messages_go_there_and_back_with_and_without_takeover() {
    for (takeover, capacity) in [(false, 1), (true, 1), (false, 4096), (true, 4096)] {
        let shared = shared(4, 4);
        let (here, there) = duplex(capacity);
        let mut server = socket(here, Role::Server, &shared, takeover);
        let mut client = socket(there, Role::Client, &shared, takeover);
        let echo = tokio::spawn(async move {
            for _ in 0..40 {
                let Event::Text(text) = server.next().await.unwrap() else { panic!("a text") };
                server.queue(Prepared::text(text));
                server.flush().await.unwrap();
            }
            server.close(1000, "", SECOND).await;
        });
        for number in 0..40 {
            client.queue(Prepared::text(text(number)));
            assert_eq!(client.next().await.unwrap(), Event::Text(text(number).into()));
        }
        client.close(1000, "", SECOND).await;
        echo.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_for_many_is_queued_as_it_is() {
    let shared = shared(1, 0);
    let (here, _there) = duplex(1024);
    let mut server = socket(here, Role::Server, &shared, false);
    let all = Broadcast::new(Prepared::text(text(50)));
    let frame = all.frame(server.compression());
    server.queue(&frame);
    assert_eq!((frame.is_compressed(), server.pending_bytes()), (true, frame.len()));
    server.queue(Prepared::text(text(50)));
    assert_eq!(server.pending_bytes(), 2 * frame.len());
    server.queue(Prepared::text(text(50)).uncompressed());
    assert!(server.pending_bytes() > 1000);
}

#[tokio::test(start_paused = true)]
async fn a_peer_waits_for_an_inflater_and_goes_on_when_one_is_back() {
    let shared = shared(1, 0);
    let (here, mut slow_peer) = duplex(1 << 20);
    let mut slow = socket(here, Role::Server, &shared, false);
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    slow_peer.write_all(&[&b"\x41\x83\0\0\0\0"[..], &hello[..3]].concat()).await.unwrap();
    assert!(tokio::time::timeout(SECOND, slow.next()).await.is_err());

    let mut state = 7_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0x7f
    });
    let message: Vec<u8> = noise.take(100_000).collect();
    let mut payload = Vec::new();
    let verdict =
        Compressor::new(Settings::new()).compress(&message, Direction::stateless(), &mut payload);
    assert_eq!(verdict, Verdict::Compressed);
    let (here, mut other_peer) = duplex(1 << 20);
    let mut other = socket(here, Role::Server, &shared, false);
    let (head, tail) = payload.split_at(payload.len() - 1000);
    let header = [&b"\x42\xff"[..], &(head.len() as u64).to_be_bytes(), &[0; 4]].concat();
    other_peer.write_all(&[&header[..], head].concat()).await.unwrap();
    other_peer.write_all(&[&b"\x80\xfe\x03\xe8\0\0\0\0"[..], tail].concat()).await.unwrap();
    let waiting = tokio::spawn(async move { other.next().await.unwrap() });
    tokio::time::sleep(SECOND).await;
    assert!(!waiting.is_finished());

    slow_peer.write_all(&[&b"\x80\x84\0\0\0\0"[..], &hello[3..]].concat()).await.unwrap();
    assert_eq!(slow.next().await.unwrap(), Event::Text("Hello".into()));
    assert_eq!(waiting.await.unwrap(), Event::Binary(Bytes::from(message)));
}

#[tokio::test(start_paused = true)]
async fn broken_deflate_data_ends_the_connection_with_its_code() {
    let (here, mut peer) = duplex(1024);
    let mut server = socket(here, Role::Server, &shared(1, 0), false);
    peer.write_all(b"\xc2\x82\0\0\0\0\xff\xff").await.unwrap();
    let Err(Error::Protocol(error)) = server.next().await else { panic!("a violation") };
    assert_eq!((error.violation(), error.close_code()), (Violation::CorruptDeflate, 1007));
    let reason = error.to_string();
    let mut told = vec![0; 2 + 2 + reason.len()];
    peer.read_exact(&mut told).await.unwrap();
    assert_eq!(told[2..], [&1007_u16.to_be_bytes(), reason.as_bytes()].concat());
}

#[test]
fn what_every_connection_holds_stays_small() {
    assert!(size_of::<Socket<tokio::net::TcpStream>>() <= 256);
    assert!(size_of::<Decoder>() <= 128);
    assert!(size_of::<Encoder>() <= 16);
    assert_eq!(size_of::<Prepared>(), 48);
}
