//! Collecting: the issued certificate becomes files, all of them checked before a byte is written, and switched to
//! in one step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Work;
use crate::apply::ended::{Collection, Hook, StepEnd};
use crate::files::{Chain, FilesError, FilesFolder, P12, Parts, Wanted, chain, contents, p12};
use crate::model::{
    CertificateId, Delivery, Digest, FactBody, FileKind, ItemName, LiveOrder, Passphrase, Reason,
    Secret, SerialNumber, WantedFiles, seen,
};
use crate::plan::StepFiles;
use crate::provider::Depth;

/// Collects the certificate of an order in force. `end` is how the step ended so far.
pub(in crate::apply) async fn collect(work: Work<'_>, end: StepEnd) -> StepEnd {
    match collected(work).await {
        Ok(collection) => {
            let end = match &collection.hook {
                Hook::None | Hook::Ok => end,
                Hook::Failed(why) => {
                    let directory = collection.directory.display();
                    let why = format!(
                        "the certificate is in {directory}, and the program of --on-collected failed: {why}"
                    );
                    StepEnd::failed(work.step, why).standing_at(end.standing)
                }
            };
            StepEnd {
                collected: Some(collection),
                ..end.of_live(&work.record())
            }
        }
        Err(why) => {
            let failed = StepEnd::failed(work.step, why);
            failed.standing_at(end.standing).of_live(&work.record())
        }
    }
}

/// A step that does nothing else.
pub(super) async fn execute(work: Work<'_>) -> StepEnd {
    collect(work, work.by_the_journal()).await
}

async fn collected(work: Work<'_>) -> Result<Collection, String> {
    let Some(files) = work.step.files.as_deref() else {
        return Err("the plan does not say which files are wanted".to_owned());
    };
    let Some(wanted) = &files.wanted else {
        return Err("the plan does not say which files are wanted".to_owned());
    };
    let folder = work.context.folder()?;
    let name = work.step.address.name();
    let previous = work.record().live.and_then(|live| live.collected);
    let is_there = matches!(
        work.step.reason,
        Reason::ProgramFailed { .. } | Reason::NotDelivered { .. }
    );
    if !is_there || previous.is_none() {
        write(work, files, wanted, &folder).await?;
    }
    let directory = folder.live_path(name);
    let hook = work
        .context
        .deliver(work.step, &directory, previous.as_deref())
        .await?;
    let hook = match hook {
        Hook::None => failed_before(work),
        ran @ (Hook::Ok | Hook::Failed(_)) => ran,
    };
    Ok(Collection { directory, hook })
}

/// A run that names no program makes nothing good that a program failed at.
fn failed_before(work: Work<'_>) -> Hook {
    let collected = work.record().live.and_then(|live| live.collected);
    match collected.map(|collected| collected.delivery) {
        Some(Delivery::Failed { why, at }) => Hook::Failed(format!(
            "{} on {}; this run names no program: run it again with `--on-collected PROGRAM`",
            why.raw(),
            at.strftime("%F")
        )),
        Some(Delivery::Open | Delivery::Done) | None => Hook::None,
    }
}

/// Downloads the certificate, checks it, and makes its version the one that `live` points to.
async fn write(
    work: Work<'_>,
    files: &StepFiles,
    wanted: &WantedFiles,
    folder: &Arc<FilesFolder>,
) -> Result<(), String> {
    let (live, serial, certificate) = issued(work).await?;
    let key = match (&files.key, files.csr_key) {
        (None, Some(csr)) => csr,
        _ => live
            .key
            .ok_or("the journal does not know for which key the certificate was issued")?,
    };
    let passphrase = match &wanted.passphrase {
        Passphrase::From(source) if wanted.kinds.contains(&FileKind::P12) => {
            Some((work.context.run.secret)(source)?)
        }
        Passphrase::From(_) | Passphrase::Generate => None,
    };
    let mut version = Version {
        folder: Arc::clone(folder),
        name: work.step.address.name().clone(),
        run: work.context.run.run_id.to_string(),
        pem: String::new(),
        key,
        makes_key: files.key.is_some(),
        serial: serial.clone(),
        names: files.names.clone(),
        wanted: wanted.clone(),
        passphrase,
        now: work.context.ca_now(work.account),
    };
    let mut answered = None;
    if let Some(pem) = work.context.chains.take(&live.order_id) {
        version.pem = pem;
        (version, answered) = blocking(move || {
            let chain = version.chain().ok();
            (version, chain)
        })
        .await;
    }
    let digests = match answered {
        Some(chain) => blocking(move || version.write(&chain))
            .await
            .map_err(|error| error.told()),
        None => {
            version.pem = downloaded(work, &certificate).await?;
            blocking(move || version.make()).await
        }
    };
    let digests = digests?;
    let fact = FactBody::Collected {
        certificate_id: Some(certificate),
        serial_number: serial,
        public_key: key,
        files: digests,
        passphrase: wanted.noted_passphrase(),
    };
    let written = work.context.write(work.step, vec![fact]).await;
    written.map_err(|error| error.to_string())?;
    if files.key.is_some() {
        let (folder, name) = (Arc::clone(folder), work.step.address.name().clone());
        let removed = tokio::task::spawn_blocking(move || folder.remove_pending(&name, &key));
        // The key is in the version; what is left of it in `pending` the next collection removes.
        let _ = removed.await;
    }
    Ok(())
}

