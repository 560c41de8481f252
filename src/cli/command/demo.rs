//! `certplan demo`: the main job against the bundled sandbox, with this very program.
//!
//! Every step is a command that a person could type; the demo runs it as its own process and shows it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::cli::args::DemoArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::sandbox::{Options, Sandbox};

pub(super) async fn run(args: &DemoArgs, output: &mut Output) -> Result<Exit, CliError> {
    let options = Options {
        ncloud_revoke_delay: Duration::from_secs(2),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options.clone())
        .await
        .map_err(|error| CliError::Failed(format!("the sandbox cannot start: {error}")))?;
    let folder = tempfile::Builder::new()
        .prefix("certplan-demo-")
        .tempdir()
        .map_err(|error| failed("make a temporary folder", &error))?;
    let stage = Stage {
        program: std::env::current_exe().map_err(|error| failed("find this program", &error))?,
        folder: folder.path().to_path_buf(),
        admin: sandbox.admin_url(),
        client: reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| failed("make an HTTP client", &error))?,
        variables: vec![
            ("CERTPLAN_ENDPOINT_DIGICERT", sandbox.certcentral_url()),
            ("CERTPLAN_ENDPOINT_NAVERCLOUD", sandbox.ncloud_url()),
            ("DIGICERT_API_KEY", options.certcentral_key),
            ("NCLOUD_ACCESS_KEY", options.ncloud_access_key),
            ("NCLOUD_SECRET_KEY", options.ncloud_secret_key),
            // The limits of a sandbox that is gone tomorrow are nobody else's business.
            (
                "CERTPLAN_BUDGET_DIR",
                folder.path().join(".budget").display().to_string(),
            ),
        ],
    };
    let played = play(&stage, output).await;
    sandbox.stop().await;
    if args.keep {
        let kept = folder.keep();
        output.hint(&format!("The folder is kept: {}", kept.display()));
    }
    played?;
    say(output, "The demo did all it set out to do.");
    Ok(Exit::Done)
}

async fn play(stage: &Stage, output: &mut Output) -> Result<(), CliError> {
    say(
        output,
        "A stand-in for both CAs is serving on loopback. Nothing here costs money.",
    );
    let seeded = stage
        .tell(
            "seed",
            &json!({ "certcentral": 1, "duplicates_per_order": 1, "ncloud_orders": 1 }),
        )
        .await?;
    let old = first_id(&seeded, "certcentral_order_ids")?;
    let ncloud = first_id(&seeded, "ncloud_order_ids")?;
    stage.write("certplan.yaml", manifest(&old, &ncloud).as_bytes())?;
    stage.write("shop.csr", csr("shop.example.com")?.as_bytes())?;
    stage.write("mail.csr", csr("Locke Cole")?.as_bytes())?;
    say(
        output,
        &format!("The manifest, in {}:", stage.folder.display()),
    );
    let text = manifest(&old, &ncloud);
    output.result(|out| out.write_all(text.as_bytes()));

    stage.certplan(output, &["plan"], 0).await?;
    stage
        .certplan(
            output,
            &["apply", "--yes", "--report", "json=first.json"],
            0,
        )
        .await?;
    let first = stage.report("first.json")?;
    expect(&first, "orders.shop", "waiting")?;
    expect(&first, "revocations.old-shop", "waiting")?;

    say(
        output,
        "Both orders wait for an administrator. In the CA's console, somebody approves them.",
    );
    stage.tell("approve", &json!({ "all": true })).await?;

    let second = [
        "apply",
        "--yes",
        "--wait",
        "60s",
        "--report",
        "json=second.json",
    ];
    stage.certplan(output, &second, 0).await?;
    let second = stage.report("second.json")?;
    expect(&second, "revocations.old-shop", "done")?;
    expect(&second, "revocations.naver-shop", "done")?;

    say(
        output,
        "Everything is as the manifest says. A last plan has nothing to do:",
    );
    stage
        .certplan(output, &["plan", "--detailed-exitcode"], 0)
        .await?;
    stage.certplan(output, &["history", "--verify"], 0).await
}

