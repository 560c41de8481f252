//! The real binary against answers that were bent on their way: other values, missing members, other types,
//! unknown words, cut bodies, other statuses, `Retry-After` of every kind.
//!
//! `CERTPLAN_FUZZ=2000` plays more runs (36 without it); `CERTPLAN_SEED` repeats them.

use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::between::{Answered, Asked, Between};
use crate::crash::truth::{header, manifest, orders_by_tag, revocation};
use crate::rig::Rig;

const AT_ONCE: u32 = 6;
/// What a run may use for its data: far more than it needs, far less than an endless answer would take.
const KIB: u32 = 256 * 1024;

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// One answer, by its place in the run, is bent.
#[derive(Debug, Clone)]
struct Bend {
    at: usize,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// The value at this place of the JSON becomes this one.
    Value(usize, Value),
    /// The member at this place is gone.
    Gone(usize),
    /// Another status.
    Status(u16),
    /// So many bytes of the body.
    Cut(usize),
    /// Other bytes.
    Bytes(Vec<u8>),
    /// 503 and this `Retry-After`.
    Later(String),
}

fn bends() -> impl Strategy<Value = Vec<Bend>> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(0)),
        Just(json!(-7)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        Just(json!("")),
        Just(json!("a_word_of_tomorrow")),
        Just(json!("x".repeat(100_000))),
        any::<String>().prop_map(Value::from),
    ];
    let later =
        "0|1|-1|1\\.5|[a-zA-Z]{0,9}|Sun, 06 Nov 1994 08:49:37 GMT|[A-Z][a-z]{2}, 99 Nov 2026";
    let how = prop_oneof![
        6 => (0_usize..60, value).prop_map(|(place, value)| How::Value(place, value)),
        3 => (0_usize..60).prop_map(How::Gone),
        2 => prop::sample::select(vec![100_u16, 201, 204, 206, 301, 304, 400, 404, 409, 418, 451, 500, 599, 999])
            .prop_map(How::Status),
        1 => (0_usize..300).prop_map(How::Cut),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(How::Bytes),
        1 => later.prop_map(How::Later),
    ];
    prop::collection::vec(
        (0_usize..16, how).prop_map(|(at, how)| Bend { at, how }),
        1..5,
    )
}

/// Visits the values of a document in order; true once `change` was made at place `left`.
fn visit(value: &mut Value, left: &mut usize, how: &How) -> bool {
    if *left == 0 {
        if let How::Value(_, into) = how {
            *value = into.clone();
        }
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(members) => {
            let names: Vec<String> = members.keys().cloned().collect();
            for name in names {
                if *left == 0 && matches!(how, How::Gone(_)) {
                    members.remove(&name);
                    return true;
                }
                if members
                    .get_mut(&name)
                    .is_some_and(|member| visit(member, left, how))
                {
                    return true;
                }
            }
            false
        }
        Value::Array(items) => items.iter_mut().any(|item| visit(item, left, how)),
        _ => false,
    }
}

fn bent(mut answered: Answered, how: &How) -> Vec<u8> {
    match how {
        How::Value(place, _) | How::Gone(place) => {
            if let Ok(mut value) = serde_json::from_slice::<Value>(&answered.body) {
                visit(&mut value, &mut place.clone(), how);
                answered.body = value.to_string().into_bytes();
            }
        }
        How::Status(status) => answered.status = *status,
        How::Cut(length) => {
            // The head promises all of it.
            let mut bytes = answered.bytes();
            let head = bytes.len() - answered.body.len();
            bytes.truncate(head + length);
            return bytes;
        }
        How::Bytes(bytes) => answered.body.clone_from(bytes),
        How::Later(text) => {
            answered.status = 503;
            answered
                .headers
                .push(("retry-after".to_owned(), text.clone()));
        }
    }
    answered.bytes()
}

/// Three runs, each with some answers bent; then what must hold.
fn play(rounds: &[Vec<Bend>]) -> Result<(), String> {
    let mut rig = Rig::new();
    let target = rig.seed(json!({ "certcentral": 2 })).remove(0);
    let script: std::sync::Arc<Mutex<(usize, Vec<Bend>)>> = std::sync::Arc::default();
    let shared = std::sync::Arc::clone(&script);
    let between = Between::new(&mut rig, move |_: &Asked, answered: Answered| {
        let mut script = shared.lock().expect("a lock");
        let at = script.0;
        script.0 += 1;
        let bend = script.1.iter().find(|bend| bend.at == at).cloned();
        drop(script);
        match bend {
            Some(bend) => bent(answered, &bend.how),
            None => answered.bytes(),
        }
    });
    let names = ["ada", "bob", "cleo"];
    let doubt = "{ quiet_period: 15m }";
    for (round, bends) in rounds.iter().enumerate() {
        // Each run has something to buy.
        let rest = revocation("old", &target);
        manifest(&rig, &header(1, doubt), &names[..=round.min(2)], &rest);
        *script.lock().expect("a lock") = (0, bends.clone());
        let plain = rig.command(&["apply", "--yes"]);
        let mut command = std::process::Command::new("timeout");
        command
            .args([
                "120",
                "sh",
                "-c",
                &format!("ulimit -d {KIB}; exec \"$0\" \"$@\""),
            ])
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(rig.folder())
            .env_clear();
        for (name, value) in plain.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let shown = String::from_utf8_lossy(&output.stdout);
        if !matches!(output.status.code(), Some(0 | 1 | 3)) || said.contains("panicked") {
            return Err(format!("run {round}: {:?}\n{shown}\n{said}", output.status));
        }
        for (tag, ids) in orders_by_tag(&rig) {
            if ids.len() > 1 {
                return Err(format!("run {round}: {tag} was bought as {ids:?}"));
            }
        }
    }
    drop(between);
    let verified = rig.certplan(&["history", "--verify"]);
    if verified.code != Some(0) {
        return Err(format!("history --verify: {}", verified.stderr));
    }
    Ok(())
}

fn play_share(cases: u32, seed: u32, worker: u32) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes[4..8].copy_from_slice(&worker.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 24,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let rounds = prop::collection::vec(bends(), 3);
    let played = runner.run(&rounds, |rounds| play(&rounds).map_err(TestCaseError::fail));
    played.map_err(|error| match error {
        TestError::Fail(why, rounds) => {
            format!("CERTPLAN_SEED={seed}, worker {worker}: {why}\nafter {rounds:#?}")
        }
        TestError::Abort(why) => format!("given up: {why}"),
    })
}

#[test]
fn answers_that_are_bent_on_their_way_buy_nothing_twice_and_end_in_time() {
    let cases = number("CERTPLAN_FUZZ", 36);
    let seed = number("CERTPLAN_SEED", 20_261_122);
    let broken: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let share = cases / AT_ONCE + u32::from(worker < cases % AT_ONCE);
            let broken = &broken;
            scope.spawn(move || {
                if let Err(why) = play_share(share, seed, worker) {
                    broken.lock().expect("a lock").push(why);
                }
            });
        }
    });
    let broken = broken.into_inner().expect("a lock");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
