//! Keys that an address publishes: taken, fetched again, kept while the address lies, hangs or is down.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate::config::{Config, Sources, WebAddress};
use tidegate_testkit::client::Client;

use crate::hostile::Before;
use crate::issuer::{Issuer, key_set, written};
use crate::publisher::{Publisher, Says};
use crate::running::{JWT_SECRET, Running, gateway, with_tokens};
use crate::tokens::{in_band, status};

const MS: Duration = Duration::from_millis(1);

fn address(url: &str) -> WebAddress {
    let flags = vec![("auth.jwks_url".to_owned(), url.to_owned())];
    let loaded = Config::load(&Sources { flags, ..Sources::default() }).expect("an address");
    loaded.config.auth.jwks_url.expect("it is set")
}

/// Tokens by the keys of this address, which are fetched quickly.
fn published(config: &mut Config, url: &str) {
    with_tokens(config);
    config.auth.jwks_url = Some(address(url));
    config.auth.jwks_min_interval = 50 * MS;
    // Long enough for a busy machine; tests of what hangs set their own.
    config.auth.jwks_timeout = Duration::from_secs(5);
}

async fn welcome(gateway: &Running, issuer: &Issuer) -> u16 {
    status(gateway, &issuer.token(json!({ "sub": "42" }))).await
}

/// Asks until the answer is this one: the keys come in the background.
async fn comes_to(gateway: &Running, issuer: &Issuer, expected: u16) {
    let mut last = 0;
    for _ in 0..200 {
        last = welcome(gateway, issuer).await;
        if last == expected {
            return;
        }
        pause(20 * MS).await;
    }
    panic!("{} was answered with {last} and not with {expected}", issuer.kid);
}

#[expect(
    clippy::disallowed_methods,
    reason = "keys are fetched on the real clock of a real gateway"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test]
async fn keys_of_an_address_are_taken_beside_the_configured_ones() {
    let issuers = [Issuer::rs256("rsa"), Issuer::es256("ec"), Issuer::ed25519("ed")];
    let set = key_set(&[&issuers[0], &issuers[1], &issuers[2]]);
    let publisher = Publisher::new(Says::Body(set)).await;
    let gateway = gateway(|config| published(config, &publisher.url())).await;
    for issuer in &issuers {
        assert_eq!(welcome(&gateway, issuer).await, 200, "{}", issuer.kid);
        assert_eq!(in_band(&gateway, &issuer.token(json!({ "sub": "42" }))).await, 0);
        let nameless = issuer.token_of(None, json!({ "sub": "42" }));
        assert_eq!(status(&gateway, &nameless).await, 200, "{} without a kid", issuer.kid);
    }
    gateway.user("42").await;
    let other = Issuer::es256("ec");
    assert_eq!(welcome(&gateway, &other).await, 401, "another key under a published name");
    assert_eq!(welcome(&gateway, &issuers[1].called("rsa")).await, 401);
    let confused = Issuer::shared("ec", jsonwebtoken::Algorithm::HS256, JWT_SECRET);
    assert_eq!(welcome(&gateway, &confused).await, 401);
}

#[tokio::test]
async fn a_new_key_counts_as_soon_as_a_token_names_it() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let publisher = Publisher::new(Says::Body(key_set(&[&old]))).await;
    let gateway = gateway(|config| published(config, &publisher.url())).await;
    assert_eq!(welcome(&gateway, &old).await, 200);
    publisher.say(Says::Body(key_set(&[&old, &new])));
    pause(100 * MS).await;
    assert_eq!(welcome(&gateway, &new).await, 200, "the request waits for the fetch");
    assert_eq!(publisher.asked(), 2);
    let third = Issuer::ed25519("third");
    publisher.say(Says::Body(key_set(&[&third])));
    pause(100 * MS).await;
    assert_eq!(in_band(&gateway, &third.token(json!({ "sub": "42" }))).await, 0);
    assert_eq!(welcome(&gateway, &old).await, 401, "a key that is no longer published is gone");
}

