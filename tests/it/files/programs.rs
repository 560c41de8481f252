//! Programs that run after a collection and after a run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Desk, FULL, P256, WWW, outcome, set_mode};
use crate::rig::action;

/// Writes a shell script that may be run, and returns its place.
fn script(desk: &Desk, name: &str, text: &str) -> String {
    let folder = desk.rig.path("programs");
    fs::create_dir_all(&folder).expect("a folder");
    set_mode(&folder, 0o755);
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    set_mode(&path, 0o755);
    path.to_str().expect("text").to_owned()
}

/// A script that adds a line to `ran` each time.
fn counting(desk: &Desk, then: &str) -> String {
    let text = format!("echo once >> '{}'\n{then}", desk.rig.path("ran").display());
    script(desk, "counting", &text)
}

fn ran(desk: &Desk) -> usize {
    fs::read_to_string(desk.rig.path("ran")).map_or(0, |text| text.lines().count())
}

fn hook(report: &Value) -> &str {
    action(report, WWW)["collected"]["hook"]
        .as_str()
        .unwrap_or("")
}

/// The facts of `www` in the history, by their words.
fn history(desk: &Desk) -> String {
    desk.run(&["history", "--format", "json"]).expect(0).stdout
}

#[test]
fn a_program_runs_once_after_the_switch_and_knows_what_was_collected() {
    let mut desk = Desk::new(P256, FULL);
    desk.rig.set("SOME_SECRET", "a-secret-of-somebody");
    desk.rig.set("TZ", "Asia/Seoul");
    let told = desk.rig.path("told").display().to_string();
    let program = script(
        &desk,
        "tell",
        &format!(
            "env > '{told}'; cat >> '{told}.stdin'; cat \"$CERTPLAN_DIRECTORY/cert.pem\" > '{told}.cert'; echo \"args:$#\" >> '{told}'"
        ),
    );
    let labels = format!("{FULL} }}, labels: {{ owner: \"team \\\"web\\\"\", tier: \"1\"");
    desk.rewrite(P256, &labels);
    let report = desk.apply(&["--on-collected", &program], 0);
    assert_eq!((outcome(&report).as_str(), hook(&report)), ("done", "ok"));
    let env = fs::read_to_string(&told).expect("it ran");
    let live = desk.files.join("live/www");
    let serial = desk.version();
    let serial = serial
        .file_name()
        .and_then(|name| name.to_str())
        .expect("text");
    for line in [
        "CERTPLAN_ADDRESS=orders.www".to_owned(),
        format!("CERTPLAN_DIRECTORY={}", live.display()),
        "CERTPLAN_NAMES=".to_owned(),
        "CERTPLAN_PREVIOUS_SERIAL=".to_owned(),
        "CERTPLAN_VALID_TILL=20".to_owned(),
        r#"CERTPLAN_LABELS={"owner":"team \"web\"","tier":"1"}"#.to_owned(),
        format!(
            "CERTPLAN_RUN_ID={}",
            report["run_id"].as_str().expect("an id")
        ),
        "TZ=Asia/Seoul".to_owned(),
        "PATH=".to_owned(),
        "HOME=".to_owned(),
        "args:0".to_owned(),
    ] {
        assert!(
            env.lines().any(|told| told.starts_with(&line)),
            "no {line} in\n{env}"
        );
    }
    let of = |name: &str| {
        let line = env.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().to_owned()
    };
    assert!(
        of("CERTPLAN_SERIAL=")
            .to_lowercase()
            .trim_start_matches('0')
            .eq(serial)
    );
    let mut names: Vec<String> = of("CERTPLAN_NAMES=")
        .split(' ')
        .map(str::to_owned)
        .collect();
    names.sort();
    assert_eq!(names, ["example.com", "www.example.com"]);
    for secret in [
        "sandbox-certcentral-key",
        "a-secret-of-somebody",
        "DIGICERT",
        "NCLOUD",
        "ENDPOINT",
    ] {
        assert!(!env.contains(secret), "{secret} is in\n{env}");
    }
    assert_eq!(
        fs::read_to_string(format!("{told}.stdin")).expect("it ran"),
        ""
    );
    assert_eq!(
        fs::read(format!("{told}.cert")).expect("it ran"),
        desk.read("cert.pem")
    );
    assert!(history(&desk).contains("\"delivered\""));
    desk.is_settled();
    // It ran: with the same flag there is nothing to do.
    fs::remove_file(&told).expect("removed");
    desk.apply(&["--on-collected", &program], 0);
    assert!(!PathBuf::from(&told).exists());
    // The next one hears of the one before.
    let first = of("CERTPLAN_SERIAL=");
    desk.rewrite("key: { generate: p-384 }", FULL);
    desk.apply(&["--on-collected", &program], 0);
    let env = fs::read_to_string(&told).expect("it ran");
    assert!(
        env.contains(&format!("CERTPLAN_PREVIOUS_SERIAL={first}\n")),
        "{env}"
    );
}

