//! The URL, the variables, and what they ask for that cannot be done.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use tokio_postgres::config::TargetSessionAttrs;

use super::{SECRET, Surroundings, password};

#[test]
fn missing_parts_come_from_the_variables() {
    let mut around = Surroundings::new();
    around
        .set("PGHOST", "db.example")
        .set("PGPORT", "6432")
        .set("PGDATABASE", "pki")
        .set("PGUSER", "certplan")
        .set("PGPASSWORD", SECRET)
        .set("PGCONNECT_TIMEOUT", "3")
        .set("PGAPPNAME", "nightly")
        .set("PGOPTIONS", r"-c role=it's\ me")
        .set("PGTARGETSESSIONATTRS", "primary");
    for (url, shown) in [
        ("postgres://", "certplan@db.example:6432/pki"),
        ("postgresql://", "certplan@db.example:6432/pki"),
        ("postgres:///", "certplan@db.example:6432/pki"),
        ("postgres://@/", "certplan@db.example:6432/pki"),
        ("postgres:///other", "certplan@db.example:6432/other"),
        ("postgres://h", "certplan@h:6432/pki"),
        ("postgres://h:/", "certplan@h:6432/pki"),
        ("postgres://h:5432", "certplan@h:5432/pki"),
        ("postgres://:7000", "certplan@db.example:7000/pki"),
        ("postgres://me@h/db", "me@h:6432/db"),
        (
            "postgres://[2001:db8::1]/db",
            "certplan@[2001:db8::1]:6432/db",
        ),
        ("postgres://[::1]:7000/db", "certplan@[::1]:7000/db"),
        // libpq too has the default port among several hosts.
        ("postgres://a,b/db", "certplan@a:5432,b:5432/db"),
        ("postgres://a:1,b/db", "certplan@a:1,b:5432/db"),
        ("postgres://?host=a,b&port=7", "certplan@a:7,b:7/pki"),
        // Options count before what stands in front of them, and the last one of a name.
        (
            "postgres://u@h/d?user=v&dbname=w&host=x&port=8&port=9",
            "v@x:9/w",
        ),
        ("postgres://?host=&user=", "certplan@db.example:6432/pki"),
        (
            "postgres:///?host=%2Frun%2Fpg",
            "certplan@%2Frun%2Fpg:6432/pki",
        ),
        ("postgres://a%40b@h/d%2Fe", "a%40b@h:6432/d%2Fe"),
    ] {
        let server = around.good(url);
        assert_eq!(server.to_string(), format!("postgres://{shown}"), "{url}");
        assert_eq!(password(&server).as_deref(), Some(SECRET));
        // What is shown can be typed, and leads to the same place.
        let again = around.good(&server.to_string());
        assert_eq!(again.to_string(), server.to_string());
    }
    let config = around.good("postgres://").config;
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
    assert_eq!(config.get_application_name(), Some("nightly"));
    assert_eq!(config.get_options(), Some(r"-c role=it's\ me"));
    let attributes = config.get_target_session_attrs();
    assert_eq!(attributes, TargetSessionAttrs::ReadWrite);
}

#[test]
fn the_url_comes_before_the_variables_and_an_empty_variable_is_an_unset_one() {
    let mut around = Surroundings::new();
    around
        .set("PGHOST", "elsewhere")
        .set("PGPASSWORD", "other")
        .set("PGAPPNAME", "")
        .set("PGCONNECT_TIMEOUT", "")
        .set("PGSSLMODE", "")
        .set("PGREQUIREAUTH", "")
        .set("PGSSLCRL", "")
        .set("PGSSLANYTHING", "");
    let server = around.good("postgres://u:hunter2@h/d");
    assert_eq!(server.to_string(), "postgres://u@h:5432/d");
    assert_eq!(password(&server).as_deref(), Some(SECRET));
    assert_eq!(server.config.get_application_name(), Some("certplan"));
    let ten = Duration::from_secs(10);
    assert_eq!(server.config.get_connect_timeout(), Some(&ten));
    assert_eq!(
        server.sources(),
        "host from the URL, port from the default, user from the URL, database from the URL, password from the URL, TLS verified against the system's roots"
    );
    let server = around.good("postgres://u@/d");
    assert_eq!(password(&server).as_deref(), Some("other"));
    assert!(server.sources().starts_with("host from PGHOST, "));
    assert!(server.sources().contains("password from PGPASSWORD"));
}

#[test]
fn without_a_host_or_a_name_for_it_there_is_no_connection() {
    let mut around = Surroundings::new();
    for url in [
        "postgres://",
        "postgres:///d",
        "postgres://u@/d",
        "postgres://:5432/d",
    ] {
        around.refused(url, "PGHOST");
    }
    around.refused("postgres://?hostaddr=192.0.2.1", "name the host too");
    around.refused(
        "postgres:///?host=/run/pg&hostaddr=192.0.2.1",
        "name the host too",
    );
    around.refused("postgres://a,b/?hostaddr=192.0.2.1", "one by one: 2 and 1");
    around.refused("postgres://?host=a,b&port=1,2,3", "3 are given for 2");
    around.refused("postgres://?host=a,/run/pg", "do not go together");
    around.refused("postgres://?host=a,,b", "has no name");
    around.refused("postgres://?host=@abstract", "%40");
    around.refused("postgres://?host=%40abstract", "abstract socket");
    around.set("PGHOSTADDR", "192.0.2.1");
    let server = around.good("postgres://u@h/d");
    assert_eq!(
        server.to_string(),
        "postgres://u@h:5432/d?hostaddr=192.0.2.1"
    );
    // A name of this machine says nothing where the address is another's.
    around.refused("postgres://u@localhost/d?sslmode=disable", "this machine");
    let local = "postgres://u@/d?hostaddr=127.0.0.1&sslmode=disable";
    assert_eq!(
        around.good(local).to_string(),
        "postgres://u@127.0.0.1:5432/d"
    );
}

