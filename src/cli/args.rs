//! The command line as clap sees it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::doctor_args::DoctorArgs;
use super::files_args::FilesArgs;
use super::format::Format;
use super::hook_args::HookArgs;
use super::route::RouteArgs;
use super::sandbox_args::SandboxArgs;
use super::scope_args::ScopeArgs;
use super::value_parsers::{
    PingUrl, ReportTarget, duration, order_id, output_file, report_target, run_id,
};
use crate::model::{AccountName, Address, Digest, OrderId, RunId};

/// Declarative batch jobs for commercial CAs: a manifest says which certificate orders and revocations
/// should exist; `plan` shows what is missing, `apply` carries it out.
#[derive(Debug, Parser)]
#[command(
    name = "certplan",
    version,
    max_term_width = 100,
    propagate_version = true
)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 something to do or waiting (with --detailed-exitcode),
3 an outcome is unknown, 4 the state is held by another run, 5 refused before anything was sent,
64 wrong command line, 130 and 143 stopped by a signal.

Try it without an account: certplan demo";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// A manifest, a folder of them, or `-` for standard input; may be repeated [default: certplan.yaml]
    #[arg(short, long = "file", value_name = "PATH", global = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Where the journal is [default: .certplan/state.db beside the first manifest]
    #[arg(
        long,
        value_name = "PATH|URL",
        global = true,
        env = "CERTPLAN_STATE",
        hide_env_values = true
    )]
    pub state: Option<String>,
    /// Where the rate budget is.
    #[command(flatten)]
    pub budget: BudgetArgs,
    /// Where keys and certificates are.
    #[command(flatten)]
    pub folder: FilesArgs,
    /// Sends an account's calls to another base URL, with the API's path; also CERTPLAN_ENDPOINT_<ACCOUNT>
    #[arg(long = "endpoint", value_name = "ACCOUNT=URL", global = true)]
    pub endpoints: Vec<String>,
    /// The way to the CAs.
    #[command(flatten)]
    pub route: RouteArgs,
    /// A PEM file with one more root certificate to trust
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub extra_root: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = ColorWhen::Auto, global = true)]
    pub color: ColorWhen,
    /// Says only what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Logs what is sent to standard error; twice, much more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
}

/// The flags of the rate budget.
#[derive(Debug, Clone, Args)]
pub struct BudgetArgs {
    /// Where runs under one API key share its rate limits [default: certplan in $XDG_STATE_HOME or ~/.local/state]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "CERTPLAN_BUDGET_DIR",
        hide_env_values = true,
        value_hint = ValueHint::DirPath
    )]
    pub budget_dir: Option<PathBuf>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes a starter manifest
    Init(InitArgs),
    /// Checks the manifest, offline and without any key
    ///
    /// It is read into the types that the published schema (`certplan schema`) is made from. What is found
    /// besides is what a schema cannot say: names that exist, circles, CSRs, dates, what the CA asks of a
    /// product.
    Validate(ValidateArgs),
    /// Shows what apply would do, and why
    Plan(PlanArgs),
    /// Carries out a saved plan, or plans and asks
    Apply(ApplyArgs),
    /// Shows each order and revocation: state, ids, days left, what it waits for
    Status(StatusArgs),
    /// Settles an action whose outcome is unknown
    Resolve(ResolveArgs),
    /// Binds an order that exists at the CA to a name
    Import(ImportArgs),
    /// Parts a name from its order; the order stays as it is at the CA
    Forget(ForgetArgs),
    /// Shows the journal
    History(HistoryArgs),
    /// Checks credentials, keys, clock, limits, state and manifest
    Doctor(DoctorArgs),
    /// Makes or updates the tables of a state in PostgreSQL, or takes another state over
    Migrate(MigrateArgs),
    /// Prints a JSON Schema
    Schema(SchemaArgs),
    /// Serves a stand-in for both CAs on loopback
    Sandbox(SandboxArgs),
    /// Plays the main job against the sandbox, no account needed
    Demo(DemoArgs),
    /// Prints a completion script for a shell
    Completions(CompletionsArgs),
    /// Prints the manual page
    Man,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The file to write [default: certplan.yaml]
    #[arg(value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub path: Option<PathBuf>,
}

