//! One of everything that is reported, for the tests of this module.

use std::collections::BTreeMap;
use std::io;

use crate::apply::{ActionReport, Outcome, RunReport, Stop};
use crate::model::{
    Cause, CertificateId, Digest, Entry, Fact, FactBody, JournalFact, JournalFactBody, OrderId,
    Reason, RequestId, RunId, Standing, Untrusted,
};
use crate::plan::tests::testing::{
    account, bare_step, change, order_step, pin, plan_of, revoke_step,
};
use crate::plan::{Action, Breach, Plan, Warning};
use crate::report::{HistoryLine, StatusEntry, Style};

pub(in crate::report) const PLAIN: Style = Style {
    color: false,
    width: 100,
};
pub(in crate::report) const COLORED: Style = Style {
    color: true,
    width: 100,
};

pub(in crate::report) fn text_of(
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A plan with each action and everything that can be said of a step.
pub(in crate::report) fn full_plan() -> Plan {
    let mut renewal = order_step("renewed");
    renewal.action = Action::Renew;
    renewal.price = None;
    let mut reissue = order_step("reissued");
    reissue.action = Action::Reissue;
    reissue.price = None;
    reissue.order_id = Some(OrderId::from(4711));
    reissue.revokes = vec![pin(77, "old.example")];
    reissue.changes = vec![
        change(
            "certificate.dns_names",
            Some("old.example"),
            Some("new.example"),
        ),
        change("certificate.organization_units", None, None),
    ];
    let mut waiting = bare_step("orders.waiting".parse().unwrap(), Action::Wait);
    waiting.request_id = Some(RequestId::from(31));
    waiting.standing = Standing::RevocationRequested {
        waits: requested(31),
    };
    let mut plan = plan_of(vec![
        order_step("a"),
        revoke_step("leaver", 2),
        renewal,
        reissue,
        bare_step("orders.adopted".parse().unwrap(), Action::Adopt),
        bare_step("orders.unclear".parse().unwrap(), Action::Settle),
        waiting,
        bare_step("orders.kept".parse().unwrap(), Action::Keep),
    ]);
    plan.cost.unpriced = 1;
    plan.breaches.push(Breach {
        rule: "max_revocations".to_owned(),
        message: "3 certificates would be revoked, the limit is 2".to_owned(),
    });
    plan
}

pub(in crate::report) fn action(name: &str, action: Action, outcome: Outcome) -> ActionReport {
    let kind = if action == Action::Revoke {
        "revocations"
    } else {
        "orders"
    };
    ActionReport {
        labels: crate::model::Labels::default(),
        collected: None,
        serial_number: None,
        address: format!("{kind}.{name}").parse().unwrap(),
        account: account(),
        action,
        outcome,
        order_id: None,
        request_id: None,
        certificate_id: None,
        revoked: Vec::new(),
        parts: Vec::new(),
        reason: Reason::NothingThere,
        standing: Standing::Absent,
        error: None,
    }
}

/// A revocation that an administrator has to approve.
pub(in crate::report) fn requested(id: u64) -> Cause {
    Cause::Revocation {
        requests: vec![RequestId::from(id)],
    }
}

pub(in crate::report) fn full_report() -> RunReport {
    let mut done = action("a", Action::Order, Outcome::Done);
    done.order_id = Some(OrderId::from(5));
    done.certificate_id = Some(CertificateId::from(6));
    let mut revoked = action("b", Action::Revoke, Outcome::Done);
    revoked.revoked = vec![pin(1, "one"), pin(2, "two"), pin(3, "three")];
    let mut asked = action("c", Action::Revoke, Outcome::Waiting);
    asked.revoked = vec![pin(4, "four")];
    asked.request_id = Some(RequestId::from(9));
    asked.standing = Standing::RevocationRequested {
        waits: requested(9),
    };
    let mut failed = action("d", Action::Order, Outcome::Failed);
    failed.error = Some("the CA refused: invalid_csr".to_owned());
    let mut unknown = action("e", Action::Order, Outcome::Unknown);
    unknown.error = Some("the answer never came".to_owned());
    RunReport {
        run_id: RunId::from("0190-run"),
        plan_id: Digest::of(b"plan"),
        started_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        finished_at: "2026-11-21T10:00:05.5Z".parse().unwrap(),
        news: Vec::new(),
        actions: vec![
            done,
            revoked,
            asked,
            failed,
            unknown,
            action("f", Action::Order, Outcome::Skipped),
            action("g", Action::Keep, Outcome::Kept),
        ],
        warnings: vec![Warning {
            address: None,
            message: "the key can write".to_owned(),
        }],
        requests: BTreeMap::from([(account(), 12)]),
        head: Digest::of(b"head"),
        stopped: Some(Stop::Interrupt),
    }
}

pub(in crate::report) fn entry(name: &str) -> StatusEntry {
    StatusEntry {
        labels: crate::model::Labels::default(),
        collected_serial: None,
        serial_number: None,
        address: format!("orders.{name}").parse().unwrap(),
        state: "issued",
        reason: Reason::InForce {
            order: OrderId::from(5),
        },
        order_id: Some(OrderId::from(5)),
        certificate_id: Some(CertificateId::from(6)),
        request_id: None,
        valid_till: Some("2027-06-30".parse().unwrap()),
        days_left: Some(12),
        order_valid_till: None,
        renew_due: None,
        successor_order_id: None,
        waiting_for: None,
        note: None,
    }
}

pub(in crate::report) fn history(why: &str) -> Vec<HistoryLine> {
    let line = |seq, body| HistoryLine {
        seq,
        entry: Entry::Item(Box::new(Fact {
            at: "2026-11-21T10:00:00Z".parse().unwrap(),
            run: RunId::from(why),
            address: "orders.a".parse().unwrap(),
            account: account(),
            body,
        })),
        hash: Digest::of(b"line"),
    };
    vec![
        line(
            1,
            FactBody::Doubted {
                why: why.into(),
                boot: None,
                at_ca: None,
            },
        ),
        line(
            2,
            FactBody::Adopted {
                renews: None,
                public_key: None,
                order_id: OrderId::from(why),
                certificate_id: Some(CertificateId::from(why)),
                generation: 1,
                tag: None,
                certificate: None,
                terms: None,
                asked: None,
                evidence: Untrusted::from(why),
            },
        ),
        HistoryLine {
            seq: 3,
            entry: Entry::Journal(JournalFact {
                at: "2026-11-21T10:00:00Z".parse().unwrap(),
                run: RunId::from(why),
                body: JournalFactBody::Moved { to: why.to_owned() },
            }),
            hash: Digest::of(b"line"),
        },
    ]
}