struct Stage {
    program: PathBuf,
    folder: PathBuf,
    admin: String,
    client: reqwest::Client,
    variables: Vec<(&'static str, String)>,
}

impl Stage {
    /// Runs a command of this program in the demo's folder and holds it to its exit code.
    async fn certplan(
        &self,
        output: &mut Output,
        args: &[&str],
        wanted: i32,
    ) -> Result<(), CliError> {
        say(output, &format!("$ certplan {}", args.join(" ")));
        let status = Command::new(&self.program)
            .args(args.iter().map(OsStr::new))
            .current_dir(&self.folder)
            .env_remove("CERTPLAN_STATE")
            .env_remove("CERTPLAN_PING_URL")
            .envs(
                self.variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .stdin(Stdio::null())
            .status()
            .await
            .map_err(|error| failed("run this program", &error))?;
        if status.code() == Some(wanted) {
            Ok(())
        } else {
            Err(CliError::Failed(format!(
                "`certplan {}` ended with {status}, the demo expected {wanted}",
                args.join(" ")
            )))
        }
    }

    /// Calls one of the sandbox's admin endpoints.
    async fn tell(&self, what: &str, body: &Value) -> Result<Value, CliError> {
        let failed = |error: reqwest::Error| {
            CliError::Failed(format!(
                "the sandbox did not take `{what}`: {}",
                error.without_url()
            ))
        };
        let answer = self
            .client
            .post(format!("{}/{what}", self.admin))
            .json(body)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;
        answer.json().await.map_err(failed)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        std::fs::write(self.folder.join(name), bytes)
            .map_err(|error| failed(&format!("write {name}"), &error))
    }

    fn report(&self, name: &str) -> Result<Value, CliError> {
        let path: &Path = &self.folder.join(name);
        let bytes = std::fs::read(path).map_err(|error| failed(&format!("read {name}"), &error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&format!("read {name}"), &error))
    }
}

fn expect(report: &Value, address: &str, outcome: &str) -> Result<(), CliError> {
    let actions = report.get("actions").and_then(Value::as_array);
    let found = actions
        .into_iter()
        .flatten()
        .find(|action| action.get("address").and_then(Value::as_str) == Some(address))
        .and_then(|action| action.get("outcome"))
        .and_then(Value::as_str);
    if found == Some(outcome) {
        Ok(())
    } else {
        Err(CliError::Failed(format!(
            "{address} should be {outcome}, it is {}",
            found.unwrap_or("not in the report")
        )))
    }
}

fn first_id(seeded: &Value, member: &str) -> Result<String, CliError> {
    let id = seeded
        .get(member)
        .and_then(Value::as_array)
        .and_then(|orders| orders.first());
    match id {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(CliError::Failed(
            "the sandbox did not say which orders it seeded".to_owned(),
        )),
    }
}

fn say(output: &mut Output, text: &str) {
    output.result(|out| writeln!(out, "\n==> {text}"));
}

fn failed(doing: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::Failed(format!("the demo cannot {doing}: {error}"))
}

/// A fresh key and a request for one name. The key is thrown away: the sandbox's certificates are of
/// no use.
fn csr(name: &str) -> Result<String, CliError> {
    let made = KeyPair::generate().and_then(|key| {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serialize_request(&key)?.pem()
    });
    made.map_err(|error| failed("make a CSR", &error))
}

fn manifest(old: &str, ncloud: &str) -> String {
    format!(
        "\
version: 1
accounts:
  digicert:
    provider: certcentral
    api_key: {{ env: DIGICERT_API_KEY }}
    key_id: 184
  navercloud:
    provider: ncloud
    access_key: {{ env: NCLOUD_ACCESS_KEY }}
    secret_key: {{ env: NCLOUD_SECRET_KEY }}
defaults:
  orders: {{ account: digicert, organization: {{ id: 112233 }} }}
orders:
  shop:                                  # a new certificate for the shop
    product: ssl_basic
    certificate:
      common_name: shop.example.com
      signature_hash: sha256
      csr: {{ file: shop.csr }}
    order_validity: {{ years: 1 }}
  mail-locke-cole:                       # and one for a colleague's mail
    product: client_premium_sha2
    certificate:
      common_name: Locke Cole
      emails: [locke.cole@example.com]
      signature_hash: sha256
      csr: {{ file: mail.csr }}
    validity_years: 1
revocations:
  old-shop:                              # only when the new one is issued
    account: digicert
    order_id: {old}
    scope: order
    reason: superseded
    comments: replaced by orders.shop
    skip_approval: true
    after: [{{ order: shop, until: issued }}]
  naver-shop:
    account: navercloud
    order_id: \"{ncloud}\"
    scope: order
    reason: cessationOfOperation
"
    )
}
