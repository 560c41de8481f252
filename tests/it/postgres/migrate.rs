//! A state that is taken over, from a file into a database and back: nothing is lost, and one of the two can
//! be used at any moment, whenever it is interrupted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::{Database, server};
use super::{each_once, orders};
use crate::rig::{Rig, action};

const FILE: &str = ".certplan/state.db";

/// A state in a file with orders that wait, one that is issued, and a doubt.
fn in_a_file() -> Rig {
    let rig = Rig::new();
    rig.manifest(&orders(2));
    rig.apply(&[], 0);
    rig.approve_all();
    rig.manifest(&orders(3));
    rig.apply(&[], 0);
    rig.faults(json!([{ "match": { "method": "POST", "path_contains": "/order/" }, "fault": "cut_before", "times": 1 }]));
    rig.manifest(&orders(4));
    rig.apply(&[], 3);
    rig.faults(json!([]));
    rig
}

fn facts(rig: &Rig, state: &str) -> Vec<Value> {
    let history = rig
        .certplan(&["history", "--state", state, "--format", "json"])
        .expect(0)
        .json();
    history["facts"].as_array().expect("facts").clone()
}

/// What is planned with a state, apart from what names the state itself.
fn planned(rig: &Rig, state: &str) -> Value {
    let mut plan = rig.plan(&["--state", state]);
    let object = plan.as_object_mut().expect("a plan");
    object.retain(|key, _| matches!(key.as_str(), "summary" | "actions"));
    plan
}

#[track_caller]
fn closed(rig: &Rig, state: &str, names: &str) {
    for command in [
        ["apply", "--yes"].as_slice(),
        &["plan"],
        &["status"],
        &["resolve", "orders.person-0", "--not-placed", "--yes"],
    ] {
        let ended = rig.certplan(&[command, &["--state", state]].concat());
        assert_eq!(ended.code, Some(1), "{command:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("was moved to") && ended.stderr.contains(names),
            "{command:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_file_goes_on_in_a_database_and_back_with_every_fact_and_every_doubt() {
    let rig = in_a_file();
    let database = Database::new();
    let (url, shown) = (database.url(), database.shown());
    let before = facts(&rig, FILE);
    let plan = planned(&rig, FILE);
    assert_eq!(plan["summary"]["settle"], 1, "{plan:#}");
    let said = rig
        .certplan(&["migrate", "--from", FILE, "--state", &url])
        .expect(0)
        .stdout;
    assert!(said.contains(&format!("{} facts", before.len())), "{said}");

    // Every fact as it was, with its hash; then the end there, and the beginning here.
    let after = facts(&rig, &url);
    assert_eq!(after[..before.len()], before);
    let words: Vec<&Value> = after[before.len()..]
        .iter()
        .map(|fact| &fact["body"]["fact"])
        .collect();
    assert_eq!(words, ["moved", "taken_over"]);
    assert_eq!(facts(&rig, FILE)[..], after[..=before.len()]);
    assert_eq!(planned(&rig, &url), plan);
    closed(&rig, FILE, &shown);
    for state in [FILE, &url] {
        rig.certplan(&["history", "--verify", "--state", state])
            .expect(0);
    }

    // The binding came along, and so did the doubt.
    let other = Rig::new();
    other.manifest(&orders(4));
    let ended = other.certplan(&["plan", "--state", &url]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("was written for"), "{}", ended.stderr);
    let report = rig.apply(&["--state", &url], 3);
    assert_eq!(action(&report, "orders.person-3")["outcome"], "unknown");
    each_once(&rig, 3);

    // And back, into another file.
    rig.certplan(&["migrate", "--from", &url, "--state", "back.db"])
        .expect(0);
    closed(&rig, &url, "back.db");
    rig.certplan(&["history", "--verify", "--state", "back.db"])
        .expect(0);
    rig.apply(&["--state", "back.db"], 3);
    each_once(&rig, 3);
}

#[test]
fn a_target_that_is_not_empty_or_the_same_is_refused_and_nothing_is_closed() {
    let rig = in_a_file();
    let before = facts(&rig, FILE);
    let other = Rig::new();
    other.manifest(&orders(1));
    other.apply(&[], 0);
    let bytes = std::fs::read(other.path(FILE)).expect("a state");
    private(&rig, "other.db", &bytes);
    for (from, to, why) in [
        (FILE, "other.db", "holds"),
        (FILE, FILE, "from itself"),
        (FILE, "./.certplan/../.certplan/state.db", "from itself"),
        ("none.db", "new.db", "no journal"),
    ] {
        let ended = rig.certplan(&["migrate", "--from", from, "--state", to]);
        assert_eq!(ended.code, Some(1), "{from} {to}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{from} {to}: {}", ended.stderr);
    }
    assert_eq!(facts(&rig, FILE), before);
    assert!(!rig.path("none.db").exists());
}

#[test]
fn a_state_that_a_run_holds_is_not_taken_over() {
    let rig = in_a_file();
    rig.manifest(&orders(6));
    super::slow(&rig, 3_000);
    let run = rig.spawn(&["apply", "--yes"]);
    rig.until("an order", || rig.effects("order_created").len() > 3);
    let ended = rig.certplan(&["migrate", "--from", FILE, "--state", "new.db"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&format!("process {}", run.id())),
        "{}",
        ended.stderr
    );
    run.wait_with_output().expect("it ends");
    assert!(!rig.path("new.db").exists());
}

/// A way to the server on which a process is killed at one of its commits.
struct Trap {
    port: u16,
    state: Arc<Mutex<Armed>>,
}

#[derive(Default)]
struct Armed {
    /// The process, and at which commit it is killed; `true`: after the server has it.
    victim: Option<(u32, usize, bool)>,
    commits: usize,
}

impl Trap {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(Armed::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server().port)).expect("a server");
                let state = Arc::clone(&shared);
                std::thread::spawn(move || carry(&client, &server, &state));
            }
        });
        Self { port, state }
    }

    fn url(&self, database: &Database) -> String {
        let port = server().port.to_string();
        database.url().replace(&port, &self.port.to_string())
    }

    fn arm(&self, child: &Child, at: usize, after: bool) {
        let mut state = self.state.lock().expect("a lock");
        state.victim = Some((child.id(), at, after));
        state.commits = 0;
    }

    fn disarm(&self) {
        self.state.lock().expect("a lock").victim = None;
    }
}

