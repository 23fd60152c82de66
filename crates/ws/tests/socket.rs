//! The socket over in-memory streams: closing, backpressure, cancellation, pings, memory.
#![cfg(feature = "tokio")]
#![expect(clippy::disallowed_methods, reason = "tests spawn their peers and measure paused time")]

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidegate_ws::{CloseFrame, Decoder, Error, Event, Limits, Prepared, Role, Socket, Violation};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const KEY: [u8; 4] = [1, 2, 3, 4];

fn server(io: DuplexStream) -> Socket<DuplexStream> {
    Socket::new(io, Role::Server, Limits::default())
}

fn pair(capacity: usize) -> (Socket<DuplexStream>, Socket<DuplexStream>) {
    let (here, there) = duplex(capacity);
    (server(here), Socket::new(there, Role::Client, Limits::default()))
}

/// A server socket, and its peer as a bare stream.
fn bare(capacity: usize) -> (Socket<DuplexStream>, DuplexStream) {
    let (here, there) = duplex(capacity);
    (server(here), there)
}

fn close_event(code: u16, reason: &str) -> Event {
    Event::Close(Some(CloseFrame { code, reason: reason.into() }))
}

/// All that a server wrote, as a client reads it.
async fn read_to_end(mut io: DuplexStream) -> Vec<Event> {
    let mut bytes = Vec::new();
    io.read_to_end(&mut bytes).await.expect("the stream ends");
    let (mut decoder, mut input) =
        (Decoder::new(Role::Client, Limits::default()), BytesMut::from(&bytes[..]));
    let mut events = Vec::new();
    while let Some(event) = decoder.decode(&mut input).expect("what was written holds") {
        events.push(event);
    }
    events
}

