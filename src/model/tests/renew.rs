//! The way of a renewal against years that are lived day by day.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use proptest::prelude::*;

use crate::model::*;

const BEGIN: Date = date(2026, 11, 21);
const DAYS: i64 = 5 * 365;

fn on(day: i64) -> Date {
    BEGIN.checked_add(Span::new().days(day)).unwrap()
}

fn till(day: i64) -> ValidTill {
    on(day).to_string().parse().unwrap()
}

/// How long a certificate of public TLS lives that is issued on this day.
fn gives(day: i64) -> i64 {
    match on(day) {
        at if at < date(2027, 3, 15) => 199,
        at if at < date(2029, 3, 15) => 99,
        _ => 46,
    }
}

/// What the years bring.
#[derive(Debug, Clone)]
struct Life {
    renew: Renew,
    /// After how many days the CA issues.
    delay: i64,
    /// A run comes every so many days.
    every: i64,
    part: i64,
}

/// What was asked for, on which day, and the end of the certificate then.
#[derive(Debug, Default)]
struct Lived {
    orders: Vec<i64>,
    reissues: Vec<(i64, i64)>,
    /// Days without a certificate in force.
    gaps: Vec<i64>,
}

/// Lives through the years by what the route says.
fn live(life: &Life) -> Lived {
    let mut lived = Lived {
        orders: vec![0],
        ..Lived::default()
    };
    // Days of: the certificate's issue and end, the order's end.
    let (mut from, mut end, mut paid) = (0, gives(0), 365);
    // What is under way: the day on which it is issued, and whether it is an order.
    let mut open: Option<(i64, bool)> = None;
    for day in 0..DAYS {
        if let Some((issued, is_order)) = open
            && issued == day
        {
            if is_order {
                paid = day + 365;
            }
            (from, end, open) = (day, paid.min(day + gives(day)), None);
        }
        if day > end {
            lived.gaps.push(day);
        }
        if day % life.every != 0 || open.is_some() {
            continue;
        }
        let ends = Ends {
            renew: life.renew,
            part: life.part,
            certificate: till(end),
            lifetime: Some(end - from),
            order: till(paid),
            // What is asked for shortly before lifetimes become shorter may be issued after.
            gives: Some(gives(day).min(gives(day + 14))),
            is_reissued: true,
            window: 90,
        };
        let now = on(day).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        match ends.route(now.timestamp()) {
            Route::Reissue { .. } => {
                lived.reissues.push((day, end));
                open = Some((day + life.delay, false));
            }
            Route::Order { .. } => {
                lived.orders.push(day);
                open = Some((day + life.delay, true));
            }
            Route::NotDue { .. } | Route::Later { .. } | Route::TooEarly { .. } | Route::Person => {
            }
        }
        if life.delay == 0
            && let Some((_, is_order)) = open.take()
        {
            if is_order {
                paid = day + 365;
            }
            (from, end) = (day, paid.min(day + gives(day)));
        }
    }
    lived
}

