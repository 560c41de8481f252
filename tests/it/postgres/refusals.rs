//! Servers, roles and ways there that are refused, and what is said then.

use std::process::{Command, Stdio};

use super::rig_with;
use super::server::{Database, Server, server};
use crate::rig::Rig;

/// The rights of the lesser role, as the documentation grants them.
pub(super) fn grants(role: &str) -> String {
    let page = include_str!("../../../docs/postgresql.md");
    let (_, rest) = page.split_once("```sql\n").expect("a block of SQL");
    let (block, _) = rest.split_once("```").expect("its end");
    assert!(block.contains("TO certplan;"), "{block}");
    block.replace("TO certplan;", &format!("TO {role};"))
}

#[track_caller]
fn refused(rig: &mut Rig, state: &str, why: &str) {
    rig.set("CERTPLAN_STATE", state);
    for command in [["apply", "--yes"].as_slice(), &["plan"]] {
        let ended = rig.certplan(command);
        assert_eq!(ended.code, Some(1), "{command:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{command:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
    assert!(rig.changes().is_empty());
}

#[test]
fn the_certificate_of_the_server_is_verified() {
    let (mut rig, database) = rig_with(1);
    let root = format!("sslrootcert={}", server().root.display());
    // Its authority is not one of the system's.
    refused(&mut rig, &database.url_of("postgres", ""), "TLS");
    refused(
        &mut rig,
        &database.url_of("postgres", "sslmode=require"),
        "TLS",
    );
    let elsewhere = database
        .url_of("postgres", &root)
        .replace("127.0.0.1", "localhost");
    refused(&mut rig, &elsewhere, "TLS");
    let missing = database.url_of("postgres", "sslrootcert=/nowhere.pem");
    refused(&mut rig, &missing, "/nowhere.pem");
    rig.set("CERTPLAN_STATE", &database.url_of("postgres", &root));
    rig.apply(&[], 0);
    assert_eq!(database.sql("SELECT count(*) > 0 FROM facts").trim(), "t");
}

#[test]
fn a_password_comes_from_the_environment_and_is_never_shown() {
    let (mut rig, database) = rig_with(1);
    database.sql("SELECT 1");
    let root = format!("sslrootcert={}", server().root.display());
    let url = database.url_of("with_password", &root);
    let wrong = url.replace("with_password@", "with_password:wrong-canary@");
    refused(&mut rig, &wrong, "password authentication failed");
    refused(&mut rig, &url, "password");
    let right = url.replace("with_password@", "with_password:Zu6mi-canary-pw@");
    rig.set("CERTPLAN_STATE", &right);
    // A role that may not make the tables is told who may.
    let ended = rig.certplan(&["apply", "--yes", "-vv"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("lacks a right"), "{}", ended.stderr);
    rig.set("CERTPLAN_STATE", &database.url());
    rig.certplan(&["migrate"]).expect(0);
    database.sql(&grants("with_password"));
    rig.set("CERTPLAN_STATE", &url);
    rig.set("PGPASSWORD", "Zu6mi-canary-pw");
    let ended = rig.certplan(&["apply", "--yes", "-vv"]).expect(0);
    let status = rig.certplan(&["status"]).expect(0);
    // A server that says the password back, in another spelling too.
    database.sql(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'told: Zu6mi-canary-pw, %5Au6mi-canary-pw'; END $$;
         CREATE TRIGGER tell BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION tell();",
    );
    rig.approve_all();
    let echoed = rig.certplan(&["apply", "--yes", "-vv"]).expect(1);
    assert!(echoed.stderr.contains("told: ***"), "{}", echoed.stderr);
    for text in [
        ended.stdout,
        ended.stderr,
        status.stdout,
        status.stderr,
        echoed.stdout,
        echoed.stderr,
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_lesser_role_is_enough_for_every_run_and_cannot_change_a_fact() {
    let (mut rig, database) = rig_with(3);
    rig.certplan(&["migrate"]).expect(0);
    rig.certplan(&["migrate"]).expect(0);
    database.sql(&grants("lesser"));
    rig.set(
        "CERTPLAN_STATE",
        &database.url_of("lesser", "sslmode=disable"),
    );
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    rig.certplan(&["history", "--verify"]).expect(0);
    rig.certplan(&["doctor"]).expect(0);
    let lesser = |sql: &str| {
        let output = Command::new("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(database.url_of("lesser", "sslmode=disable"))
            .stdin(Stdio::null())
            .output()
            .expect("psql runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for sql in [
        "DELETE FROM certplan.facts",
        "UPDATE certplan.facts SET account = 'x'",
        "TRUNCATE certplan.facts",
        "DROP TABLE certplan.facts",
        "ALTER TABLE certplan.facts DISABLE TRIGGER ALL",
    ] {
        let (done, said) = lesser(sql);
        assert!(
            !done && (said.contains("permission denied") || said.contains("must be owner")),
            "{sql}: {said}"
        );
    }
    // A fact of nobody, and one without its predecessor's hash.
    let copy = |seq: &str, runner: &str| {
        format!(
            "INSERT INTO certplan.facts SELECT {seq}, at, run, address, account, word, body, hash, hash, {runner}
             FROM certplan.facts ORDER BY seq DESC LIMIT 1"
        )
    };
    for (sql, why) in [
        (copy("seq + 1", "runner"), "the lease of the run is over"),
        (
            copy("seq + 2", "runner"),
            "holds the hash of the one before it",
        ),
    ] {
        let (done, said) = lesser(&sql);
        assert!(!done && said.contains(why), "{sql}: {said}");
    }
    // Not even the owner changes one by mistake.
    let before = database.sql("SELECT count(*) FROM facts");
    let output = std::panic::catch_unwind(|| database.sql("DELETE FROM facts"));
    assert!(output.is_err());
    assert_eq!(database.sql("SELECT count(*) FROM facts"), before);
}

#[test]
fn a_newer_schema_is_refused_and_nothing_is_sent() {
    let (mut rig, database) = rig_with(1);
    rig.certplan(&["migrate"]).expect(0);
    database.sql("INSERT INTO refinery_schema_history VALUES (99, 'later', now()::text, '1')");
    refused(&mut rig, &database.url(), "schema 99");
}

/// Each message has its next step.
#[test]
fn what_an_operator_meets_is_told_with_what_to_type() {
    let (mut rig, database) = rig_with(1);
    let apply = |rig: &Rig| {
        let ended = rig.certplan(&["apply", "--yes"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        ended.stderr
    };
    // No tables, and a role that may not make them.
    rig.set(
        "CERTPLAN_STATE",
        &database.url_of("lesser", "sslmode=disable"),
    );
    let said = apply(&rig);
    assert!(
        said.contains("`certplan migrate` once as the owner"),
        "{said}"
    );
    // A server with an authority of its own.
    rig.set("CERTPLAN_STATE", &database.url_of("postgres", ""));
    let said = apply(&rig);
    assert!(said.contains("?sslrootcert=FILE"), "{said}");
    // No password, and a wrong one.
    let root = format!("sslrootcert={}", server().root.display());
    for role in ["with_password", "with_password:wrong-canary"] {
        let url = database.url_of("with_password", &root);
        let url = url.replace("with_password@", &format!("{role}@"));
        rig.set("CERTPLAN_STATE", &url);
        let said = apply(&rig);
        assert!(
            said.contains("PGPASSWORD") && !said.contains("canary"),
            "{said}"
        );
    }
    // A database that is not there.
    let nowhere = database.url().replace(&database.name, "nowhere");
    rig.set("CERTPLAN_STATE", &nowhere);
    let said = apply(&rig);
    assert!(said.contains("createdb"), "{said}");
    // A server that only reads.
    let only_reads = "sslmode=disable&options=-cdefault_transaction_read_only%3Don";
    rig.set("CERTPLAN_STATE", &database.url_of("postgres", only_reads));
    let said = apply(&rig);
    assert!(
        said.contains("only reads: give the primary's address"),
        "{said}"
    );
    // Grants that are not all there.
    rig.set("CERTPLAN_STATE", &database.url());
    rig.certplan(&["migrate"]).expect(0);
    database.sql(&grants("lesser"));
    database.sql("REVOKE UPDATE ON certplan.head FROM lesser");
    rig.set(
        "CERTPLAN_STATE",
        &database.url_of("lesser", "sslmode=disable"),
    );
    let said = apply(&rig);
    assert!(said.contains("grants are needed again"), "{said}");
    // The same is said of the rate budget, by a command that writes nothing else.
    for (role, options, next) in [
        (
            "postgres",
            only_reads,
            "only reads: give the primary's address",
        ),
        ("lesser", "sslmode=disable", "grants are needed again"),
    ] {
        database.sql("REVOKE INSERT ON certplan.budget_flights FROM lesser");
        rig.set("CERTPLAN_STATE", &database.url_of(role, options));
        let ended = rig.certplan(&["plan"]).expect(0);
        let told = ended.stderr.contains("the rate budget") && ended.stderr.contains(next);
        assert!(told, "{}", ended.stderr);
        let told = rig.certplan(&["doctor"]).expect(1).stdout;
        assert!(told.contains(next), "{told}");
    }
    assert!(rig.changes().is_empty());
}

#[test]
fn a_schema_of_somebody_else_is_left_alone() {
    for (what, role) in [
        ("CREATE TABLE certplan.other (number int)", "postgres"),
        (
            "CREATE VIEW certplan.other AS SELECT 1 AS number",
            "postgres",
        ),
        ("CREATE TYPE certplan.other AS ENUM ('a')", "postgres"),
        (
            "CREATE FUNCTION certplan.other() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "postgres",
        ),
        // A role that may not even look into it.
        ("CREATE TABLE certplan.other (number int)", "lesser"),
    ] {
        let (mut rig, database) = rig_with(1);
        database.sql(&format!("CREATE SCHEMA certplan; {what}"));
        rig.set("CERTPLAN_STATE", &database.url_of(role, "sslmode=disable"));
        let before = database.dump();
        for args in [
            &["plan"][..],
            &["status"],
            &["history"],
            &["doctor"],
            &["apply", "--yes"],
            &["migrate"],
        ] {
            let ended = rig.certplan(args).expect(1);
            let told = format!("{}{}", ended.stdout, ended.stderr);
            let said = "holds something else, and no state: use a database of its own";
            assert!(told.contains(said), "{what} {role} {args:?}: {told}");
        }
        assert_eq!(database.dump(), before);
        assert!(rig.changes().is_empty());
    }
}

#[test]
fn an_option_that_cannot_be_used_is_named() {
    let (mut rig, database) = rig_with(1);
    for (option, said) in [
        ("sslpassword=hidden-canary", "`sslpassword`"),
        ("require_auth=hidden-canary", "`require_auth`"),
        ("service=hidden-canary", "service"),
        ("sslmod=hidden-canary", "`sslmod`"),
        ("connect_timeout=canary", "`connect_timeout`"),
    ] {
        rig.set("CERTPLAN_STATE", &database.url_of("postgres", option));
        let ended = rig.certplan(&["plan"]);
        assert_eq!(ended.code, Some(64), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
}

#[test]
fn row_89_a_pooler_that_mixes_sessions_is_refused() {
    let (mut rig, database) = rig_with(1);
    let pooler = Pooler::start(&database, "transaction");
    let url = database
        .url()
        .replace(&server().port.to_string(), &pooler.port.to_string());
    refused(&mut rig, &url, "pooler in transaction mode");
    drop(pooler);
    let pooler = Pooler::start(&database, "statement");
    let url = database
        .url()
        .replace(&server().port.to_string(), &pooler.port.to_string());
    refused(&mut rig, &url, "statement mode");
    drop(pooler);
    let pooler = Pooler::start(&database, "session");
    let url = database
        .url()
        .replace(&server().port.to_string(), &pooler.port.to_string());
    rig.set("CERTPLAN_STATE", &url);
    rig.apply(&[], 0);
}

#[test]
fn row_88_a_server_that_may_forget_is_refused() {
    let (mut rig, _database) = rig_with(1);
    let server = Server::own();
    let database = server.database();
    rig.set("CERTPLAN_STATE", &database.url());
    for setting in ["fsync", "full_page_writes"] {
        let set = |value: &str| {
            server.sql(
                "postgres",
                &format!("ALTER SYSTEM SET {setting} TO {value}"),
            );
            server.sql("postgres", "SELECT pg_reload_conf()");
            rig.until("the setting", || {
                server.sql("postgres", &format!("SHOW {setting}")).trim() == value
            });
        };
        set("off");
        let ended = rig.certplan(&["apply", "--yes"]);
        set("on");
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(setting), "{}", ended.stderr);
    }
    // A session that is told not to wait for the disk waits all the same.
    rig.set(
        "CERTPLAN_STATE",
        &database.url_of(
            "postgres",
            "sslmode=disable&options=-csynchronous_commit%3Doff",
        ),
    );
    rig.apply(&[], 0);
}

/// pgbouncer in front of the server; it goes away with it.
struct Pooler {
    running: std::process::Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start(database: &Database, mode: &str) -> Self {
        let folder = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let settings = format!(
            "[databases]
{name} = host=127.0.0.1 port={server} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = {mode}
default_pool_size = 4
unix_socket_dir =
ignore_startup_parameters = extra_float_digits,options
",
            name = database.name,
            server = server().port,
        );
        let path = folder.path().join("pgbouncer.ini");
        std::fs::write(&path, settings.replace("dbname=", "user=postgres dbname="))
            .expect("a file");
        let running =
            super::server::unprivileged(&super::server::program("pgbouncer", "pgbouncer"))
                .arg(&path)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("pgbouncer runs");
        let pooler = Self {
            running,
            port,
            _folder: folder,
        };
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed().as_secs() < 20, "pgbouncer does not start");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}
