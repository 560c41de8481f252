//! What is to be done about the key and the files of an order: [`with_files`].

use super::decided::Decided;
use super::order_case::OrderCase;
use super::reissue::decide_reissue;
use super::step_files::{FileState, KeyState, StepFile, StepFiles, StepKey};
use super::{Action, inputs::Folder};
use crate::model::{
    Cause, Change as Difference, Collected, Decision, Delivery, Digest, FactBody, FileKind,
    FilesId, LiveLink, LiveOrder, ObservedName, Passphrase, Reason, SerialNumber, Standing,
    WantedFiles,
};

/// Adds the key and the files that an order's entry asks for to what was decided about the order. Where nothing
/// else is to be done about it, the files may need something. `live` is the order that the name stands for.
pub(super) fn with_files(
    mut decided: Decided,
    case: OrderCase<'_, '_>,
    live: Option<&LiveOrder>,
) -> Decided {
    let request = &case.order.certificate;
    let Some(folder) = case.inputs.folder else {
        return decided;
    };
    if request.key.is_none() && case.order.files.is_none() {
        return decided;
    }
    let empty = ObservedName::default();
    let name = case.item.address.name();
    let seen = Seen {
        folder,
        name: folder.observed.names.get(name).unwrap_or(&empty),
        live,
    };
    let in_force = matches!(
        decided.step.standing,
        Standing::InForce { change: None, .. }
    );
    if let Some(elsewhere) = folder.elsewhere {
        return other_host(decided, case, elsewhere);
    }
    if let Some(live) = live.filter(|_| in_force && decided.step.action == Action::Keep) {
        decided = seen.decide(decided, case, live);
    }
    let places = matches!(decided.step.action, Action::Order | Action::Renew);
    let makes_key = places || decided.step.action == Action::Reissue;
    decided.step.files = Some(Box::new(StepFiles {
        key: request.key.map(|key| StepKey {
            algorithm: key.generate,
            state: seen.key_state(makes_key && !(key.reuse && seen.holds_key())),
            replaces_pickup: places && sends_pickup_mail(case),
        }),
        wanted: case.order.files.as_deref().cloned(),
        names: request.names(),
        csr_key: request.csr.as_ref().map(|csr| csr.public_key),
        files: seen.files(case),
    }));
    decided
}

fn sends_pickup_mail(case: OrderCase<'_, '_>) -> bool {
    let account = case.inputs.batch.accounts.get(&case.item.account);
    account.is_some_and(|account| {
        let authority = account.provider.authority;
        authority.sends_pickup_mail(&case.order.product)
    })
}

/// What needs a key waits for the host that has the files folder; files are that host's business alone.
fn other_host(mut decided: Decided, case: OrderCase<'_, '_>, folder: &FilesId) -> Decided {
    let is_call = matches!(
        decided.step.action,
        Action::Order | Action::Renew | Action::Reissue
    );
    if !is_call || case.order.certificate.key.is_none() {
        return decided;
    }
    let folder = folder.clone();
    let waits = Cause::OtherHost {
        folder: folder.clone(),
    };
    let mut waiting = Decided::waiting(case.item, Reason::OtherHost { folder }, waits);
    waiting.step.order_id = decided.step.order_id.take();
    waiting.step.news = std::mem::take(&mut decided.step.news);
    waiting.warnings = decided.warnings;
    waiting
}

/// The files folder as far as it is about one order.
struct Seen<'s> {
    folder: Folder<'s>,
    name: &'s ObservedName,
    live: Option<&'s LiveOrder>,
}

