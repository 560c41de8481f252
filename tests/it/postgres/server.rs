//! A real PostgreSQL for the tests: one server for all of them, a database for each. It goes away with the
//! process that runs the tests.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Server and cleaner in one: it ends when nobody holds the other end of its standard input.
const RUN: &str = r#"
"$0/postgres" -D "$1" -p "$2" -k "$1" -c listen_addresses=127.0.0.1 -c max_connections=200 \
    -c ssl=on -c ssl_cert_file=server.crt -c ssl_key_file=server.key \
    -c ssl_ca_file=root.crt >"$1/log" 2>&1 &
server=$!
read -r _
kill -INT "$server"
wait "$server"
rm -rf "$1" "$1.root.crt"
"#;

/// The server of this test process.
pub(crate) struct Server {
    /// Holds the pipe that keeps the server alive.
    _running: Child,
    bin: PathBuf,
    folder: PathBuf,
    pub(crate) port: u16,
    /// PEM of the authority that signed the server's certificate.
    pub(crate) root: PathBuf,
    /// What the role `by_certificate` shows.
    pub(super) client: ClientFiles,
}

/// A certificate and its key, in PEM.
pub(super) struct ClientFiles {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A database of its own.
pub(crate) struct Database {
    pub(crate) name: String,
    server: &'static Server,
}

/// The server, started when it is first asked for. A machine without PostgreSQL fails the test: it is
/// installed (as root on Debian) or the message says what to install.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// The folder of `initdb` and `postgres`.
fn binaries() -> PathBuf {
    let find = || {
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .chain(
                std::env::var_os("PATH")
                    .iter()
                    .flat_map(std::env::split_paths),
            )
            .filter(|folder| {
                ["initdb", "postgres", "psql", "pg_isready"]
                    .iter()
                    .all(|program| folder.join(program).exists())
            })
            .collect();
        found.sort();
        found.pop()
    };
    if let Some(found) = find() {
        return found;
    }
    install("postgresql");
    find().expect("PostgreSQL's server programs are missing: apt-get install postgresql")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A program on the path; installed if it is missing and this is Debian's root.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let find = || {
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(name))
            .find(|path| path.exists())
    };
    if find().is_none() {
        install(package);
    }
    find().unwrap_or_else(|| panic!("{name} is missing: apt-get install {package}"))
}

/// Debian's package, where this may be done; what is missing afterwards is told by who needs it.
fn install(package: &str) {
    if !is_root() {
        return;
    }
    for arguments in [
        ["update", "-y"].as_slice(),
        &["install", "-y", "--no-install-recommends", package],
    ] {
        let _ = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// A command as the user who may run PostgreSQL: it refuses root.
pub(super) fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Server {
    fn start() -> Self {
        let bin = binaries();
        // Short: the path of a socket must fit into 107 bytes.
        let folder = run(unprivileged(Path::new("mktemp")).args(["-d", "/tmp/certplan-pg.XXXXXX"]));
        let folder = PathBuf::from(folder);
        run(unprivileged(&bin.join("initdb"))
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("-D")
            .arg(&folder));
        let (root, client) = certificates(&folder);
        write_as_owner(
            &folder.join("pg_hba.conf"),
            "local all all trust
hostssl all with_password 127.0.0.1/32 scram-sha-256
hostssl all by_certificate 127.0.0.1/32 cert
host all postgres 127.0.0.1/32 trust
host all lesser 127.0.0.1/32 trust
",
        );
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let running = unprivileged(Path::new("sh"))
            .args(["-c", RUN])
            .arg(&bin)
            .arg(&folder)
            .arg(port.to_string())
            .current_dir("/tmp")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let server = Self {
            _running: running,
            bin,
            folder,
            port,
            root,
            client,
        };
        let begun = Instant::now();
        while !Command::new(server.bin.join("pg_isready"))
            .arg("-q")
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
        {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "PostgreSQL does not start: {}",
                std::fs::read_to_string(server.folder.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        server.sql(
            "postgres",
            "CREATE ROLE lesser LOGIN; CREATE ROLE by_certificate LOGIN;
             CREATE ROLE with_password LOGIN PASSWORD 'Zu6mi-canary-pw'",
        );
        server
    }

    /// Runs SQL as the superuser; what it prints, without headings.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        run(Command::new(self.bin.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
            ])
            .arg("-h")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql]))
    }

    /// A server of one test's own, which may change its settings.
    pub(crate) fn own() -> &'static Self {
        Box::leak(Box::new(Self::start()))
    }

    /// A fresh, empty database.
    pub(crate) fn database(&'static self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("state{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database { name, server: self }
    }
}

impl Database {
    pub(crate) fn new() -> Self {
        server().database()
    }

    /// The value of `--state`.
    pub(crate) fn url(&self) -> String {
        self.url_of("postgres", "sslmode=disable")
    }

    /// The same as messages show it.
    pub(crate) fn shown(&self) -> String {
        let url = self.url();
        url.split('?').next().unwrap_or_default().to_owned()
    }

    /// The same, for another role and with other options.
    pub(crate) fn url_of(&self, role: &str, options: &str) -> String {
        format!(
            "postgres://{role}@127.0.0.1:{}/{}?{options}",
            self.server.port, self.name
        )
    }

    /// The tables of certplan with what is in them, as SQL.
    pub(crate) fn dump(&self) -> String {
        let dumped = run(Command::new(self.server.bin.join("pg_dump"))
            .args([
                "--schema=certplan",
                "--no-owner",
                "--inserts",
                "-U",
                "postgres",
            ])
            .arg("-h")
            .arg(&self.server.folder)
            .args(["-p", &self.server.port.to_string(), "-d", &self.name]));
        // Commands of psql itself are none of its SQL.
        let lines = dumped.lines().filter(|line| !line.starts_with('\\'));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Runs SQL as the superuser, with the tables of certplan on the search path.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server
            .sql(&self.name, &format!("SET search_path TO certplan; {sql}"))
    }
}

/// An authority, a certificate for 127.0.0.1 and one for a role; the authority's PEM file.
fn certificates(folder: &Path) -> (PathBuf, ClientFiles) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).expect("an authority");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .and_then(|params| params.signed_by(&key, &issuer))
        .expect("a certificate");
    write_as_owner(&folder.join("server.crt"), &leaf.pem());
    write_as_owner(&folder.join("server.key"), &key.serialize_pem());
    write_as_owner(&folder.join("root.crt"), &root.pem());
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "by_certificate");
    let client = ClientFiles {
        certificate: params.signed_by(&key, &issuer).expect("signed").pem(),
        key: key.serialize_pem(),
    };
    // The server's folder is the server's alone.
    let name = folder.file_name().expect("a name").to_string_lossy();
    let outside = std::env::temp_dir().join(format!("{name}.root.crt"));
    // The cleaner runs as the server's user: in a folder that is sticky it removes its own files alone.
    write_as_owner(&outside, &root.pem());
    (outside, client)
}

fn write_as_owner(path: &Path, text: &str) {
    let mut child = unprivileged(Path::new("sh"))
        .args(["-c", "umask 077; cat >\"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), text.as_bytes())
        .expect("written");
    assert!(child.wait().expect("it ends").success());
}
