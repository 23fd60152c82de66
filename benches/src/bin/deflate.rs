//! `tidegate-deflate` beside bare zlib-rs, `flate2` used directly and yawc's own support, per message of the corpora.
//!
//! fastwebsockets has no compression to compare with. yawc's is reached through its connection, so its figures have a
//! frame in them; the connection reads and writes memory. Facts: what is saved on the lines that the corpora's README
//! calls measured, and what a connection holds.

#[path = "deflate/split.rs"]
mod split;
#[path = "deflate/through_flate2.rs"]
mod through_flate2;
#[path = "deflate/through_yawc.rs"]
mod through_yawc;
#[path = "deflate/through_zlib.rs"]
mod through_zlib;
#[path = "deflate/work.rs"]
mod work;

use std::process::ExitCode;

use allocation_counter::measure;
use tidegate_benches::{Corpus, Group, Suite, corpora};
use work::{Ours, Work};

fn main() -> ExitCode {
    let mut suite = Suite::new("deflate");
    let corpora = corpora();
    for takeover in [false, true] {
        for corpus in &corpora {
            let kind = if takeover { ", takeover" } else { "" };
            let [deflate, inflate] =
                ["deflate", "inflate"].map(|verb| format!("{verb}{kind}: {}", corpus.name));
            if !is_asked(&deflate) && !is_asked(&inflate) {
                continue;
            }
            let work = Work::new(&corpus.messages, takeover);
            let group = suite.group(&deflate);
            deflating(group.per_call(work.messages.len() as u64), &work);
            if alone().is_none() {
                saved(group, corpus, takeover);
            }
            if !work.payloads.is_empty() {
                let group = suite.group(&inflate);
                inflating(group.per_call(work.payloads.len() as u64), &work);
            }
        }
    }
    if alone().is_none() {
        memory(suite.group("memory of a connection"));
    }
    suite.run()
}

/// The group that alone is run, under valgrind: to prepare all would take minutes there.
fn alone() -> Option<String> {
    std::env::args().skip_while(|argument| argument != "--alone").nth(1)
}

fn is_asked(group: &str) -> bool {
    alone().is_none_or(|alone| alone == group)
}

fn deflating(group: &mut Group, work: &Work) {
    let works = || [work.clone(), work.clone(), work.clone(), work.clone()];
    let [ours, zlib, flate2, yawc] = works();
    group
        .ours("tidegate-deflate", move || Ours::new(ours.clone()), Ours::deflate)
        .floor(
            "zlib-rs",
            move || through_zlib::Deflating::new(zlib.clone()),
            through_zlib::Deflating::all,
        )
        .peer(
            "flate2",
            move || through_flate2::Deflating::new(flate2.clone()),
            through_flate2::Deflating::all,
        )
        .peer(
            "yawc and its frame",
            move || through_yawc::Writing::new(yawc.clone()),
            through_yawc::Writing::all,
        );
}

fn inflating(group: &mut Group, work: &Work) {
    let works = || [work.clone(), work.clone(), work.clone(), work.clone()];
    let [ours, zlib, flate2, yawc] = works();
    group
        .ours("tidegate-deflate", move || Ours::new(ours.clone()), Ours::inflate)
        .floor(
            "zlib-rs",
            move || through_zlib::Inflating::new(zlib.clone()),
            through_zlib::Inflating::all,
        )
        .peer(
            "flate2",
            move || through_flate2::Inflating::new(flate2.clone()),
            through_flate2::Inflating::all,
        )
        .peer(
            "yawc and its frame",
            move || through_yawc::Reading::new(yawc.clone()),
            through_yawc::Reading::all,
        );
}

/// Percent saved on the part of the corpus that is measured, payloads alone.
fn saved(group: &mut Group, corpus: &Corpus, takeover: bool) {
    let work = Work::new(&split::measured(corpus), takeover);
    let raw: usize = work.messages.iter().map(Vec::len).sum();
    let percent = |sent: usize| 100.0 * (1.0 - sent as f64 / raw as f64);
    let what = "saved, %";
    group
        .fact("tidegate-deflate", what, percent(Ours::new(work.clone()).deflate()))
        .fact("zlib-rs", what, percent(through_zlib::Deflating::new(work.clone()).all()))
        .fact("flate2", what, percent(through_flate2::Deflating::new(work).all()));
}

/// What stays allocated after a conversation in both directions, for this connection alone.
fn memory(group: &mut Group) {
    let message = br#"{"type":"message","room":"harbour","text":"the tide turns at nine"}"#;
    let messages = vec![message.repeat(3); 300];
    let what = "bytes held between messages";
    for (kind, takeover) in [("no takeover", false), ("takeover", true)] {
        let work = Work::new(&messages, takeover);
        let mut shared = Ours::new(work.clone());
        shared.deflate();
        shared.inflate();
        let ours = held(|| shared.another_connection());
        let plain = held(|| through_yawc::connection(&work, false));
        let compressed = held(|| through_yawc::connection(&work, true));
        group
            .fact(&format!("tidegate-deflate, {kind}"), what, ours)
            .fact(&format!("zlib-rs, {kind}"), what, held(|| through_zlib::connection(&work)))
            .fact(&format!("flate2, {kind}"), what, held(|| through_flate2::connection(&work)))
            .fact(&format!("yawc, {kind}"), what, compressed - plain);
    }
}

/// Bytes that are allocated while what `make` makes is there.
fn held<T>(make: impl FnOnce() -> T) -> f64 {
    let mut kept = None;
    measure(|| kept = Some(make())).bytes_current as f64
}