/// `validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// How problems look
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What plan and apply share.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Saves the plan for `certplan apply FILE`
    #[arg(long, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// How the plan looks
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Plans from manifest and journal alone; such a plan cannot be applied
    #[arg(long, conflicts_with = "out")]
    pub offline: bool,
    /// Writes what the run came to in numbers, for Prometheus (node_exporter's textfile collector)
    #[arg(long, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub metrics: Option<PathBuf>,
}

/// `apply`
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan saved with `certplan plan --out`
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// What plan and apply share.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Programs that run after a collection, or after the run.
    #[command(flatten)]
    pub hooks: HookArgs,
    /// Does not ask; needed when standard input is no terminal and no saved plan is given
    #[arg(long)]
    pub yes: bool,
    /// How long to wait for the CA and for people; the next run goes on
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub wait: Duration,
    /// Writes the report; `json=FILE` or `markdown=FILE`, may be repeated; with `-` as FILE, standard output
    /// has the report and nothing else
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_target)]
    pub reports: Vec<ReportTarget>,
    /// Goes on only if the plan's id is this one
    #[arg(long, value_name = "DIGEST", conflicts_with = "plan")]
    pub expect: Option<Digest>,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
    /// Writes what the run came to in numbers, for Prometheus (node_exporter's textfile collector)
    #[arg(long, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub metrics: Option<PathBuf>,
    /// Called at the start (URL/start) and at the end (URL or URL/fail); better given in the variable
    #[arg(
        long,
        value_name = "URL",
        env = "CERTPLAN_PING_URL",
        hide_env_values = true
    )]
    pub ping: Option<PingUrl>,
}

/// `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// How the status looks
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// From the journal alone
    #[arg(long)]
    pub offline: bool,
    /// Writes what the run came to in numbers, for Prometheus (node_exporter's textfile collector)
    #[arg(long, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub metrics: Option<PathBuf>,
}

/// `migrate`
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Takes this state over, a file or a database, into the empty one of `--state`; closes it for good
    #[arg(long, value_name = "PATH|URL")]
    pub from: Option<String>,
}

/// `resolve`
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// The order or revocation
    pub address: Address,
    /// It was placed: this is its order id
    #[arg(long, value_name = "ID", conflicts_with = "not_placed", value_parser = order_id)]
    pub found: Option<OrderId>,
    /// It was not placed; refused before the quiet period is over
    #[arg(long)]
    pub not_placed: bool,
    /// Does not ask for the tag to be typed
    #[arg(long)]
    pub yes: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
}

/// `import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The order in the manifest
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub address: Option<Address>,
    /// The order's id at the CA
    #[arg(required_unless_present = "all", conflicts_with = "all", value_parser = order_id)]
    pub id: Option<OrderId>,
    /// Prints a manifest of every order in force in the account
    #[arg(long)]
    pub all: bool,
    /// The account for `--all`; needed when the manifest has several
    #[arg(long, requires = "all")]
    pub account: Option<AccountName>,
    /// Binds an order with other names or another key without asking
    #[arg(long, conflicts_with = "all")]
    pub yes: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
}

/// `forget`
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The orders, in the manifest or gone from it
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<Address>,
    /// Does not ask for the orders' ids to be typed
    #[arg(long)]
    pub yes: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
}

/// `history`
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only this order or revocation
    pub address: Option<Address>,
    /// Only this run
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: Option<RunId>,
    /// Only the newest N lines
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How the journal looks
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Checks every hash of the chain and every transition
    #[arg(long)]
    pub verify: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which one
    #[arg(value_enum, default_value_t = SchemaName::Manifest)]
    pub name: SchemaName,
}

/// The schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// Of manifests.
    Manifest,
    /// Of `plan --format json`.
    Plan,
    /// Of `apply --report json=FILE`.
    Report,
    /// Of `status --format json`.
    Status,
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keeps the temporary folder and says where it is
    #[arg(long)]
    pub keep: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
