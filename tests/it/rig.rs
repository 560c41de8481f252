//! The rig: a sandbox, a folder with a manifest, and the real binary.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use certplan::sandbox::{Options, RateLimits, Sandbox};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The accounts that every test manifest starts with.
pub(crate) const ACCOUNTS: &str = "\
version: 1
accounts:
  digicert:
    provider: certcentral
    api_key: { env: DIGICERT_API_KEY }
    rate_limits: [{ requests: 100000, per: 1s }]
  navercloud:
    provider: ncloud
    access_key: { env: NCLOUD_ACCESS_KEY }
    secret_key: { env: NCLOUD_SECRET_KEY }
defaults:
  orders: { account: digicert, organization: { id: 112233 } }
  revocations: { account: digicert }
";

/// A sandbox with a folder beside it. Both go away with it.
pub(crate) struct Rig {
    sandbox: Option<Sandbox>,
    runtime: Runtime,
    client: reqwest::Client,
    folder: TempDir,
    home: TempDir,
    admin: String,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` when a signal killed it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said on the side.
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test, with everything that was printed, when the code is another one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

impl Rig {
    /// A sandbox without rate limits that approves by hand.
    pub(crate) fn new() -> Self {
        Self::with(Options {
            rate_limits: RateLimits::Off,
            ncloud_revoke_delay: Duration::from_millis(200),
            ..Options::default()
        })
    }

    /// A sandbox as the test wants it.
    pub(crate) fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let sandbox = runtime
            .block_on(Sandbox::start(options.clone()))
            .expect("a sandbox");
        let home = TempDir::new().expect("a home");
        let variables = [
            ("HOME", home.path().display().to_string()),
            ("CERTPLAN_ENDPOINT_DIGICERT", sandbox.certcentral_url()),
            ("CERTPLAN_ENDPOINT_NAVERCLOUD", sandbox.ncloud_url()),
            ("DIGICERT_API_KEY", options.certcentral_key),
            ("NCLOUD_ACCESS_KEY", options.ncloud_access_key),
            ("NCLOUD_SECRET_KEY", options.ncloud_secret_key),
        ];
        Self {
            admin: sandbox.admin_url(),
            sandbox: Some(sandbox),
            runtime,
            client: client(),
            folder: TempDir::new().expect("a folder"),
            home,
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        }
    }

    /// The folder that commands run in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home of whoever runs the commands: only the rate budgets are kept there.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Writes `certplan.yaml`: the accounts, then this.
    pub(crate) fn manifest(&self, rest: &str) {
        self.write("certplan.yaml", format!("{ACCOUNTS}{rest}"));
    }

    /// Sets a variable for every later command.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable away from every later command.
    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    /// A command of the real binary, in the folder, without a terminal.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certplan"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The same, run by another program with these arguments before it.
    pub(crate) fn command_under(&self, program: &str, before: &[&str], args: &[&str]) -> Command {
        let plain = self.command(args);
        let mut command = Command::new(program);
        command
            .args(before)
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(self.folder.path())
            .env_clear()
            .envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn certplan(&self, args: &[&str]) -> Ended {
        Ended::new(self.command(args).output().expect("the binary runs"))
    }

    /// Starts a command and leaves it running.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs")
    }

    /// `apply --yes` with a JSON report, which it returns.
    #[track_caller]
    pub(crate) fn apply(&self, more: &[&str], code: i32) -> Value {
        let mut args = vec!["apply", "--yes", "--report", "json=report.json"];
        args.extend(more);
        self.certplan(&args).expect(code);
        let text = std::fs::read(self.path("report.json")).expect("a report");
        serde_json::from_slice(&text).expect("a JSON report")
    }

    /// `plan --format json`.
    #[track_caller]
    pub(crate) fn plan(&self, more: &[&str]) -> Value {
        let mut args = vec!["plan", "--format", "json"];
        args.extend(more);
        self.certplan(&args).expect(0).json()
    }

    /// The CA renews an order long before its end too, which it would refuse.
    pub(crate) fn renewals_at_any_time(&self) {
        self.tell("options", json!({ "habits": { "renewals": "any_time" } }));
    }

    /// Calls an admin endpoint of the sandbox: `seed`, `approve`, `reject`, `revoke`, `cancel`,
    /// `edit`, `faults`, `options`, `clock`.
    #[track_caller]
    pub(crate) fn tell(&self, what: &str, body: Value) -> Value {
        let answer = self.runtime.block_on(async {
            let answer = self
                .client
                .post(format!("{}/{what}", self.admin))
                .json(&body)
                .send()
                .await?;
            let status = answer.status();
            let text = answer.text().await?;
            Ok::<_, reqwest::Error>((status, text))
        });
        let (status, text) = answer.expect("the sandbox answers");
        assert!(status.is_success(), "{what} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Replaces the sandbox's fault script; an empty list ends it.
    #[track_caller]
    pub(crate) fn faults(&self, rules: Value) {
        self.tell("faults", rules);
    }

    /// Reads `ledger` or `state` of the sandbox.
    #[track_caller]
    pub(crate) fn ask(&self, what: &str) -> Value {
        let answer = self.runtime.block_on(async {
            self.client
                .get(format!("{}/{what}", self.admin))
                .send()
                .await?
                .json()
                .await
        });
        answer.expect("the sandbox answers")
    }

    /// Ledger entries with this effect: the ground truth of what happened at the CA.
    #[track_caller]
    pub(crate) fn effects(&self, effect: &str) -> Vec<Value> {
        let ledger = self.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        entries
            .filter(|entry| entry["effect"] == effect)
            .cloned()
            .collect()
    }

    /// Calls of the two APIs that are not GET.
    #[track_caller]
    pub(crate) fn changes(&self) -> Vec<Value> {
        let ledger = self.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        entries
            .filter(|entry| entry["provider"] != "sandbox" && entry["method"] != "GET")
            .cloned()
            .collect()
    }

    /// How many GETs were seen so far.
    #[track_caller]
    pub(crate) fn reads(&self) -> usize {
        let ledger = self.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        entries.filter(|entry| entry["method"] == "GET").count()
    }

    /// Seeds issued CertCentral orders and returns their ids.
    #[track_caller]
    pub(crate) fn seed(&self, body: Value) -> Vec<String> {
        let seeded = self.tell("seed", body);
        let ids = seeded["certcentral_order_ids"]
            .as_array()
            .expect("ids")
            .iter();
        ids.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            .collect()
    }

    /// Approves everything that waits.
    #[track_caller]
    pub(crate) fn approve_all(&self) {
        self.tell("approve", json!({ "all": true }));
    }

    /// Waits, at most a minute, until something holds; fails the test if it never does.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "never came: {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Rig {
    /// The same folder, and another sandbox in the place of this one.
    pub(crate) fn with_another_sandbox(mut self, options: Options) -> Self {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
        let sandbox = self.runtime.block_on(Sandbox::start(options));
        self.sandbox = Some(sandbox.expect("a sandbox"));
        // No connection to the one before is left.
        self.client = client();
        self
    }
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client")
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}

/// The action of one address in a plan or a report.
#[track_caller]
pub(crate) fn action<'a>(document: &'a Value, address: &str) -> &'a Value {
    let actions = document["actions"].as_array().expect("actions");
    actions
        .iter()
        .find(|action| action["address"] == address)
        .unwrap_or_else(|| panic!("no {address} in {document:#}"))
}

/// A client order that needs nothing but a name.
pub(crate) fn client_order(name: &str) -> String {
    format!(
        "  {name}:
    product: client_premium_sha2
    certificate: {{ common_name: {name}, emails: [{name}@example.com], signature_hash: sha256, csr: {{ file: {name}.csr }} }}
    validity_years: 1
"
    )
}

/// A fresh CSR (PEM) for one common name.
pub(crate) fn csr(common_name: &str) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
        .serialize_request(&key)
        .expect("a request")
        .pem()
        .expect("PEM")
}

impl Rig {
    /// A manifest of client orders with these names, each with a CSR, and more text after them.
    pub(crate) fn orders(&self, names: &[&str], rest: &str) {
        let mut text = String::from("orders:\n");
        for name in names {
            self.write(&format!("{name}.csr"), csr(name));
            text.push_str(&client_order(name));
        }
        self.manifest(&format!("{text}{rest}"));
    }
}

impl Rig {
    /// Calls CertCentral as somebody else would, outside of certplan. The path starts below the base
    /// URL.
    #[track_caller]
    pub(crate) fn certcentral(&self, method: &str, path: &str, body: &Value) -> Value {
        let base = self.base();
        let key = self
            .variables
            .iter()
            .find(|(name, _)| name == "DIGICERT_API_KEY")
            .map(|(_, key)| key.clone())
            .expect("a key");
        let (status, text) = self
            .runtime
            .block_on(async {
                let answer = self
                    .client
                    .request(method.parse().expect("a method"), format!("{base}{path}"))
                    .header("X-DC-DEVKEY", key)
                    .json(body)
                    .send()
                    .await?;
                let status = answer.status();
                Ok::<_, reqwest::Error>((status, answer.text().await?))
            })
            .expect("the sandbox answers");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Rig {
    /// CertCentral's base URL in this rig's sandbox.
    pub(crate) fn base(&self) -> String {
        self.admin.replace("/sandbox", "/services/v2")
    }
}
