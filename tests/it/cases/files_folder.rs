//! `doctor` and the folder of keys and certificates: where it is, whether it is the one that the state knows, what is
//! dangerous about it, and how another one takes its place.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::automatic;
use crate::rig::{Ended, Rig};

const ONE: &str = "orders:\n  www:\n    product: ssl_basic\n    certificate: { common_name: www.example.com, signature_hash: sha256, key: { generate: p-256 } }\n    files: { kinds: [fullchain] }\n    order_validity: { years: 1 }\n";

/// A folder with one collected certificate.
fn collected() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    rig.manifest(ONE);
    rig.apply(&["--wait", "20s"], 0);
    assert!(rig.path(".certplan/files/live/www/privkey.pem").is_file());
    rig
}

/// The lines of `doctor` about the folder.
#[track_caller]
fn lines(rig: &Rig, more: &[&str], code: i32) -> Vec<String> {
    let ended = rig.certplan(&[&["doctor"], more].concat()).expect(code);
    let lines = ended
        .stdout
        .lines()
        .filter(|line| line.contains("  files: "));
    lines.map(str::to_owned).collect()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its owner");
}

#[test]
fn doctor_says_where_the_folder_is_and_whether_it_is_the_known_one() {
    let rig = Rig::new();
    automatic(&rig);
    rig.manifest("");
    assert_eq!(
        lines(&rig, &[], 0),
        Vec::<String>::new(),
        "nobody asked for it"
    );
    rig.manifest(ONE);
    let path = rig.path(".certplan/files");
    let shown = path.display();
    let [none] = lines(&rig, &[], 0).try_into().expect("one line");
    assert!(
        none.starts_with(&format!("note  files: no folder yet at {shown};")),
        "{none}"
    );
    assert!(!path.exists(), "doctor makes nothing");
    rig.apply(&["--wait", "20s"], 0);
    let [bound] = lines(&rig, &[], 0).try_into().expect("one line");
    assert_eq!(
        bound,
        format!("ok    files: {shown} is the folder that the state knows")
    );
    // A folder that another state knows, and this one does not.
    let [other] = lines(
        &rig,
        &[
            "--state",
            "other/state.db",
            "--files-dir",
            ".certplan/files",
        ],
        0,
    )
    .try_into()
    .expect("one line");
    assert!(
        other.starts_with(&format!("note  files: {shown}; the next")),
        "{other}"
    );
}

#[test]
fn doctor_says_what_is_dangerous_about_the_folder() {
    let mut rig = collected();
    let path = rig.path(".certplan/files");
    rig.set("CI", "true");
    let ci = lines(&rig, &[], 0);
    assert!(
        ci.iter()
            .any(|line| line.starts_with("note  files: `CI` is set")),
        "{ci:?}"
    );
    rig.set("CI", "false");
    assert_eq!(lines(&rig, &[], 0).len(), 1);
    rig.unset("CI");

    chmod(&path, 0o755);
    let open = lines(&rig, &[], 0);
    let look = format!("note  files: others can look into {}", path.display());
    assert!(open.iter().any(|line| line.starts_with(&look)), "{open:?}");
    chmod(&path, 0o777);
    let [written] = lines(&rig, &[], 1).try_into().expect("one line");
    assert!(
        written.starts_with("FAIL  files: ") && written.contains("others can write to it"),
        "{written}"
    );
    chmod(&path, 0o700);

    let key = fs::canonicalize(rig.path(".certplan/files/live/www/privkey.pem")).expect("a key");
    for mode in [0o644, 0o620, 0o602] {
        chmod(&key, mode);
        let read = lines(&rig, &[], 1);
        let told = format!(
            "FAIL  files: others can read the private key in {}",
            key.display()
        );
        assert!(
            read.iter().any(|line| line.starts_with(&told)),
            "{mode:o} {read:?}"
        );
    }
    chmod(&key, 0o640);
    assert_eq!(lines(&rig, &[], 0).len(), 1, "a group may read it");
    fs::remove_file(&key).expect("gone");
    let gone = lines(&rig, &[], 0);
    assert!(
        gone.iter().any(|line| line.contains(
            "the private key of orders.www is not in it: `certplan apply --rekey orders.www`"
        )),
        "{gone:?}"
    );
}

