//! Case 48: what runs by the clock asks nobody, buys and revokes nothing unapproved, and is silent about nothing
//! that a person must decide. The examples themselves are read and run.

use std::path::Path;
use std::process::Command;

use certplan::sandbox::Options;
use serde_json::{Value, json};

use super::{manifest, orders_at_the_ca, person, revoke, sent, word};
use crate::examples::commands;
use crate::rig::{Ended, Rig};

/// What a condition of the GitHub example lets run. A condition that is not here has to be added.
const CONDITIONS: [(&str, &[&str]); 4] = [
    ("github.event_name == 'pull_request'", &["pull_request"]),
    (
        "github.event_name == 'push' || (github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main')",
        &["push", "workflow_dispatch"],
    ),
    (
        "github.event_name != 'schedule' && github.event_name != 'pull_request' && needs.plan.outputs.changes == 'yes'",
        &["push", "workflow_dispatch"],
    ),
    ("github.event_name == 'schedule'", &["schedule"]),
];

/// The same for GitLab: (a rule's condition, the sources of pipelines of the default branch that it takes).
const RULES: [(&str, &[&str]); 4] = [
    (
        r#"$CI_PIPELINE_SOURCE == "merge_request_event""#,
        &["merge_request_event"],
    ),
    (r#"$CI_PIPELINE_SOURCE == "schedule""#, &["schedule"]),
    (
        r#"$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"#,
        &["schedule"],
    ),
    (
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
        &["push", "web", "schedule"],
    ),
];

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    std::fs::read_to_string(path).expect(name)
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&example(name)).expect(name)
}

/// The jobs of the GitHub example that run on an event.
fn on_github(event: &str) -> Vec<(String, Value)> {
    let document = yaml("ci/github-actions.yml");
    let jobs = document["jobs"].as_object().expect("jobs").iter();
    jobs.filter(|(name, job)| {
        let condition = job["if"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} runs on everything"));
        let known = CONDITIONS.iter().find(|(text, _)| *text == condition);
        let (_, events) =
            known.unwrap_or_else(|| panic!("{name}: on what does `{condition}` run?"));
        events.contains(&event)
    })
    .map(|(name, job)| (name.clone(), job.clone()))
    .collect()
}

/// The jobs of the GitLab example in a pipeline of this source, each with the rule that took it.
fn on_gitlab(source: &str) -> Vec<(String, Value, Value)> {
    let document = yaml("ci/gitlab-ci.yml");
    let jobs = document.as_object().expect("jobs").iter();
    jobs.filter(|(_, job)| job["script"].is_array())
        .filter_map(|(name, job)| {
            let takes = |rule: &&Value| {
                let condition = rule["if"].as_str().expect("a condition");
                let known = RULES.iter().find(|(text, _)| *text == condition);
                let (_, sources) = known.unwrap_or_else(|| panic!("what is `{condition}`?"));
                sources.contains(&source)
            };
            let rule = job["rules"].as_array().expect("rules").iter().find(takes)?;
            (rule["when"] != "never").then(|| (name.clone(), job.clone(), rule.clone()))
        })
        .collect()
}

