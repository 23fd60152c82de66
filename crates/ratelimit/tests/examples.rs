//! The example runs, and limits by user.
#![cfg(feature = "tower")]
#![expect(clippy::disallowed_methods, reason = "the server is a task")]

#[path = "../examples/limited_by_user.rs"]
#[expect(dead_code, reason = "the example's `main` binds a port of its own")]
mod limited_by_user;

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn ask(address: SocketAddr, user: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET / HTTP/1.1\r\nhost: example\r\nx-user: {user}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn service_limits_each_user_and_says_how_they_stand() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(limited_by_user::serve(listener));
    for left in (0..12).rev() {
        let answer = ask(address, "ann").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("ratelimit-policy: \"user\";q=12;w=60\r\n"), "{answer}");
        assert!(answer.contains(&format!("ratelimit: \"user\";r={left};t=")), "{answer}");
    }
    let refused = ask(address, "ann").await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
    assert!(refused.contains("ratelimit: \"user\";r=0;t="), "{refused}");
    let wait = refused.split("retry-after: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!((50..=60).contains(&wait.parse().unwrap()), "{refused}");
    assert!(ask(address, "bob").await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    server.abort();
}