impl Seen<'_> {
    fn holds_key(&self) -> bool {
        let key = self.live.and_then(|live| live.key.as_ref());
        key.is_some_and(|key| self.name.holds_key(key))
    }

    fn key_state(&self, is_made: bool) -> KeyState {
        if is_made {
            return KeyState::ToMake;
        }
        let Some(key) = self.live.and_then(|live| live.key.as_ref()) else {
            return KeyState::Missing;
        };
        if self.name.pending.iter().any(|one| one.public_key == *key) {
            KeyState::Pending
        } else if self.name.holds_key(key) {
            KeyState::Present
        } else {
            KeyState::Missing
        }
    }

    /// What the files need of an order in force about which nothing else is to be done.
    fn decide(&self, decided: Decided, case: OrderCase<'_, '_>, live: &LiveOrder) -> Decided {
        let standing = decided.step.standing.clone();
        if case.order.certificate.key.is_some() {
            let rekey = case.inputs.rekey.contains(&case.item.address);
            if !self.holds_key() {
                return match rekey {
                    true => new_key(decided, case, live),
                    false => self.key_missing(decided, case, live),
                };
            }
            if rekey {
                let path = self.folder.path;
                return decided.warn(format!(
                    "`--rekey` makes a new key where the old one is gone, and the key of {} is below {path}: nothing is reissued",
                    case.item.address
                ));
            }
        }
        let (Some(wanted), Some(serial)) = (&case.order.files, &live.serial_number) else {
            return decided;
        };
        let Some(found) = self.collection(wanted, case, (live, serial)) else {
            return decided;
        };
        match found {
            Found::Unnoted(fact) => {
                let mut decided = decided;
                decided.step.news.push(fact);
                decided
            }
            Found::Due(reason) => {
                // Where only the program has to run, nothing is downloaded.
                let is_there = matches!(
                    reason,
                    Reason::ProgramFailed { .. } | Reason::NotDelivered { .. }
                );
                let mut due = Decided::new(case.item, Action::Collect, reason, standing);
                // The order is in force: nothing has to come before its files.
                due.step.after.clear();
                due.step.news = decided.step.news;
                due.warnings = decided.warnings;
                let accounts = &case.inputs.batch.accounts;
                let account = accounts.get(&case.item.account).filter(|_| !is_there);
                let certificate = live.certificate_id.as_ref();
                due.step.requests = account
                    .and_then(|account| {
                        let authority = account.provider.authority;
                        authority.download_request(&live.order_id, certificate)
                    })
                    .into_iter()
                    .collect();
                due
            }
        }
    }

    fn key_missing(
        &self,
        mut decided: Decided,
        case: OrderCase<'_, '_>,
        live: &LiveOrder,
    ) -> Decided {
        let address = &case.item.address;
        let waits = Cause::Decision(Decision::MissingKey {
            address: address.clone(),
        });
        let mut standing = decided.step.standing.clone();
        if let Standing::InForce { change, .. } = &mut standing {
            *change = Some(Difference::KeyMissing { waits });
        }
        let order = live.order_id.clone();
        let reason = Reason::KeyMissing { order };
        let mut missing = Decided::new(case.item, Action::Wait, reason, standing);
        missing.step.news = std::mem::take(&mut decided.step.news);
        missing.warnings = decided.warnings;
        let path = self.folder.path;
        missing.warn(format!(
            "its private key is not below {path}; `certplan apply --rekey {address}` makes a new one by a reissue, which buys nothing"
        ))
    }

    /// The first thing that is wrong with the files, or a collection that the journal does not have.
    fn collection(
        &self,
        wanted: &WantedFiles,
        case: OrderCase<'_, '_>,
        (live, serial): (&LiveOrder, &SerialNumber),
    ) -> Option<Found> {
        let kinds = kinds(wanted, case.order.certificate.key.is_some());
        let noted = live.collected.as_deref();
        let Some(noted) = noted.filter(|noted| noted.serial_number.is_same(serial)) else {
            let unnoted = self.unnoted(&kinds, case, (live, serial));
            return Some(unnoted.unwrap_or_else(|| {
                let serial = serial.clone();
                Found::Due(Reason::NotCollected { serial })
            }));
        };
        let of = |state| {
            let kinds = kinds.iter().copied();
            kinds
                .filter(|kind| self.state(*kind, Some(noted), serial) == state)
                .collect::<Vec<_>>()
        };
        let (missing, changed) = (of(FileState::Missing), of(FileState::Changed));
        let is_made = |kind: &FileKind| *kind == FileKind::P12Pass;
        if missing.iter().all(is_made)
            && changed.is_empty()
            && let Some(reason) = self.p12_differs(wanted, noted)
        {
            return Some(Found::Due(reason));
        }
        if !missing.is_empty() {
            return Some(Found::Due(Reason::FilesMissing { files: missing }));
        }
        if !changed.is_empty() {
            let (files, since) = (changed, noted.at);
            return Some(Found::Due(Reason::FilesChanged { files, since }));
        }
        if !self.is_linked(serial) {
            let serial = serial.clone();
            return Some(Found::Due(Reason::LinkChanged { serial }));
        }
        match &noted.delivery {
            Delivery::Failed { why, at } => {
                let (at, why) = (*at, why.clone());
                Some(Found::Due(Reason::ProgramFailed { at, why }))
            }
            Delivery::Open if self.folder.has_program => {
                let serial = serial.clone();
                Some(Found::Due(Reason::NotDelivered { serial }))
            }
            Delivery::Open | Delivery::Done => None,
        }
    }

    /// What of a PKCS#12 file is not as the entry says now. The passphrase itself is known to nobody: what is
    /// compared is where it came from.
    fn p12_differs(&self, wanted: &WantedFiles, noted: &Collected) -> Option<Reason> {
        let passphrase = wanted.noted_passphrase()?;
        let version = self
            .name
            .versions
            .get(&noted.serial_number.folder_name()?)?;
        if let Some(is) = version.p12.filter(|is| *is != wanted.p12) {
            let wanted = wanted.p12;
            return Some(Reason::P12Strength { is, wanted });
        }
        let was = noted.passphrase.as_ref();
        was.filter(|was| **was != passphrase)
            .map(|_| Reason::P12Passphrase)
    }

    /// The fact of a collection that a run finished and did not note: the version is complete, and `live` points
    /// to it.
    fn unnoted(
        &self,
        kinds: &[FileKind],
        case: OrderCase<'_, '_>,
        (live, serial): (&LiveOrder, &SerialNumber),
    ) -> Option<Found> {
        let version = self.name.versions.get(&serial.folder_name()?)?;
        let key = match &case.order.certificate.csr {
            Some(csr) => csr.public_key,
            None => live.key?,
        };
        let has_key = case.order.certificate.key.is_some();
        let wanted = case.order.files.as_deref()?;
        let has_p12 = wanted.kinds.contains(&FileKind::P12);
        let is_made_here = wanted.passphrase == Passphrase::Generate;
        let is_as_asked = version.p12.is_none_or(|is| is == wanted.p12)
            && version.files.contains_key(&FileKind::P12Pass) == is_made_here;
        let is_whole = (!has_p12 || is_as_asked)
            && kinds.iter().all(|kind| version.files.contains_key(kind))
            && self.is_linked(serial)
            && (!has_key || version.public_key == Some(key));
        is_whole.then(|| {
            Found::Unnoted(FactBody::Collected {
                certificate_id: live.certificate_id.clone(),
                serial_number: serial.clone(),
                public_key: key,
                files: version.files.clone(),
                // The run that ended made it of the same entry, as far as its files can tell.
                passphrase: wanted.noted_passphrase(),
            })
        })
    }

    fn is_linked(&self, serial: &SerialNumber) -> bool {
        matches!(&self.name.live, LiveLink::To(to) if serial.folder_name().as_ref() == Some(to))
    }

    /// Where one file stands, `noted` being what was collected of the certificate with this serial number.
    fn state(&self, kind: FileKind, noted: Option<&Collected>, serial: &SerialNumber) -> FileState {
        let version = |serial: &SerialNumber| self.name.versions.get(&serial.folder_name()?);
        let Some(noted) = noted else {
            return FileState::Missing;
        };
        let there: Option<&Digest> =
            version(&noted.serial_number).and_then(|version| version.files.get(&kind));
        match (there, noted.files.get(&kind)) {
            (None, _) | (_, None) => FileState::Missing,
            (Some(there), Some(noted)) if there != noted => FileState::Changed,
            (Some(_), Some(_)) if !noted.serial_number.is_same(serial) => FileState::Old,
            (Some(_), Some(_)) => FileState::Ok,
        }
    }

    /// Each file that the entry asks for, and where it stands.
    fn files(&self, case: OrderCase<'_, '_>) -> Vec<StepFile> {
        let Some(wanted) = &case.order.files else {
            return Vec::new();
        };
        let noted = self.live.and_then(|live| live.collected.as_deref());
        let serial = self
            .live
            .and_then(|live| live.serial_number.as_ref())
            .or_else(|| noted.map(|noted| &noted.serial_number));
        let kinds = kinds(wanted, case.order.certificate.key.is_some());
        let differs = noted.and_then(|noted| self.p12_differs(wanted, noted));
        let differs = differs.is_some();
        let state = |kind| match serial {
            Some(serial) => match self.state(kind, noted, serial) {
                FileState::Ok if kind == FileKind::P12 && differs => FileState::Changed,
                state => state,
            },
            None => FileState::Missing,
        };
        let files = kinds.into_iter();
        files
            .map(|kind| StepFile {
                kind,
                state: state(kind),
            })
            .collect()
    }
}

/// What the files of an order in force need.
enum Found {
    /// Nothing: a run finished, and did not note it.
    Unnoted(FactBody),
    /// A collection.
    Due(Reason),
}

/// Every file that a version holds.
fn kinds(wanted: &WantedFiles, has_key: bool) -> Vec<FileKind> {
    let mut kinds = wanted.kinds.clone();
    if has_key {
        kinds.push(FileKind::PrivateKey);
    }
    if kinds.contains(&FileKind::P12) && wanted.passphrase == Passphrase::Generate {
        kinds.push(FileKind::P12Pass);
    }
    kinds.sort();
    kinds
}

/// A reissue with a new key, because a person asked for one.
fn new_key(decided: Decided, case: OrderCase<'_, '_>, live: &LiveOrder) -> Decided {
    let mut standing = decided.step.standing;
    if let Standing::InForce { change, .. } = &mut standing {
        *change = Some(Difference::Due);
    }
    let mut reissue = decide_reissue(case, live, standing);
    if reissue.step.action == Action::Reissue {
        let order = live.order_id.clone();
        reissue.step.reason = Reason::NewKey { order };
        reissue.step.changes.clear();
    }
    reissue.step.news = decided.step.news;
    reissue.warnings.extend(decided.warnings);
    reissue
}
