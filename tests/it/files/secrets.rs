//! Private keys and passphrases stand in the files folder and nowhere else.

use std::fs;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;

use super::{Desk, FULL, P256, WWW, private_keys};

/// Parts of each private key and each passphrase, in the spellings in which they could leak.
fn secrets(desk: &Desk, more: &[&str]) -> Vec<String> {
    let mut found = std::collections::BTreeMap::new();
    private_keys(&desk.files, &mut found);
    assert!(!found.is_empty());
    let mut parts: Vec<String> = more.iter().map(|text| (*text).to_owned()).collect();
    for bytes in found.values() {
        let text = String::from_utf8(bytes.clone()).expect("PEM");
        let body: String = text
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = BASE64.decode(body.as_bytes()).expect("base64");
        // The middle: the head and the public half at the end are no secret.
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let secret = &der[36..60];
        parts.push(lines[0][48..].to_owned());
        parts.push(HEXLOWER.encode(secret));
        for offset in 0..3 {
            let mut padded = vec![0; offset];
            padded.extend(secret);
            let inner = BASE64.encode(&padded);
            parts.push(inner[4..inner.len() - 4].to_owned());
        }
    }
    let mut passes = Vec::new();
    passphrases(&desk.files, &mut passes);
    parts.extend(passes);
    for part in &parts {
        assert!(part.len() >= 12, "{part}");
    }
    parts
}

fn passphrases(folder: &Path, found: &mut Vec<String>) {
    for name in super::names(folder) {
        let path = folder.join(&name);
        if fs::symlink_metadata(&path).expect("an entry").is_dir() {
            passphrases(&path, found);
        } else if name == "p12.pass" {
            let text = fs::read_to_string(&path).expect("a passphrase");
            found.push(text.trim_end().to_owned());
        }
    }
}

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

/// Each file below a folder but those of keys and certificates.
#[track_caller]
fn not_kept(folder: &Path, but: &Path, parts: &[String], files: &mut usize) {
    for name in super::names(folder) {
        let path = folder.join(&name);
        let is = fs::symlink_metadata(&path).expect("an entry");
        if path == but || is.is_symlink() {
            continue;
        }
        if is.is_dir() {
            not_kept(&path, but, parts, files);
        } else {
            *files += 1;
            let bytes = fs::read(&path).expect("a file");
            for part in parts {
                assert!(!holds(&bytes, part), "{} holds {part}", path.display());
            }
        }
    }
}

#[test]
fn keys_and_passphrases_are_told_to_nobody() {
    let given = "Gx7-passphrase-of-a-variable-42";
    for (files, more) in [
        ("kinds: [fullchain, combined, p12]", &[][..]),
        (
            "kinds: [p12], p12: legacy, passphrase: { env: P12_PASS }",
            &[given][..],
        ),
    ] {
        for key in [P256, "key: { generate: rsa-2048, reuse: true }"] {
            let mut desk = Desk::new(key, files);
            desk.rig.set("P12_PASS", given);
            let mut said = Vec::new();
            let mut run = |desk: &Desk, args: &[&str]| {
                let ended = desk.run(args);
                said.extend([ended.stdout.into_bytes(), ended.stderr.into_bytes()]);
            };
            run(&desk, &["-vv", "plan", "--out", "saved.plan"]);
            run(
                &desk,
                &[
                    "-vv",
                    "--log-format",
                    "json",
                    "apply",
                    "saved.plan",
                    "--report",
                    "json=report.json",
                    "--report",
                    "markdown=report.md",
                ],
            );
            for command in ["status", "history", "show", "plan", "doctor"] {
                run(&desk, &["-vv", command]);
                run(&desk, &[command, "--format", "json"]);
            }
            run(&desk, &["-vv", "show", "saved.plan"]);
            // What goes wrong says no more.
            desk.rig
                .faults(json!([{ "match": { "path_contains": "/download/" }, "fault": "html" }]));
            fs::remove_file(desk.version().join("cert.p12")).expect("removed");
            run(
                &desk,
                &["-vv", "apply", "--yes", "--report", "json=report-2.json"],
            );
            desk.rig.faults(json!([]));
            run(
                &desk,
                &["-vv", "apply", "--yes", "--report", "json=report-3.json"],
            );
            fs::remove_file(desk.version().join("privkey.pem")).expect("removed");
            desk.forget();
            run(&desk, &["-vv", "apply", "--yes", "--rekey", WWW]);
            desk.opens();
            let parts = secrets(&desk, more);
            said.push(desk.rig.ask("ledger").to_string().into_bytes());
            said.push(desk.rig.ask("state").to_string().into_bytes());
            for text in &said {
                for part in &parts {
                    assert!(
                        !holds(text, part),
                        "{part} in\n{}",
                        String::from_utf8_lossy(text)
                    );
                }
            }
            let mut files = 0;
            not_kept(desk.rig.folder(), &desk.files, &parts, &mut files);
            not_kept(desk.rig.home(), &desk.files, &parts, &mut files);
            assert!(files >= 6, "{files}");
            assert!(desk.bought() == (1, 1));
        }
    }
}

#[test]
fn a_program_hears_no_key_and_no_passphrase() {
    let mut desk = Desk::new(P256, "kinds: [p12], passphrase: { env: P12_PASS }");
    let given = "Gx7-passphrase-of-a-variable-43";
    desk.rig.set("P12_PASS", given);
    let told = desk.rig.path("told").display().to_string();
    let path = desk.rig.path("tell");
    fs::write(
        &path,
        format!(
            "#!/bin/sh\nenv >> '{told}'; cat >> '{told}'; cat /proc/self/cmdline >> '{told}'\n"
        ),
    )
    .expect("a script");
    super::set_mode(&path, 0o755);
    let path = path.to_str().expect("text");
    desk.apply(&["--on-collected", path, "--on-finished", path], 0);
    let told = fs::read(&told).expect("it ran");
    for part in secrets(&desk, &[given]) {
        assert!(!holds(&told, &part), "{part}");
    }
}

#[test]
fn the_ca_gets_the_public_half_alone() {
    let desk = Desk::new(P256, FULL);
    desk.apply(&[], 0);
    let ledger = desk.rig.ask("ledger").to_string();
    assert!(!ledger.contains("PRIVATE KEY"));
}
