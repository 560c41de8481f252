//! [`follow`] against the protocol: which record may go on under another name, and what it leaves behind.

use super::*;

pub(super) fn moved(from: &str) -> FactBody {
    FactBody::Moved {
        from: from.parse().unwrap(),
    }
}

fn name(address: &str) -> Address {
    address.parse().unwrap()
}

/// A fact about any item.
fn about(address: &str, body: FactBody) -> Fact {
    Fact {
        address: name(address),
        ..fact(body, 99)
    }
}

fn records(known: &[(&str, Record)]) -> Records {
    let known = known.iter().cloned();
    known
        .map(|(address, record)| (name(address), record))
        .collect()
}

/// The records after `orders.b` took the record of `orders.a`.
fn renamed(a: &Record, b: Option<&Record>) -> Result<Records, IllegalFact> {
    let mut known = records(&[("orders.a", a.clone())]);
    known.extend(b.map(|b| (name("orders.b"), b.clone())));
    take(&mut known, &about("orders.b", moved("orders.a")))?;
    Ok(known)
}

#[test]
fn every_record_goes_on_under_another_name_as_it_is() {
    for (state, facts) in states().into_iter().filter(|(state, _)| *state != 'N') {
        let before = after(&facts);
        let known = renamed(&before, None).unwrap();
        assert!(!known.contains_key(&name("orders.a")), "{state}: it ended");
        let record = &known[&name("orders.b")];
        assert!(record.was_called(name("orders.a").name()), "{state}");
        let mut same = record.clone();
        same.former_names.clear();
        assert_eq!(same, before, "{state}");
    }
}

#[test]
fn a_name_that_stands_for_something_takes_no_other_record() {
    // Nothing, a refused call, and an order that a person parted from the name stand for nothing.
    for (state, facts) in states() {
        let free = "NF".contains(state);
        let own = after(&facts);
        assert_eq!(own.stands_for_nothing(), free, "{state}");
        let found = renamed(&after(&[order(1)]), Some(&own));
        assert_eq!(found.is_ok(), free, "{state}");
    }
    let parted = after(&[order(1), accepted(1001), forgotten(1001)]);
    let live = after(&[order(1), accepted(3003)]);
    let known = renamed(&live, Some(&parted)).unwrap();
    let record = &known[&name("orders.b")];
    assert_eq!(record.live.as_ref().unwrap().order_id, 3003_u64.into());
    assert!(record.forgotten.contains(&1001_u64.into()));
}

#[test]
fn what_was_noted_for_a_revocation_moves_with_it() {
    let target = FactBody::Targeted {
        name: Some("shop".parse().unwrap()),
        order_id: Some(1001_u64.into()),
        generation: 1,
    };
    let facts = [target, revoke(1, 1, Part::Order), FactBody::Revoked];
    let before = after(&facts);
    assert!(!before.stands_for_nothing());
    let mut known = records(&[("revocations.a", before.clone())]);
    take(&mut known, &about("revocations.b", moved("revocations.a"))).unwrap();
    let record = &known[&name("revocations.b")];
    assert_eq!(record.target, before.target);
    assert_eq!(record.revocations, before.revocations);
    let again = about("revocations.b", revoke(2, 1, Part::Order));
    assert!(take(&mut known, &again).is_err(), "asked for twice");
}

#[test]
fn an_open_doubt_is_settled_under_the_new_name() {
    for facts in [
        vec![order(1)],
        vec![order(1), doubted()],
        vec![order(1), doubted(), parked()],
    ] {
        let mut known = renamed(&after(&facts), None).unwrap();
        let again = about("orders.b", order(2));
        assert!(take(&mut known.clone(), &again).is_err(), "sent twice");
        if facts.len() == 1 {
            take(&mut known, &about("orders.b", doubted())).unwrap();
        }
        take(&mut known, &about("orders.b", adopted(1))).unwrap();
        let live = known[&name("orders.b")].live.as_ref();
        assert_eq!(live.unwrap().order_id, 2002_u64.into());
    }
}

#[test]
fn the_numbers_of_calls_never_come_again_under_one_name() {
    let refused_twice = after(&[order(1), refused(), order(2), refused()]);
    let known = renamed(&after(&[order(1), refused()]), Some(&refused_twice)).unwrap();
    assert_eq!(known[&name("orders.b")].attempts, 2);
    let known = renamed(&refused_twice, Some(&after(&[order(1), refused()]))).unwrap();
    assert_eq!(known[&name("orders.b")].attempts, 2);
}

#[test]
fn an_earlier_name_is_known_for_good_and_free_for_another_item() {
    let mut known = records(&[("orders.a", after(&[order(1), accepted(1001)]))]);
    let steps = [("orders.b", "orders.a"), ("orders.c", "orders.b")];
    for (to, from) in steps {
        take(&mut known, &about(to, moved(from))).unwrap();
    }
    let called = |known: &Records, address: &str| {
        let names = known[&name(address)].former_names.iter();
        names.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(called(&known, "orders.c"), ["a", "b"]);
    take(&mut known, &about("orders.b", order(1))).unwrap();
    assert!(called(&known, "orders.b").is_empty());
    // Back to the first name.
    take(&mut known, &about("orders.a", moved("orders.c"))).unwrap();
    assert_eq!(called(&known, "orders.a"), ["b", "c"]);
}

#[test]
fn what_cannot_move_is_refused_with_its_reason() {
    let known = records(&[
        ("orders.a", after(&[order(1)])),
        ("revocations.r", after(&[revoke(1, 1, Part::Order)])),
    ]);
    for (to, from, why) in [
        ("orders.b", "orders.x", "nothing is known of the other name"),
        ("orders.a", "orders.a", "it names itself"),
        (
            "orders.b",
            "revocations.r",
            "an order and a revocation are not the same item",
        ),
        (
            "revocations.b",
            "orders.a",
            "an order and a revocation are not the same item",
        ),
    ] {
        let illegal = take(&mut known.clone(), &about(to, moved(from))).unwrap_err();
        assert_eq!(
            illegal.to_string(),
            format!("{to}: `moved` cannot follow: {why}")
        );
    }
    // A record alone cannot take it.
    let alone = Record::default().next(&about("orders.b", moved("orders.a")));
    assert!(alone.is_err());
}

#[test]
fn former_names_survive_the_journal_and_old_records_have_none() {
    let known = renamed(&after(&[order(1), accepted(1001)]), None).unwrap();
    let record = &known[&name("orders.b")];
    let text = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), *record);
    let without = serde_json::to_string(&after(&[order(1)])).unwrap();
    assert!(!without.contains("former_names"));
}
