//! Faults that users met, beside the failure model: number and fault. The tests of a case carry its number,
//! `case_07_...`; each case is shown with other members of its kind, so there are at least three.

use super::every_test;

#[rustfmt::skip]
const CASES: &[(usize, &str)] = &[
    (1, "a reissue or renewal that is not there lets a revocation go"),
    (2, "a certificate that is revoked or ran out lets a revocation go"),
    (3, "a revocation by name follows the name to a later order"),
    (4, "the journal does not know everything, and the list shows less than was asked for"),
    (5, "a name and its order are parted, and the order is bought again"),
    (6, "the manifest of an account buys what the account has"),
    (7, "an order that is another one is bound to a name"),
    (8, "a request for one certificate settles the revocation of another"),
    (9, "a revocation changes its order or scope, and nothing is sent"),
    (10, "what a call is about changes while the call waits for its slot"),
    (11, "the clock is set during a period that guards money"),
    (12, "a key comes back in another spelling, or stands where it does not belong"),
    (13, "a list says that it is complete, and it is not"),
    (14, "a look-up answers with more than was asked for, and two names end up with one order"),
    (15, "the key beside an imported or adopted order is another one"),
    (16, "an edit of an entry does nothing, and nobody says so"),
    (17, "a request that other tools make is refused, or sent with what stands around it"),
    (18, "spellings of one name are taken for several names"),
    (19, "not every certificate that dies is named"),
    (20, "a key that is revoked as compromised is used again"),
    (21, "a request with names of its own cannot be ordered with"),
    (22, "the first error of an answer is taken for all of them"),
    (23, "what the documents forbid is found by the CA"),
    (24, "what the plan has read says that the call must be refused"),
    (25, "what is to be revoked ran out"),
    (26, "a report takes the place of what is no file, or goes to nobody"),
    (27, "a mistyped address of a database becomes a folder, and everything is bought again"),
    (28, "what waits for a person looks like what waits for the CA"),
    (29, "what happened since the last run is in no output"),
    (30, "an empty answer is not read as an empty list"),
    (31, "the sandbox differs from the documents"),
    (32, "the state is published by `git add`, and tests read what a tour left behind"),
    (33, "the end of a certificate is taken for the end of its order, and the advice buys"),
    (34, "what waits for a domain looks like what waits for an administrator"),
    (40, "key files as platforms mount them are refused"),
    (41, "the CA is reached only through a proxy"),
    (42, "the state comes back from a mount with other modes"),
    (43, "this machine's clock is off"),
    (44, "an id that the CA does not know"),
    (45, "two spellings of one id are two ids"),
    (46, "a second order of ours is known to nobody"),
    (47, "the schema and `validate` disagree"),
    (48, "a run by the clock asks a person, or is silent where one must decide"),
    (49, "a variable is empty, or names an endpoint for an account that is not there"),
];

/// The case that a test's name carries.
fn number(name: &str) -> Option<usize> {
    let rest = name.strip_prefix("case_")?;
    rest.split('_').next()?.parse().ok()
}

#[test]
fn every_case_is_shown_with_others_of_its_kind() {
    let tests = every_test();
    let mut wrong = Vec::new();
    for (case, fault) in CASES {
        let shown = tests
            .iter()
            .filter(|name| number(name) == Some(*case))
            .count();
        if shown < 3 {
            wrong.push(format!("case {case} ({fault}) has {shown} tests"));
        }
    }
    for name in &tests {
        let Some(number) = number(name) else { continue };
        if !CASES.iter().any(|(case, _)| *case == number) {
            wrong.push(format!("{name} is of no case that is listed"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
