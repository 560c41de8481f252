//! The password file, the service file, and certificates.

use super::{SECRET, Surroundings, password};

#[test]
fn the_first_line_of_the_password_file_that_matches_counts() {
    for (line, is_found) in [
        ("h:5432:d:u:hunter2", true),
        ("*:*:*:*:hunter2", true),
        ("h:*:d:*:hunter2\r", true),
        ("h:5432:d:u:hunter2:more", true),
        ("# h:5432:d:u:hunter2", false),
        ("H:5432:d:u:hunter2", false),
        ("h:5433:d:u:hunter2", false),
        ("h:5432:e:u:hunter2", false),
        ("h:5432:d:v:hunter2", false),
        (r"\h:5432:d:u:hunter2", true),
        (r"\*:*:*:*:hunter2", false),
        ("**:*:*:*:hunter2", false),
        ("h*:*:*:*:hunter2", false),
        ("h:5432:d:u", false),
        (" h:5432:d:u:hunter2", false),
        ("", false),
    ] {
        let around = Surroundings::new();
        around.write(
            ".pgpass",
            0o600,
            &format!("x:1:y:z:other\n\n{line}\n*:*:*:w:other\n"),
        );
        let server = around.good("postgres://u@h/d");
        assert_eq!(
            password(&server).as_deref(),
            is_found.then_some(SECRET),
            "{line}"
        );
        assert_eq!(server.warning(), None);
        if is_found {
            assert!(
                server.sources().contains("/.pgpass"),
                "{}",
                server.sources()
            );
        } else {
            let why = server.target.no_password.unwrap();
            assert!(why.contains("has no line for h:5432:d:u"), "{why}");
        }
    }
    let around = Surroundings::new();
    let escaped = r"a\:b:5432:c\\d:u:p\:q\\r\\:x";
    around.write(".pgpass", 0o600, escaped);
    let server = around.good("postgres://u@[a:b]/c%5Cd");
    assert_eq!(password(&server).as_deref(), Some(r"p:q\r\"));
}

#[test]
fn a_socket_is_localhost_in_the_password_file_and_an_address_is_no_name() {
    let around = Surroundings::new();
    around.write(
        ".pgpass",
        0o600,
        "localhost:*:*:*:local\n/srv/pg:*:*:*:odd\nh:*:*:*:named\n192.0.2.1:*:*:*:address\n",
    );
    for (url, found) in [
        ("postgres:///d?host=/var/run/postgresql", "local"),
        ("postgres:///d?host=/tmp", "local"),
        ("postgres:///d?host=/srv/pg", "odd"),
        ("postgres://h/d?hostaddr=192.0.2.1", "named"),
        ("postgres://192.0.2.1/d", "address"),
    ] {
        assert_eq!(password(&around.good(url)).as_deref(), Some(found), "{url}");
    }
}

#[test]
fn a_password_file_that_others_may_read_is_told_and_not_used() {
    for mode in [0o640, 0o604, 0o644, 0o660, 0o610, 0o601] {
        let around = Surroundings::new();
        around.write(".pgpass", mode, "*:*:*:*:hunter2\n");
        let server = around.good("postgres://u@h/d");
        assert_eq!(password(&server), None);
        let warning = server.warning().unwrap();
        assert!(warning.contains("`chmod 600 "), "{warning}");
        // Another password makes it nobody's business.
        let server = around.good("postgres://u:other@h/d");
        assert_eq!(server.warning(), None);
    }
    for mode in [0o600, 0o400, 0o700] {
        let around = Surroundings::new();
        around.write(".pgpass", mode, "*:*:*:*:hunter2\n");
        let server = around.good("postgres://u@h/d");
        assert_eq!(password(&server).as_deref(), Some(SECRET));
    }
    let around = Surroundings::new();
    std::fs::create_dir(around.home().join(".pgpass")).unwrap();
    let server = around.good("postgres://u@h/d");
    assert!(server.warning().unwrap().contains("regular file"));
}

#[test]
fn another_password_file_is_named_by_option_service_or_variable() {
    let mut around = Surroundings::new();
    around.write(".pgpass", 0o600, "*:*:*:*:home\n");
    let named = around.write("named", 0o600, "*:*:*:*:named\n");
    around.set("PGPASSFILE", &named);
    assert_eq!(
        password(&around.good("postgres://u@h/d")).as_deref(),
        Some("named")
    );
    let other = around.write("other", 0o600, "*:*:*:*:other\n");
    let url = format!("postgres://u@h/d?passfile={other}");
    assert_eq!(password(&around.good(&url)).as_deref(), Some("other"));
    let server = around.good("postgres://u@h/d?passfile=/nowhere");
    assert_eq!(password(&server), None);
    let why = server.target.no_password.unwrap();
    assert!(why.contains("/nowhere is not there"), "{why}");
    // The password of one host is not sent to another.
    let mixed = around.write("mixed", 0o600, "a:*:*:*:hunter2\nb:*:*:*:two\n");
    for hosts in ["a,b", "a,c", "c,a"] {
        let url = format!("postgres://u@{hosts}/d?passfile={mixed}");
        around.refused(&url, "same password");
    }
    let url = format!("postgres://u@a,a/d?passfile={mixed}");
    assert_eq!(password(&around.good(&url)).as_deref(), Some(SECRET));
}

#[test]
fn a_service_comes_after_the_url_and_before_the_variables() {
    let mut around = Surroundings::new();
    around.write(
        ".pg_service.conf",
        0o644,
        "# of ours\n[other]\nhost=wrong\n\n[pki]\n host=db.example\nport=6432\nport=1\ndbname=pki\nuser=a=b\npassword=hunter2 # \"x\\y\n\n[pki]\nhost=late\n[last]\nhost=l\n",
    );
    around.set("PGHOST", "variable").set("PGUSER", "variable");
    let server = around.good("postgres:///?service=pki");
    assert_eq!(server.to_string(), "postgres://a%3Db@db.example:6432/pki");
    assert_eq!(password(&server).as_deref(), Some("hunter2 # \"x\\y"));
    assert!(server.sources().contains("host from the service `pki` of "));
    let server = around.good("postgres://u@h/d?service=pki");
    assert_eq!(server.to_string(), "postgres://u@h:6432/d");
    around.set("PGSERVICE", "last");
    assert_eq!(
        around.good("postgres://").to_string(),
        "postgres://variable@l:5432/variable"
    );
    let server = around.good("postgres:///?service=other");
    assert_eq!(
        server.to_string(),
        "postgres://variable@wrong:5432/variable"
    );
    around.refused(
        "postgres:///?service=hunter2",
        "no section has the service's name",
    );
}

#[test]
fn the_service_file_is_where_libpq_looks_for_it() {
    let mut around = Surroundings::new();
    around.set("PGSYSCONFDIR", "/nowhere");
    around.refused("postgres:///?service=pki", "there is no service file");
    let system = around.write(
        "etc/pg_service.conf",
        0o644,
        "[pki]\nhost=system\n[both]\nhost=system\n",
    );
    let folder = system.trim_end_matches("/pg_service.conf").to_owned();
    around.variables.clear();
    around.set("PGSYSCONFDIR", &folder);
    around.write(".pg_service.conf", 0o644, "[both]\nhost=home\n");
    let host = |around: &Surroundings, service: &str| {
        let server = around.good(&format!("postgres://u@/d?service={service}"));
        server
            .to_string()
            .replace("postgres://u@", "")
            .replace(":5432/d", "")
    };
    assert_eq!(host(&around, "pki"), "system");
    assert_eq!(host(&around, "both"), "home");
    let named = around.write("named.conf", 0o644, "[both]\nhost=named\n");
    around.set("PGSERVICEFILE", &named);
    assert_eq!(host(&around, "both"), "named");
    assert_eq!(host(&around, "pki"), "system");
    around.refused(
        "postgres:///?service=pki&servicefile=/nowhere",
        "/nowhere cannot be read",
    );
}

#[test]
fn a_line_of_a_service_that_cannot_be_used_is_named_by_its_number() {
    for (line, said) in [
        ("hunter2", "line 2: it is no `NAME=VALUE`"),
        (
            "host = hunter2",
            "line 2: write `NAME=VALUE` without blanks",
        ),
        ("sslmod=hunter2", "`sslmod` is unknown"),
        ("service=hunter2", "of its own"),
        ("servicefile=hunter2", "of its own"),
        ("ldap://hunter2", "LDAP"),
        ("require_auth=hunter2", "`require_auth` cannot be used"),
        ("port=hunter2", "value of the option `port`"),
        ("sslmode=hunter2", "the service `pki`"),
    ] {
        let around = Surroundings::new();
        around.write(".pg_service.conf", 0o600, &format!("[pki]\n{line}\n"));
        around.refused("postgres://h/d?service=pki", said);
    }
}

#[test]
fn files_in_the_home_say_whom_to_trust_and_who_one_is() {
    let around = Surroundings::new();
    around.write(".postgresql/root.crt", 0o644, "");
    around.write(".postgresql/postgresql.crt", 0o644, "");
    let server = around.good("postgres://u@h/d");
    assert!(
        server
            .sources()
            .contains("/.postgresql/root.crt, with the client certificate ")
    );
    let server = around.good("postgres://u@h/d?sslrootcert=system&sslcertmode=disable");
    assert!(
        server
            .sources()
            .ends_with("TLS verified against the system's roots")
    );
    let server = around.good("postgres://u@h/d?sslrootcert=/r.pem&sslcert=/c.pem");
    assert!(
        server
            .sources()
            .ends_with("the roots in /r.pem, with the client certificate /c.pem")
    );
    let server = around.good("postgres://u@localhost/d?sslmode=disable");
    assert!(server.sources().ends_with("without TLS, on this machine"));
}
