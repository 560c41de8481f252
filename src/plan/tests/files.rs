//! Keys and files: the table of collections, missing keys, another host's folder.

use std::collections::BTreeMap;

use super::{SeenFolder, World, at_the_ca, order, order_item, placed};
use crate::model::{
    Cause, Collected, Decision, Delivery, Digest, FactBody, FileKind, FilesId, KeyKind, LiveLink,
    LiveState, ObservedName, ObservedVersion, Operation, OrderStatus, P12Strength, Passphrase,
    PendingKey, Reason, Record, SerialNumber, Standing, WantedFiles, WantedKey,
};
use crate::plan::{Action, FileState, KeyState, Step};

const FILES: [FileKind; 2] = [FileKind::PrivateKey, FileKind::FullChain];

fn key() -> Digest {
    Digest::of(b"made here")
}

fn bytes(kind: FileKind) -> Digest {
    Digest::of(kind.file_name().as_bytes())
}

/// A world with one order in force, whose key was made here and whose files are wanted.
fn in_force() -> World {
    let mut wanted = order("a.example");
    wanted.certificate.csr = None;
    wanted.certificate.key = Some(WantedKey {
        generate: KeyKind::P256,
        reuse: false,
    });
    wanted.files = Some(Box::new(WantedFiles {
        kinds: vec![FileKind::FullChain],
        p12: P12Strength::Modern,
        passphrase: Passphrase::Generate,
    }));
    let mut record = placed(7, LiveState::Issued, &wanted);
    let live = record.live.as_mut().unwrap();
    live.key = Some(key());
    live.certificate_id = Some(70_u64.into());
    live.serial_number = Some(SerialNumber::from("0A70"));
    live.valid_till = Some("2027-06-30".parse().unwrap());
    let mut world = World::of(vec![order_item("a", wanted)]);
    world.knows("orders.a", record);
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.public_key = Some(key());
    world.shows(shown);
    world.folder = Some(SeenFolder::default());
    world
}

/// The same with its key waiting for the certificate.
fn with_pending_key() -> World {
    let mut world = in_force();
    seen(&mut world).pending.push(PendingKey {
        public_key: key(),
        kind: Some(KeyKind::P256),
    });
    world
}

/// The same with everything collected and delivered.
fn collected() -> World {
    let mut world = in_force();
    let files: BTreeMap<FileKind, Digest> = FILES.map(|kind| (kind, bytes(kind))).into();
    let name = seen(&mut world);
    name.live = LiveLink::To("a70".to_owned());
    name.versions.insert(
        "a70".to_owned(),
        ObservedVersion {
            public_key: Some(key()),
            files: files.clone(),
            p12: None,
        },
    );
    live(&mut world).collected = Some(Box::new(Collected {
        serial_number: SerialNumber::from("0A70"),
        public_key: key(),
        files,
        passphrase: None,
        at: "2026-11-02T00:00:00Z".parse().unwrap(),
        delivery: Delivery::Done,
    }));
    world
}

fn seen(world: &mut World) -> &mut ObservedName {
    let folder = world.folder.as_mut().unwrap();
    let names = &mut folder.observed.names;
    names.entry("a".parse().unwrap()).or_default()
}

fn live(world: &mut World) -> &mut crate::model::LiveOrder {
    let record: &mut Record = world.records.get_mut(&"orders.a".parse().unwrap()).unwrap();
    record.live.as_mut().unwrap()
}

fn noted(world: &mut World) -> &mut Collected {
    live(world).collected.as_deref_mut().unwrap()
}

fn states(step: &Step) -> Vec<FileState> {
    let files = step.files.as_ref().unwrap();
    files.files.iter().map(|file| file.state).collect()
}

fn key_state(step: &Step) -> KeyState {
    step.files.as_ref().unwrap().key.unwrap().state
}

#[test]
fn an_issued_certificate_is_collected_once() {
    let step = with_pending_key().step();
    assert_eq!(step.action, Action::Collect);
    let serial = SerialNumber::from("0A70");
    assert_eq!(step.reason, Reason::NotCollected { serial });
    assert_eq!(
        step.requests[0].path,
        "/certificate/70/download/format/pem_all"
    );
    assert_eq!(key_state(&step), KeyState::Pending);
    assert_eq!(states(&step), [FileState::Missing; 2]);

    let step = collected().step();
    assert_eq!((step.action, &step.news[..]), (Action::Keep, &[][..]));
    assert_eq!(key_state(&step), KeyState::Present);
    assert_eq!(states(&step), [FileState::Ok; 2]);
}

#[test]
fn what_a_killed_run_collected_is_noted_without_a_request() {
    let mut world = collected();
    live(&mut world).collected = None;
    let step = world.step();
    assert_eq!(step.action, Action::Keep);
    assert!(
        matches!(&step.news[..], [FactBody::Collected { files, .. }] if files.len() == 2),
        "{:?}",
        step.news
    );
    // Not where the switch is missing, a file is missing, or the key is another one.
    let spoil: [fn(&mut ObservedName); 3] = [
        |name| name.live = LiveLink::None,
        |name| {
            let version = name.versions.get_mut("a70").unwrap();
            version.files.remove(&FileKind::FullChain);
        },
        |name| {
            let version = name.versions.get_mut("a70").unwrap();
            version.public_key = Some(Digest::of(b"another"));
            name.pending.push(PendingKey {
                public_key: key(),
                kind: None,
            });
        },
    ];
    for spoil in spoil {
        let mut world = collected();
        live(&mut world).collected = None;
        spoil(seen(&mut world));
        assert_eq!(world.step().action, Action::Collect);
    }
}

