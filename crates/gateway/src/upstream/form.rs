//! The body that an upstream is sent, in the form its route names.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Failure;
use crate::config::Request;

/// The default model's name, where a route names none: backends that serve one model do not look.
const DEFAULT_MODEL: &str = "default";

/// Writes the body for an input: the JSON text that the client gave.
pub(crate) fn body(
    form: &Request,
    model: Option<&str>,
    input: &RawValue,
) -> Result<Bytes, Failure> {
    let text = input.get();
    let first = text.bytes().next();
    match form {
        Request::OpenAiChat => openai(model.unwrap_or(DEFAULT_MODEL), first, input),
        Request::Json if first == Some(b'"') => {
            #[derive(Serialize)]
            struct Query<'a> {
                query: &'a RawValue,
            }
            json(&Query { query: input })
        }
        Request::Json => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Request::Template(template) => Ok(template.replace("{{input}}", text).into()),
    }
}

fn openai(model: &str, first: Option<u8>, input: &RawValue) -> Result<Bytes, Failure> {
    #[derive(Serialize)]
    struct Chat<'a, M> {
        model: &'a str,
        messages: M,
        stream: bool,
    }
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: &'a RawValue,
    }
    match first {
        Some(b'"') => {
            let messages = [Message { role: "user", content: input }];
            json(&Chat { model, messages, stream: true })
        }
        Some(b'[') => json(&Chat { model, messages: input, stream: true }),
        _ => Err(Failure::new(
            "invalid_input",
            "this route takes a string, or an array of {\"role\": …, \"content\": …}",
        )),
    }
}

fn json(value: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| Failure::malformed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: &Request, input: &str) -> Result<String, Failure> {
        let input = RawValue::from_string(input.to_owned()).unwrap();
        body(form, Some("m"), &input).map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn a_question_becomes_a_chat_request() {
        assert_eq!(
            written(&Request::OpenAiChat, r#""hi \u00e4""#).unwrap(),
            r#"{"model":"m","messages":[{"role":"user","content":"hi \u00e4"}],"stream":true}"#
        );
    }

    #[test]
    fn a_conversation_is_passed_on_as_it_is() {
        let messages = r#"[{"role":"system","content":"x"}]"#;
        assert_eq!(
            written(&Request::OpenAiChat, messages).unwrap(),
            format!(r#"{{"model":"m","messages":{messages},"stream":true}}"#)
        );
        assert_eq!(written(&Request::OpenAiChat, "7").unwrap_err().code, "invalid_input");
    }

    #[test]
    fn json_takes_an_object_as_it_is_and_names_a_string() {
        assert_eq!(written(&Request::Json, r#""hi""#).unwrap(), r#"{"query":"hi"}"#);
        assert_eq!(written(&Request::Json, r#"{"n":1.0}"#).unwrap(), r#"{"n":1.0}"#);
    }

    #[test]
    fn a_template_has_its_placeholder_filled_in() {
        let template = Request::Template(r#"{"prompt":{{input}},"n":2}"#.into());
        assert_eq!(written(&template, r#""hi""#).unwrap(), r#"{"prompt":"hi","n":2}"#);
    }
}
