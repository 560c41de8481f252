//! What an apply saw is taken up by the plans after it: few requests, and the same plan as from a full
//! reading.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::rig::{Rig, action, csr};
use crate::speed::{calls, in_force, orders};

/// The key's user, the funds, the feed, the newest page.
const HANDFUL: usize = 4;

/// An account of 3,100 orders, placed a month ago: 2,400 of this manifest, 700 of others.
struct World {
    rig: Rig,
    managed: Vec<String>,
    others: Vec<String>,
    /// What stands in the manifest beside the managed orders.
    rest: String,
}

impl World {
    /// After the first apply.
    fn new() -> Self {
        let rig = Rig::new();
        let managed = in_force(
            &rig,
            json!({ "certcentral": 2_400, "product": "client_premium_sha2", "age_days": 30 }),
        );
        let others = rig.seed(json!({ "certcentral": 700, "age_days": 30 }));
        rig.certplan(&["apply", "--yes"]).expect(0);
        Self {
            rig,
            managed,
            others,
            rest: String::new(),
        }
    }

    /// Adds to the manifest: more orders, then whole sections.
    fn manifest(&mut self, more: &str, sections: &str) {
        self.rest.push_str(more);
        let ids = self.managed.iter().map(|id| id.parse().expect("a number"));
        let managed = orders(ids);
        self.rig
            .manifest(&format!("{managed}{}{sections}", self.rest));
    }

    /// A plan, and how many requests it took.
    #[track_caller]
    fn plan(&self, more: &[&str]) -> (Value, usize) {
        let before = calls(&self.rig);
        let plan = self.rig.plan(more);
        (plan, calls(&self.rig) - before)
    }

    /// The plan from the look and the one from a full reading say the same. Returns the plan and the
    /// requests of the first.
    #[track_caller]
    fn same(&self, what: &str) -> (Value, usize) {
        let (mut short, requests) = self.plan(&[]);
        let (mut full, _) = self.plan(&["--refresh"]);
        assert!(full["accounts"]["digicert"]["as_of"].is_null(), "{what}");
        for plan in [&mut short, &mut full] {
            let account = plan["accounts"]["digicert"].as_object_mut().expect("one");
            account.remove("as_of");
            // How many duplicates there are is not told by the feed; it only counts for the percentage.
            account.remove("certificates");
        }
        if short != full {
            for (one, other) in pairs(&short, &full) {
                assert_eq!(one, other, "{what}");
            }
        }
        assert_eq!(short, full, "{what}");
        (short, requests)
    }

    fn reissue(&self, id: &str, skip: bool) {
        let body = json!({ "skip_approval": skip, "certificate": {
            "common_name": format!("host-{id}.example.com"),
            "csr": csr("x"), "signature_hash": "sha256", "server_platform": { "id": 45 } } });
        let path = format!("/order/certificate/{id}/reissue");
        self.rig.certcentral("POST", &path, &body);
    }

    fn duplicate(&self, id: &str) {
        let body = json!({ "skip_approval": true, "certificate": {
            "common_name": format!("host-{id}.example.com"),
            "dns_names": [format!("host-{id}.example.com")],
            "csr": csr("x"), "signature_hash": "sha256", "server_platform": { "id": 45 } } });
        let path = format!("/order/certificate/{id}/duplicate");
        self.rig.certcentral("POST", &path, &body);
    }

    fn place(&self, name: &str) {
        let body = json!({ "organization": { "id": 112_233 }, "validity_years": 1, "certificate": {
            "common_name": name, "emails": [format!("{name}@example.com")], "signature_hash": "sha256" } });
        let path = "/order/certificate/client_premium_sha2";
        self.rig.certcentral("POST", path, &body);
    }
}

/// The actions of two plans side by side, those that differ.
fn pairs<'a>(one: &'a Value, other: &'a Value) -> Vec<(&'a Value, &'a Value)> {
    let actions = |plan: &'a Value| plan["actions"].as_array().expect("actions").iter();
    actions(one)
        .zip(actions(other))
        .filter(|(one, other)| one != other)
        .collect()
}

fn person(name: &str) -> String {
    format!(
        "  {name}:\n    product: client_premium_sha2\n    certificate: {{ common_name: {name}, emails: [{name}@example.com], signature_hash: sha256 }}\n    validity_years: 1\n"
    )
}

