//! From an entry to files: every kind of key, every kind of file, their modes, and an empty plan afterwards.

use std::fs;

use super::{Desk, FULL, P256, mode, names, openssl, outcome, www};
use crate::rig::action;

#[test]
fn an_order_with_each_kind_of_key_becomes_files_and_then_there_is_nothing_to_do() {
    for (word, said) in [
        ("p-256", "prime256v1"),
        ("p-384", "secp384r1"),
        ("rsa-2048", "(2048 bit"),
        ("rsa-3072", "(3072 bit"),
        ("rsa-4096", "(4096 bit"),
    ] {
        let desk = Desk::new(&format!("key: {{ generate: {word} }}"), FULL);
        let planned = desk.planned();
        assert_eq!(planned["action"], "order", "{word}");
        assert_eq!(planned["key"]["state"], "to_make", "{word}: {planned:#}");
        assert!(!desk.files.exists(), "a plan makes no folder");
        let report = desk.apply(&[], 0);
        assert_eq!(outcome(&report), "done", "{word}");
        let live = desk.files.join("live/www");
        let told = &action(&report, super::WWW)["collected"];
        assert_eq!(told["directory"], live.to_str().expect("text"), "{word}");
        let text = openssl(
            &["pkey", "-noout", "-text", "-in"],
            &desk.live("privkey.pem"),
        );
        assert!(text.contains(said), "{word}: {text}");
        desk.opens();
        desk.is_settled();
        assert_eq!(desk.planned()["key"]["state"], "present");
        assert_eq!(desk.bought(), (1, 0), "{word}");
        assert_eq!(desk.names("pending/www"), [""; 0], "{word}");
    }
}

#[test]
fn the_chain_is_whole_and_without_its_root() {
    let desk = Desk::collected();
    let order = desk.rig.certcentral(
        "GET",
        "/order/certificate/70000001",
        &serde_json::Value::Null,
    );
    let id = order["certificate"]["id"].to_string();
    let above = desk.rig.certcentral(
        "GET",
        &format!("/certificate/{id}/chain"),
        &serde_json::Value::Null,
    );
    let root = above["intermediates"][1]["pem"].as_str().expect("a root");
    desk.rig.write("root.pem", root);
    let root = desk.rig.path("root.pem");
    let (root, chain) = (root.to_str().expect("text"), desk.live("chain.pem"));
    let args = [
        "verify",
        "-CAfile",
        root,
        "-untrusted",
        chain.to_str().expect("text"),
    ];
    openssl(&args, &desk.live("cert.pem"));
    for (file, blocks) in [("cert.pem", 1), ("chain.pem", 1), ("fullchain.pem", 2)] {
        let text = String::from_utf8(desk.read(file)).expect("text");
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), blocks, "{file}");
        assert!(!text.contains('\r') && text.ends_with("-----\n"), "{file}");
    }
    let names = openssl(
        &["x509", "-noout", "-ext", "subjectAltName", "-in"],
        &desk.live("cert.pem"),
    );
    assert!(names.contains("DNS:www.example.com") && names.contains("DNS:example.com"));
    let serial = openssl(
        &["x509", "-noout", "-serial", "-in"],
        &desk.live("cert.pem"),
    );
    let serial = serial.trim().trim_start_matches("serial=").to_lowercase();
    let folder = desk.version();
    let folder = folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("text");
    assert_eq!(folder, serial.trim_start_matches('0'));
}

