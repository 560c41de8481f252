//! What a URL leaves out comes from where libpq takes it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::refusals::grants;
use super::rig_with;
use super::server::server;
use crate::rig::Rig;

const PASSWORD: &str = "Zu6mi-canary-pw";

/// A file in the user's home, with this mode.
fn home_file(rig: &Rig, name: &str, mode: u32, text: &str) -> PathBuf {
    let path = rig.home().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
    path
}

/// Runs a command; what it said, in which no password may be.
#[track_caller]
fn said(rig: &Rig, args: &[&str], code: i32) -> String {
    let ended = rig.certplan(args).expect(code);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!said.contains("canary"), "{said}");
    said
}

#[test]
fn variables_password_file_and_service_name_one_state() {
    let (mut rig, database) = rig_with(1);
    let port = server().port.to_string();
    let root = server().root.display().to_string();
    said(&rig, &["migrate"], 0);
    database.sql(&grants("with_password"));
    let shown = format!(
        "postgres://with_password@127.0.0.1:{port}/{}",
        database.name
    );

    // A state in a file is moved to what the variables name.
    rig.unset("CERTPLAN_STATE");
    rig.apply(&[], 0);
    rig.set("CERTPLAN_STATE", "postgres://");
    let variables = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port),
        ("PGDATABASE", &database.name),
        ("PGUSER", "with_password"),
        ("PGSSLROOTCERT", &root),
    ];
    for (name, value) in variables {
        rig.set(name, value);
    }
    let why = said(&rig, &["plan"], 1);
    assert!(
        why.contains("PGPASSWORD") && why.contains("~/.pgpass"),
        "{why}"
    );
    let line = format!("127.0.0.1:*:{}:with_password:{PASSWORD}\n", database.name);
    home_file(&rig, ".pgpass", 0o644, &line);
    let why = said(&rig, &["plan"], 1);
    assert!(why.contains("chmod 600 "), "{why}");
    home_file(
        &rig,
        ".pgpass",
        0o600,
        &line.replace("with_password", "postgres"),
    );
    let why = said(&rig, &["plan"], 1);
    assert!(why.contains("has no line for 127.0.0.1:"), "{why}");
    let file = home_file(&rig, ".pgpass", 0o600, &line);
    said(&rig, &["migrate", "--from", ".certplan/state.db"], 0);
    let moved = said(&rig, &["plan", "--state", ".certplan/state.db"], 1);
    assert!(moved.contains(&shown), "{moved}");
    let told = said(&rig, &["doctor"], 0);
    for part in [
        &*shown,
        "host from PGHOST, port from PGPORT, user from PGUSER, database from PGDATABASE",
        &format!("password from {}", file.display()),
        &format!("TLS verified against the roots in {root}"),
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    // The same by a service: it is one state, and nothing is bought twice.
    for (name, _) in variables {
        rig.unset(name);
    }
    home_file(
        &rig,
        ".pg_service.conf",
        0o600,
        &format!(
            "[pki]\nhost=127.0.0.1\nport={port}\ndbname={}\nuser=with_password\npassword={PASSWORD}\nsslrootcert={root}\n",
            database.name
        ),
    );
    std::fs::remove_file(file).expect("removed");
    rig.set("PGSERVICE", "pki");
    let told = said(&rig, &["apply", "--yes", "-vv"], 0);
    assert!(!told.contains("warning"), "{told}");
    assert!(said(&rig, &["doctor"], 0).contains("from the service `pki` of "));
    // A demand that cannot be met stops it, before anything is sent.
    for (name, value) in [
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGSSLCRL", "/x"),
        ("PGGSSENCMODE", "require"),
    ] {
        rig.set(name, value);
        assert!(said(&rig, &["plan"], 64).contains(name));
        rig.set(name, "");
        said(&rig, &["plan"], 0);
    }
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_role_can_show_a_client_certificate() {
    let (mut rig, database) = rig_with(1);
    said(&rig, &["migrate"], 0);
    database.sql(&grants("by_certificate"));
    let root = format!("sslrootcert={}", server().root.display());
    rig.set("CERTPLAN_STATE", &database.url_of("by_certificate", &root));
    let why = said(&rig, &["plan"], 1);
    assert!(why.contains("`sslcert` and `sslkey`"), "{why}");
    let client = &server().client;
    let certificate = home_file(&rig, "c.pem", 0o644, &client.certificate);
    rig.set("PGSSLCERT", &certificate.display().to_string());
    assert!(said(&rig, &["plan"], 1).contains("PGSSLKEY"));
    for (mode, text, why) in [
        (0o644, &*client.key, "chmod 600 "),
        (0o660, &client.key, "chmod 600 "),
        (0o604, &client.key, "chmod 600 "),
        (0o600, "no key", "holds no key in PEM"),
        (
            0o600,
            &*rcgen::KeyPair::generate().expect("a key").serialize_pem(),
            "`sslkey`",
        ),
    ] {
        let key = home_file(&rig, "k.pem", mode, text);
        rig.set("PGSSLKEY", &key.display().to_string());
        let said = said(&rig, &["apply", "--yes"], 1);
        assert!(said.contains(why), "{why}: {said}");
    }
    assert!(rig.changes().is_empty());
    home_file(&rig, "k.pem", 0o600, &client.key);
    rig.apply(&[], 0);
    let told = said(&rig, &["doctor"], 0);
    assert!(told.contains("with the client certificate "), "{told}");
    // The files of the home count where nothing names others.
    rig.unset("PGSSLCERT");
    rig.unset("PGSSLKEY");
    said(&rig, &["plan"], 1);
    home_file(
        &rig,
        ".postgresql/postgresql.crt",
        0o644,
        &client.certificate,
    );
    home_file(&rig, ".postgresql/postgresql.key", 0o600, &client.key);
    said(&rig, &["plan"], 0);
    rig.set("PGSSLCERTMODE", "disable");
    said(&rig, &["plan"], 1);
}
