//! The optimized form as other languages know it: `vectors/optimize.json` and
//! `dictionaries/chat-v1.json` say what this crate does.
#![expect(clippy::unwrap_used, reason = "in a test, a failing unwrap is the failure")]

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_payload_codec::{Codec, Dictionary, Encoding, Form, Kind, Settings};

const OPTIMIZED: Form = Form { encoding: Encoding::Json, optimize: true, compression: None };

fn vectors() -> Vec<(String, String, String)> {
    let file: Value = serde_json::from_str(include_str!("../vectors/optimize.json")).unwrap();
    let text = |vector: &Value, field| vector[field].as_str().unwrap().to_owned();
    let of = |v: &Value| (text(v, "name"), text(v, "json"), text(v, "optimized"));
    file.as_array().unwrap().iter().map(of).collect()
}

#[test]
fn each_vector_is_optimized_as_it_says() {
    let codec = Codec::new(Settings::default());
    for (name, json, optimized) in vectors() {
        assert_eq!(codec.transform(json.as_bytes(), OPTIMIZED).unwrap(), optimized, "{name}");
    }
}

#[test]
fn each_vector_comes_back() {
    let codec = Codec::new(Settings::default());
    for (name, json, optimized) in vectors() {
        let back = codec.decode(optimized.as_bytes(), Kind::Text, OPTIMIZED).unwrap();
        assert_eq!(back, json, "{name}");
    }
}

#[test]
fn a_client_that_did_not_agree_sees_every_vector_as_it_is() {
    let codec = Codec::new(Settings::default());
    for (name, json, optimized) in vectors() {
        for text in [json, optimized] {
            assert_eq!(codec.transform(text.as_bytes(), Form::default()).unwrap(), text, "{name}");
            let read = codec.decode(text.as_bytes(), Kind::Text, Form::default()).unwrap();
            assert_eq!(read, text, "{name}");
        }
    }
}

#[test]
fn an_escape_written_as_an_escape_is_taken_away_too() {
    let codec = Codec::new(Settings::default());
    let foreign = br#"{ "\u005fv" : 2 , "\u007Ec":1, "\u0063":2}"#;
    let back = codec.decode(foreign, Kind::Text, OPTIMIZED).unwrap();
    assert_eq!(back, r#"{"c":1, "content":2}"#);
}

#[test]
fn only_a_mark_of_two_at_the_front_is_a_mark() {
    let codec = Codec::new(Settings::default());
    for json in
        [r#"{"_v":3,"c":1}"#, r#"{"_v":"2","c":1}"#, r#"{"c":1,"_v":2}"#, r#"[{"_v":2,"c":1}]"#]
    {
        assert_eq!(codec.decode(json.as_bytes(), Kind::Text, OPTIMIZED).unwrap(), json);
    }
}

#[test]
fn the_shipped_dictionary_is_the_one_in_its_file() {
    let file: Value = serde_json::from_str(include_str!("../dictionaries/chat-v1.json")).unwrap();
    let shipped = Dictionary::chat();
    assert_eq!((file["id"].as_str(), shipped.len()), (Some(shipped.id()), 48));
    for (field, timestamp) in [("keys", false), ("timestamps", true)] {
        let in_file: BTreeMap<String, String> =
            serde_json::from_value(file[field].clone()).unwrap();
        let entries = shipped.entries().iter().filter(|entry| entry.timestamp == timestamp);
        let ours = entries.map(|entry| (entry.key.clone(), entry.code.clone())).collect();
        assert_eq!(in_file, ours);
    }
}

#[test]
fn a_dictionary_of_ones_own_shortens_its_words_and_no_others() {
    let dictionary = Dictionary::new("orders-1", [("customer_id", "cu"), ("größe", "ö")])
        .and_then(|dictionary| dictionary.timestamps([("ordered_at", "oa")]))
        .unwrap();
    let codec = Codec::new(Settings { dictionary, ..Settings::default() });
    let json = r#"{"customer_id":"7","größe":2,"ordered_at":"2024-03-14T09:01:28Z","content":"c"}"#;
    let sent = codec.transform(json.as_bytes(), OPTIMIZED).unwrap();
    assert_eq!(sent, r#"{"_v":2,"cu":"7","ö":2,"oa":[1710406888],"content":"c"}"#);
    assert_eq!(codec.decode(&sent, Kind::Text, OPTIMIZED).unwrap(), json);
}
