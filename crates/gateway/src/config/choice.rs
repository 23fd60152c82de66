//! Settings that are one of a few words.
//!
//! They know how they are written, not what they cause.

use super::error::Unfit;
use super::from_toml;
use super::nearest::nearest;
use super::node::{Node, Value, shown_text};
use super::setting::{Setting, quoted, unfit, unfit_text};

/// Declares an enum whose variants are written as the given words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $Choice:ident {
            $( $(#[doc = $doc:literal])+ $Variant:ident = $word:literal, )+
        }
        expected $expected:literal
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Choice {
            $( $(#[doc = $doc])+ $Variant, )+
        }

        impl $Choice {
            /// Every word that may be written.
            pub const WORDS: &'static [&'static str] = &[$( $word ),+];

            /// The word for this choice.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $( Self::$Variant => $word, )+
                }
            }

            /// The choice that `word` stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$Variant), )+
                    _ => None,
                }
            }
        }

        impl Setting for $Choice {
            const KIND: &'static str = concat!($( "`\"", $word, "\"` ", )+);
            const EXPECTED: &'static str = $expected;

            fn read(node: &Node) -> Result<Self, Unfit> {
                match &node.value {
                    Value::Text(text) => Self::parse(text),
                    other => Err(unfit::<Self>(other)),
                }
            }

            fn parse(text: &str) -> Result<Self, Unfit> {
                let word = text.trim();
                Self::from_word(word).ok_or_else(|| misspelt::<Self>(word, Self::WORDS))
            }

            fn render(&self) -> String {
                quoted(self.word())
            }
        }
    };
}

/// Says what would do, and which word was probably meant.
fn misspelt<T: Setting>(word: &str, known: &[&'static str]) -> Unfit {
    let unfit = unfit_text::<T>(word);
    match nearest(word, known.iter().copied()) {
        Some(meant) => unfit.hint(format!("did you mean \"{meant}\"?")),
        None => unfit,
    }
}

choice! {
    /// A set of values to start from; see the table in `docs/CONFIG.md`.
    pub enum Profile {
        /// For one machine and one person: wide limits, few connections.
        Development = "development",
        /// The defaults, stated so that a later change of a default does not change a deployment.
        Production = "production",
        /// Many connections on one gateway.
        HighTraffic = "high-traffic",
    }
    expected "one of \"development\", \"production\", \"high-traffic\""
}

choice! {
    /// The header in which proxies say for whom they ask.
    pub enum ForwardedHeader {
        /// `X-Forwarded-For`.
        XForwardedFor = "x-forwarded-for",
        /// `Forwarded` (RFC 7239).
        Forwarded = "forwarded",
    }
    expected "\"x-forwarded-for\" or \"forwarded\""
}

choice! {
    /// How the body of an upstream's answer is divided into events.
    pub enum Response {
        /// By the answer's `Content-Type`.
        Auto = "auto",
        /// Server-sent events.
        Sse = "sse",
        /// One JSON value a line.
        Ndjson = "ndjson",
        /// Text as it comes.
        Text = "text",
    }
    expected "one of \"auto\", \"sse\", \"ndjson\", \"text\""
}

choice! {
    /// What the events of an upstream's answer mean.
    pub enum Vocabulary {
        /// Chat-completion chunks in the OpenAI form.
        OpenAiChat = "openai-chat",
        /// Objects with a `type` of their own are agent events; strings are text.
        Json = "json",
        /// Everything is text.
        Text = "text",
    }
    expected "one of \"openai-chat\", \"json\", \"text\""
}

choice! {
    /// How one of a route's upstreams is picked.
    pub enum Strategy {
        /// Each in turn.
        RoundRobin = "round_robin",
        /// The one with the fewest queries in work.
        LeastConnections = "least_connections",
        /// In proportion to their weights.
        Weighted = "weighted",
        /// Of two taken at random the one with less to do and the shorter answers.
        P2c = "p2c",
    }
    expected "one of \"round_robin\", \"least_connections\", \"weighted\", \"p2c\""
}

choice! {
    /// How tokens are signed (RFC 7518 section 3, RFC 8037).
    pub enum Algorithm {
        /// HMAC with SHA-256: a shared secret.
        Hs256 = "HS256",
        /// HMAC with SHA-384.
        Hs384 = "HS384",
        /// HMAC with SHA-512.
        Hs512 = "HS512",
        /// RSA with SHA-256 (PKCS #1 v1.5), from 2048 to 8192 bits.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
    expected "one of \"HS256\", \"HS384\", \"HS512\", \"RS256\", \"ES256\", \"EdDSA\""
}

impl Algorithm {
    /// The shortest secret, in bytes, where there is one: as long as the hash (RFC 7518 section 3.2).
    #[must_use]
    pub const fn min_secret_bytes(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            Self::Rs256 | Self::Es256 | Self::EdDsa => None,
        }
    }
}

/// Who may connect without a token: `true`, `false` or `"loopback"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anonymous {
    /// Nobody.
    Never,
    /// Anybody, while the gateway listens on a loopback address; nobody otherwise.
    Loopback,
    /// Anybody.
    Always,
}

