//! The sequences, played with the binary as it is.
//!
//! `CERTPLAN_CASES=1000` plays more sequences (48 without it); `CERTPLAN_SEED` repeats them.

use super::{Draw, play};

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
    })
}

#[test]
fn whatever_happens_every_order_is_placed_once_and_known() {
    let draw = Draw {
        cases: number("CERTPLAN_CASES", 48),
        seed: number("CERTPLAN_SEED", 20_261_122),
        shrink: 24,
        variables: &[],
    };
    let outcome = play(draw);
    println!("{outcome:?}");
    if let Some(broken) = outcome.broken {
        panic!("{broken}");
    }
    // Sequences in which nothing happens would show nothing.
    assert_eq!(outcome.sequences, draw.cases);
    assert!(outcome.orders >= usize::try_from(draw.cases).expect("a count"));
    assert!(outcome.commands > outcome.orders / 2, "too few commands");
    assert!(outcome.doubts > 0, "no call was ever in doubt");
}