fn lives() -> impl Strategy<Value = Life> {
    let before = prop_oneof![
        (20_u8..=50).prop_map(Lead::Percent),
        (12_u16..=120).prop_map(Lead::Days),
    ];
    (before, 10_u16..=60, 0_i64..3, 0_i64..=3, 1_i64..=3).prop_map(
        |(before, order_before, spread, delay, every)| Life {
            renew: Renew {
                before,
                order_before,
                spread: u32::try_from(spread * 86_400).unwrap(),
                route: RenewRoute::Auto,
            },
            delay,
            every,
            part: spread * 43_200,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each lead of these lives is longer than the CA takes and runs are missed.
    #[test]
    fn five_years_have_no_day_without_a_certificate_and_no_order_too_many(life in lives()) {
        let lived = live(&life);
        prop_assert!(lived.gaps.is_empty(), "{lived:?}");
        // Each order is bought when the one before is due, and not earlier.
        let lead = i64::from(life.renew.order_before) + 2;
        for two in lived.orders.windows(2) {
            prop_assert!(two[1] - two[0] >= 365 - lead, "{lived:?}");
        }
        // At one end date one call is made.
        let mut ends: Vec<i64> = lived.reissues.iter().map(|(_, end)| *end).collect();
        ends.dedup();
        prop_assert_eq!(ends.len(), lived.reissues.len(), "{:?}", lived);
    }

    /// Nothing is asked for before it is due, whatever the day; what is due stays due until something is done.
    #[test]
    fn a_moment_before_it_is_due_nothing_is_done(
        (lifetime, paid, before, order_before) in (10_i64..400, 0_i64..400, 1_u8..=50, 1_u16..=90)
    ) {
        let ends = Ends {
            renew: Renew { before: Lead::Percent(before), order_before, ..Renew::default() },
            part: 0,
            certificate: till(lifetime),
            lifetime: Some(lifetime),
            order: till(lifetime + paid),
            gives: Some(199),
            is_reissued: true,
            window: 90,
        };
        let acts = |at: Timestamp| {
            matches!(ends.route(at), Route::Reissue { .. } | Route::Order { .. })
        };
        let due = ends.due();
        let second = jiff::SignedDuration::from_secs(1);
        prop_assert!(!acts(due - second), "{:?} at {due}", ends);
        prop_assert!(acts(due), "{:?} at {due}: {:?}", ends, ends.route(due));
    }
}

#[test]
fn reissues_are_as_few_as_the_lead_allows() {
    let life = Life {
        renew: Renew::default(),
        delay: 0,
        every: 1,
        part: 0,
    };
    let lived = live(&life);
    assert_eq!(lived.orders.len(), 6, "{lived:?}");
    // Counted by hand: each certificate is used until a third of its life is left, and never past its order.
    let (mut day, mut reissues, mut paid) = (0_i64, 0_usize, 365_i64);
    while day < DAYS {
        let end = paid.min(day + gives(day));
        let due = end - (end - day) * 33 / 100;
        let order = paid - 30;
        day = if due < order { due } else { order };
        if day >= DAYS {
            break;
        }
        if day == order {
            paid = day + 365;
        } else {
            let gain = paid.min(day + gives(day)) - end;
            if gain < 7 {
                day = order;
                paid = day + 365;
                continue;
            }
            reissues += 1;
        }
    }
    let made = lived.reissues.len();
    assert!(made.abs_diff(reissues) <= 1, "{made} and {reissues}");
}

#[test]
fn a_lead_in_days_is_cut_to_half_of_the_lifetime() {
    for (days, lifetime, lead) in [(60, 199, 60), (60, 99, 49), (60, 46, 23), (23, 46, 23)] {
        assert_eq!(Lead::Days(days).days(lifetime), lead);
    }
    for (percent, lifetime, lead) in [(33, 199, 65), (33, 99, 32), (33, 46, 15), (50, 46, 23)] {
        assert_eq!(Lead::Percent(percent).days(lifetime), lead);
    }
}

#[test]
fn a_free_reissue_comes_before_money_as_long_as_it_brings_a_week() {
    let at = |paid: i64| {
        let ends = Ends {
            renew: Renew::default(),
            part: 0,
            certificate: till(30),
            lifetime: Some(199),
            order: till(paid),
            gives: Some(199),
            is_reissued: true,
            window: 90,
        };
        ends.route(on(0).to_zoned(TimeZone::UTC).unwrap().timestamp())
    };
    assert!(
        matches!(at(196), Route::Reissue { gain: 166, .. }),
        "{:?}",
        at(196)
    );
    assert!(matches!(at(37), Route::Reissue { gain: 7, .. }));
    assert!(matches!(at(36), Route::Later { gain: 6, .. }));
    assert!(matches!(at(30), Route::Order { gain: 0, .. }));
}