#[test]
fn a_program_that_fails_is_run_again_by_the_next_run_without_a_download() {
    for (ends, told) in [
        ("exit 1", "exit code 1"),
        ("exit 255", "exit code 255"),
        ("kill -9 $$", "signal 9"),
        ("kill -15 $$", "signal 15"),
        ("exec /no/such/program", "exit code 127"),
    ] {
        let desk = Desk::new(P256, FULL);
        let program = counting(&desk, ends);
        let flag = ["--on-collected", &*program];
        let report = desk.apply(&flag, 1);
        assert_eq!(
            (outcome(&report).as_str(), hook(&report)),
            ("failed", "failed"),
            "{ends}"
        );
        assert!(
            action(&report, WWW).to_string().contains(told),
            "{ends}: {report:#}"
        );
        desk.opens();
        let downloads = desk.downloads();
        assert!(history(&desk).contains("\"hook_failed\""), "{ends}");
        desk.is_to_collect("program_failed");
        assert!(desk.planned().to_string().contains(told), "{ends}");
        let report = desk.apply(&flag, 1);
        assert_eq!(outcome(&report), "failed", "{ends}");
        assert_eq!(ran(&desk), 2, "{ends}");
        counting(&desk, "exit 0");
        let report = desk.apply(&flag, 0);
        assert_eq!(
            (outcome(&report).as_str(), hook(&report)),
            ("done", "ok"),
            "{ends}"
        );
        assert_eq!((ran(&desk), desk.downloads()), (3, downloads), "{ends}");
        desk.is_settled();
        desk.apply(&flag, 0);
        assert_eq!((ran(&desk), desk.bought()), (3, (1, 0)), "{ends}");
    }
}

#[test]
fn a_program_that_is_named_later_runs_for_what_was_collected_before() {
    let desk = Desk::collected();
    let downloads = desk.downloads();
    let program = counting(&desk, "exit 0");
    desk.is_settled();
    let report = desk.apply(&["--on-collected", &program], 0);
    assert_eq!(hook(&report), "ok");
    assert_eq!((ran(&desk), desk.downloads()), (1, downloads));
    desk.apply(&["--on-collected", &program], 0);
    assert_eq!(ran(&desk), 1);
}

#[test]
fn a_program_that_failed_is_not_run_for_files_that_are_not_there() {
    let desk = Desk::new(P256, FULL);
    let program = counting(
        &desk,
        "test -s \"$CERTPLAN_DIRECTORY/cert.pem\" && test -e '/nowhere'",
    );
    desk.apply(&["--on-collected", &program], 1);
    fs::remove_file(desk.version().join("cert.pem")).expect("removed");
    desk.is_to_collect("files_missing");
    desk.apply(&["--on-collected", &program], 1);
    assert!(desk.live("cert.pem").exists());
    desk.is_to_collect("program_failed");
    // Without a program the failure stays known, and nothing is downloaded for it.
    let downloads = desk.downloads();
    for _ in 0..2 {
        let report = desk.apply(&[], 1);
        assert_eq!(
            (outcome(&report).as_str(), hook(&report)),
            ("failed", "failed")
        );
        let said = action(&report, WWW)["error"].to_string();
        for told in ["exit code 1 on 20", "run it again with `--on-collected"] {
            assert!(said.contains(told), "{said}");
        }
        desk.is_to_collect("program_failed");
    }
    assert_eq!((desk.downloads(), desk.bought()), (downloads, (1, 0)));
    counting(&desk, "exit 0");
    desk.apply(&["--on-collected", &program], 0);
    desk.is_settled();
}

