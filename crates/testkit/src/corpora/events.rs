//! Messages that are no tokens: chat, presence, webhooks, plans.

use super::json::{Object, array, quoted};
use super::texts::sentences;
use crate::random::Random;

const USERS: [&str; 12] = [
    "amara",
    "björn",
    "chidi",
    "dunja",
    "elif",
    "françois",
    "haruka",
    "ines",
    "jakub",
    "lina",
    "mateo",
    "zoë",
];
const ROOMS: [&str; 5] = ["general", "harbour", "support", "release-42", "küche"];
const SHORT: [&str; 14] = [
    "ok",
    "yes",
    "thanks!",
    "👍",
    "on my way",
    "can you look at this?",
    "brb",
    "schon da 🙂",
    "merci beaucoup",
    "わかりました",
    "not yet",
    "see you at 3",
    "haha 😄",
    "one moment, please",
];

/// 2025-06-15 in Unix milliseconds.
const NOON: usize = 1_749_988_800_000;

pub(super) fn chat_messages(random: &mut Random) -> Vec<String> {
    let sentences = sentences();
    let mut at = NOON;
    let mut line = |_| {
        at += random.between(40, 9_000);
        chat_message(random, &sentences, at)
    };
    (0..220).map(&mut line).collect()
}

fn chat_message(random: &mut Random, sentences: &[&str], at: usize) -> String {
    let author = random.below(USERS.len());
    let is_agent = random.once_in(4);
    let (kind, name) = if is_agent { ("agent", "pilot") } else { ("user", USERS[author]) };
    let content = match (is_agent, random.once_in(3)) {
        (true, _) => words(random, sentences, 2, 4),
        (false, true) => random.pick(&SHORT).to_owned(),
        (false, false) => words(random, sentences, 1, 2),
    };
    let mut message = Object::new()
        .text("type", "message")
        .text("message_id", &id(random))
        .text("channel_id", random.pick(&ROOMS))
        .text("author_id", &format!("u-{}", 1_000 + author))
        .text("author_type", kind)
        .text("author_name", name)
        .text("content", &content)
        .text("created_at", &moment(at));
    if is_agent {
        let metadata = Object::new().text("model", "tide-1").text("provider", "harbour");
        let metadata = metadata.number("latency_ms", random.between(80, 4_000));
        message = message.raw("metadata", &metadata.end());
    }
    if random.once_in(6) {
        message = message.text("reply_to", &id(random));
    }
    message.end()
}

pub(super) fn presence(random: &mut Random) -> Vec<String> {
    let mut at = NOON;
    let mut line = |_| {
        at += random.between(5, 2_000);
        let kind = random.pick(&["typing", "presence", "presence", "read"]);
        let message = Object::new().text("type", kind).text("group", random.pick(&ROOMS));
        let message = message.text("user_id", random.pick(&USERS)).number("timestamp", at);
        match kind {
            "presence" => {
                let status = random.pick(&["online", "away", "offline"]);
                message.text("status", status).number("sessions", random.between(0, 3)).end()
            }
            "read" => message.text("message_id", &id(random)).end(),
            _ => message.raw("active", if random.once_in(2) { "true" } else { "false" }).end(),
        }
    };
    (0..320).map(&mut line).collect()
}

/// What a forge, a shop or a build server posts: much structure, many repeated names, some prose.
pub(super) fn webhooks(random: &mut Random) -> Vec<String> {
    let sentences = sentences();
    let mut line = |n: usize| {
        let items: Vec<_> = (0..12 + n * 6).map(|k| item(random, &sentences, k)).collect();
        let repository = Object::new()
            .number("id", random.between(1_000_000, 9_999_999))
            .text("full_name", "harbour/lighthouse")
            .text("html_url", "https://forge.example/harbour/lighthouse")
            .raw("private", "false")
            .text("default_branch", "main");
        Object::new()
            .text("event", random.pick(&["push", "order.updated", "build.finished"]))
            .text("delivery_id", &id(random))
            .text("created_at", &moment(NOON + random.below(40_000_000)))
            .raw("sender", &user(random))
            .raw("repository", &repository.end())
            .raw("items", &array(items))
            .raw("previous", "null")
            .end()
    };
    (0..8).map(&mut line).collect()
}

fn item(random: &mut Random, sentences: &[&str], n: usize) -> String {
    let path = format!("src/{}/{}.rs", random.pick(&ROOMS), random.pick(&USERS));
    let amount = random.between(100, 99_999);
    Object::new()
        .text("id", &format!("{:040x}", u128::from(random.bits()) << 32))
        .number("position", n)
        .text("title", &words(random, sentences, 1, 1))
        .raw("author", &user(random))
        .text("url", &format!("https://forge.example/harbour/lighthouse/items/{n}"))
        .raw("paths", &array([quoted(&path), quoted("README.md")]))
        .raw("amount", &format!("{}.{:02}", amount / 100, amount % 100))
        .text("updated_at", &moment(NOON + random.below(40_000_000)))
        .end()
}

/// What an agent says that it will do: a tree of steps with their reasons. A few of them are far too large for chat.
pub(super) fn plans(random: &mut Random) -> Vec<String> {
    let sentences = sentences();
    let mut line = |steps: usize| {
        let steps: Vec<_> = (0..steps).map(|n| step(random, &sentences, n)).collect();
        Object::new()
            .text("type", "agent_plan")
            .text("run_id", &id(random))
            .text("goal", &words(random, &sentences, 1, 2))
            .number("timestamp", NOON)
            .raw("steps", &array(steps))
            .end()
    };
    [20, 30, 45, 80].into_iter().map(&mut line).collect()
}

fn step(random: &mut Random, sentences: &[&str], n: usize) -> String {
    let tool = random.pick(&["search", "read_file", "run_tests", "ask_user", "write_summary"]);
    let call = Object::new()
        .text("tool_name", tool)
        .text("tool_call_id", &id(random))
        .raw("arguments", &Object::new().text("query", &words(random, sentences, 1, 1)).end())
        .number("timeout_ms", random.between(1, 60) * 1_000);
    let after: Vec<_> = (0..n.min(2)).map(|k| (n - k - 1).to_string()).collect();
    Object::new()
        .number("step", n)
        .text("status", random.pick(&["pending", "running", "completed"]))
        .text("title", &words(random, sentences, 1, 1))
        .text("reasoning", &words(random, sentences, 3, 6))
        .raw("depends_on", &array(after))
        .raw("tool_call", &call.end())
        .end()
}

fn words(random: &mut Random, sentences: &[&str], low: usize, high: usize) -> String {
    let count = random.between(low, high);
    (0..count).map(|_| random.pick(sentences)).collect::<Vec<_>>().join(" ")
}

fn user(random: &mut Random) -> String {
    let n = random.below(USERS.len());
    Object::new().number("user_id", 1_000 + n).text("username", USERS[n]).end()
}

/// 16 characters, as Tidegate's ids have.
fn id(random: &mut Random) -> String {
    format!("{:016x}", random.bits())
}

/// A moment of the corpora's day, as RFC 3339 writes it.
fn moment(at: usize) -> String {
    let past = (at - NOON) / 1_000 % 43_200;
    let (hour, minute, second) = (12 + past / 3_600, past / 60 % 60, past % 60);
    format!("2025-06-15T{hour:02}:{minute:02}:{second:02}.{:03}Z", at % 1_000)
}