/// The certificate with those of its issuers, read from the CA.
async fn downloaded(work: Work<'_>, certificate: &CertificateId) -> Result<String, String> {
    let read = work.account.act.certificate_pem(certificate);
    match work.context.unless_stopped(read).await {
        None => Err("the run was stopped before the certificate was read".to_owned()),
        Some(read) => read.map_err(|error| error.to_string()),
    }
}

/// Does work of a processor, or of a disk, away from what waits for networks.
async fn blocking<T: Send + 'static>(does: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(does).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The order in force with the serial number and the id of its certificate; read where the lists did not show
/// them.
async fn issued(work: Work<'_>) -> Result<(LiveOrder, SerialNumber, CertificateId), String> {
    for is_read in [false, true] {
        let Some(live) = work.record().live else {
            return Err("no order is bound to the name".to_owned());
        };
        if let (Some(serial), Some(id)) = (&live.serial_number, &live.certificate_id) {
            let (serial, id) = (serial.clone(), id.clone());
            return Ok((live, serial, id));
        }
        if is_read {
            break;
        }
        let read = work.account.act.order(&live.order_id, Depth::Order);
        let order = match work.context.unless_stopped(read).await {
            None => return Err("the run was stopped before the order was read".to_owned()),
            Some(read) => read.map_err(|error| error.to_string())?,
        };
        let order = order.ok_or_else(|| format!("the CA shows no order {}", live.order_id))?;
        let fact = seen(&order, work.context.today(work.account));
        let written = work.context.write(work.step, vec![fact]).await;
        written.map_err(|error| error.to_string())?;
    }
    Err("the CA shows no serial number of the certificate yet; the next run looks again".to_owned())
}

/// What a version is made of.
struct Version {
    folder: Arc<FilesFolder>,
    name: ItemName,
    run: String,
    pem: String,
    key: Digest,
    makes_key: bool,
    serial: SerialNumber,
    names: Vec<String>,
    wanted: WantedFiles,
    passphrase: Option<Secret>,
    now: jiff::Timestamp,
}

impl Version {
    /// Checks everything, builds the version, switches to it.
    fn make(&self) -> Result<BTreeMap<FileKind, Digest>, String> {
        self.write(&self.chain()?).map_err(|error| error.told())
    }

    /// The certificate with those of its issuers, if all of it is as it must be.
    fn chain(&self) -> Result<Chain, String> {
        let wanted = Wanted {
            public_key: self.key,
            serial_number: &self.serial,
            names: &self.names,
            now: self.now,
        };
        chain::check(&self.pem, &wanted).map_err(|error| {
            format!(
                "what the CA handed out is not written: {error} ({})",
                error.code()
            )
        })
    }

    fn write(&self, chain: &Chain) -> Result<BTreeMap<FileKind, Digest>, FilesError> {
        let key = match self.makes_key {
            true => {
                let key = self.folder.find_key(&self.name, &self.key)?;
                Some(key.ok_or_else(|| self.folder.no_key(&self.key))?)
            }
            false => None,
        };
        let kinds: BTreeSet<FileKind> = self.wanted.kinds.iter().copied().collect();
        let made;
        let p12 = match (kinds.contains(&FileKind::P12), &self.passphrase) {
            (false, _) => None,
            (true, Some(passphrase)) => Some((passphrase, false)),
            (true, None) => {
                // Made again for the same certificate, the file opens as before.
                made = match self.folder.kept_passphrase(&self.name, &self.serial)? {
                    Some(kept) => kept,
                    None => p12::passphrase()?,
                };
                Some((&made, true))
            }
        };
        let parts = Parts {
            name: &self.name,
            serial: &self.serial,
            chain,
            key: key.as_ref(),
            kinds: &kinds,
            p12: p12.map(|(passphrase, is_generated)| P12 {
                strength: self.wanted.p12,
                passphrase,
                is_generated,
            }),
        };
        let contents = contents(&parts)?;
        let digests = self.folder.build(&self.name, &contents, &self.run)?;
        self.folder.switch(&self.name, &self.serial)?;
        Ok(digests)
    }
}