#[test]
fn files_have_the_modes_that_keep_keys_from_others() {
    let desk = Desk::new(P256, "kinds: [cert, chain, fullchain, combined, p12]");
    // Whatever the mask of the process is.
    let args = ["-c", "umask 0; exec \"$0\" \"$@\""];
    let mut command = desk.rig.command_under("sh", &args, &["apply", "--yes"]);
    assert!(command.output().expect("it runs").status.success());
    let version = desk.version();
    for (path, wanted) in [
        (desk.files.clone(), 0o700),
        (desk.files.join("live"), 0o755),
        (desk.files.join("archive"), 0o700),
        (desk.files.join("archive/www"), 0o700),
        (version.clone(), 0o700),
        (desk.files.join("pending"), 0o700),
        (desk.files.join("pending/www"), 0o700),
        (desk.files.join(".certplan-files"), 0o644),
        (desk.files.join(".gitignore"), 0o644),
        (version.join("privkey.pem"), 0o600),
        (version.join("combined.pem"), 0o600),
        (version.join("cert.p12"), 0o600),
        (version.join("p12.pass"), 0o600),
        (version.join("cert.pem"), 0o644),
        (version.join("chain.pem"), 0o644),
        (version.join("fullchain.pem"), 0o644),
    ] {
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
    let kept = [
        "cert.p12",
        "cert.pem",
        "chain.pem",
        "combined.pem",
        "fullchain.pem",
        "p12.pass",
        "privkey.pem",
    ];
    assert_eq!(names(&version), kept);
    let ignored = fs::read_to_string(desk.files.join(".gitignore")).expect("a file");
    assert_eq!(ignored, "*\n");
    let marker = fs::read(desk.files.join(".certplan-files")).expect("a marker");
    let marker: serde_json::Value = serde_json::from_slice(&marker).expect("JSON");
    assert_eq!(marker["format"], 1);
    assert_eq!(marker["files_id"].as_str().map(str::len), Some(36));
    assert_eq!(
        names(&desk.files),
        [
            ".certplan-files",
            ".gitignore",
            "archive",
            "live",
            "pending"
        ]
    );
}

#[test]
fn a_group_may_read_what_is_made_for_it() {
    let desk = Desk::new(P256, "kinds: [cert, combined]");
    let folder = desk.rig.path("for-group");
    let refused = desk
        .run(&["apply", "--yes", "--files-group", "4242"])
        .expect(1);
    assert!(refused.stderr.contains("--files-dir"), "{}", refused.stderr);
    assert_eq!(desk.bought(), (0, 0));
    super::set_mode(desk.rig.folder(), 0o755);
    let at = [
        "--files-dir",
        folder.to_str().expect("text"),
        "--files-group",
        "4242",
    ];
    let mut args = vec!["apply", "--yes"];
    args.extend(at);
    desk.run(&args).expect(0);
    let version = fs::canonicalize(folder.join("live/www")).expect("a version");
    use std::os::unix::fs::MetadataExt;
    for (path, wanted) in [
        (folder.clone(), 0o750),
        (folder.join("archive"), 0o750),
        (version.clone(), 0o750),
        (version.join("privkey.pem"), 0o640),
        (version.join("combined.pem"), 0o640),
        (version.join("cert.pem"), 0o644),
    ] {
        assert_eq!(mode(&path), wanted, "{}", path.display());
        let group = fs::metadata(&path).expect("it is there").gid();
        assert_eq!(group, 4242, "{}", path.display());
    }
    let mut args = vec!["plan", "--detailed-exitcode"];
    args.extend(at);
    desk.run(&args).expect(0);
    // Without the group it is the same folder.
    desk.run(&["plan", "--detailed-exitcode", "--files-dir", at[1]])
        .expect(0);
    assert!(!desk.files.join("live").exists());
}

#[test]
fn combined_holds_the_key_the_certificate_and_the_chain() {
    let desk = Desk::new(P256, "kinds: [combined]");
    desk.apply(&[], 0);
    assert_eq!(names(&desk.version()), ["combined.pem", "privkey.pem"]);
    let file = desk.live("combined.pem");
    let of_key = openssl(&["pkey", "-pubout", "-in"], &file);
    assert_eq!(
        openssl(&["x509", "-noout", "-pubkey", "-in"], &file),
        of_key
    );
    let text = fs::read_to_string(&file).expect("text");
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(text.starts_with("-----BEGIN PRIVATE KEY"));
    desk.is_settled();
}

#[test]
fn openssl_opens_the_p12_with_the_passphrase_whichever_way_it_is_given() {
    for strength in ["modern", "legacy"] {
        for (said, passphrase) in [
            ("", None),
            (", passphrase: { generate: true }", None),
            (
                ", passphrase: { env: P12_PASS }",
                Some("from a variable, 30 characters"),
            ),
            (", passphrase: { file: p12.txt }", Some("from a file")),
        ] {
            let mut desk = Desk::new(P256, &format!("kinds: [p12], p12: {strength}{said}"));
            if let Some(passphrase) = passphrase {
                desk.rig.set("P12_PASS", passphrase);
                desk.rig.write("p12.txt", format!("{passphrase}\n"));
                super::set_mode(&desk.rig.path("p12.txt"), 0o600);
            }
            desk.apply(&[], 0);
            let made = fs::read_to_string(desk.live("p12.pass")).ok();
            assert_eq!(made.is_some(), passphrase.is_none(), "{said}");
            let opener = passphrase
                .map(str::to_owned)
                .or(made)
                .expect("a passphrase");
            let opener = format!("pass:{}", opener.trim_end());
            let mut args = vec!["pkcs12", "-nodes", "-passin", &opener];
            if strength == "legacy" {
                args.push("-legacy");
            }
            args.push("-in");
            let text = openssl(&args, &desk.live("cert.p12"));
            assert!(text.contains("BEGIN PRIVATE KEY"), "{strength} {said}");
            assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
            desk.is_settled();
            // A file that is made again opens with the same passphrase.
            fs::remove_file(desk.version().join("cert.p12")).expect("the file goes");
            desk.is_to_collect("files_missing");
            desk.apply(&[], 0);
            openssl(&args, &desk.live("cert.p12"));
            desk.is_settled();
            assert_eq!(desk.bought(), (1, 0));
        }
    }
}

/// A second reader for each kind of key: the pair, the chain up to the root, and the PKCS#12 file of both strengths.
#[test]
fn openssl_reads_all_that_is_made_for_each_kind_of_key() {
    for strength in ["modern", "legacy"] {
        let files = format!("kinds: [cert, chain, fullchain, combined, p12], p12: {strength}");
        let desk = Desk::new(P256, &files);
        let kinds = ["p-256", "p-384", "rsa-2048", "rsa-3072", "rsa-4096"];
        let entries: String = kinds
            .map(|kind| {
                let (key, host) = (
                    format!("key: {{ generate: {kind} }}"),
                    format!("{kind}.example.com"),
                );
                super::named(&format!("of-{kind}"), &[&host], &key, &files)
            })
            .concat();
        desk.rig.manifest(&format!("orders:\n{entries}"));
        desk.run(&["apply", "--yes"]).expect(0);
        let id = desk.rig.effects("order_created")[0]["ids"]["order_id"].clone();
        let id = id.as_str().expect("an id");
        let nothing = serde_json::Value::Null;
        let path = format!("/order/certificate/{id}");
        let order = desk.rig.certcentral("GET", &path, &nothing);
        let path = format!("/certificate/{}/chain", order["certificate"]["id"]);
        let above = desk.rig.certcentral("GET", &path, &nothing);
        let root = above["intermediates"][1]["pem"].as_str().expect("a root");
        desk.rig.write("root.pem", root);
        let root = desk.rig.path("root.pem");
        let root = root.to_str().expect("text");
        for kind in kinds {
            let live = desk.files.join(format!("live/of-{kind}"));
            let at = |file: &str| live.join(file);
            let of_key = openssl(&["pkey", "-pubout", "-in"], &at("privkey.pem"));
            openssl(&["pkey", "-noout", "-check", "-in"], &at("privkey.pem"));
            for file in ["cert.pem", "fullchain.pem", "combined.pem"] {
                let args = ["x509", "-noout", "-pubkey", "-in"];
                assert_eq!(openssl(&args, &at(file)), of_key, "{kind} {file}");
            }
            let combined = openssl(&["pkey", "-pubout", "-in"], &at("combined.pem"));
            assert_eq!(combined, of_key, "{kind}");
            for file in ["chain.pem", "fullchain.pem", "combined.pem"] {
                let above = at(file);
                let above = above.to_str().expect("text");
                let args = ["verify", "-CAfile", root, "-untrusted", above];
                openssl(&args, &at("cert.pem"));
            }
            let made = fs::read_to_string(at("p12.pass")).expect("a passphrase");
            let opener = format!("pass:{}", made.trim_end());
            let mut args = vec!["pkcs12", "-nodes", "-passin", &opener];
            if strength == "legacy" {
                args.push("-legacy");
            }
            args.push("-in");
            desk.rig.write("p12.pem", openssl(&args, &at("cert.p12")));
            let p12 = desk.rig.path("p12.pem");
            assert_eq!(openssl(&["pkey", "-pubout", "-in"], &p12), of_key, "{kind}");
            let args = ["x509", "-noout", "-pubkey", "-in"];
            assert_eq!(openssl(&args, &p12), of_key, "{kind} {strength}");
        }
        desk.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
}

#[test]
fn a_passphrase_that_is_not_there_leaves_everything_as_it_is() {
    let mut desk = Desk::new(P256, "kinds: [cert, p12], passphrase: { env: P12_PASS }");
    let ended = desk.run(&["apply", "--yes"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("P12_PASS"), "{}", ended.stdout);
    assert!(!desk.files.join("live/www").exists());
    assert_eq!(desk.bought(), (0, 0));
    for wrong in ["", "pass\nphrase", "pa\u{df}wort"] {
        desk.rig.set("P12_PASS", wrong);
        let ended = desk.run(&["apply", "--yes"]).expect(1);
        assert!(ended.stdout.contains("P12_PASS"), "{}", ended.stdout);
        assert_eq!(desk.bought(), (0, 0));
    }
    desk.rig.set("P12_PASS", "now it is there");
    desk.apply(&[], 0);
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
    // It goes away later: what is there stays, and is made good when it is back.
    desk.rig.unset("P12_PASS");
    desk.is_settled();
    fs::remove_file(desk.version().join("cert.pem")).expect("removed");
    let ended = desk.run(&["apply", "--yes"]).expect(1);
    assert!(ended.stdout.contains("P12_PASS"), "{}", ended.stdout);
    desk.rig.set("P12_PASS", "another one");
    desk.apply(&[], 0);
    desk.is_settled();
    let args = ["pkcs12", "-nodes", "-passin", "pass:another one", "-in"];
    openssl(&args, &desk.live("cert.p12"));
}

#[test]
fn an_order_with_a_csr_becomes_files_without_a_key() {
    let desk = Desk::new("csr: { file: www.csr }", FULL);
    desk.rig
        .write("www.csr", crate::rig::csr("www.example.com"));
    desk.apply(&[], 0);
    assert_eq!(
        names(&desk.version()),
        ["cert.pem", "chain.pem", "fullchain.pem"]
    );
    desk.is_settled();
}

#[test]
fn what_waits_for_approval_is_collected_by_the_run_that_finds_it_issued() {
    let desk = Desk::new(P256, FULL);
    desk.rig
        .tell("options", serde_json::json!({ "approval": "required" }));
    desk.apply(&[], 0);
    assert_eq!(desk.names("pending/www").len(), 1);
    assert_eq!(desk.planned()["key"]["state"], "pending");
    assert!(!desk.files.join("live/www").exists());
    desk.rig.approve_all();
    desk.is_to_collect("not_collected");
    let asked = desk.planned();
    let text = asked.to_string();
    assert!(text.contains("/download/format/pem_all"), "{asked:#}");
    desk.apply(&[], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.names("pending/www"), [""; 0]);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_reissue_has_a_new_key_unless_it_is_kept_and_live_follows() {
    for (key, is_kept) in [
        (P256, false),
        ("key: { generate: p-256, reuse: true }", true),
    ] {
        let desk = Desk::new(key, FULL);
        desk.apply(&[], 0);
        let (first, old) = (desk.read("privkey.pem"), desk.version());
        let more = www(key, FULL).replace("example.com]", "example.com, more.example.com]");
        desk.rig.manifest(&format!("orders:\n{more}"));
        assert_eq!(desk.word().0, "reissue");
        desk.apply(&[], 0);
        desk.opens();
        assert_eq!(desk.read("privkey.pem") == first, is_kept, "{key}");
        assert_ne!(desk.version(), old);
        assert!(old.join("privkey.pem").exists(), "versions stay");
        desk.is_settled();
        assert_eq!(desk.bought(), (1, 1));
    }
}

#[test]
fn another_kind_of_key_is_a_reissue() {
    let desk = Desk::collected();
    desk.rewrite("key: { generate: rsa-2048, reuse: true }", FULL);
    assert_eq!(desk.word().0, "reissue");
    desk.apply(&[], 0);
    desk.opens();
    let text = openssl(
        &["pkey", "-noout", "-text", "-in"],
        &desk.live("privkey.pem"),
    );
    assert!(text.contains("(2048 bit"), "{text}");
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 1));
}

#[test]
fn files_that_are_asked_for_later_are_made_with_the_key_that_waited_for_them() {
    let desk = Desk::new(P256, "");
    desk.apply(&[], 0);
    desk.is_settled();
    assert_eq!((desk.downloads(), desk.names("pending/www").len()), (0, 1));
    assert!(!desk.files.join("live").exists());
    desk.rewrite(P256, FULL);
    desk.is_to_collect("not_collected");
    desk.apply(&[], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!((desk.downloads(), desk.bought()), (1, (1, 0)));
    assert_eq!(desk.names("pending/www"), [""; 0]);
    // Nobody asks for files any more: what is there stays.
    desk.rewrite(P256, "");
    desk.is_settled();
    desk.opens();
}

#[test]
fn a_person_has_a_key_and_a_p12_without_a_request_of_their_own() {
    let desk = Desk::new(P256, FULL);
    desk.rig.manifest(
        "orders:
  www:
    product: client_premium_sha2
    certificate: { common_name: Kim Minji, emails: [minji@example.com], signature_hash: sha256, key: { generate: rsa-2048 } }
    validity_years: 1
    files: { kinds: [cert, p12], p12: legacy }
",
    );
    let planned = desk.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(planned["warnings"], serde_json::json!([]));
    assert_eq!(desk.planned()["key"]["replaces_pickup"], true);
    let words = || {
        let said = desk.run(&["plan"]).expect(0).stdout;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let no_mail =
        "rsa-2048, to make; with it the recipient gets no e-mail to pick the certificate up";
    let said = words();
    assert_eq!(said.matches(no_mail).count(), 1, "{said}");
    desk.apply(&[], 0);
    desk.opens();
    let names = ["x509", "-noout", "-email", "-in"];
    assert_eq!(
        openssl(&names, &desk.live("cert.pem")).trim(),
        "minji@example.com"
    );
    let made = fs::read_to_string(desk.live("p12.pass")).expect("a passphrase");
    let opener = format!("pass:{}", made.trim_end());
    let args = ["pkcs12", "-legacy", "-nodes", "-passin", &opener, "-in"];
    assert!(openssl(&args, &desk.live("cert.p12")).contains("BEGIN PRIVATE KEY"));
    desk.is_settled();
    // Placed, it is no news; and nobody picks a server's certificate up.
    assert!(!words().contains("pick the certificate up"));
    assert_eq!(desk.planned()["key"]["replaces_pickup"], false);
    let server = Desk::new(P256, FULL);
    assert_eq!(server.planned()["key"]["replaces_pickup"], false);
    assert_eq!(desk.rig.effects("order_created").len(), 1);
}
