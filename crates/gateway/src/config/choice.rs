//! Settings that are one of a few words.
//!
//! They know how they are written, not what they cause.

/// Declares an enum whose variants are written as the given words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $Choice:ident {
            $( $(#[doc = $doc:literal])+ $Variant:ident = $word:literal, )+
        }
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
    };
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