#[test]
fn a_program_that_hangs_is_stopped_with_all_that_it_started() {
    for text in [
        "sleep 300",
        "trap '' TERM; sleep 300 & sleep 300; sleep 300",
        "sleep 300 & echo $! > '@pid'; wait",
    ] {
        let desk = Desk::new(P256, FULL);
        let pid = desk.rig.path("pid");
        let program = script(
            &desk,
            "hangs",
            &text.replace("@pid", pid.to_str().expect("text")),
        );
        let flag = ["--on-collected", &*program, "--hook-timeout", "1s"];
        let report = desk.apply(&flag, 1);
        assert_eq!(
            (outcome(&report).as_str(), hook(&report)),
            ("failed", "failed"),
            "{text}"
        );
        assert!(
            report.to_string().contains("did not end in time"),
            "{report:#}"
        );
        desk.is_to_collect("program_failed");
        if let Ok(id) = fs::read_to_string(&pid) {
            let process = PathBuf::from(format!("/proc/{}/stat", id.trim()));
            desk.rig.until("its child is gone", || {
                fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z "))
            });
        }
        desk.opens();
        assert_eq!(desk.bought(), (1, 0));
    }
}

#[test]
fn a_program_may_leave_something_in_the_background() {
    let desk = Desk::new(P256, FULL);
    let pid = desk.rig.path("pid").display().to_string();
    let program = script(
        &desk,
        "forks",
        &format!("sleep 60 & echo $! > '{pid}'; exit 0"),
    );
    let report = desk.apply(&["--on-collected", &program], 0);
    assert_eq!(hook(&report), "ok");
    let id = fs::read_to_string(&pid).expect("a pid");
    assert!(PathBuf::from(format!("/proc/{}", id.trim())).exists());
    let ended = std::process::Command::new("kill").arg(id.trim()).status();
    assert!(ended.expect("kill runs").success());
}

#[test]
fn a_flood_of_output_is_cut_and_made_safe_and_stays_off_standard_output() {
    let desk = Desk::new(P256, FULL);
    let program = script(
        &desk,
        "floods",
        "printf 'red \\033[31m title \\033]0;x\\007\\n'; head -c 10000000 /dev/zero | tr '\\0' y; echo; echo the end >&2; exit 0",
    );
    let ended = desk
        .run(&["apply", "--yes", "--on-collected", &program])
        .expect(0);
    assert!(ended.stderr.len() < 100_000, "{}", ended.stderr.len());
    assert!(ended.stderr.contains("more bytes are not shown"));
    assert!(ended.stderr.contains("red ") && !ended.stderr.contains('\u{1b}'));
    assert!(!ended.stdout.contains("red ") && !ended.stdout.contains("yyyy"));
    desk.is_settled();
}

#[test]
fn a_program_that_may_not_be_run_is_refused_before_anything_is_sent() {
    for flag in ["--on-collected", "--on-finished"] {
        let desk = Desk::new(P256, FULL);
        let good = script(&desk, "good", "exit 0");
        let folder = desk.rig.path("programs");
        let place = |name: &str| folder.join(name).display().to_string();
        for (name, mode) in [
            ("all", 0o777),
            ("group", 0o775),
            ("others", 0o757),
            ("not-run", 0o644),
        ] {
            let path = script(&desk, name, "exit 0");
            set_mode(&PathBuf::from(path), mode);
        }
        fs::create_dir(folder.join("open")).expect("a folder");
        fs::copy(&good, folder.join("open/inside")).expect("a copy");
        set_mode(&folder.join("open"), 0o777);
        symlink("open/inside", folder.join("to-open")).expect("a link");
        symlink("nothing", folder.join("dangling")).expect("a link");
        symlink("round", folder.join("round")).expect("a link");
        let mut wrong = vec![
            place("missing"),
            place("all"),
            place("group"),
            place("others"),
            place("not-run"),
            place("open/inside"),
            place("to-open"),
            place("dangling"),
            place("round"),
            place(""),
            place("good/below"),
            "/dev/null".to_owned(),
            "programs/good".to_owned(),
            "./programs/good".to_owned(),
            "good".to_owned(),
            "sh".to_owned(),
            String::new(),
        ];
        if rustix::process::geteuid().is_root() {
            let foreign = script(&desk, "foreign", "exit 0");
            std::os::unix::fs::chown(&foreign, Some(65534), Some(65534)).expect("given away");
            wrong.push(foreign);
        }
        for path in wrong {
            let ended = desk.run(&["apply", "--yes", flag, &path]).expect(64);
            assert!(ended.stderr.contains(flag), "{path}: {}", ended.stderr);
        }
        assert_eq!(desk.rig.changes().len(), 0);
        assert!(!desk.files.exists());
        // A link that leads to a good one is as good.
        symlink("good", folder.join("link")).expect("a link");
        desk.apply(&[flag, &place("link")], 0);
    }
}

