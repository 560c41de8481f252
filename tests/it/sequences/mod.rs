//! Random sequences of what happens to a batch in its life, against the real binary: runs that are killed,
//! answers that get lost, an index that lags, people in the console, targets that change, twins, clocks that
//! are set, states that are moved, put back or deleted, doubts that a person settles. After each run the ledger says
//! what must not have been revoked or bought. After each sequence the sandbox's ledger and the journal are
//! held against each other, and the journal against `Record::next`.

mod check;
mod command;
mod ending;
mod people;
mod places;
mod play;
mod runs;
#[cfg(not(feature = "planted-bugs"))]
mod sound;

use std::sync::Mutex;

use command::Sequence;
use play::Played;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Most of a sequence's time is waiting: for quiet periods, for look-ups, for kills.
const AT_ONCE: u32 = 6;

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

/// What is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw<'a> {
    /// How many sequences.
    pub(crate) cases: u32,
    /// Where they are drawn from.
    pub(crate) seed: u32,
    /// How often a sequence that broke a promise is played again with less in it.
    pub(crate) shrink: u32,
    /// Variables for the binary.
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// Plays sequences until one breaks a promise.
pub(crate) fn play(draw: Draw<'_>) -> Outcome {
    let outcome = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let outcome = &outcome;
            let share = draw.cases / AT_ONCE + u32::from(worker < draw.cases % AT_ONCE);
            scope.spawn(move || {
                let share = Draw {
                    cases: share,
                    ..draw
                };
                if let Err(broken) = play_share(share, worker, outcome) {
                    outcome.lock().expect("a lock").broken.get_or_insert(broken);
                }
            });
        }
    });
    outcome.into_inner().expect("a lock")
}

fn play_share(draw: Draw<'_>, worker: u32, outcome: &Mutex<Outcome>) -> Result<(), String> {
    let seed = draw.seed;
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes[4..8].copy_from_slice(&worker.to_le_bytes());
    let config = Config {
        cases: draw.cases,
        failure_persistence: None,
        max_shrink_iters: draw.shrink,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let played = runner.run(&command::sequences(), |sequence: Sequence| {
        if outcome.lock().expect("a lock").broken.is_some() {
            return Ok(());
        }
        let Played { orders, doubts } =
            play::play(&sequence, draw.variables).map_err(TestCaseError::fail)?;
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
