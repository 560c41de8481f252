//! Case 40: key files as Kubernetes, Docker and systemd mount them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::rig::{Ended, Rig};

/// A Kubernetes volume at `vol`, and the folder of container secrets, in a mount namespace of its own.
const MOUNTS: &str = r#"
set -e
mount -t tmpfs -o mode=1777 tmpfs vol
mkdir vol/..one vol/sub; ln -s ..one vol/..data
for mode in 644 640 440 400 666; do
  printf %s "$DIGICERT_API_KEY" > vol/..one/k$mode; chmod $mode vol/..one/k$mode; ln -s ..data/k$mode vol/k$mode
done
cp vol/..one/k440 vol/sub/k444; chmod 444 vol/sub/k444
ln -s ../outside/key vol/leaves
ln -s ../outside vol/way
mount -o "$VOLUME" vol
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/secrets
mount --bind disk /run/secrets
set +e
exec "$@"
"#;

fn rig() -> Rig {
    let rig = Rig::new();
    fs::create_dir(rig.path("vol")).expect("a folder");
    rig.write("outside/key", key(&rig));
    rig.write("disk/docker", key(&rig));
    mode(&rig, "outside/key", 0o600);
    mode(&rig, "disk/docker", 0o444);
    rig
}

fn key(rig: &Rig) -> String {
    let command = rig.command(&[]);
    let mut found = command.get_envs();
    let found = found.find(|(name, _)| *name == "DIGICERT_API_KEY");
    let value = found.and_then(|(_, value)| value).expect("a key");
    value.to_str().expect("text").to_owned()
}

fn mode(rig: &Rig, path: &str, mode: u32) {
    fs::set_permissions(rig.path(path), Permissions::from_mode(mode)).expect("a mode");
}

fn manifest(rig: &Rig, file: &str) {
    rig.write(
        "certplan.yaml",
        format!(
            "version: 1\naccounts:\n  digicert: {{ provider: certcentral, api_key: {{ file: \"{file}\" }} }}\norders: {{}}\nrevocations:\n  a: {{ account: digicert, order_id: 1, scope: order, reason: superseded, comments: x }}\n"
        ),
    );
}

/// `plan` with the mounts, or `None` where there are no mount namespaces to be had.
fn mounted(rig: &Rig, volume: &str, file: &str) -> Option<Ended> {
    manifest(rig, file);
    let mut flags = vec!["--mount", "--propagation", "private"];
    if !rustix::process::geteuid().is_root() {
        flags.push("--map-root-user");
    }
    let possible = Command::new("unshare")
        .args(&flags)
        .arg("true")
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        println!("there are no mount namespaces here: nothing was tried");
        return None;
    }
    flags.extend(["sh", "-c", MOUNTS, "sh"]);
    let mut command = rig.command_under("unshare", &flags, &["plan"]);
    command.env("VOLUME", volume);
    Some(Ended::new(command.output().expect("a shell")))
}

#[test]
fn case_40_a_volume_of_kubernetes_and_a_docker_secret_are_taken() {
    let rig = rig();
    for file in [
        "vol/k644",
        "vol/k640",
        "vol/k440",
        "vol/k400",
        "vol/..data/k644",
        "vol/sub/k444",
        "/run/secrets/docker",
        "/var/run/secrets/docker",
    ] {
        let Some(ended) = mounted(&rig, "remount,ro", file) else {
            return;
        };
        assert_eq!(ended.code, Some(0), "{file}: {ended:?}");
    }
}

#[test]
fn case_40_what_others_may_write_and_what_leads_out_is_refused_with_what_can_be_done_there() {
    let rig = rig();
    for (volume, file, said) in [
        (
            "remount,ro",
            "vol/k666",
            "can be written by others: it is mounted read-only",
        ),
        ("remount,ro", "vol/leaves", "leads out of its mount"),
        ("remount,ro", "vol/way/key", "leads out of its mount"),
        // Where anybody may write, as in /tmp and /dev/shm, nothing is open to others.
        (
            "remount,rw",
            "vol/..data/k644",
            "is open to others: `chmod 600",
        ),
        ("remount,rw", "vol/k400", "is a symbolic link"),
    ] {
        let Some(ended) = mounted(&rig, volume, file) else {
            return;
        };
        assert_eq!(ended.code, Some(1), "{file}: {ended:?}");
        let name = file.rsplit('/').next().expect("a name");
        assert!(ended.stderr.contains(name), "{file}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{file}: {}", ended.stderr);
        assert!(!format!("{ended:?}").contains(&key(&rig)), "{ended:?}");
    }
}

#[test]
fn case_40_a_credential_of_systemd_is_taken_where_the_variable_names_its_folder() {
    let mut rig = rig();
    fs::create_dir(rig.path("cred")).expect("a folder");
    rig.write("cred/digicert", key(&rig));
    mode(&rig, "cred/digicert", 0o444);
    manifest(&rig, "cred/digicert");
    rig.certplan(&["plan"]).expect(1);
    let folder = rig.path("cred").display().to_string();
    rig.set("CREDENTIALS_DIRECTORY", &folder);
    rig.certplan(&["plan"]).expect(0);
    mode(&rig, "cred/digicert", 0o446);
    rig.certplan(&["plan"]).expect(1);
    symlink("../outside/key", rig.path("cred/leaves")).expect("a link");
    manifest(&rig, "cred/leaves");
    let ended = rig.certplan(&["plan"]).expect(1);
    assert!(ended.stderr.contains("leads out"), "{}", ended.stderr);
    // An empty variable names no folder.
    rig.set("CREDENTIALS_DIRECTORY", "");
    manifest(&rig, "cred/digicert");
    mode(&rig, "cred/digicert", 0o444);
    rig.certplan(&["plan"]).expect(1);
}
