//! Case 27: a mistyped address of a database is told, and never taken for a path.

use std::path::Path;

use crate::rig::{Ended, Rig};

const PASSWORD: &str = "hidden-word";

/// Slips in an address of a database.
const SLIPS: [&str; 12] = [
    "postgres:/u:hidden-word@127.0.0.1/db",
    "postgres:u:hidden-word@127.0.0.1/db",
    " postgres://u:hidden-word@127.0.0.1/db",
    "postgres://u:hidden-word@127.0.0.1/db\n",
    "postgres//u:hidden-word@127.0.0.1/db",
    "postgers://u:hidden-word@127.0.0.1/db",
    "\"postgres://u:hidden-word@127.0.0.1/db\"",
    "mysql://u:hidden-word@127.0.0.1/db",
    "u:hidden-word@127.0.0.1:5432/db",
    "host=127.0.0.1 user=u password=hidden-word dbname=db",
    "password = hidden-word host = 127.0.0.1",
    "postgres://u:hidden-word@127.0.0.1:port/db",
];

fn holds(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.path().is_dir() {
            names.extend(holds(&entry.path()));
        }
    }
    names.sort();
    names
}

#[track_caller]
fn shows_no_password(ended: &Ended) {
    assert!(!format!("{ended:?}").contains(PASSWORD), "{ended:?}");
}

#[test]
fn case_27_a_mistyped_address_is_a_wrong_command_line_and_makes_nothing() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let before = (holds(rig.folder()), holds(rig.home()));
    for slip in SLIPS {
        for args in [
            &["apply", "--yes", "--state", slip][..],
            &["plan", "--state", slip],
            &["plan", "--offline", "--state", slip],
            &["status", "--offline", "--state", slip],
            &["history", "--state", slip],
            &["doctor", "--state", slip],
            &["migrate", "--state", slip],
            &["migrate", "--from", slip, "--state", "new/state.db"],
            &["forget", "orders.ada", "--yes", "--state", slip],
        ] {
            let ended = rig.certplan(args).expect(64);
            shows_no_password(&ended);
        }
        rig.set("CERTPLAN_STATE", slip);
        let ended = rig.certplan(&["apply", "--yes"]).expect(64);
        shows_no_password(&ended);
        assert!(ended.stderr.contains("CERTPLAN_STATE: "), "{ended:?}");
        rig.unset("CERTPLAN_STATE");
    }
    assert_eq!((holds(rig.folder()), holds(rig.home())), before);
    assert_eq!(rig.reads(), 0);
}

#[test]
fn case_27_a_folder_of_budgets_is_no_address_either() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let before = holds(rig.folder());
    for slip in SLIPS {
        let ended = rig.certplan(&["plan", "--budget-dir", slip]).expect(64);
        shows_no_password(&ended);
    }
    assert_eq!(holds(rig.folder()), before);
}

#[test]
fn case_27_a_path_is_a_path() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let absolute = rig.path("abs/a:b@c.db").display().to_string();
    for path in [
        "./x.db",
        "sub/state.db",
        "sub//deep//state.db",
        "my state.db",
        "./postgres:/state.db",
        "file:other/a%20b.db",
        &absolute,
    ] {
        rig.apply(&["--state", path], 0);
        rig.certplan(&["history", "--state", path]).expect(0);
    }
    assert!(rig.path("postgres:/state.db").is_file());
    assert!(rig.path("my state.db").is_file());
    assert!(rig.path("other/a b.db").is_file());
    assert_eq!(rig.effects("order_created").len(), 1);
}