/// The body that is sent to an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A chat-completions request in the OpenAI form, with `"stream": true`.
    OpenAiChat,
    /// The command's `input`, or `{"query": …}`.
    Json,
    /// The given text, its placeholders filled in.
    Template(String),
}

impl Request {
    /// The vocabulary that usually answers such a request.
    #[must_use]
    pub const fn usual_vocabulary(&self) -> Vocabulary {
        match self {
            Self::OpenAiChat => Vocabulary::OpenAiChat,
            Self::Json | Self::Template(_) => Vocabulary::Json,
        }
    }
}

impl Setting for Anonymous {
    const KIND: &'static str = "`true`, `false` or `\"loopback\"`";
    const EXPECTED: &'static str = "true, false or \"loopback\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Bool(true) => Ok(Self::Always),
            Value::Bool(false) => Ok(Self::Never),
            Value::Text(text) if text == "loopback" => Ok(Self::Loopback),
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        match text.trim() {
            "true" => Ok(Self::Always),
            "false" => Ok(Self::Never),
            "loopback" => Ok(Self::Loopback),
            _ => Err(unfit_text::<Self>(text)),
        }
    }

    fn render(&self) -> String {
        match self {
            Self::Always => "true".to_owned(),
            Self::Never => "false".to_owned(),
            Self::Loopback => quoted("loopback"),
        }
    }
}

impl Setting for Request {
    const KIND: &'static str = "`\"openai-chat\"`, `\"json\"` or `{ template = \"…\" }`";
    const EXPECTED: &'static str = "\"openai-chat\", \"json\" or { template = \"…\" }";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(word) => match word.as_str() {
                "openai-chat" => Ok(Self::OpenAiChat),
                "json" => Ok(Self::Json),
                _ => Err(misspelt::<Self>(word, &["openai-chat", "json"])),
            },
            Value::Table(entries) => match entries.as_slice() {
                [only] if only.key == "template" => String::read(&only.node).map(Self::Template),
                _ => Err(Unfit::new(Self::EXPECTED, "a table with other keys")),
            },
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let text = text.trim();
        if !text.starts_with('{') {
            return Self::read(&Node { line: 0, value: Value::Text(text.to_owned()) });
        }
        let node = from_toml::value(text);
        Self::read(&node.ok_or_else(|| Unfit::new(Self::EXPECTED, shown_text(text)))?)
    }

    fn render(&self) -> String {
        match self {
            Self::OpenAiChat => quoted("openai-chat"),
            Self::Json => quoted("json"),
            Self::Template(text) => format!("{{ template = {} }}", quoted(text)),
        }
    }
}