#[test]
fn a_program_that_is_replaced_during_the_run_is_not_the_one_that_runs() {
    let desk = Desk::new(P256, FULL);
    let marker = desk.rig.path("which").display().to_string();
    let program = script(&desk, "first", &format!("echo first >> '{marker}'"));
    let other = script(&desk, "second", &format!("echo second >> '{marker}'"));
    desk.rig.faults(json!([{ "match": { "path_contains": "/download/" }, "fault": "delay", "ms": 1500, "times": 1 }]));
    let child = desk
        .rig
        .spawn(&["apply", "--yes", "--on-collected", &program]);
    desk.rig.until("the download", || {
        desk.downloads() > 0 || desk.names("pending/www").len() == 1
    });
    fs::rename(&other, &program).expect("replaced");
    let ended = crate::rig::Ended::new(child.wait_with_output().expect("it ends")).expect(0);
    let ran =
        fs::read_to_string(&marker).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    assert_eq!(ran, "first\n");
}

#[test]
fn a_program_that_disappears_or_is_opened_to_others_during_the_run_is_the_one_that_was_looked_at() {
    for harm in ["removed", "made a folder", "writable by all"] {
        let desk = Desk::new(P256, FULL);
        let program = counting(&desk, "exit 0");
        desk.rig.faults(json!([{ "match": { "path_contains": "/download/" }, "fault": "delay", "ms": 1000, "times": 1 }]));
        let child = desk
            .rig
            .spawn(&["apply", "--yes", "--on-collected", &program]);
        desk.rig.until("the download", || desk.downloads() > 0);
        match harm {
            "removed" => fs::remove_file(&program).expect("removed"),
            "made a folder" => {
                fs::remove_file(&program).expect("removed");
                fs::create_dir(&program).expect("a folder");
            }
            _ => set_mode(&PathBuf::from(&program), 0o777),
        }
        let ended = crate::rig::Ended::new(child.wait_with_output().expect("it ends"));
        // It runs from the handle on which it was looked at, or it is told; nothing else runs.
        let told = format!("{harm}: {}{}", ended.stdout, ended.stderr);
        assert!(matches!(ended.code, Some(0 | 1)), "{told}");
        assert_eq!(ran(&desk) == 1, ended.code == Some(0), "{told}");
        desk.opens();
        let again = desk.run(&["apply", "--yes", "--on-collected", &program]);
        assert_eq!(again.code, Some(64), "{harm}: {}", again.stderr);
        assert_eq!(desk.bought(), (1, 0), "{harm}");
    }
}

