//! `tidegate-ws`: header parse, unmask, framing, sharing, and an echo without a kernel, beside tungstenite, fastwebsockets
//! and tokio-websockets. Where a crate does not show a part, it is in the echo only.

#[path = "ws/echo.rs"]
mod echo;
#[path = "ws/memory.rs"]
mod memory;
#[path = "ws/resident.rs"]
mod resident;

use std::io::Cursor;
use std::process::ExitCode;

use bytes::{Bytes, BytesMut};
use tidegate_benches::Suite;
use tidegate_ws::{Decoder, Event, Header, Limits, Prepared, Role};
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const RECEIVERS: u64 = 1000;

fn main() -> ExitCode {
    let mut suite = Suite::new("ws");
    header(&mut suite, "64 B", 64);
    header(&mut suite, "1 KiB", 1024);
    for (name, bytes) in [("64 B", 64), ("1 KiB", 1024), ("64 KiB", 65_536)] {
        unmask(&mut suite, name, bytes);
    }
    decode(&mut suite);
    encode(&mut suite);
    share(&mut suite);
    echo::group(&mut suite, 1);
    echo::group(&mut suite, 16);
    memory::group(&mut suite);
    resident::group(&mut suite);
    suite.run()
}

fn masked(bytes: usize) -> Bytes {
    Prepared::binary(vec![b'x'; bytes]).masked(KEY)
}

fn header(suite: &mut Suite, name: &str, bytes: usize) {
    suite
        .group(&format!("parse the header of a masked frame of {name}"))
        .ours(
            "Header::parse",
            move || masked(bytes),
            |frame| Header::parse(frame, Role::Server, false),
        )
        .peer(
            "tungstenite",
            move || masked(bytes),
            |frame| FrameHeader::parse(&mut Cursor::new(&frame[..])).ok(),
        );
}

fn unmask(suite: &mut Suite, name: &str, bytes: usize) {
    suite
        .group(&format!("unmask {name}"))
        .ours("mask", move || vec![b'x'; bytes], |data| tidegate_ws::mask(KEY, 0, data))
        .peer(
            "fastwebsockets",
            move || vec![b'x'; bytes],
            |data| fastwebsockets::unmask(data, KEY),
        );
}

/// A frame that is complete in its input, to a message; the input's allocation is in the figure.
fn decode(suite: &mut Suite) {
    let state = || (Decoder::new(Role::Server, Limits::default()), masked(64));
    suite.group("a masked frame of 64 B to a message, one in its input").ours(
        "Decoder",
        state,
        |(decoder, frame)| {
            let mut input = BytesMut::from(&frame[..]);
            match decoder.decode(&mut input) {
                Ok(Some(Event::Binary(bytes))) => bytes.len(),
                _ => panic!("it is a message"),
            }
        },
    );
}

fn encode(suite: &mut Suite) {
    let state = || (Bytes::from(vec![b'x'; 128]), Vec::with_capacity(256));
    suite
        .group("frame 128 B into a buffer")
        .ours("Prepared", state, |(payload, out)| {
            out.clear();
            let frame = Prepared::binary(payload.clone());
            out.extend_from_slice(frame.header());
            out.extend_from_slice(frame.payload());
            out.len()
        })
        .peer("tungstenite", state, |(payload, out)| {
            out.clear();
            let frame = Frame::message(payload.clone(), OpCode::Data(Data::Binary), true);
            frame.format(out).is_ok()
        })
        .peer("fastwebsockets", state, |(payload, out)| {
            let payload = fastwebsockets::Payload::Borrowed(payload);
            fastwebsockets::Frame::binary(payload).write(out).len()
        });
}

/// From a message to what stands in a thousand lines.
fn share(suite: &mut Suite) {
    let state = || Bytes::from(vec![b'x'; 128]);
    suite
        .group("prepare 128 B for 1 000 receivers, each")
        .per_call(RECEIVERS)
        .ours("Prepared, cloned", state, |payload| {
            let frame = Prepared::binary(payload.clone());
            (0..RECEIVERS).map(|_| frame.clone()).map(|frame| frame.len()).sum::<usize>()
        })
        .peer("tungstenite, framed for each", state, |payload| {
            (0..RECEIVERS)
                .map(|_| {
                    let mut out = Vec::with_capacity(256);
                    let frame = Frame::message(payload.clone(), OpCode::Data(Data::Binary), true);
                    frame.format(&mut out).map_or(0, |()| out.len())
                })
                .sum::<usize>()
        })
        .peer("fastwebsockets, framed for each", state, |payload| {
            (0..RECEIVERS)
                .map(|_| {
                    let mut out = Vec::with_capacity(256);
                    let payload = fastwebsockets::Payload::Borrowed(payload);
                    fastwebsockets::Frame::binary(payload).write(&mut out).len()
                })
                .sum::<usize>()
        });
}
