//! Every target over every input that is kept for it. A panic names the input.

use std::fs;
use std::panic;
use std::path::Path;

use tidegate_fuzz::TARGETS;

#[test]
fn no_kept_input_breaks_a_promise() {
    for (name, body) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} holds no input", folder.display());
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            let outcome = panic::catch_unwind(|| body(&bytes));
            assert!(outcome.is_ok(), "target {name} breaks on {}", input.display());
        }
    }
}

#[test]
fn every_corpus_has_its_target() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in fs::read_dir(corpora).into_iter().flatten() {
        let name = entry.unwrap().file_name();
        assert!(
            TARGETS.iter().any(|(target, _)| name == *target),
            "corpus/{} belongs to no target",
            name.display()
        );
    }
}
