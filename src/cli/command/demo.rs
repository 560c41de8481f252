//! `certplan demo`: the main job against the bundled sandbox, with this very program.
//!
//! Every step is a command that a person could type; the demo runs it as its own process and shows it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::cli::args::DemoArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::sandbox::{Options, Sandbox};

pub(super) async fn run(args: &DemoArgs, output: &mut Output) -> Result<Exit, CliError> {
    let options = Options::default();
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
            ("DIGICERT_API_KEY", options.certcentral_key),
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
    let seed = json!({ "certcentral": 1, "duplicates_per_order": 1 });
    let seeded = stage.tell("seed", &seed).await?;
    let text = manifest(&first_id(&seeded, "certcentral_order_ids")?);
    stage.write("certplan.yaml", text.as_bytes())?;
    say(
        output,
        "A stand-in for the CA serves on loopback: nothing costs money. The manifest:",
    );
    output.result(|out| out.write_all(text.as_bytes()));
    say(output, "What would be done, and what would die:");
    stage
        .certplan(output, &["plan", "--out", "plan.json"])
        .await?;

    let first = ["apply", "-q", "plan.json", "--report", "json=first.json"];
    stage.certplan_in_short(output, &first).await?;
    let first = stage.report("first.json")?;
    expect(&first, "orders.shop", "waiting")?;
    expect(&first, "revocations.old-shop", "waiting")?;

    say(
        output,
        "The order waits for an administrator, who approves it in the CA's console. Then:",
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
    stage.certplan_in_short(output, &second).await?;
    let second = stage.report("second.json")?;
    expect(&second, "revocations.old-shop", "done")?;
    show_files(stage, output)?;

    say(output, "A last plan has nothing to do:");
    let last = ["plan", "--detailed-exitcode"];
    stage.certplan_in_short(output, &last).await
}

/// The certificate beside its key.
fn show_files(stage: &Stage, output: &mut Output) -> Result<(), CliError> {
    let live = Path::new(".certplan/files/live/shop");
    say(
        output,
        &format!(
            "The certificate lies beside its key, in {}:",
            live.display()
        ),
    );
    let folder = stage.folder.join(live);
    let mut names = Vec::new();
    let listed = std::fs::read_dir(&folder).map_err(|error| failed("read its files", &error))?;
    for entry in listed {
        let entry = entry.map_err(|error| failed("read its files", &error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for wanted in ["fullchain.pem", "privkey.pem"] {
        if !names.iter().any(|name| name == wanted) {
            return Err(CliError::Failed(format!(
                "the demo expected {wanted} in {}",
                folder.display()
            )));
        }
    }
    output.result(|out| writeln!(out, "{}", names.join("  ")));
    Ok(())
}

struct Stage {
    program: PathBuf,
    folder: PathBuf,
    admin: String,
    client: reqwest::Client,
    variables: Vec<(&'static str, String)>,
}

impl Stage {
    /// Runs a command and shows all that it prints.
    async fn certplan(&self, output: &mut Output, args: &[&str]) -> Result<(), CliError> {
        self.run(output, args, Stdio::inherit()).await.map(drop)
    }

    /// Runs a command and shows the last line of what it prints.
    async fn certplan_in_short(&self, output: &mut Output, args: &[&str]) -> Result<(), CliError> {
        let printed = self.run(output, args, Stdio::piped()).await?;
        let printed = String::from_utf8_lossy(&printed);
        let last = printed.lines().last().unwrap_or_default();
        output.result(|out| writeln!(out, "{last}"));
        Ok(())
    }

    /// Runs a command of this program in the demo's folder, and holds it to exit code 0. What it prints, where
    /// that is kept.
    async fn run(
        &self,
        output: &mut Output,
        args: &[&str],
        printed: Stdio,
    ) -> Result<Vec<u8>, CliError> {
        let shown = args.join(" ");
        output.result(|out| writeln!(out, "$ certplan {shown}"));
        let started = Command::new(&self.program)
            .args(args.iter().map(OsStr::new))
            .current_dir(&self.folder)
            .env_remove("CERTPLAN_STATE")
            .env_remove("CERTPLAN_PING_URL")
            .env_remove("CERTPLAN_FILES_DIR")
            .env_remove("CERTPLAN_FILES_GROUP")
            .envs(
                self.variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .stdin(Stdio::null())
            .stdout(printed)
            .spawn()
            .map_err(|error| failed("run this program", &error))?;
        let ended = started.wait_with_output().await;
        let ended = ended.map_err(|error| failed("run this program", &error))?;
        if ended.status.success() {
            Ok(ended.stdout)
        } else {
            Err(CliError::Failed(format!(
                "`certplan {}` ended with {}, the demo expected success",
                shown, ended.status
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

fn manifest(old: &str) -> String {
    format!(
        "\
version: 1
accounts:
  digicert: {{ provider: certcentral, api_key: {{ env: DIGICERT_API_KEY }} }}
orders:
  shop:                                  # a new certificate for the shop, its key made here
    {{ account: digicert, product: ssl_basic, organization: {{ id: 112233 }}, order_validity: {{ years: 1 }},
      certificate: {{ common_name: shop.example.com, signature_hash: sha256, key: {{ generate: p-256 }} }},
      files: {{ kinds: [fullchain] }} }}
revocations:
  old-shop:                              # only when the new one is issued
    {{ account: digicert, order_id: {old}, scope: order, reason: superseded, comments: replaced by orders.shop,
      skip_approval: true, after: [{{ order: shop, until: issued }}] }}
"
    )
}
