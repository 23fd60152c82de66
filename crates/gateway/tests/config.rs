//! The configuration as its users meet it: sources and their order, errors, `check-config`, the reference.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use tidegate::config::{
    self, Algorithm, Anonymous, Config, ConfigErrors, Loaded, Origin, Problem, Profile, Request,
    Sources, Vocabulary,
};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn from_file(name: &str) -> Result<Loaded, ConfigErrors> {
    Config::load(&Sources {
        file: Some(Path::new("tests/config").join(name)),
        ..Sources::default()
    })
}

fn from_env(variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    Config::load(&Sources { env: pairs(variables), ..Sources::default() })
}

fn from_flags(flags: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    Config::load(&Sources { flags: pairs(flags), ..Sources::default() })
}

/// A file of this test's own.
fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("cargo's folder for test files can be written to");
    path
}

fn from_text(name: &str, text: &str) -> Result<Loaded, ConfigErrors> {
    Config::load(&Sources { file: Some(written(name, text.as_bytes())), ..Sources::default() })
}

#[test]
fn nothing_configured_gives_the_defaults() {
    let loaded = Config::load(&Sources::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.origins.of("rate_limit.max_requests"), Origin::Default);
    config::safety(&loaded.config).unwrap();
    assert!(loaded.config.serves_demo());
}

#[test]
fn a_misspelt_key_is_told_with_its_line_and_the_nearest_key() {
    let errors = from_file("misspelt.toml").unwrap_err();
    assert_eq!(
        errors.to_string(),
        "tests/config/misspelt.toml:2: unknown key `rate_limit.max_reqests`; did you mean `max_requests`?"
    );
}

#[test]
fn all_errors_of_a_file_are_told_together() {
    insta::assert_snapshot!("wrong_toml", from_file("wrong.toml").unwrap_err());
    insta::assert_snapshot!("wrong_yaml", from_file("wrong.yaml").unwrap_err());
}

#[test]
fn a_file_that_is_not_toml_or_yaml_is_told_with_its_lines() {
    insta::assert_snapshot!("broken_toml", from_file("broken.toml").unwrap_err());
    insta::assert_snapshot!("broken_yaml", from_file("broken.yaml").unwrap_err());
}