#[test]
fn a_new_certificate_is_collected_and_the_old_files_are_old() {
    let mut world = collected();
    let shown = world.observed.orders.get_mut(&7_u64.into()).unwrap();
    shown.certificate_id = Some(71_u64.into());
    shown.serial_number = Some(SerialNumber::from("0A71"));
    live(&mut world).certificate_id = Some(71_u64.into());
    live(&mut world).serial_number = Some(SerialNumber::from("0A71"));
    world.observed.details.clear();
    let step = world.step();
    assert_eq!(step.action, Action::Collect);
    assert_eq!(states(&step), [FileState::Old; 2]);
}

#[test]
fn drift_is_told_by_the_file_and_the_day() {
    let mut world = collected();
    let version = seen(&mut world).versions.get_mut("a70").unwrap();
    version
        .files
        .insert(FileKind::FullChain, Digest::of(b"edited"));
    let step = world.step();
    let since = "2026-11-02T00:00:00Z".parse().unwrap();
    let files = vec![FileKind::FullChain];
    assert_eq!(step.reason, Reason::FilesChanged { files, since });
    assert_eq!(step.action, Action::Collect);
    assert_eq!(states(&step), [FileState::Ok, FileState::Changed]);

    let mut world = collected();
    let version = seen(&mut world).versions.get_mut("a70").unwrap();
    version.files.remove(&FileKind::FullChain);
    let files = vec![FileKind::FullChain];
    assert_eq!(world.step().reason, Reason::FilesMissing { files });

    let mut world = collected();
    seen(&mut world).live = LiveLink::Elsewhere;
    let serial = SerialNumber::from("0A70");
    assert_eq!(world.step().reason, Reason::LinkChanged { serial });
}

#[test]
fn a_program_that_failed_or_did_not_run_is_run_again() {
    let mut world = collected();
    let (why, at) = (
        "exit code 3".into(),
        "2026-11-03T00:00:00Z".parse().unwrap(),
    );
    noted(&mut world).delivery = Delivery::Failed { why, at };
    let step = world.step();
    assert!(matches!(step.reason, Reason::ProgramFailed { .. }));
    assert_eq!((step.action, step.requests.len()), (Action::Collect, 0));

    // Without a program in this run nobody asks whether one ran.
    let mut world = collected();
    noted(&mut world).delivery = Delivery::Open;
    assert_eq!(world.step().action, Action::Keep);
    world.folder.as_mut().unwrap().has_program = true;
    let step = world.step();
    assert!(matches!(step.reason, Reason::NotDelivered { .. }));
    assert_eq!((step.action, step.requests.len()), (Action::Collect, 0));
}

#[test]
fn a_missing_key_waits_for_a_person_and_rekey_reissues() {
    let mut world = in_force();
    let step = world.step();
    assert_eq!(step.action, Action::Wait);
    assert_eq!(key_state(&step), KeyState::Missing);
    let address = "orders.a".parse().unwrap();
    let decision = Decision::MissingKey { address };
    assert_eq!(step.standing.waits(), Some(&Cause::Decision(decision)));
    // The certificate is in force all the same: what waits for it goes on.
    assert!(matches!(step.standing, Standing::InForce { .. }));
    assert!(step.reached().is_some());
    assert_eq!(
        world.warning(),
        "its private key is not below .certplan/files; `certplan apply --rekey orders.a` makes a new one by a reissue, which buys nothing"
    );

    world.rekey = vec!["orders.a".parse().unwrap()];
    let step = world.step();
    assert_eq!(
        (step.action, key_state(&step)),
        (Action::Reissue, KeyState::ToMake)
    );
    assert!(matches!(step.operation, Some(Operation::Reissue(_))));
    assert!(step.revokes.is_empty());

    // A key that is here is not replaced.
    let mut world = collected();
    world.rekey = vec!["orders.a".parse().unwrap()];
    assert_eq!(world.step().action, Action::Keep);
    assert!(
        world.warning().contains("nothing is reissued"),
        "{}",
        world.warning()
    );
}

#[test]
fn another_kind_of_key_is_a_reissue() {
    let mut world = collected();
    let crate::model::Wanted::Order(wanted) = &mut world.batch.items[0].wanted else {
        panic!("an order");
    };
    wanted.certificate.key = Some(WantedKey {
        generate: KeyKind::Rsa2048,
        reuse: false,
    });
    let step = world.step();
    assert_eq!(
        (step.action, key_state(&step)),
        (Action::Reissue, KeyState::ToMake)
    );
}

#[test]
fn what_needs_the_folder_of_another_host_waits_for_it() {
    let id: FilesId = "01a22180-affd-76c6-baaf-f0425b66a22b".parse().unwrap();
    let elsewhere = |mut world: World| {
        world.folder.as_mut().unwrap().elsewhere = Some(id.clone());
        world.step()
    };
    // Nothing is reissued because a key is not on this host, and nothing is collected here.
    for world in [in_force(), with_pending_key(), collected()] {
        assert_eq!(elsewhere(world).action, Action::Keep);
    }
    let mut world = in_force();
    world.records.clear();
    world.observed.orders.clear();
    world.observed.details.clear();
    let step = elsewhere(world);
    let folder = id.clone();
    assert_eq!(step.standing.waits(), Some(&Cause::OtherHost { folder }));
    assert!(step.operation.is_none());
}

#[test]
fn an_order_without_a_journal_and_without_its_key_is_bound_and_waits() {
    let mut world = in_force();
    live(&mut world).key = None;
    world.observed.details.clear();
    assert_eq!(world.step().action, Action::Wait);
}
