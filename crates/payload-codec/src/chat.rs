//! The shipped table for chat and agent messages, the same as `dictionaries/chat-v1.json`.
//!
//! Never changed once released: another table gets another id.

pub(crate) const ID: &str = "chat-v1";

pub(crate) const KEYS: [(&str, &str); 44] = [
    ("message_id", "mid"),
    ("channel_id", "cid"),
    ("author_id", "ai"),
    ("author_type", "at"),
    ("author_name", "an"),
    ("content", "c"),
    ("content_type", "ct"),
    ("metadata", "m"),
    ("model", "mdl"),
    ("provider", "prv"),
    ("session_id", "sid"),
    ("user_id", "uid"),
    ("user_name", "n"),
    ("username", "usr"),
    ("conversation_id", "cvi"),
    ("thread_id", "tid"),
    ("parent_id", "pid"),
    ("reply_to", "rt"),
    ("mentions", "mn"),
    ("attachments", "att"),
    ("reactions", "rx"),
    ("edited", "ed"),
    ("status", "st"),
    ("event", "e"),
    ("sequence", "sq"),
    ("stream", "s"),
    ("data", "d"),
    ("log", "l"),
    ("seq", "q"),
    ("from", "f"),
    ("replay", "rp"),
    ("snapshot", "sn"),
    ("complete", "cp"),
    ("message", "msg"),
    ("priority", "pr"),
    ("tool_name", "tn"),
    ("tool_call_id", "tci"),
    ("arguments", "arg"),
    ("choices", "ch"),
    ("delta", "dl"),
    ("index", "ix"),
    ("finish_reason", "fr"),
    ("logprobs", "lp"),
    ("system_fingerprint", "sf"),
];

pub(crate) const TIMESTAMPS: [(&str, &str); 4] =
    [("created_at", "ts"), ("updated_at", "u"), ("timestamp", "tm"), ("deliver_at", "da")];
