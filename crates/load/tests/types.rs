//! The types as people and programs write them: JSON in, JSON out.

use tidegate_load::dialect::Dialect;
use tidegate_load::job::{Job, Work};
use tidegate_load::report::{Accounting, Line};

#[test]
fn unknown_keys_of_a_job_are_errors() {
    let text =
        r#"{"target":{"address":"a:1"},"work":{"kind":"echo","connections":1,"size":64,"sise":1}}"#;
    let error = serde_json::from_str::<Job>(text).unwrap_err().to_string();
    assert!(error.contains("unknown field `sise`"), "{error}");
    let text = r#"{"echo":{"send":"{payload}","recieve":"x"}}"#;
    let error = serde_json::from_str::<Dialect>(text).unwrap_err().to_string();
    assert!(error.contains("unknown field `recieve`"), "{error}");
}

#[test]
fn little_needs_to_be_said() {
    let text =
        r#"{"target":{"address":"a:1"},"work":{"kind":"fanout_search","connections":9,"size":64}}"#;
    let job: Job = serde_json::from_str(text).unwrap();
    let Work::FanoutSearch(search) = job.work else { panic!("{job:?}") };
    assert_eq!((search.publishers, search.p99_ms, search.start), (1, 100.0, 20.0));
    assert_eq!((job.threads, job.warmup_ms, job.duration_ms, job.repeat), (1, 1_000, 5_000, 1));
    assert_eq!((job.dialect.path.as_str(), job.dialect.channel.as_str()), ("/", "load"));
}

#[test]
fn a_kind_of_work_that_there_is_not_is_an_error() {
    let text = r#"{"target":{"address":"a:1"},"work":{"kind":"ecko","connections":9,"size":64}}"#;
    let error = serde_json::from_str::<Job>(text).unwrap_err().to_string();
    assert!(error.contains("unknown variant `ecko`") && error.contains("`fanout`"), "{error}");
}

#[test]
fn a_job_comes_back_as_it_was_written() {
    let text = r#"{"target":{"address":"a:1","pids":[7]},"sources":3,"work":{"kind":"phases","exchange":"fanout","phases":[
        {"duration_ms":5,"connections":1,"rate":2.5,"size":64,"stalled":1}]}}"#;
    let job: Job = serde_json::from_str(text).unwrap();
    let once = serde_json::to_string(&job).unwrap();
    let again: Job = serde_json::from_str(&once).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), once);
}

#[test]
fn lines_are_told_apart_by_their_only_key() {
    let line = r#"{"failure":{"what":"It rained.","hint":"Wait.","partial":null}}"#;
    let Line::Failure(failure) = serde_json::from_str(line).unwrap() else { panic!("a failure") };
    assert_eq!(failure.what, "It rained.");
    assert_eq!(serde_json::to_string(&Line::Failure(failure)).unwrap(), line);
}

#[test]
fn errors_are_a_share_of_what_was_expected() {
    let account = Accounting { expected: 1_000, lost: 4, broken: 1, ..Accounting::default() };
    assert_eq!(account.error_rate(), 0.005);
    assert_eq!(Accounting::default().error_rate(), 0.0);
    assert_eq!(Accounting { unsent: 9, ..Accounting::default() }.error_rate(), 1.0);
}