/// What would be weaker than asked for is refused, and named with where it comes from.
#[test]
fn a_demand_that_cannot_be_met_is_named() {
    for (variable, value, option) in [
        ("PGREQUIREAUTH", "scram-sha-256", "require_auth"),
        ("PGGSSENCMODE", "require", "gssencmode"),
        ("PGSSLCRL", "/hunter2", "sslcrl"),
        ("PGSSLCRLDIR", "/hunter2", "sslcrldir"),
        ("PGREQUIREPEER", "hunter2", "requirepeer"),
        ("PGSSLCERTMODE", "require", "sslcertmode"),
        ("PGSSLSNI", "0", "sslsni"),
        (
            "PGSSLMINPROTOCOLVERSION",
            "TLSv9",
            "ssl_min_protocol_version",
        ),
        (
            "PGSSLMAXPROTOCOLVERSION",
            "TLSv1.1",
            "ssl_max_protocol_version",
        ),
        ("PGSSLMODE", "disable", "sslmode"),
        ("PGSSLMODE", "hunter2", "sslmode"),
        ("PGCONNECT_TIMEOUT", "hunter2", "connect_timeout"),
        ("PGPORT", "hunter2", "port"),
        ("PGTARGETSESSIONATTRS", "standby", "target_session_attrs"),
        ("PGCHANNELBINDING", "hunter2", "channel_binding"),
    ] {
        let mut around = Surroundings::new();
        around.set(variable, value);
        for said in [variable, &format!("`{option}`")] {
            around.refused("postgres://h/d", said);
        }
        // The same in the URL.
        let url = format!("postgres://h/d?{option}={value}");
        Surroundings::new().refused(&url, &format!("`{option}`"));
        // One in the URL that can be met comes first.
        let harmless = match option {
            "gssencmode" => "disable",
            "sslcertmode" => "allow",
            "sslsni" => "1",
            "ssl_min_protocol_version" | "ssl_max_protocol_version" => "TLSv1.3",
            "sslmode" => "verify-full",
            "connect_timeout" => "1",
            "port" => "1",
            "target_session_attrs" => "any",
            "channel_binding" => "require",
            _ => continue,
        };
        around.good(&format!("postgres://h/d?{option}={harmless}"));
    }
    for unknown in ["PGSSLMOD", "PGSSLPASSWORD", "PGREQUIRE_AUTH", "PGGSSMODE"] {
        let mut around = Surroundings::new();
        around.set(unknown, SECRET);
        around.refused("postgres://h/d", unknown);
    }
    let mut around = Surroundings::new();
    let odd = OsString::from_vec(b"\xff".to_vec());
    around.variables.push(("PGPASSWORD".into(), odd));
    around.refused("postgres://u@h/d", "PGPASSWORD: it is not plain text");
}

#[test]
fn what_changes_nothing_is_no_obstacle() {
    let mut around = Surroundings::new();
    for (name, value) in [
        ("PGSSLMODE", "prefer"),
        ("PGGSSENCMODE", "prefer"),
        ("PGSSLSNI", "1"),
        ("PGSSLCOMPRESSION", "0"),
        ("PGREQUIRESSL", "1"),
        ("PGSSLCERTMODE", "allow"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1"),
        ("PGSSLMAXPROTOCOLVERSION", "TLSv1.3"),
        ("PGKRBSRVNAME", "postgres"),
        ("PGGSSLIB", "gssapi"),
        ("PGCLIENTENCODING", "LATIN1"),
        ("PGTZ", "Asia/Seoul"),
        ("PGDATA", "/var/lib/postgresql"),
    ] {
        around.set(name, value);
    }
    let server = around.good("postgres://u@h/d?ssl=true&keepalives_count=3");
    assert!(server.sources().contains("TLS verified"));
    assert_eq!(server.config.get_keepalives_retries(), Some(3));
}

#[test]
fn options_of_the_url_are_named_without_their_values() {
    let around = Surroundings::new();
    for (option, said) in [
        ("sslpassword=hunter2", "openssl pkey"),
        ("krbsrvname=hunter2", "GSSAPI"),
        ("sslmod=hunter2", "`sslmod` is unknown"),
        ("sslmod=", "`sslmod` is unknown"),
        ("hunter2", "an option has no value"),
        ("hunter2=1", "an option is unknown"),
        ("user", "the option `user` has no value"),
        (
            "connect_timeout=hunter2",
            "value of the option `connect_timeout`",
        ),
        ("hostaddr=hunter2", "value of the option `hostaddr`"),
        ("hunter2@db/state", "%3F"),
        ("user=%FF", "UTF-8"),
    ] {
        around.refused(&format!("postgres://h/d?{option}"), said);
    }
    let server =
        around.good("postgres://h/d?tcp_user_timeout=7&keepalives_idle=8&application_name=x");
    let config = server.config;
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(7)));
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(8));
    assert_eq!(config.get_application_name(), Some("x"));
}