#[tokio::test]
async fn a_session_renews_with_a_key_that_must_be_fetched() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let publisher = Publisher::new(Says::Body(key_set(&[&old]))).await;
    let gateway = gateway(|config| published(config, &publisher.url())).await;
    let token = old.token(json!({ "sub": "42" }));
    let (mut client, _) = gateway.client_at(&format!("/ws?token={token}")).await;
    publisher.say(Says::Body(key_set(&[&new])));
    pause(100 * MS).await;
    let token = new.token(json!({ "sub": "42" }));
    client.send_json(json!({ "type": "auth", "id": 1, "token": token })).await;
    assert_eq!(client.expect("welcome").await["id"], 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch() {
    let known = Issuer::es256("known");
    let publisher = Publisher::new(Says::Body(key_set(&[&known]))).await;
    let gateway = gateway(|config| {
        published(config, &publisher.url());
        config.auth.jwks_min_interval = Duration::from_secs(3600);
    })
    .await;
    assert_eq!(welcome(&gateway, &known).await, 200);
    let stranger = Issuer::es256("stranger");
    for n in 0..100 {
        assert_eq!(welcome(&gateway, &stranger.called(&n.to_string())).await, 401);
    }
    assert_eq!((publisher.asked(), welcome(&gateway, &known).await), (1, 200));
}

#[tokio::test]
async fn many_that_wait_at_once_share_one_fetch() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let publisher = Publisher::new(Says::Body(key_set(&[&old]))).await;
    let gateway = gateway(|config| published(config, &publisher.url())).await;
    assert_eq!(welcome(&gateway, &old).await, 200);
    publisher.say(Says::Body(key_set(&[&new])));
    pause(100 * MS).await;
    let token = new.token(json!({ "sub": "42" }));
    let one = || status(&gateway, &token);
    let all = tokio::join!(one(), one(), one(), one(), one());
    assert_eq!(all, (200, 200, 200, 200, 200));
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn the_keys_at_hand_stay_whatever_the_address_says() {
    let known = Issuer::es256("known");
    let set = key_set(&[&known]);
    let publisher = Publisher::new(Says::Body(set.clone())).await;
    let gateway = gateway(|config| {
        published(config, &publisher.url());
        config.auth.jwks_min_interval = 5 * MS;
        config.auth.jwks_refresh_interval = 20 * MS;
        config.auth.jwks_timeout = 100 * MS;
    })
    .await;
    comes_to(&gateway, &known, 200).await;
    let before = Before::now(&gateway, 0);
    let redirect = "302 Found\r\nlocation: http://127.0.0.1:1/keys";
    let padded = format!("{set}{}", " ".repeat(300_000));
    for says in [
        Says::Body("garbage".to_owned()),
        Says::Body(r#"{"keys":[]}"#.to_owned()),
        Says::Body(r#"{"keys":[{"kty":"oct","kid":"known","k":"AAAA"}]}"#.to_owned()),
        Says::Body(padded),
        Says::Body("[".repeat(100_000)),
        Says::Body("x".repeat(10 << 20)),
        Says::Status("500 Internal Server Error"),
        Says::Status("204 No Content"),
        Says::Status(redirect),
        Says::Endless,
        Says::Silence,
        Says::Broken,
    ] {
        let what: String = format!("{says:?}").chars().take(60).collect();
        publisher.say(says);
        publisher.asked_again(2).await;
        assert_eq!(welcome(&gateway, &known).await, 200, "{what}");
    }
    let new = Issuer::es256("new");
    publisher.say(Says::Body(key_set(&[&new])));
    comes_to(&gateway, &new, 200).await;
    before.assert_restored_without_a_client(&gateway).await;
}

#[tokio::test]
async fn while_keys_cannot_be_had_a_token_of_theirs_is_told_to_come_again() {
    let publisher = Publisher::new(Says::Silence).await;
    let gateway = gateway(|config| {
        published(config, &publisher.url());
        config.auth.jwks_timeout = 200 * MS;
    })
    .await;
    let issuer = Issuer::es256("new");
    let token = issuer.token(json!({ "sub": "42" }));
    let before = now();
    let refused = Client::connect_with(&gateway.ws(&format!("/ws?token={token}")), &[], &[]).await;
    let refused = refused.expect_err("a refusal");
    assert!(now() - before < Duration::from_secs(2), "the wait is bounded");
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert!(String::from_utf8_lossy(&refused.body).contains("keys_unavailable"));
    assert_eq!(in_band(&gateway, &token).await, 1011);
    gateway.user("42").await;
    publisher.say(Says::Body(key_set(&[&issuer])));
    comes_to(&gateway, &issuer, 200).await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_stops_no_fetch() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let publisher = Publisher::new(Says::Body(key_set(&[&old]))).await;
    let gateway = gateway(|config| {
        published(config, &publisher.url());
        config.auth.jwks_timeout = 300 * MS;
    })
    .await;
    comes_to(&gateway, &old, 200).await;
    pause(100 * MS).await;
    publisher.say(Says::Silence);
    let token = new.token(json!({ "sub": "42" }));
    let leaves = tokio::time::timeout(100 * MS, status(&gateway, &token)).await;
    assert!(leaves.is_err(), "the request was still waiting");
    publisher.say(Says::Body(key_set(&[&new])));
    comes_to(&gateway, &new, 200).await;
}

#[tokio::test]
async fn an_encrypted_address_is_trusted_by_its_authority_alone() {
    let issuer = Issuer::es256("ec");
    let publisher = Publisher::secure(Says::Body(key_set(&[&issuer]))).await;
    let stranger = Publisher::secure(Says::Silence).await;
    for (authority, expected) in [(&publisher.authority, 200), (&stranger.authority, 503)] {
        let file = written(&format!("authority-{expected}.pem"), authority);
        let gateway = gateway(|config| {
            published(config, &publisher.url());
            config.auth.jwks_ca_file = Some(file);
        })
        .await;
        comes_to(&gateway, &issuer, expected).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a wait of a real gateway is measured")]
fn now() -> Instant {
    Instant::now()
}