#[tokio::test(start_paused = true)]
async fn echoes_a_close_with_its_code_once_and_then_ends() {
    let (mut server, client) = pair(1024);
    let closing = tokio::spawn(client.close(4321, "bye", SECOND));
    assert_eq!(server.next().await.unwrap(), close_event(4321, "bye"));
    assert!(matches!(server.next().await, Err(Error::Closed)));
    assert!(matches!(server.next().await, Err(Error::Closed)));
    drop(server);
    let before = Instant::now();
    closing.await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_echo_repeats_the_code_and_a_close_without_one() {
    for (sent, echoed) in [
        (Prepared::close(3000, "x"), close_event(3000, "")),
        (Prepared::close(1005, ""), Event::Close(None)),
    ] {
        let (mut server, mut peer) = bare(1024);
        peer.write_all(&sent.masked(KEY)).await.unwrap();
        assert!(matches!(server.next().await, Ok(Event::Close(_))));
        server.queue(Prepared::text("too late"));
        server.close(1000, "too late", SECOND).await;
        assert_eq!(read_to_end(peer).await, [echoed]);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_was_queued_and_waits_for_the_peers_close() {
    let (mut server, mut client) = pair(64);
    server.queue(Prepared::text("x".repeat(500)));
    let closing = tokio::spawn(server.close(1001, "drain", 10 * SECOND));
    client.queue(Prepared::text("crosses the close"));
    assert_eq!(client.next().await.unwrap(), Event::Text("x".repeat(500).into()));
    assert_eq!(client.next().await.unwrap(), close_event(1001, "drain"));
    client.close(1000, "", SECOND).await;
    let before = Instant::now();
    closing.await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_is_left_at_the_deadline() {
    for capacity in [1, 1024] {
        let (server, peer) = bare(capacity);
        let before = Instant::now();
        server.close(1000, "", 3 * SECOND).await;
        assert_eq!(before.elapsed(), 3 * SECOND, "with room for {capacity} bytes");
        drop(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_talks_on_is_left_at_the_deadline() {
    let (server, mut peer) = bare(64);
    let talking = tokio::spawn(async move {
        let frame = Prepared::text("still talking").masked(KEY);
        let mut heard = [0; 64];
        let _ = peer.read(&mut heard).await;
        while peer.write_all(&frame).await.is_ok() {
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    });
    let before = Instant::now();
    server.close(1000, "", SECOND).await;
    assert!(before.elapsed() < 2 * SECOND);
    talking.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_ends_the_socket() {
    let (mut server, peer) = bare(1024);
    drop(peer);
    assert!(matches!(server.next().await, Err(Error::Closed)));
    server.close(1000, "", SECOND).await;

    let (mut server, mut peer) = bare(1024);
    peer.write_all(&[0x81, 0xfe, 0x01]).await.unwrap();
    drop(peer);
    assert!(matches!(server.next().await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn what_arrived_before_a_failure_is_given_first() {
    let (mut server, mut peer) = bare(1024);
    peer.write_all(&Prepared::text("last words").masked(KEY)).await.unwrap();
    peer.write_all(&Prepared::close(1001, "").masked(KEY)).await.unwrap();
    drop(peer);
    server.queue(Prepared::text("nobody is there to take this"));
    assert_eq!(server.next().await.unwrap(), Event::Text("last words".into()));
    assert_eq!(server.next().await.unwrap(), close_event(1001, ""));
    assert!(matches!(server.next().await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_violation_is_told_to_both_sides() {
    let (mut server, mut peer) = bare(1024);
    peer.write_all(b"\x81\x85\0\0\0\0Hello\x81\x05Hello").await.unwrap();
    assert_eq!(server.next().await.unwrap(), Event::Text("Hello".into()));
    let Err(Error::Protocol(error)) = server.next().await else { panic!("a violation") };
    assert_eq!((error.violation(), error.offset()), (Violation::Unmasked, 12));
    let peer = tokio::spawn(read_to_end(peer));
    server.close(1000, "", SECOND).await;
    let told = close_event(1002, "client frame is not masked (at byte 12)");
    assert_eq!(peer.await.unwrap(), [told]);
}

#[tokio::test(start_paused = true)]
async fn a_violation_is_told_also_by_a_socket_that_is_let_go_of() {
    let (mut server, mut peer) = bare(1024);
    server.queue(Prepared::text("before"));
    peer.write_all(b"\x83").await.unwrap();
    assert!(matches!(server.next().await, Err(Error::Protocol(_))));
    assert_eq!(server.pending_bytes(), 0);
    drop(server);
    let told = close_event(1002, "reserved op code (at byte 0)");
    assert_eq!(read_to_end(peer).await, [Event::Text("before".into()), told]);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_was_queued_is_the_last_frame() {
    let (mut server, mut peer) = bare(1024);
    peer.write_all(&Prepared::ping(b"late").masked(KEY)).await.unwrap();
    let (first, close) = (Prepared::text("first"), Prepared::close(1013, "later"));
    server.queue(&first);
    server.queue(&close);
    server.queue(Prepared::text("never"));
    assert_eq!(server.next().await.unwrap(), Event::Ping("late".into()));
    server.flush().await.unwrap();
    assert_eq!(server.pending_bytes(), 0);
    drop(server);
    let mut written = Vec::new();
    peer.read_to_end(&mut written).await.unwrap();
    assert_eq!(written, [first.to_bytes(), close.to_bytes()].concat());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_still_read() {
    let (mut server, mut peer) = bare(256);
    server.queue(Prepared::binary(vec![7; 100_000]));
    for round in 0..50_u8 {
        peer.write_all(&Prepared::binary(vec![round; 10]).masked(KEY)).await.unwrap();
        assert_eq!(server.next().await.unwrap(), Event::Binary(vec![round; 10].into()));
    }
    let pending = server.pending_bytes();
    assert_eq!(pending, 100_010 - 256);
    let peer = tokio::spawn(read_to_end(peer));
    server.flush().await.unwrap();
    drop(server);
    assert_eq!(peer.await.unwrap(), [Event::Binary(vec![7; 100_000].into())]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_costs_sixteen_pongs() {
    let (mut server, mut peer) = bare(64);
    server.queue(Prepared::text("x".repeat(100)));
    for number in 0..1000_u16 {
        peer.write_all(&Prepared::ping(&number.to_be_bytes()).masked(KEY)).await.unwrap();
        assert_eq!(server.next().await.unwrap(), Event::Ping(number.to_be_bytes().to_vec().into()));
        assert!(server.pending_bytes() <= 102 + 16 * 4);
    }
    let peer = tokio::spawn(read_to_end(peer));
    server.flush().await.unwrap();
    drop(server);
    let pong = |number: u16| Event::Pong(number.to_be_bytes().to_vec().into());
    let answered = (0..15).chain([999]).map(pong);
    let text = Event::Text("x".repeat(100).into());
    assert_eq!(peer.await.unwrap(), [text].into_iter().chain(answered).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn flush_writes_without_reading() {
    let (mut server, mut peer) = bare(64);
    peer.write_all(&Prepared::text("unread").masked(KEY)).await.unwrap();
    server.queue(Prepared::text("out"));
    server.flush().await.unwrap();
    let mut bytes = [0; 5];
    peer.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"\x81\x03out");
    assert_eq!(server.next().await.unwrap(), Event::Text("unread".into()));
}

#[tokio::test(start_paused = true)]
async fn dropping_next_loses_nothing() {
    let messages: Vec<Event> = (0..40_usize)
        .map(|length| Event::Binary(Bytes::from(vec![length as u8; length * 7])))
        .collect();
    let (mut server, mut client) = pair(1);
    let expected = messages.clone();
    let writer = tokio::spawn(async move {
        for message in messages {
            let Event::Binary(bytes) = message else { continue };
            client.queue(Prepared::binary(bytes));
            client.flush().await.unwrap();
        }
        client.close(1000, "", SECOND).await;
    });
    let (mut got, mut dropped) = (Vec::new(), 0);
    while got.len() < expected.len() {
        tokio::select! {
            biased;
            event = server.next() => got.push(event.unwrap()),
            () = tokio::task::yield_now() => dropped += 1,
        }
    }
    assert_eq!(got, expected);
    assert!(dropped > 1000, "next was dropped {dropped} times");
    server.close(1000, "", SECOND).await;
    writer.await.unwrap();
}

/// Reads all, while what is queued is written, and writes the rest.
async fn expect_sizes(socket: &mut Socket<DuplexStream>, sizes: &[usize]) {
    for &size in sizes {
        let expected = Event::Binary(vec![size as u8; size].into());
        assert_eq!(socket.next().await.expect("an event"), expected);
    }
    socket.flush().await.expect("the stream takes all");
}

#[tokio::test(start_paused = true)]
async fn frames_of_all_sizes_arrive_whole_through_any_stream() {
    for capacity in [1, 3, 100, 1500, 1 << 20] {
        let (mut server, mut client) = pair(capacity);
        let largest = if capacity < 100 { 3000 } else { 70_000 };
        let sizes = [0, 1, 125, 126, 1023, 1024, 1025, 3000, 5, 70_000, 1, 0, 1025, 65_536, 9]
            .map(|size: usize| size.min(largest));
        for size in sizes {
            server.queue(Prepared::binary(vec![size as u8; size]));
            client.queue(Prepared::binary(vec![size as u8; size]));
        }
        let total: usize = sizes.iter().sum();
        assert!(server.pending_bytes() > total);
        tokio::join!(expect_sizes(&mut server, &sizes), expect_sizes(&mut client, &sizes));
        assert_eq!((server.pending_bytes(), client.pending_bytes()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_small_frames_is_one_write() {
    let frames: Vec<Prepared> = (0..100).map(|n| Prepared::text(format!("number {n}"))).collect();
    let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.to_bytes()).collect();
    let io = counting(&expected);
    let mut socket = Socket::new(io, Role::Server, Limits::default());
    for frame in &frames {
        socket.queue(frame);
    }
    socket.flush().await.unwrap();
    assert_eq!(socket.get_ref().writes, 1);
}

#[tokio::test(start_paused = true)]
async fn bytes_read_with_the_handshake_come_first() {
    let (here, mut there) = duplex(64);
    let hello = Prepared::text("Hello").masked(KEY);
    let (head, tail) = hello.split_at(8);
    there.write_all(tail).await.unwrap();
    let initial = Bytes::copy_from_slice(head);
    let mut socket = Socket::with_initial(here, initial, Role::Server, Limits::default());
    assert_eq!(socket.next().await.unwrap(), Event::Text("Hello".into()));
}

#[tokio::test(start_paused = true)]
async fn a_client_masks_with_the_keys_it_is_given() {
    let (here, mut there) = duplex(64);
    let mut keys = 0_u8;
    let mut socket = Socket::new(here, Role::Client, Limits::default()).mask_keys(move || {
        keys += 1;
        [keys; 4]
    });
    socket.queue(Prepared::text("a"));
    socket.queue(Prepared::text("a"));
    socket.flush().await.unwrap();
    let mut bytes = [0; 14];
    there.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, [0x81, 0x81, 1, 1, 1, 1, b'a' ^ 1, 0x81, 0x81, 2, 2, 2, 2, b'a' ^ 2]);
}

#[tokio::test(start_paused = true)]
async fn polling_waits_for_both_directions() {
    let (mut server, mut peer) = bare(4);
    server.queue(Prepared::text("longer than the stream"));
    let mut polls = 0;
    let event = poll_fn(|cx| {
        polls += 1;
        match server.poll_next(cx) {
            Poll::Ready(event) => Poll::Ready(event),
            Poll::Pending => Poll::Pending,
        }
    });
    let (event, ()) = tokio::join!(event, async {
        let mut bytes = [0; 24];
        peer.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes[2..], b"longer than the stream");
        peer.write_all(&Prepared::text("y").masked(KEY)).await.unwrap();
    });
    assert_eq!(event.unwrap(), Event::Text("y".into()));
}

#[test]
fn a_socket_is_small_and_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let size = size_of::<Socket<tokio::net::TcpStream>>();
    assert!(size < 500, "{size} bytes");
    assert_eq!(size_of::<Prepared>(), 48);
    let (server, mut client) = pair(1);
    is_send(&client.next());
    is_send(&server.close(1000, "", SECOND));
}

/// A stream that takes everything and counts the writes.
struct Counting {
    expected: Vec<u8>,
    writes: usize,
}

fn counting(expected: &[u8]) -> Counting {
    Counting { expected: expected.to_vec(), writes: 0 }
}

impl tokio::io::AsyncRead for Counting {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

impl tokio::io::AsyncWrite for Counting {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes += 1;
        assert_eq!(bytes, &self.expected[..]);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_another_hand_left_of_a_frame_is_written_first() {
    let (mut server, mut there) = bare(1024);
    for payload in [5, 5_000] {
        assert!(server.is_at_rest());
        let text = "x".repeat(payload);
        let frame = Prepared::text(text.as_str());
        let whole = frame.to_bytes();
        for taken in [1, 3, whole.len() - 1] {
            let mut got = Vec::new();
            let rest = frame.write_with(|slices| {
                slices.iter().for_each(|slice| got.extend_from_slice(slice));
                assert_eq!(got, whole, "all of the frame is offered");
                Ok(taken)
            });
            got.truncate(taken);
            server.resume(rest.expect("no error").expect("a part of it"));
            server.queue(Prepared::text("next"));
            assert!(!server.is_at_rest());
            let mut read = vec![0; whole.len() - taken + 6];
            let (written, _) = tokio::join!(server.flush(), there.read_exact(&mut read));
            written.expect("the peer reads");
            got.extend_from_slice(&read);
            assert_eq!(got, [&whole[..], b"\x81\x04next"].concat());
        }
        assert_eq!(frame.write_with(|_| Ok(whole.len())).expect("no error"), None);
    }
}

#[tokio::test]
async fn a_socket_that_is_closing_is_not_at_rest() {
    let (mut server, mut client) = pair(1024);
    server.queue(Prepared::close(1000, ""));
    server.flush().await.expect("the peer is there");
    assert!(!server.is_at_rest());
    assert_eq!(client.next().await.expect("it closes"), close_event(1000, ""));
    assert!(!client.is_at_rest());
}