#[test]
fn a_plan_after_an_apply_costs_a_handful_of_requests() {
    let world = World::new();
    let (short, requests) = world.same("nothing changed");
    assert!(requests <= HANDFUL, "{requests}");
    assert_eq!(short["summary"]["keep"], 2_400);
    let (plan, _) = world.plan(&[]);
    let as_of = &plan["accounts"]["digicert"]["as_of"];
    let as_of: jiff::Timestamp = as_of.as_str().expect("a time").parse().expect("a time");
    assert!((jiff::Timestamp::now().as_second() - as_of.as_second()).abs() < 3600);
    let text = world.rig.certplan(&["plan"]).expect(0).stdout;
    assert!(text.contains("orders of digicert as of"), "{text}");
    let status = world
        .rig
        .certplan(&["status", "--format", "json"])
        .expect(0);
    assert!(status.stderr.contains("as of"), "{}", status.stderr);
    let full = world
        .rig
        .certplan(&["status", "--refresh", "--format", "json"])
        .expect(0);
    assert!(!full.stderr.contains("as of"), "{}", full.stderr);
    assert_eq!(status.json(), full.json());

    // An apply believes nothing but what it has read itself, and goes on from a plan of the look.
    let id = plan["plan_id"].as_str().expect("an id");
    let before = calls(&world.rig);
    world
        .rig
        .certplan(&["apply", "--yes", "--expect", id])
        .expect(0);
    assert!(
        calls(&world.rig) - before >= 4 + 2,
        "four pages, the user, the funds"
    );
    world
        .rig
        .certplan(&["plan", "--out", "saved.json"])
        .expect(0);
    world.rig.certplan(&["apply", "saved.json"]).expect(0);
}

#[test]
fn every_kind_of_change_is_seen() {
    let mut world = World::new();
    let rig = &world.rig;
    let (managed, others) = (world.managed.clone(), world.others.clone());
    rig.tell("revoke", json!({ "order_id": managed[0] }));
    rig.tell("cancel", json!({ "order_id": managed[1] }));
    world.reissue(&others[0], false);
    world.reissue(&others[1], true);
    world.place("eve");
    let (plan, requests) = world.same("revoked, canceled, reissued, placed");
    assert!(requests <= HANDFUL + 4, "{requests}");
    for (id, reason) in [(&managed[0], "revoked"), (&managed[1], "canceled")] {
        let step = action(&plan, &format!("orders.person-{id}"));
        assert_eq!(step["action"], "wait");
        assert!(step["reason"].as_str().expect("a reason").contains(reason));
    }

    // The order of somebody else shows as similar; what is to be revoked is read anew, with a duplicate
    // that no feed tells of.
    world.duplicate(&others[2]);
    let revocation = |name: &str, id: &str, scope: &str| {
        format!("  {name}: {{ order_id: {id}, scope: {scope}, reason: superseded, comments: x }}\n")
    };
    let sections = format!(
        "policy: {{ max_revocation_percent: 100 }}\nrevocations:\n{}{}{}",
        revocation("two", &others[2], "order"),
        revocation("one", &others[3], "order"),
        revocation("some", &others[4], "duplicates"),
    );
    let eve = person("eve");
    world.manifest(&eve, &sections);
    let (plan, requests) = world.same("a similar order, revocations");
    assert!(requests <= HANDFUL + 4 + 3 + 8, "{requests}");
    let warned = |word: &str| {
        let mut warnings = plan["warnings"].as_array().expect("warnings").iter();
        warnings.any(|warning| {
            warning["message"]
                .as_str()
                .is_some_and(|text| text.contains(word))
        })
    };
    assert!(warned("similar order"), "{:#}", plan["warnings"]);
    let dying = |name: &str| {
        action(&plan, name)["revokes"]
            .as_array()
            .expect("pins")
            .len()
    };
    assert_eq!((dying("revocations.two"), dying("revocations.one")), (2, 1));

    // A revocation that is in force is final and read no more.
    world.rig.tell("approve", json!({ "all": true }));
    let apply = ["apply", "--yes", "--allow-revocations", "9"];
    world.rig.certplan(&apply).expect(0);
    world.rig.approve_all();
    world.same("asked for and approved");
    world.rig.certplan(&apply).expect(0);
    let (plan, _) = world.same("in force");
    assert_eq!(action(&plan, "revocations.two")["action"], "keep");
}

/// Splitmix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((bits ^ (bits >> 31)) % (limit as u64)).expect("small")
    }
}