fn carry(client: &TcpStream, server: &TcpStream, state: &Mutex<Armed>) {
    let (mut back_from, mut back_to) = (
        server.try_clone().expect("a socket"),
        client.try_clone().expect("a socket"),
    );
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (client, server);
    let mut buffer = [0; 65536];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 {
            break;
        }
        let is_commit = buffer[..read].windows(7).any(|bytes| bytes == b"COMMIT\0");
        let mut killed = None;
        if is_commit {
            let mut state = state.lock().expect("a lock");
            state.commits += 1;
            killed = state.victim.filter(|(_, at, _)| *at == state.commits);
        }
        if let Some((pid, _, after)) = killed {
            if after {
                let _ = to.write_all(&buffer[..read]);
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status();
            break;
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Starts the command, with the trap set before it can commit anything.
fn killed_at(rig: &Rig, trap: &Trap, args: &[&str], at: usize, after: bool) -> bool {
    trap.disarm();
    let child = rig
        .command(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    trap.arm(&child, at, after);
    let output = child.wait_with_output().expect("it ends");
    trap.disarm();
    output.status.code().is_none()
}

/// Kills a command at every commit that it sends to the server, before and after it gets there. Each time it
/// is another host, with a fresh copy of the same state.
fn at_each_commit(check: impl Fn(&Rig, &Trap, &str, (usize, bool)) -> bool) -> usize {
    let mut rig = in_a_file();
    let bytes = std::fs::read(rig.path(FILE)).expect("a state");
    std::fs::remove_file(rig.path(FILE)).expect("gone");
    let trap = Trap::new();
    let mut points = 0;
    for after in [false, true] {
        for at in 1.. {
            let home = rig.path(&format!("home-{at}-{after}"));
            std::fs::create_dir(&home).expect("a folder");
            rig.set("XDG_STATE_HOME", &home.display().to_string());
            let copy = format!("copy-{at}-{after}.db");
            private(&rig, &copy, &bytes);
            if !check(&rig, &trap, &copy, (at, after)) {
                break;
            }
            points += 1;
        }
    }
    each_once(&rig, 3);
    points
}

fn private(rig: &Rig, name: &str, bytes: &[u8]) {
    rig.write(name, bytes);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(rig.path(name), mode).expect("a mode");
}

/// After a kill either the source goes on, or the same command finishes: never both, never neither.
#[track_caller]
fn one_goes_on(rig: &Rig, from: &str, to: &str, plan: &Value, what: &str) {
    let source = rig.certplan(&["plan", "--state", from]);
    let moved = source.stderr.contains("was moved to");
    assert_eq!(
        source.code,
        Some(i32::from(moved)),
        "{what}: {}",
        source.stderr
    );
    let target = rig.certplan(&["plan", "--state", to]);
    let is_begun = target.stderr.contains("is being taken over from");
    let goes_on = target.code == Some(0) && moved;
    // Nothing there yet: as empty as it was.
    let is_empty = target.code == Some(0) && !moved && facts(rig, to).is_empty();
    assert!(
        is_begun || goes_on || is_empty,
        "{what}: {} {}",
        target.stdout,
        target.stderr
    );
    rig.certplan(&["migrate", "--from", from, "--state", to])
        .expect(0);
    assert_eq!(planned(rig, to), *plan, "{what}");
    for (state, ends) in [(from, "moved"), (to, "taken_over")] {
        let facts = facts(rig, state);
        let word = &facts.last().expect("a fact")["body"]["fact"];
        assert_eq!(word, ends, "{what}: {state}");
        rig.certplan(&["history", "--verify", "--state", state])
            .expect(0);
    }
    let source = rig.certplan(&["plan", "--state", from]);
    assert_eq!(source.code, Some(1), "{what}: {}", source.stderr);
}

#[test]
fn killed_on_the_way_into_a_database_nothing_is_lost() {
    let points = at_each_commit(|rig, trap, copy, (at, after)| {
        let database = Database::new();
        let plan = planned(rig, copy);
        let url = trap.url(&database);
        let command = ["migrate", "--from", copy, "--state", &url];
        let killed = killed_at(rig, trap, &command, at, after);
        if killed {
            one_goes_on(rig, copy, &url, &plan, &format!("{at} {after}"));
        }
        killed
    });
    assert!(points >= 8, "only {points} points");
}

#[test]
fn killed_on_the_way_out_of_a_database_nothing_is_lost() {
    let points = at_each_commit(|rig, trap, copy, (at, after)| {
        let database = Database::new();
        let url = trap.url(&database);
        rig.certplan(&["migrate", "--from", copy, "--state", &url])
            .expect(0);
        let plan = planned(rig, &url);
        let back = format!("back-{copy}");
        let command = ["migrate", "--from", &url, "--state", &back];
        let killed = killed_at(rig, trap, &command, at, after);
        if killed {
            one_goes_on(rig, &url, &back, &plan, &format!("{at} {after}"));
        }
        killed
    });
    assert!(points >= 4, "only {points} points");
}

/// Orders in the default file, and then a run with another state that is empty.
#[test]
fn an_empty_state_is_not_begun_beside_a_default_file_in_use() {
    for elsewhere in [None, Some(Database::new())] {
        let rig = Rig::new();
        rig.manifest(&orders(2));
        let report = rig.apply(&[], 0);
        let state = elsewhere
            .as_ref()
            .map_or_else(|| "elsewhere.db".to_owned(), Database::url);
        let default = rig.path(FILE).display().to_string();
        let plan = rig.certplan(&["plan", "--state", &state]).expect(0);
        assert!(plan.stderr.contains("migrate --from"), "{}", plan.stderr);
        let id = action(&report, "orders.person-0")["order_id"].as_str();
        for command in [
            ["apply", "--yes"].as_slice(),
            &["import", "orders.person-0", id.expect("an id")],
        ] {
            let ended = rig.certplan(&[command, &["--state", &state]].concat());
            assert_eq!(ended.code, Some(1), "{command:?}: {}", ended.stderr);
            let typed = format!("certplan migrate --from '{default}'");
            assert!(ended.stderr.contains(&typed), "{}", ended.stderr);
        }
        assert!(facts(&rig, &state).is_empty());
        // Another account of the same CA is no reason.
        let other = Rig::new();
        other.manifest(&orders(1));
        std::fs::create_dir_all(other.path(".certplan")).expect("a folder");
        std::fs::copy(rig.path(FILE), other.path(FILE)).expect("a copy");
        other.apply(&["--state", "elsewhere.db"], 0);

        rig.certplan(&["migrate", "--from", FILE, "--state", &state])
            .expect(0);
        rig.apply(&["--state", &state], 0);
        each_once(&rig, 2);
        // Without a word the default is used, which says where it went.
        closed(
            &rig,
            FILE,
            &elsewhere.map_or_else(|| state.clone(), |database| database.shown()),
        );
    }
}
