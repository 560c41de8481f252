//! Connections to the database that break: while a commit is under way, and between two.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::server::server;
use super::{each_once, rig_with};

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The commit never reaches the server.
    Before,
    /// The server commits; its answer never arrives.
    After,
}

/// A way to the server that cuts every so many-th commit.
struct Way {
    port: u16,
    cuts: Arc<AtomicU32>,
}

impl Way {
    fn new(cut: Cut, every: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (commits, cuts) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&cuts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server().port)).expect("a server");
                let (commits, cuts) = (Arc::clone(&commits), Arc::clone(&counted));
                std::thread::spawn(move || carry(&client, &server, cut, every, &commits, &cuts));
            }
        });
        Self { port, cuts }
    }
}

fn carry(
    client: &TcpStream,
    server: &TcpStream,
    cut: Cut,
    every: u32,
    commits: &AtomicU32,
    cuts: &AtomicU32,
) {
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
        if is_commit && commits.fetch_add(1, Ordering::SeqCst) % every == every - 1 {
            cuts.fetch_add(1, Ordering::SeqCst);
            if cut == Cut::After {
                // The client hears nothing any more; the server gets it all.
                let _ = client.shutdown(Shutdown::Both);
                let _ = to.write_all(&buffer[..read]);
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            break;
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn row_87_a_commit_whose_answer_is_lost_is_read_and_not_written_twice() {
    for cut in [Cut::After, Cut::Before] {
        let (mut rig, database) = rig_with(30);
        rig.certplan(&["migrate"]).expect(0);
        let way = Way::new(cut, 2);
        let url = database
            .url()
            .replace(&server().port.to_string(), &way.port.to_string());
        rig.set("CERTPLAN_STATE", &url);
        rig.apply(&[], 0);
        let cuts = way.cuts.load(Ordering::SeqCst);
        assert!(cuts >= 3, "{cut:?}: {cuts} commits were cut");
        each_once(&rig, 30);
        let verified = rig
            .certplan(&["history", "--verify", "--format", "json"])
            .expect(0)
            .json();
        // An intent and an acceptance for each, and nothing twice.
        assert_eq!(verified["facts"], 60, "{cut:?}");
        assert_eq!(database.sql("SELECT count(*) FROM facts"), "60");
    }
}

#[test]
fn a_server_that_goes_away_stops_the_run_and_nothing_is_lost() {
    let (mut rig, database) = rig_with(40);
    super::slow(&rig, 100);
    let child = rig.spawn(&["apply", "--yes", "--report", "json=report.json"]);
    rig.until("orders", || rig.effects("order_created").len() >= 4);
    // Nobody may come in any more, and who is in is thrown out.
    let name = &database.name;
    server().sql(
        "postgres",
        &format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ),
    );
    let output = child.wait_with_output().expect("it ends");
    assert!(
        matches!(output.status.code(), Some(1 | 3)),
        "{:?}",
        output.status
    );
    let placed = rig.effects("order_created").len();
    assert!(placed < 40, "{placed}: it went on without a state");
    server().sql(
        "postgres",
        &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
    );
    rig.faults(serde_json::json!([]));
    rig.set("CERTPLAN_STATE", &database.url());
    rig.apply(&["--lock-timeout", "60s"], 0);
    each_once(&rig, 40);
}

#[test]
fn row_81_a_database_that_was_put_back_is_told_and_its_orders_are_found_again() {
    let (rig, database) = rig_with(2);
    let name = &database.name;
    let server = server();
    rig.apply(&[], 0);
    server.sql(
        "postgres",
        &format!("CREATE DATABASE {name}_backup TEMPLATE {name}"),
    );
    rig.manifest(&super::orders(5));
    rig.apply(&[], 0);
    each_once(&rig, 5);
    server.sql("postgres", &format!("DROP DATABASE {name}"));
    server.sql(
        "postgres",
        &format!("ALTER DATABASE {name}_backup RENAME TO {name}"),
    );
    let ended = rig.certplan(&["plan"]).expect(0);
    assert!(ended.stdout.contains("3 to adopt"), "{}", ended.stdout);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("older than"), "{said}");
    rig.apply(&[], 0);
    each_once(&rig, 5);
    assert_eq!(rig.plan(&[])["summary"]["wait"], 5);
}
