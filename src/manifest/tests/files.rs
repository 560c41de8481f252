//! Several files, folders, standard input, CSR files and the second pass over two files.

use std::fs;

use super::{load_on, load_text, short};
use crate::manifest::{Input, Paint, load_policy};
use crate::model::{SecretSource, Wanted};

const ACCOUNTS: &str =
    "version: 1\naccounts:\n  a: {provider: certcentral, api_key: {file: key.txt}}\n";

fn revocation(name: &str) -> String {
    format!(
        "version: 1\nrevocations:\n  {name}: {{account: a, order_id: 1, scope: order, reason: superseded, comments: x}}\n"
    )
}

#[test]
fn a_folder_is_read_in_byte_order_without_its_sub_folders() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.yaml"), revocation("second")).unwrap();
    fs::write(folder.path().join("B.yml"), revocation("first")).unwrap();
    fs::write(folder.path().join("c.yaml"), ACCOUNTS).unwrap();
    fs::write(folder.path().join("note.txt"), "not: [yaml").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/d.yaml"), "not: [yaml").unwrap();
    let loaded = load_on(&[Input::Path(folder.path().to_owned())]).unwrap();
    let names: Vec<String> = loaded
        .batch
        .items
        .iter()
        .map(|item| item.address.to_string())
        .collect();
    assert_eq!(names, ["revocations.first", "revocations.second"]);
    let files: Vec<_> = loaded
        .files
        .iter()
        .map(|file| file.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(files, ["B.yml", "b.yaml", "c.yaml"]);
    assert_eq!(loaded.batch.items[1].location.line, 3);
    assert!(loaded.batch.items[1].location.file.ends_with("b.yaml"));
    // The key's file is relative to the manifest that names it.
    let account = loaded.batch.accounts.values().next().unwrap();
    assert_eq!(
        account.provider.credentials,
        [SecretSource::File(folder.path().join("key.txt"))]
    );
}

#[test]
fn row_101_a_name_in_two_files_is_shown_in_both() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("1.yaml"),
        format!("{ACCOUNTS}policy: {{max_orders: 1}}\n"),
    )
    .unwrap();
    fs::write(folder.path().join("2.yaml"), revocation("same")).unwrap();
    fs::write(
        folder.path().join("3.yaml"),
        format!("{}policy: {{max_orders: 2}}\n", revocation("same")),
    )
    .unwrap();
    let problems = load_on(&[Input::Path(folder.path().to_owned())]).unwrap_err();
    assert_eq!(
        short(&problems),
        ["duplicate_name 3:3", "duplicate_section 4:1"]
    );
    let labels = problems.iter().next().unwrap().labels.clone();
    let names: Vec<&str> = problems.files().collect();
    assert!(names[labels[0].file()].ends_with("3.yaml"));
    assert!(names[labels[1].file()].ends_with("2.yaml"));
    let text = problems.render(Paint::Plain, 200);
    assert!(
        text.contains("3.yaml:3:3") && text.contains("2.yaml:3:3"),
        "{text}"
    );
}

#[test]
fn defaults_and_accounts_may_stand_behind_and_in_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = "version: 1\nrevocations:\n  r: {order_id: 7, scope: order, reason: superseded}\n";
    fs::write(folder.path().join("1.yaml"), first).unwrap();
    let second = format!(
        "{ACCOUNTS}defaults: {{revocations: {{account: a, comments: from the defaults}}}}\n"
    );
    fs::write(folder.path().join("2.yaml"), second).unwrap();
    let loaded = load_on(&[Input::Path(folder.path().to_owned())]).unwrap();
    let Wanted::Revocation(revocation) = &loaded.batch.items[0].wanted else {
        panic!()
    };
    assert_eq!(revocation.comments.as_deref(), Some("from the defaults"));
}