#[test]
fn a_plan_with_a_look_is_the_plan_of_a_full_reading() {
    let seed =
        std::env::var("CERTPLAN_SEED").map_or(20_261_122, |seed| seed.parse().expect("a number"));
    let rounds =
        std::env::var("CERTPLAN_ROUNDS").map_or(8, |rounds| rounds.parse().expect("a number"));
    println!("CERTPLAN_SEED={seed} CERTPLAN_ROUNDS={rounds}");
    let mut draws = Draws(seed);
    let mut world = World::new();
    let mut sections = String::from("policy: { max_revocation_percent: 100 }\nrevocations:\n");
    world.manifest("", "");
    let mut short = 0;
    for round in 0..rounds {
        let mut done = Vec::new();
        for _ in 0..=draws.below(3) {
            let managed = world.managed[draws.below(world.managed.len())].clone();
            let other = world.others[draws.below(world.others.len())].clone();
            let in_force = {
                let info = world.rig.certcentral(
                    "GET",
                    &format!("/order/certificate/{other}"),
                    &json!({}),
                );
                info["status"] == "issued" && info["certificate"]["status"] != "revoked"
            };
            let name = format!("new-{round}-{}", done.len());
            let kind = draws.below(10);
            match kind {
                0 => drop(world.rig.tell("revoke", json!({ "order_id": managed }))),
                1 => drop(world.rig.tell("cancel", json!({ "order_id": other }))),
                2 if in_force => world.reissue(&other, false),
                3 if in_force => world.reissue(&other, true),
                4 if in_force => world.duplicate(&other),
                5 => drop(world.rig.tell("approve", json!({ "all": true }))),
                6 => drop(world.rig.tell("reject", json!({ "all": true }))),
                7 => world.place(&name),
                8 => {
                    world.place(&name);
                    world.manifest(&person(&name), "");
                }
                9 if !sections.contains(&other) => {
                    sections.push_str(&format!(
                        "  r-{other}: {{ order_id: {other}, scope: order, reason: superseded, comments: x }}\n"
                    ));
                }
                _ => {}
            }
            done.push(kind);
        }
        let all = if sections.contains("order_id") {
            sections.clone()
        } else {
            String::new()
        };
        world.manifest("", &all);
        let (_, requests) = world.same(&format!("CERTPLAN_SEED={seed}, round {round}: {done:?}"));
        short += usize::from(requests < 4 + 2);
        if draws.below(4) == 0 {
            let apply = ["apply", "--yes", "--allow-revocations", "99"];
            world.rig.certplan(&apply).expect(0);
        }
    }
    assert!(short > 0, "no plan was short");
}

#[test]
fn whatever_is_doubtful_is_read_in_full() {
    let world = World::new();
    let rig = &world.rig;
    let look = rig.path(".certplan/state.db.look.digicert");
    let kept = fs::read(&look).expect("a look");
    let mode = fs::metadata(&look).expect("a look").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let is_full = |what: &str| {
        let (plan, requests) = world.plan(&[]);
        assert!(plan["accounts"]["digicert"]["as_of"].is_null(), "{what}");
        assert_eq!(plan["summary"]["keep"], 2_400, "{what}");
        assert!(requests >= 6, "{what}: {requests}");
    };
    fs::remove_file(&look).expect("removed");
    is_full("no look");
    fs::write(&look, &kept[..kept.len() / 2]).expect("written");
    is_full("half a look");
    let mut edited = kept.clone();
    let at = edited.len() / 2;
    edited[at] ^= 1;
    fs::write(&look, &edited).expect("written");
    is_full("an edited look");

    fs::write(&look, &kept).expect("written");
    assert!(world.plan(&[]).1 <= HANDFUL);
    for fault in ["forbidden", "html", "wrong_types"] {
        rig.faults(json!([{ "match": { "path_contains": "status-changes" }, "fault": fault }]));
        is_full(&format!("{fault} on the feed"));
    }
    rig.faults(json!([]));
    // Another journal for the same account.
    let before = calls(rig);
    rig.certplan(&["plan", "--state", "other/state.db"])
        .expect(0);
    assert!(calls(rig) - before >= 6);
    // More changes than the list has pages are not read one by one.
    for id in &world.managed[..40] {
        rig.tell("revoke", json!({ "order_id": id }));
    }
    let (plan, _) = world.same("many changes");
    assert_eq!(plan["summary"]["keep"], 2_360);
    assert!(world.plan(&[]).0["accounts"]["digicert"]["as_of"].is_null());
}

#[test]
fn what_the_feed_does_not_tell_is_in_the_full_reading_and_in_every_apply() {
    let world = World::new();
    let id = &world.managed[7];
    world.rig.tell(
        "edit",
        json!({ "order_id": id, "common_name": "Somebody Else" }),
    );
    let changed =
        |plan: &Value| action(plan, &format!("orders.person-{id}"))["action"] == "reissue";
    let (short, _) = world.plan(&[]);
    assert!(!changed(&short) && short["accounts"]["digicert"]["as_of"].is_string());
    let (full, _) = world.plan(&["--refresh"]);
    assert!(
        changed(&full),
        "{:#}",
        action(&full, &format!("orders.person-{id}"))
    );
    let stale = short["plan_id"].as_str().expect("an id");
    world
        .rig
        .certplan(&["apply", "--yes", "--expect", stale])
        .expect(5);
    // That apply has kept what it read.
    let (short, requests) = world.plan(&[]);
    assert!(changed(&short) && requests <= HANDFUL + 1, "{requests}");
}