#[test]
fn values_that_contradict_each_other_are_told_with_both_keys() {
    insta::assert_snapshot!("contradictory", from_file("contradictory.toml").unwrap_err());
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_name() {
    let errors = from_file("nowhere.toml").unwrap_err();
    assert!(
        errors.to_string().starts_with("tests/config/nowhere.toml: cannot be read: "),
        "{errors}"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_the_line() {
    let file = written("not_utf8.toml", b"workers = 1\nlog = \"\xff\"\n");
    let errors = Config::load(&Sources { file: Some(file), ..Sources::default() }).unwrap_err();
    assert!(errors.to_string().ends_with("not_utf8.toml:2: not UTF-8"), "{errors}");
}

#[test]
fn errors_in_variables_and_flags_name_them() {
    let sources = Sources {
        env: pairs(&[
            ("TIDEGATE_RATE_LIMIT_MAX_REQUESTS", "3"),
            ("TIDEGATE_RATE_LIMIT__WIDNOW", "3s"),
            ("TIDEGATE_RATE_LIMIT__WINDOW", "3"),
            ("TIDEGATE_POOL__MAX_CONNECTIONS", "many"),
            ("TIDEGATE_API__KEY__X", "secret"),
            ("TIDEGATE_ROUTES__0__UPSTRAEM", "http://127.0.0.1:1/"),
            ("TIDEGATE_ROUTES__7__NAME", "gap"),
            ("TIDEGATE_ROUTES__X__NAME", "no number"),
            ("PATH", "/bin"),
        ]),
        flags: pairs(&[
            ("listen.address", "8765"),
            ("profile", "high_traffic"),
            ("queue.batchsize", "3"),
            ("queue.batch_size", "0"),
            ("no=such", ""),
        ]),
        file: None,
    };
    insta::assert_snapshot!("variables_and_flags", Config::load(&sources).unwrap_err());
}

#[test]
fn the_later_source_wins() {
    let file = written("order.toml", b"[rate_limit]\nmax_requests = 1\nburst = 1\nwindow = '1s'\n");
    let sources = Sources {
        file: Some(file),
        env: pairs(&[
            ("TIDEGATE_RATE_LIMIT__MAX_REQUESTS", "2"),
            ("TIDEGATE_RATE_LIMIT__BURST", "2"),
        ]),
        flags: pairs(&[("rate_limit.burst", "3"), ("profile", "development")]),
    };
    let Loaded { config, origins } = Config::load(&sources).unwrap();
    assert_eq!(config.rate_limit.window, Duration::from_secs(1));
    assert_eq!(config.rate_limit.max_requests, 2);
    assert_eq!(config.rate_limit.burst, 3);
    assert_eq!(config.pool.max_connections, 50);
    assert!(matches!(origins.of("rate_limit.window"), Origin::File { line: 4, .. }));
    assert_eq!(
        origins.of("rate_limit.max_requests"),
        Origin::Env("TIDEGATE_RATE_LIMIT__MAX_REQUESTS".to_owned())
    );
    assert_eq!(origins.of("rate_limit.burst"), Origin::Flag("--set rate_limit.burst".to_owned()));
    assert_eq!(origins.of("profile"), Origin::Flag("--profile".to_owned()));
    assert_eq!(origins.of("pool.max_connections"), Origin::Profile(Profile::Development));
}

#[test]
fn the_strongest_profile_alone_is_applied() {
    let file = written("profile.toml", b"profile = 'development'\n");
    let env = pairs(&[("TIDEGATE_PROFILE", "high-traffic")]);
    let loaded = Config::load(&Sources { file: Some(file), env, ..Sources::default() }).unwrap();
    assert_eq!(loaded.config.profile, Some(Profile::HighTraffic));
    assert_eq!(loaded.config.pool.max_connections, 20_000);
    assert_eq!(loaded.config.rate_limit.max_requests, 50);
}

#[test]
fn the_production_profile_states_the_defaults() {
    let loaded = from_flags(&[("profile", "production")]).unwrap();
    let expected = Config { profile: Some(Profile::Production), ..Config::default() };
    assert_eq!(loaded.config, expected);
}

#[test]
fn every_profile_loads() {
    for word in Profile::WORDS {
        assert!(from_flags(&[("profile", word)]).is_ok(), "{word}");
    }
}

#[test]
fn yaml_says_the_same_as_toml() {
    let toml = from_file("full.toml").unwrap();
    let yaml = from_file("full.yaml").unwrap();
    assert_eq!(toml.config, yaml.config);
    assert!(matches!(yaml.origins.of("rate_limit.max_requests"), Origin::File { line: 16, .. }));
    assert!(matches!(yaml.origins.of("routes[1].types"), Origin::File { line: 41, .. }));
}

#[test]
fn an_empty_file_gives_the_defaults() {
    for name in ["empty.toml", "empty.yaml"] {
        assert_eq!(from_text(name, "# nothing\n").unwrap().config, Config::default(), "{name}");
    }
}

#[test]
fn every_value_is_shown_with_its_origin_and_no_secret() {
    let sources = Sources {
        file: Some(Path::new("tests/config/full.toml").to_owned()),
        env: pairs(&[("TIDEGATE_POOL__IDLE_TIMEOUT", "24h"), ("TIDEGATE_QUEUE__BATCH_SIZE", "20")]),
        flags: pairs(&[("listen.address", "127.0.0.1:0"), ("queue.batch_size", "30")]),
    };
    let shown = Config::load(&sources).unwrap().render_effective();
    assert!(!shown.contains("an example key"));
    assert!(!shown.contains("Bearer"));
    insta::assert_snapshot!("effective", shown);
}

#[test]
fn what_is_shown_loads_as_the_same_configuration() {
    let mut loaded = from_file("full.toml").unwrap();
    loaded.config.auth.jwt_secret = config::Secret::default();
    loaded.config.auth.issuer = None;
    loaded.config.auth.anonymous = Anonymous::Loopback;
    loaded.config.api.key = config::Secret::default();
    loaded.config.routes[0].headers.clear();
    let again = from_text("shown.toml", &loaded.render_effective()).unwrap();
    assert_eq!(again.config, loaded.config);
}

#[test]
fn every_key_of_the_reference_can_be_set_by_its_variable() {
    for row in config::reference().lines().filter(|row| row.contains("`TIDEGATE_")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, default, .., variable] = cells.as_slice() else { continue };
        let value = default.trim_matches('`').trim_matches('"');
        if *default == "required" {
            continue;
        }
        let variable = variable.trim().trim_matches('`');
        let mut env = vec![
            ("TIDEGATE_ROUTES__0__NAME", "only"),
            ("TIDEGATE_ROUTES__0__UPSTREAM", "http://127.0.0.1:9000/"),
        ];
        if variable.ends_with("PUBLIC_KEY_FILE") {
            env.push(("TIDEGATE_AUTH__KEYS__0__ALGORITHM", "HS256"));
            env.push(("TIDEGATE_AUTH__KEYS__0__SECRET", "a key of at least thirty-two bytes"));
        } else if variable.starts_with("TIDEGATE_AUTH__KEYS") {
            env.push(("TIDEGATE_AUTH__KEYS__0__ALGORITHM", "ES256"));
            env.push(("TIDEGATE_AUTH__KEYS__0__PUBLIC_KEY_FILE", "key.pem"));
        }
        env.push((variable, value));
        let mut config = from_env(&env).unwrap_or_else(|errors| panic!("{row}: {errors}")).config;
        config.routes.clear();
        config.auth.keys.clear();
        assert_eq!(config, Config::default(), "{row}");
    }
}

#[test]
fn lists_tables_and_routes_can_be_set_by_variables() {
    let loaded = from_env(&[
        ("TIDEGATE_LISTEN__ALLOWED_ORIGINS", "https://a.example, https://b.example"),
        ("TIDEGATE_QUEUE__CRITICAL_MESSAGE_TYPES", ""),
        ("TIDEGATE_AUTHORIZE__JOIN", r#"["a,b", "c"]"#),
        ("TIDEGATE_MESSAGE_TYPES", r#"{ new_message = "message_new" }"#),
        ("TIDEGATE_RATE_LIMIT__IP", r#"{ max_requests = 600, block = "5s" }"#),
        ("TIDEGATE_ROUTES__1__RATE_LIMIT", "{ max_requests = 9 }"),
        ("TIDEGATE_ROUTES__1__UPSTREAM", "http://127.0.0.1:9001/"),
        ("TIDEGATE_ROUTES__1__NAME", "second"),
        ("TIDEGATE_ROUTES__0__UPSTREAM", "http://127.0.0.1:9000/"),
        ("TIDEGATE_ROUTES__0__NAME", "first"),
        ("TIDEGATE_ROUTES__0__REQUEST", r#"{ template = "{{input}}" }"#),
        ("TIDEGATE_ROUTES__0__HEADERS", r#"{ Authorization = "Bearer x" }"#),
    ])
    .unwrap()
    .config;
    assert_eq!(loaded.listen.allowed_origins, ["https://a.example", "https://b.example"]);
    assert!(loaded.queue.critical_message_types.is_empty());
    assert_eq!(loaded.authorize.join, ["a,b", "c"]);
    assert_eq!(loaded.message_types["new_message"], "message_new");
    let limit = loaded.rate_limit.ip.unwrap().limit();
    assert_eq!((limit.max_requests(), limit.block_for().as_secs()), (600, 5));
    assert_eq!(loaded.routes[1].rate_limit.as_ref().unwrap().max_requests, 9);
    let names: Vec<&str> = loaded.routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(loaded.routes[0].request, Request::Template("{{input}}".to_owned()));
    assert_eq!(loaded.routes[0].vocabulary(), Vocabulary::Json);
    assert_eq!(loaded.routes[0].headers["Authorization"].expose(), "Bearer x");
    assert_eq!(loaded.routes[1].vocabulary(), Vocabulary::OpenAiChat);
}

#[test]
fn a_variable_changes_a_route_of_the_file() {
    let sources = Sources {
        file: Some(Path::new("tests/config/full.toml").to_owned()),
        env: pairs(&[("TIDEGATE_ROUTES__1__UPSTREAM", "http://127.0.0.1:9999/")]),
        ..Sources::default()
    };
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.config.routes[1].name, "summary");
    assert_eq!(loaded.config.routes[1].upstream, "http://127.0.0.1:9999/".parse().unwrap());
}

#[test]
fn refuses_to_be_reachable_without_authentication() {
    for address in ["0.0.0.0:8765", "192.0.2.1:8765", "[::]:8765"] {
        let config = from_flags(&[("listen.address", address)]).unwrap().config;
        let reasons = config::safety(&config).unwrap_err().join("\n");
        assert!(reasons.contains(address) && reasons.contains("auth.jwt_secret"), "{reasons}");
        assert!(!config.allows_anonymous());
        assert!(!config.serves_demo());
    }
}

#[test]
fn may_be_reachable_with_a_key_or_when_anybody_is_welcome() {
    let key = ("auth.jwt_secret", "an example key of more than thirty-two bytes");
    let address = ("auth.jwks_url", "https://login.example.com/keys");
    for allowed in [key, address, ("auth.anonymous", "true")] {
        let config = from_flags(&[("listen.address", "0.0.0.0:8765"), allowed]).unwrap().config;
        assert_eq!(config::safety(&config), Ok(()));
        assert!(!config.serves_demo());
    }
}

#[test]
fn every_loopback_address_is_safe() {
    for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1"]
    {
        let config = from_flags(&[("listen.address", address)]).unwrap().config;
        assert_eq!(config::safety(&config), Ok(()), "{address}");
        assert!(config.allows_anonymous(), "{address}");
    }
}

#[test]
fn a_short_key_for_tokens_is_refused_and_not_shown() {
    let errors = from_flags(&[("auth.jwt_secret", "hunter2")]).unwrap_err().to_string();
    assert!(errors.contains("at least 32 bytes") && !errors.contains("hunter2"), "{errors}");
}

#[test]
fn keys_of_tokens_come_from_files_and_variables() {
    let file = written(
        "keys.toml",
        b"[auth]\nissuer = 'x'\n[[auth.keys]]\nid = 'a'\nalgorithm = 'EdDSA'\npublic_key_file = 'a.pem'\n",
    );
    let sources = Sources {
        file: Some(file),
        env: pairs(&[
            ("TIDEGATE_AUTH__KEYS__1__ALGORITHM", "HS256"),
            ("TIDEGATE_AUTH__KEYS__1__SECRET", "an example key of more than thirty-two bytes"),
        ]),
        flags: pairs(&[
            ("auth.keys.0.id", "b"),
            ("auth.jwks_url", "https://login.example.com/keys"),
        ]),
    };
    let loaded = Config::load(&sources).unwrap();
    let keys = &loaded.config.auth.keys;
    assert_eq!((keys[0].id.as_deref(), keys[0].algorithm), (Some("b"), Algorithm::EdDsa));
    assert_eq!((keys[1].id.as_deref(), keys[1].algorithm), (None, Algorithm::Hs256));
    assert!(loaded.config.auth.jwks_url.as_ref().unwrap().is_https());
    let shown = loaded.render_effective();
    assert!(
        shown.contains("[[auth.keys]]\nid = \"b\"") && !shown.contains("an example key"),
        "{shown}"
    );
    let again =
        from_text("keys-shown.toml", &shown.replace("\"***\"", &format!("\"{}\"", "x".repeat(32))));
    assert_eq!(again.unwrap().config.auth.keys[0], keys[0]);
}

#[test]
fn keys_of_tokens_that_do_not_go_together_are_told() {
    let errors = from_file("wrong_keys.toml").unwrap_err();
    assert!(!errors.to_string().contains("secret text"), "{errors}");
    insta::assert_snapshot!("wrong_keys", errors);
    insta::assert_snapshot!("misspelt_keys", from_file("misspelt_keys.toml").unwrap_err());
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let config = from_file("full.toml").unwrap().config;
    let shown = format!("{config:?}");
    assert!(!shown.contains("an example key") && !shown.contains("Bearer"), "{shown}");
}

#[test]
fn the_reference_in_the_docs_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIG.md");
    let reference = config::reference();
    if std::env::var_os("TIDEGATE_UPDATE").is_some() {
        std::fs::write(&path, &reference).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == reference,
        "docs/CONFIG.md is stale; write it anew with: TIDEGATE_UPDATE=1 cargo test -p tidegate --test config"
    );
}

#[test]
fn the_example_in_the_docs_loads() {
    let reference = config::reference();
    let example = reference.split("```").nth(1).and_then(|block| block.strip_prefix("toml\n"));
    let loaded = from_text("example.toml", example.unwrap()).unwrap();
    assert_eq!(config::safety(&loaded.config), Ok(()));
}

/// A valid file with some of its bytes replaced, inserted or removed.
fn spoilt(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<Option<u8>>(), any::<bool>());
    prop::collection::vec(change, 1..8).prop_map(move |changes| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, replace) in changes {
            let at = at.index(bytes.len());
            match byte {
                Some(byte) if replace => bytes[at] = byte & 0x7f,
                Some(byte) => bytes.insert(at, byte & 0x7f),
                None => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

#[test]
fn what_is_nested_too_deep_is_an_error() {
    for (name, open) in [("deep.toml", "a = "), ("deep.yaml", "a: ")] {
        for (left, right) in [("[", "]"), ("{a: ", "}"), ("{a = ", "}"), ("[", "")] {
            let text = format!("{open}{}{}", left.repeat(100_000), right.repeat(100_000));
            assert!(from_text(name, &text).is_err(), "{name} {left}");
        }
    }
    let blocks: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(from_text("blocks.yaml", &blocks).is_err());
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(from_env(&[("TIDEGATE_AUTHORIZE__JOIN", &nested)]).is_err());
    let dotted = format!("{} = 1", vec!["a"; 100_000].join("."));
    assert!(from_text("dotted.toml", &dotted).is_err());
}

#[test]
fn aliases_that_multiply_are_an_error() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(from_text("aliases.yaml", &text).is_err());
}

#[test]
fn a_key_that_stands_twice_is_an_error() {
    for (name, text) in [
        ("twice.toml", "workers = 1\nlog = 'info'\nworkers = 2\n"),
        ("twice.yaml", "workers: 1\nlog: info\nworkers: 2\n"),
    ] {
        let errors = from_text(name, text).unwrap_err().to_string();
        assert!(errors.contains(&format!("{name}:3: ")), "{errors}");
    }
}

#[test]
fn yaml_keys_and_documents_of_other_kinds_are_errors() {
    for text in ["1: x", "? [a]\n: b", "- a", "just text", "workers: 1\n---\nworkers: 2\n", "7"] {
        assert!(from_text("other.yaml", text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_in_a_file_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for name in ["bytes.toml", "bytes.yaml"] {
            let file = Some(written(name, &bytes));
            let _ = Config::load(&Sources { file, ..Sources::default() });
        }
    }

    #[test]
    fn no_spoilt_toml_makes_it_panic(bytes in spoilt(include_str!("config/full.toml"))) {
        let file = Some(written("spoilt.toml", &bytes));
        if let Ok(loaded) = Config::load(&Sources { file, ..Sources::default() }) {
            prop_assert!(loaded.render_effective().contains("[rate_limit]"));
        }
    }

    #[test]
    fn no_spoilt_yaml_makes_it_panic(bytes in spoilt(include_str!("config/full.yaml"))) {
        let file = Some(written("spoilt.yaml", &bytes));
        if let Err(errors) = Config::load(&Sources { file, ..Sources::default() }) {
            prop_assert!(errors.iter().count() > 0);
        }
    }

    #[test]
    fn any_text_in_a_variable_is_a_value_or_an_error(
        index in any::<prop::sample::Index>(),
        text in "[ -~µ{}\\[\\]\"=,]{0,24}|[0-9]{1,40}(ms|s|h|KiB)?",
    ) {
        let reference = config::reference();
        let variables: Vec<&str> =
            reference.split('`').filter(|word| word.starts_with("TIDEGATE_") && word.contains("__")).collect();
        let variable = variables[index.index(variables.len())];
        if let Err(errors) = from_env(&[(variable, &text)]) {
            prop_assert!(errors.iter().count() > 0);
        }
    }

    #[test]
    fn any_text_survives_being_shown(text in "\\PC{0,40}|[\\x00-\\x7f]{0,20}") {
        let shown = from_env(&[("TIDEGATE_LOG", &text)]).unwrap().render_effective();
        let again = from_text("text.toml", &shown).unwrap();
        prop_assert_eq!(again.config.log, text);
    }

    #[test]
    fn any_misspelling_of_one_letter_is_told(at in 0_usize..12, letter in "[a-z]") {
        let mut key = "max_requests".to_owned();
        key.replace_range(at..=at, &letter);
        prop_assume!(key != "max_requests");
        let errors = from_flags(&[(&format!("rate_limit.{key}"), "3")]).unwrap_err();
        let nearest = errors.iter().map(|error| error.problem.clone()).next();
        let meant = Some("rate_limit.max_requests".to_owned());
        prop_assert_eq!(nearest, Some(Problem::Unknown { nearest: meant }));
    }
}

fn sentences(flags: &[(&str, &str)]) -> String {
    config::hints(&from_flags(flags).expect("it loads").config).join("\n")
}

#[test]
fn a_gateway_behind_a_proxy_is_not_taken_for_a_local_one() {
    for flag in [
        ("listen.trusted_proxies", "127.0.0.1"),
        ("listen.trusted_hops", "1"),
        ("listen.trusted_proxies", "10.0.0.0/8, ::1"),
    ] {
        let config = from_flags(&[flag]).unwrap().config;
        assert!(!config.is_loopback() && !config.allows_anonymous() && !config.serves_demo());
        let reasons = config::safety(&config).unwrap_err().join("\n");
        assert!(reasons.contains("through its proxies"), "{reasons}");
    }
}

#[test]
fn a_second_address_counts_for_safety_and_needs_tls() {
    let flags = [
        ("tls.cert", "cert.pem"),
        ("tls.key", "key.pem"),
        ("listen.plaintext_address", "0.0.0.0:8080"),
    ];
    let config = from_flags(&flags).unwrap().config;
    let reasons = config::safety(&config).unwrap_err().join("\n");
    assert!(reasons.contains("listen.plaintext_address is 0.0.0.0:8080"), "{reasons}");
    let errors = from_flags(&flags[2..]).unwrap_err().to_string();
    assert!(errors.contains("listen.plaintext_address: is set, but tls.cert"), "{errors}");
    let same = ("listen.plaintext_address", "127.0.0.1:8765");
    let errors = from_flags(&[flags[0], flags[1], same]).unwrap_err().to_string();
    assert!(errors.contains("the same as listen.address"), "{errors}");
}

#[test]
fn keys_of_tls_and_proxies_that_are_useless_alone_are_errors() {
    for (flag, missing) in [
        (("tls.cert", "cert.pem"), "tls.key is not"),
        (("tls.key", "key.pem"), "tls.cert is not"),
        (("listen.proxy_protocol", "true"), "listen.trusted_proxies is empty"),
    ] {
        let errors = from_flags(&[flag]).unwrap_err().to_string();
        assert!(errors.contains(flag.0) && errors.contains(missing), "{errors}");
    }
}

#[test]
fn networks_are_read_from_all_sources_and_wrong_ones_are_told() {
    let toml = from_text("networks.toml", "[listen]\ntrusted_proxies = ['10.0.0.0/8', '::1']\n");
    let flag = from_flags(&[("listen.trusted_proxies", "10.0.0.0/8, ::1")]).unwrap();
    assert_eq!(toml.unwrap().config, flag.config);
    assert!(flag.render_effective().contains("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]"));
    for (text, told) in [
        ("10.1.2.3/8", "the network is 10.0.0.0/8"),
        ("10.0.0.0/33", "found \"10.0.0.0/33\""),
        ("proxy.example.com", "expected a list of addresses and networks"),
        ("[1]", "expected a list of addresses and networks"),
    ] {
        let errors = from_flags(&[("listen.trusted_proxies", text)]).unwrap_err().to_string();
        assert!(errors.contains(told), "{text}: {errors}");
    }
}

#[test]
fn production_is_told_what_is_missing_and_development_is_left_alone() {
    assert_eq!(sentences(&[]), "");
    assert_eq!(sentences(&[("profile", "development")]), "");
    let bare = sentences(&[("profile", "production")]);
    for expected in
        ["listen.address is a loopback", "auth.jwt_secret is not set", "api.key is not set"]
    {
        assert!(bare.contains(expected), "{expected}: {bare}");
    }
    let public = [
        ("listen.address", "0.0.0.0:443"),
        ("auth.jwt_secret", "an example key of more than thirty-two bytes"),
        ("auth.audience", "chat"),
        ("api.key", "twenty-four characters ok"),
    ];
    let told = sentences(&public);
    assert!(told.starts_with("there is no TLS") && told.lines().count() == 1, "{told}");
    for (key, value, expected) in [
        ("tls.cert", "cert.pem", ""),
        ("listen.trusted_proxies", "10.0.0.0/8", ""),
        ("listen.trusted_proxies", "0.0.0.0/0", "holds every address"),
        ("listen.trusted_hops", "1", "listen.trusted_hops believes"),
        ("auth.anonymous", "true", "auth.anonymous is true"),
        ("api.key", "short", "api.key is short"),
        ("auth.audience", "", "auth.audience is not set"),
        ("listen.allowed_origins", "*", "listen.allowed_origins holds"),
        ("rate_limit.enabled", "false", "rate_limit.enabled is false"),
        ("dev.echo", "true", "dev.echo is true"),
    ] {
        let mut flags = public.to_vec();
        flags.extend([("tls.key", "key.pem"), ("tls.cert", "cert.pem"), (key, value)]);
        let told = sentences(&flags);
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{key}: {told}");
    }
}

#[test]
fn check_config_shows_the_configuration_then_what_is_missing_and_starts_nothing() {
    let key = "an example key of more than thirty-two bytes";
    for (flags, starts, title) in [
        (&[("profile", "production")][..], true, "# Still missing to be safe:"),
        (&[("listen.address", "0.0.0.0:1")], false, "# The gateway would not start:"),
        (
            &[("tls.cert", "nowhere.pem"), ("tls.key", "no\nkey.pem")],
            false,
            "# - tls.cert (nowhere.pem)",
        ),
        (&[("auth.jwt_secret", key), ("api.key", key)], true, ""),
    ] {
        let loaded = from_flags(flags).unwrap();
        let report = tidegate::check_config::check_config(&loaded);
        assert_eq!(report.starts, starts, "{}", report.text);
        assert!(report.text.contains(title) && !report.text.contains(key), "{}", report.text);
        let shown = loaded.render_effective();
        let added = report.text.strip_prefix(&shown).expect("the configuration comes first");
        assert!(added.lines().all(|line| line.is_empty() || line.starts_with('#')), "{added}");
    }
}
