//! Random sequences of what happens to a batch in its life, against the real binary: runs that are killed,
//! answers that get lost, an index that lags, people in the console, states that are put back or deleted,
//! doubts that a person settles. After each sequence the sandbox's ledger and the journal are held against
//! each other, and the journal against `Record::next`.
//!
//! `CERTPLAN_CASES=1000` plays more sequences (48 without it); `CERTPLAN_SEED` repeats them.

mod check;
mod command;
mod play;

use std::sync::Mutex;

use command::Sequence;
use play::Played;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Most of a sequence's time is waiting: for quiet periods, for look-ups, for kills.
const AT_ONCE: u32 = 6;

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
    })
}

/// What came of many sequences.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many were played to their end.
    pub(crate) sequences: u32,
    /// How many commands they had.
    pub(crate) commands: usize,
    /// How many orders the CA placed.
    pub(crate) orders: usize,
    /// How many doubts were recorded.
    pub(crate) doubts: usize,
    /// The shortest sequence that broke a promise, and which.
    pub(crate) broken: Option<String>,
}

/// Plays `cases` sequences drawn from `seed`, with these variables set for the binary.
pub(crate) fn play(cases: u32, seed: u32, variables: &[(&str, &str)]) -> Outcome {
    let outcome = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let outcome = &outcome;
            let share = cases / AT_ONCE + u32::from(worker < cases % AT_ONCE);
            scope.spawn(move || {
                if let Err(broken) = play_share(share, seed, worker, variables, outcome) {
                    outcome.lock().expect("a lock").broken.get_or_insert(broken);
                }
            });
        }
    });
    outcome.into_inner().expect("a lock")
}

fn play_share(
    cases: u32,
    seed: u32,
    worker: u32,
    variables: &[(&str, &str)],
    outcome: &Mutex<Outcome>,
) -> Result<(), String> {
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
    let played = runner.run(&command::sequences(), |sequence: Sequence| {
        if outcome.lock().expect("a lock").broken.is_some() {
            return Ok(());
        }
        let Played { orders, doubts } =
            play::play(&sequence, variables).map_err(TestCaseError::fail)?;
        let mut outcome = outcome.lock().expect("a lock");
        outcome.sequences += 1;
        outcome.commands += sequence.commands.len();
        outcome.orders += orders;
        outcome.doubts += doubts;
        Ok(())
    });
    match played {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, sequence)) => Err(format!(
            "CERTPLAN_SEED={seed}, worker {worker}: {why}\nafter {sequence:#?}"
        )),
        Err(TestError::Abort(why)) => Err(format!("CERTPLAN_SEED={seed}: given up: {why}")),
    }
}

#[test]
fn whatever_happens_every_order_is_placed_once_and_known() {
    let cases = number("CERTPLAN_CASES", 48);
    let seed = number("CERTPLAN_SEED", 20_261_122);
    let outcome = play(cases, seed, &[]);
    println!("{outcome:?}");
    if let Some(broken) = outcome.broken {
        panic!("{broken}");
    }
    // A sequence in which nothing happens would show nothing.
    assert_eq!(outcome.sequences, cases);
    assert!(outcome.orders >= usize::try_from(cases).expect("a count"));
    assert!(outcome.doubts > 0, "no call was ever in doubt");
}