#[test]
fn the_digest_does_not_depend_on_how_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let one = load_text(format!(
        "{ACCOUNTS}revocations:\n  x: {{account: a, order_id: 1, scope: order, reason: superseded, comments: x}}\n  y: {{account: a, order_id: 1, scope: order, reason: superseded, comments: x}}\n"
    ))
    .unwrap();
    fs::write(
        folder.path().join("a.yaml"),
        format!("# a comment\n{}", revocation("y")),
    )
    .unwrap();
    fs::write(
        folder.path().join("b.yaml"),
        revocation("x").replace(": 1,", ": \"1\", "),
    )
    .unwrap();
    fs::write(folder.path().join("c.yaml"), ACCOUNTS).unwrap();
    let load = || {
        load_on(&[Input::Path(folder.path().to_owned())])
            .unwrap()
            .batch
            .digest()
    };
    assert_eq!(one.batch.digest(), load());
    fs::write(
        folder.path().join("b.yaml"),
        revocation("x").replace("superseded", "unspecified"),
    )
    .unwrap();
    assert_ne!(one.batch.digest(), load());
}

#[test]
fn an_input_that_cannot_be_read_is_a_problem_beside_the_others() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.yaml"), "version: 2\n").unwrap();
    let inputs = [
        Input::Path(folder.path().join("none.yaml")),
        Input::Path(folder.path().join("bad.yaml")),
    ];
    let problems = load_on(&inputs).unwrap_err();
    assert_eq!(short(&problems), ["unreadable_file 0:0", "version 1:10"]);
    let empty = tempfile::tempdir().unwrap();
    let problems = load_on(&[Input::Path(empty.path().to_owned())]).unwrap_err();
    assert_eq!(short(&problems), ["no_manifest 0:0"]);
    assert_eq!(short(&load_on(&[]).unwrap_err()), ["no_manifest 0:0"]);
}

#[test]
fn a_csr_is_read_beside_the_manifest_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Locke Cole");
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    fs::create_dir(folder.path().join("csr")).unwrap();
    fs::write(folder.path().join("csr/a.csr"), &pem).unwrap();
    let order = |name: &str| {
        format!(
            "{ACCOUNTS}orders:\n  o:\n    account: a\n    product: client_premium_sha2\n    organization: {{id: \"12\"}}\n    validity_years: 1\n    certificate:\n      common_name: {name}\n      emails: [l@example.com]\n      signature_hash: sha256\n      csr: {{file: csr/a.csr}}\n"
        )
    };
    let path = folder.path().join("m.yaml");
    fs::write(&path, order("Locke Cole")).unwrap();
    let loaded = load_on(&[Input::Path(path.clone())]).unwrap();
    let Wanted::Order(ordered) = &loaded.batch.items[0].wanted else {
        panic!()
    };
    assert_eq!(ordered.certificate.csr.as_ref().unwrap().pem, pem);
    assert_eq!(ordered.term_members.map()["organization"]["id"], 12);
    fs::write(&path, order("Terra Branford")).unwrap();
    let problems = load_on(&[Input::Path(path)]).unwrap_err();
    assert_eq!(short(&problems), ["csr_names 14:19"]);
    let text = problems.render(Paint::Plain, 200);
    assert!(
        text.contains("locke cole") && text.contains("terra branford"),
        "{text}"
    );
}

#[test]
fn a_policy_file_has_the_members_at_its_top() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(
        &path,
        "max_orders: 3\ndoubt: {quiet_period: 1h, then: resend}\n",
    )
    .unwrap();
    let policy = load_policy(&path).unwrap();
    assert_eq!(policy.max_orders, Some(3));
    assert_eq!(policy.doubt.quiet_period.as_secs(), 3600);
    fs::write(
        &path,
        "version: 1\nmax_order: 3\nmax_revocation_percent: 101\ndoubt: {quiet_period: soon}\n",
    )
    .unwrap();
    assert_eq!(
        short(&load_policy(&path).unwrap_err()),
        [
            "unknown_member 1:1",
            "unknown_member 2:1",
            "bad_value 3:25",
            "bad_duration 4:23"
        ]
    );
    fs::write(&path, "# nothing\n").unwrap();
    assert_eq!(short(&load_policy(&path).unwrap_err()), ["empty_file 0:0"]);
}