#[test]
fn the_program_at_the_end_reads_the_report_only_when_something_happened() {
    let desk = Desk::new(P256, FULL);
    let told = desk.rig.path("told").display().to_string();
    let program = script(
        &desk,
        "finished",
        &format!("cat > '{told}'; env > '{told}.env'"),
    );
    let flag = ["--on-finished", &*program];
    let report = desk.apply(&flag, 0);
    let read: Value = serde_json::from_slice(&fs::read(&told).expect("it ran")).expect("JSON");
    assert_eq!(read, report);
    let env = fs::read_to_string(format!("{told}.env")).expect("it ran");
    assert!(
        !env.contains("sandbox-certcentral-key") && !env.contains("DIGICERT"),
        "{env}"
    );
    fs::remove_file(&told).expect("removed");
    desk.apply(&flag, 0);
    assert!(!PathBuf::from(&told).exists(), "nothing happened");
    desk.apply(&[&flag[..], &["--on-finished-always"]].concat(), 0);
    assert!(PathBuf::from(&told).exists(), "every run");
    fs::remove_file(&told).expect("removed");
    // A failure is something that happened.
    fs::remove_file(desk.version().join("cert.pem")).expect("removed");
    desk.rig
        .faults(json!([{ "match": { "path_contains": "/download/" }, "fault": "html" }]));
    desk.apply(&flag, 1);
    let read: Value = serde_json::from_slice(&fs::read(&told).expect("it ran")).expect("JSON");
    assert_eq!(outcome(&read), "failed");
    fs::remove_file(&told).expect("removed");
    // Waiting is not.
    desk.rig.faults(json!([]));
    desk.apply(&[], 0);
    fs::remove_file(desk.version().join("privkey.pem")).expect("removed");
    desk.forget();
    desk.apply(&flag, 3);
    assert!(!PathBuf::from(&told).exists(), "it waits");
    let ended = desk.run(&["apply", "--yes", "--on-finished-always"]);
    ended.expect(64);
}

#[test]
fn a_program_at_the_end_that_fails_or_reads_nothing_is_told() {
    for (text, code) in [("exit 3", 1), ("exec <&-; exit 0", 0), ("sleep 300", 1)] {
        let desk = Desk::new(P256, FULL);
        let program = script(&desk, "finished", text);
        let ended = desk.run(&[
            "apply",
            "--yes",
            "--on-finished",
            &program,
            "--hook-timeout",
            "1s",
        ]);
        let ended = ended.expect(code);
        assert_eq!(
            ended.stderr.contains("--on-finished failed"),
            code == 1,
            "{text}: {}",
            ended.stderr
        );
        desk.opens();
        desk.is_settled();
    }
}

#[test]
fn programs_of_many_collections_run_one_at_a_time() {
    let desk = Desk::new(P256, FULL);
    let mut text = String::from("orders:\n");
    for number in 0..6 {
        text.push_str(&super::named(
            &format!("w{number}"),
            &[&format!("w{number}.example.com")],
            P256,
            FULL,
        ));
    }
    desk.rig.manifest(&text);
    let (lock, log) = (
        desk.rig.path("lock").display().to_string(),
        desk.rig.path("log").display().to_string(),
    );
    let program = script(
        &desk,
        "alone",
        &format!(
            "mkdir '{lock}' || exit 7; echo \"$CERTPLAN_ADDRESS\" >> '{log}'; sleep 0.1; rmdir '{lock}'"
        ),
    );
    desk.run(&["apply", "--yes", "--on-collected", &program])
        .expect(0);
    let log = fs::read_to_string(&log).expect("it ran");
    let mut ran: Vec<&str> = log.lines().collect();
    ran.sort_unstable();
    assert_eq!(ran.len(), 6);
    ran.dedup();
    assert_eq!(ran.len(), 6);
}

#[test]
fn a_program_that_runs_when_a_signal_comes_is_let_finish_and_is_not_run_again() {
    let desk = Desk::new(P256, FULL);
    let begun = desk.rig.path("begun");
    let program = counting(
        &desk,
        &format!("touch '{}'; sleep 2; exit 0", begun.display()),
    );
    let child = desk
        .rig
        .spawn(&["apply", "--yes", "--on-collected", &program]);
    desk.rig.until("the program", || begun.exists());
    let id = child.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(told.expect("kill runs").success());
    let ended = crate::rig::Ended::new(child.wait_with_output().expect("it ends"));
    assert!(
        matches!(ended.code, Some(0 | 130)),
        "{:?} {}",
        ended.code,
        ended.stderr
    );
    desk.opens();
    desk.is_settled();
    desk.apply(&["--on-collected", &program], 0);
    assert_eq!(ran(&desk), 1);
}