/// The commands of certplan in a job, as words.
fn commands_of(job: &Value) -> Vec<Vec<String>> {
    let steps = job["steps"].as_array().into_iter().flatten();
    let runs = steps.filter_map(|step| step["run"].as_str());
    let script = job["script"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    runs.chain(script)
        .flat_map(str::lines)
        .flat_map(commands)
        .collect()
}

fn applies(job: &Value) -> Vec<Vec<String>> {
    let all = commands_of(job).into_iter();
    all.filter(|command| command.iter().any(|word| word == "apply"))
        .collect()
}

#[track_caller]
fn asks_nobody(name: &str, job: &Value) {
    assert!(job["environment"].is_null(), "{name} waits for a person");
    for command in applies(job) {
        let text = command.join(" ");
        for limit in ["--allow-orders 0", "--allow-revocations 0"] {
            assert!(text.contains(limit), "{name}: {text}");
        }
    }
    assert!(
        !job.to_string().contains("ORDERS_KEY"),
        "{name} could order"
    );
}

#[test]
fn case_48_a_scheduled_run_asks_nobody_and_goes_on() {
    let github = on_github("schedule");
    let gitlab = on_gitlab("schedule");
    for (name, job) in &github {
        asks_nobody(name, job);
    }
    for (name, job, rule) in &gitlab {
        asks_nobody(name, job);
        assert_ne!(rule["when"], "manual", "{name} waits for a person");
    }
    assert_eq!(
        github
            .iter()
            .map(|(_, job)| applies(job).len())
            .sum::<usize>(),
        1
    );
    assert_eq!(
        gitlab
            .iter()
            .map(|(_, job, _)| applies(job).len())
            .sum::<usize>(),
        1
    );
}

#[test]
fn case_48_a_push_is_applied_after_a_person_approved_its_plan() {
    for event in ["push", "workflow_dispatch"] {
        let jobs = on_github(event);
        let (_, apply) = jobs
            .iter()
            .find(|(_, job)| !applies(job).is_empty())
            .expect("a job");
        assert_eq!(apply["environment"], "certificates");
        assert_eq!(apply["needs"], "plan");
        let condition = apply["if"].as_str().expect("a condition");
        assert!(condition.contains("changes == 'yes'"), "asks about nothing");
        assert!(
            applies(apply)
                .iter()
                .all(|words| words[2].ends_with("plan.json"))
        );
    }
    for source in ["push", "web"] {
        let jobs = on_gitlab(source);
        let (_, apply, rule) = jobs
            .iter()
            .find(|(_, job, _)| !applies(job).is_empty())
            .expect("a job");
        assert_eq!(rule["when"], "manual");
        assert_eq!(apply["needs"], json!(["plan"]));
        assert!(applies(apply).iter().all(|words| words[2] == "plan.json"));
    }
}

#[test]
fn case_48_a_request_for_review_reaches_no_key_and_no_state() {
    let github = on_github("pull_request").into_iter();
    let gitlab = on_gitlab("merge_request_event")
        .into_iter()
        .map(|(name, job, _)| (name, job));
    let all: Vec<_> = github.chain(gitlab).collect();
    assert_eq!(all.len(), 2);
    for (name, job) in all {
        assert!(applies(&job).is_empty(), "{name} applies");
        assert!(!job.to_string().contains("secrets."), "{name} has a key");
        assert!(
            commands_of(&job)
                .iter()
                .all(|words| { words[1] == "validate" || words.join(" ").contains("--offline") })
        );
    }
}

#[test]
fn case_48_all_runs_on_the_state_are_one_group() {
    let document = yaml("ci/github-actions.yml");
    for (name, job) in document["jobs"].as_object().expect("jobs") {
        if name != "check" {
            assert_eq!(job["concurrency"]["group"], "certificates", "{name}");
        }
    }
    let document = yaml("ci/gitlab-ci.yml");
    for (name, job) in document.as_object().expect("jobs") {
        if job["script"].is_array() && name != "check" {
            assert_eq!(job["resource_group"], "certificates", "{name}");
        }
    }
}

/// A rig with the folders of the examples.
fn machine() -> Rig {
    let rig = Rig::new();
    rig.write("policy.yaml", "max_orders: 5\nmax_revocations: 5\n");
    rig.write("var/none", "");
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig
}

/// A line of a shell with the paths of the examples in the rig's folder.
fn shell(rig: &Rig, script: &str, more: &[(&str, &str)]) -> Ended {
    let script = script
        .replace("/etc/certplan/policy.yaml", "policy.yaml")
        .replace("/var/lib/certplan", "var")
        .replace("/srv/certificates", &rig.folder().display().to_string())
        .replace("--wait 10m", "--wait 0s");
    let binary = rig.command(&[]);
    let folder = Path::new(binary.get_program()).parent().expect("a folder");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut shell = Command::new("bash");
    shell
        .args(["-e", "-c", &script])
        .current_dir(rig.folder())
        .env_clear();
    for (name, value) in binary.get_envs() {
        shell.env(name, value.expect("a value"));
    }
    shell.env("PATH", path).envs(more.iter().copied());
    Ended::new(shell.output().expect("a shell"))
}

/// The scheduled command of an example, with the key that its job has.
fn go_on(rig: &Rig, line: &str) -> Ended {
    let key = Options::default().certcentral_view_key;
    shell(rig, line, &[("DIGICERT_API_KEY", &key)])
}

/// The scheduled run notes what became of what waits; it refuses what nobody approved, and fails.
fn plays(line: &str) {
    let rig = machine();
    rig.apply(&[], 0);
    go_on(&rig, line).expect(0);
    rig.approve_all();
    go_on(&rig, line).expect(0);
    let history = rig.certplan(&["history", "orders.ada"]).expect(0).stdout;
    assert!(history.contains("issued"), "{history}");
    let before = sent(&rig).len();
    manifest(
        &rig,
        &[person("ada", "Ada", ""), person("bob", "Bob", "")],
        &[],
    );
    let ended = go_on(&rig, line).expect(5);
    assert!(ended.stderr.contains("--allow-orders"), "{}", ended.stderr);
    let target = "order_id: 70000001";
    manifest(
        &rig,
        &[person("ada", "Ada", "")],
        &[revoke("gone", target, "order")],
    );
    go_on(&rig, line).expect(5);
    assert_eq!(sent(&rig).len(), before, "something was sent");
    assert_eq!(orders_at_the_ca(&rig), 1);
}

#[test]
fn case_48_the_scheduled_command_of_github_goes_on_and_buys_nothing() {
    let (_, job) = on_github("schedule").remove(0);
    let steps = job["steps"].as_array().expect("steps").iter();
    let mut runs = steps.filter_map(|step| step["run"].as_str());
    plays(
        runs.find(|run| run.contains("certplan apply"))
            .expect("a command"),
    );
}

#[test]
fn case_48_the_scheduled_command_of_gitlab_goes_on_and_buys_nothing() {
    let (_, job, _) = on_gitlab("schedule").remove(0);
    plays(job["script"][0].as_str().expect("a command"));
}

#[test]
fn case_48_the_plan_says_whether_a_person_is_to_be_asked() {
    let rig = machine();
    let (_, job) = on_github("push")
        .into_iter()
        .find(|(name, _)| name == "plan")
        .expect("a job");
    let steps = job["steps"].as_array().expect("steps").iter();
    let mut runs = steps.filter_map(|step| step["run"].as_str());
    let script = runs
        .find(|run| run.contains("certplan plan"))
        .expect("a command");
    let said = |code| {
        let files = [
            ("RUNNER_TEMP", "var"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ];
        rig.write("output", "");
        shell(&rig, script, &files).expect(code);
        std::fs::read_to_string(rig.path("output")).expect("text")
    };
    assert_eq!(said(0), "changes=yes\n");
    rig.certplan(&["apply", "var/plan.json"]).expect(0);
    assert_eq!(said(0), "changes=no\n", "what only waits asks nobody");
    rig.write("certplan.yaml", "version: 2\n");
    assert_eq!(said(1), "", "a plan that fails is no plan without changes");
}

/// The lines of the crontab with a command, without their times.
fn cron(nth: usize) -> String {
    let text = example("cron/crontab");
    let lines = text.lines().filter(|line| line.contains("&& certplan"));
    let line = lines.into_iter().nth(nth).expect("a line");
    line.splitn(6, ' ').nth(5).expect("a command").to_owned()
}

#[test]
fn case_48_cron_is_silent_until_a_person_must_decide() {
    let rig = machine();
    let silent = |what: &str| {
        let ended = shell(&rig, &cron(0), &[]);
        assert_eq!(ended.stdout + &ended.stderr, "", "{what}");
    };
    silent("an order is placed");
    silent("it waits");
    rig.tell("reject", json!({ "all": true }));
    for _ in 0..2 {
        let ended = shell(&rig, &cron(0), &[]);
        for part in ["orders.ada", "generation: 2"] {
            assert!(ended.stderr.contains(part), "{}", ended.stderr);
        }
        assert!(ended.stdout.contains("orders.ada"), "{}", ended.stdout);
    }
    manifest(&rig, &[person("ada", "Ada", "generation: 2")], &[]);
    silent("it is decided");
    rig.approve_all();
    silent("it is issued");
    assert_eq!(word(&rig, "orders.ada"), "keep");
}

#[test]
fn case_48_cron_tells_what_keeps_it_from_running() {
    let mut rig = machine();
    rig.set("DIGICERT_API_KEY", "not-the-key-of-anybody-anymore");
    for nth in [0, 1] {
        let ended = shell(&rig, &cron(nth), &[]);
        assert_ne!(ended.stdout + &ended.stderr, "", "line {nth}");
    }
    rig.write("var/last.txt", "");
    rig.write("certplan.yaml", "version: 2\n");
    let ended = shell(&rig, &cron(0), &[]);
    assert!(ended.stderr.contains("version"), "{}", ended.stderr);
}