#[test]
fn another_folder_takes_the_place_of_the_known_one_after_its_path_was_typed() {
    let rig = collected();
    let path = rig.path(".certplan/files");
    let apart = rig.path("apart");
    fs::rename(&path, &apart).expect("a rename");
    fs::create_dir_all(&path).expect("a folder");
    chmod(&path, 0o700);

    let [refused] = lines(&rig, &[], 1).try_into().expect("one line");
    assert!(
        refused.contains("is not the folder of keys and certificates that the state knows"),
        "{refused}"
    );
    let typed = format!(
        "`certplan doctor --adopt-files-dir --files-dir {}`",
        path.display()
    );
    assert!(refused.contains(&typed), "{refused}");
    let refused = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(
        refused
            .stderr
            .contains("is not the folder of keys and certificates that the state knows"),
        "{}",
        refused.stderr
    );

    // Nobody to ask, then somebody who types something else, then the path.
    let adopt = ["doctor", "--adopt-files-dir"];
    let asked = rig.certplan(&adopt).expect(64);
    assert!(
        asked.stderr.contains("say `--yes` to bind it"),
        "{}",
        asked.stderr
    );
    let withheld = on_a_terminal(&rig, "yes").expect(1);
    assert!(
        withheld.stdout.contains("the path was not typed"),
        "{withheld:?}"
    );
    rig.certplan(&["plan"]).expect(1);
    let given = on_a_terminal(&rig, &path.display().to_string()).expect(0);
    assert!(given.stdout.contains("from now on"), "{given:?}");
    assert!(
        given
            .stdout
            .contains("the private key of orders.www is not in it"),
        "{given:?}"
    );

    // The order waits: nothing was bought or reissued because of it.
    let plan = rig.plan(&[]);
    assert_eq!(plan["actions"][0]["action"], "wait", "{plan:#}");
    assert_eq!(plan["actions"][0]["key"]["state"], "missing", "{plan:#}");
    let again = rig.certplan(&adopt).expect(0);
    assert!(again.stdout.contains("nothing was changed"), "{again:?}");

    // Back to the first one, without a question.
    let back = ["--files-dir", "apart"];
    rig.certplan(&[&["plan"][..], &back].concat()).expect(1);
    rig.certplan(&[&adopt[..], &["--yes"], &back].concat())
        .expect(0);
    let plan = rig.plan(&back);
    assert_eq!(plan["actions"][0]["action"], "keep", "{plan:#}");
    rig.certplan(&["history", "--verify"]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_folder_that_is_lost_for_good_is_begun_anew() {
    let rig = collected();
    fs::remove_dir_all(rig.path(".certplan/files")).expect("gone");
    rig.certplan(&["plan"]).expect(1);
    rig.certplan(&["doctor", "--adopt-files-dir", "--yes"])
        .expect(0);
    assert!(rig.path(".certplan/files/.certplan-files").is_file());
    rig.apply(&[], 3);
    rig.apply(&["--rekey", "orders.www", "--wait", "20s"], 0);
    assert!(rig.path(".certplan/files/live/www/privkey.pem").is_file());
    assert_eq!(rig.effects("order_created").len(), 1, "nothing was bought");
}

#[test]
fn what_cannot_be_adopted_is_said() {
    let rig = Rig::new();
    rig.manifest("");
    let adopt = ["doctor", "--adopt-files-dir"];
    let none = rig.certplan(&[&adopt[..], &["--yes"]].concat()).expect(64);
    assert!(
        none.stderr.contains("no order of the manifest asks for"),
        "{}",
        none.stderr
    );
    rig.manifest(ONE);
    // A state that knows no folder is bound to the first one without a question.
    rig.certplan(&adopt).expect(0);
    assert!(rig.path(".certplan/files/.certplan-files").is_file());
    rig.write("taken/notes.txt", "mine");
    let taken = [&adopt[..], &["--yes", "--files-dir", "taken"]].concat();
    let taken = rig.certplan(&taken).expect(1);
    assert!(
        taken
            .stderr
            .contains("holds other files, such as `notes.txt`"),
        "{}",
        taken.stderr
    );
    for wrong in [
        &["doctor", "--yes"][..],
        &["doctor", "--adopt-files-dir", "--assumptions"],
    ] {
        rig.certplan(wrong).expect(64);
    }
}

/// `doctor --adopt-files-dir` on a terminal where somebody types this. All that was shown is in `stdout`.
fn on_a_terminal(rig: &Rig, typed: &str) -> Ended {
    let binary = env!("CARGO_BIN_EXE_certplan");
    let command = format!("'{binary}' doctor --adopt-files-dir");
    let plain = rig.command(&[]);
    let variables = plain
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(rig.folder())
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{typed}").expect("a reader");
    Ended::new(child.wait_with_output().expect("an end"))
}
