//! A private key that is gone: certplan waits and says what to type; a new one is made only when asked.

use std::fs;

use serde_json::json;

use super::{Desk, FULL, P256, WWW};
use crate::rig::action;

/// The key of what is collected goes away.
fn lose_key(desk: &Desk) {
    fs::remove_file(desk.version().join("privkey.pem")).expect("removed");
    desk.forget();
}

#[test]
fn a_key_that_is_gone_is_waited_for_and_never_made_anew_by_itself() {
    for key in [P256, "key: { generate: p-256, reuse: true }"] {
        for files in [FULL, "kinds: [combined, p12]", ""] {
            let desk = Desk::new(key, files);
            desk.apply(&[], 0);
            match files {
                "" => fs::remove_dir_all(desk.files.join("pending/www")).expect("removed"),
                _ => fs::remove_file(desk.version().join("privkey.pem")).expect("removed"),
            }
            desk.forget();
            for _ in 0..3 {
                let planned = desk.planned();
                assert_eq!(planned["action"], "wait", "{key} {files}: {planned:#}");
                assert_eq!(planned["reason_code"], "key_missing");
                assert_eq!(planned["key"]["state"], "missing");
                let said = desk.run(&["plan"]).expect(0);
                let said = format!("{}{}", said.stdout, said.stderr).replace('\n', " ");
                let told = "certplan apply --rekey orders.www";
                let flat: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(flat.contains(told), "{said}");
                let ended = desk.run(&["apply", "--yes"]).expect(3);
                assert!(ended.stderr.contains(WWW), "{}", ended.stderr);
            }
            assert_eq!(desk.bought(), (1, 0), "{key} {files}");
        }
    }
}

#[test]
fn a_new_key_that_is_asked_for_is_a_reissue_and_is_collected() {
    for key in [P256, "key: { generate: rsa-2048, reuse: true }"] {
        let desk = Desk::new(key, FULL);
        desk.apply(&[], 0);
        let old = desk.version();
        lose_key(&desk);
        let plan = desk
            .run(&["plan", "--format", "json", "--rekey", WWW])
            .expect(0)
            .json();
        assert_eq!(action(&plan, WWW)["action"], "reissue");
        assert_eq!(action(&plan, WWW)["reason_code"], "new_key");
        assert_eq!(action(&plan, WWW)["key"]["state"], "to_make");
        desk.apply(&["--rekey", WWW], 0);
        assert_ne!(desk.version(), old);
        desk.opens();
        desk.is_settled();
        assert_eq!(desk.bought(), (1, 1));
        // Said once more, it is not done once more.
        let ended = desk.run(&["apply", "--yes", "--rekey", WWW]).expect(0);
        let said = format!("{}{}", ended.stdout, ended.stderr).replace('\n', " ");
        assert!(
            said.contains("nothing is reissued") || said.contains("--rekey"),
            "{said}"
        );
        assert_eq!(desk.bought(), (1, 1));
    }
}

#[test]
fn a_new_key_that_a_saved_plan_has_is_made_when_that_is_applied() {
    let desk = Desk::collected();
    lose_key(&desk);
    let ended = desk
        .run(&["plan", "--rekey", WWW, "--out", "saved.plan"])
        .expect(0);
    assert!(ended.stdout.contains("1 to reissue"), "{}", ended.stdout);
    desk.run(&["apply", "saved.plan"]).expect(0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 1));
}

#[test]
fn a_new_key_that_waits_for_approval_is_asked_for_once() {
    let desk = Desk::collected();
    lose_key(&desk);
    desk.rig.tell("options", json!({ "approval": "required" }));
    desk.apply(&["--rekey", WWW], 0);
    assert_eq!(desk.names("pending/www").len(), 1);
    for _ in 0..2 {
        desk.run(&["apply", "--yes", "--rekey", WWW]);
        desk.run(&["apply", "--yes"]);
    }
    assert_eq!(desk.bought(), (1, 1));
    assert_eq!(desk.names("pending/www").len(), 1);
    desk.rig.approve_all();
    desk.apply(&[], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 1));
}

#[test]
fn a_name_that_has_no_key_to_make_is_refused() {
    let desk = Desk::collected();
    for wrong in ["orders.nobody", "orders.ww", "www", "revocations.www", ""] {
        for command in [
            &["plan", "--rekey", wrong][..],
            &["apply", "--yes", "--rekey", wrong],
        ] {
            let ended = desk.run(command).expect(64);
            assert!(ended.stderr.contains(wrong), "{}", ended.stderr);
        }
    }
    let desk = Desk::new("csr: { file: www.csr }", FULL);
    desk.rig
        .write("www.csr", crate::rig::csr("www.example.com"));
    desk.apply(&[], 0);
    let ended = desk.run(&["apply", "--yes", "--rekey", WWW]).expect(64);
    assert!(ended.stderr.contains("generate"), "{}", ended.stderr);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_key_that_comes_back_is_found_again() {
    let desk = Desk::collected();
    let (version, key) = (desk.version(), desk.read("privkey.pem"));
    lose_key(&desk);
    desk.run(&["apply", "--yes"]).expect(3);
    fs::write(version.join("privkey.pem"), key).expect("put back");
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_pending_key_that_goes_before_the_certificate_is_issued_is_told_when_it_is() {
    let desk = Desk::new(P256, FULL);
    desk.rig.tell("options", json!({ "approval": "required" }));
    desk.apply(&[], 0);
    fs::remove_dir_all(desk.files.join("pending")).expect("removed");
    desk.forget();
    desk.run(&["apply", "--yes"]);
    desk.rig.tell("options", json!({ "approval": "automatic" }));
    desk.rig.approve_all();
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.word(), ("wait".to_owned(), "key_missing".to_owned()));
    desk.apply(&["--rekey", WWW], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 1));
}
