//! Private keys made in a step: [`with_key`]. The key is on the disk before a slot of the rate limits is drawn,
//! so nothing slow lies between slot, intent and call.

use std::sync::Arc;

use super::Work;
use crate::files::{CsrNames, FilesError, FilesFolder, PrivateKey, csr};
use crate::model::{
    Csr, Digest, FileKind, ItemName, KeyKind, ObservedName, Order, Passphrase, Record, WantedKey,
};

/// The order with the CSR of its key, where the key is made here. An error says what to do.
pub(super) async fn with_key(work: Work<'_>, order: &Order) -> Result<Order, String> {
    let Some(wanted) = order.certificate.key else {
        return Ok(order.clone());
    };
    check_passphrase(work, order)?;
    let folder = work.context.folder()?;
    let name = work.step.address.name().clone();
    let known = KnownKeys::of(&work.record(), wanted);
    let request = order.certificate.clone();
    let _turn = work.context.key_turn().await;
    let made = tokio::task::spawn_blocking(move || {
        let key = known.key(&folder, &name)?;
        let names = CsrNames {
            common_name: request.common_name.as_deref(),
            dns_names: &request.dns_names,
            emails: &request.emails,
        };
        Ok::<_, FilesError>(Csr {
            pem: csr::make(&key, &names)?,
            public_key: key.public_key(),
        })
    });
    let csr = match made.await {
        Ok(made) => made.map_err(|error| error.told())?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let mut order = order.clone();
    order.certificate.csr = Some(csr);
    Ok(order)
}

/// A passphrase that is not there is told before anything is bought.
fn check_passphrase(work: Work<'_>, order: &Order) -> Result<(), String> {
    let files = order.files.as_deref();
    match files.map(|files| (&files.passphrase, files.kinds.contains(&FileKind::P12))) {
        Some((Passphrase::From(source), true)) => (work.context.run.secret)(source).map(drop),
        Some(_) | None => Ok(()),
    }
}

/// What the journal says of the keys of a name.
struct KnownKeys {
    wanted: WantedKey,
    /// The key of the order in force.
    live: Option<Digest>,
    /// Keys that a call of the journal names.
    named: Vec<Digest>,
}

impl KnownKeys {
    fn of(record: &Record, wanted: WantedKey) -> Self {
        let live = record.live.as_ref();
        let open = record.open.as_ref();
        let change = live.and_then(|live| live.change.as_ref());
        let successor = record.successor.as_ref();
        Self {
            wanted,
            live: live.and_then(|live| live.key),
            named: [
                live.and_then(|live| live.key),
                change.and_then(|change| change.public_key),
                successor.and_then(|successor| successor.key),
                open.and_then(|open| open.attempt.public_key),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    /// The key that is sent: the one in force where it is kept, one that a killed run left and no call names, or
    /// a new one.
    fn key(&self, folder: &Arc<FilesFolder>, name: &ItemName) -> Result<PrivateKey, FilesError> {
        if self.wanted.reuse
            && let Some(live) = &self.live
            && let Some(key) = folder.find_key(name, live)?
            && key.kind() == self.wanted.generate
        {
            return Ok(key);
        }
        let seen = folder.observe(std::iter::once(name))?;
        let left = seen.names.get(name).and_then(|seen| self.left(seen));
        if let Some(public_key) = left
            && let Some(key) = folder.find_key(name, &public_key)?
        {
            return Ok(key);
        }
        let key = PrivateKey::generate(self.wanted.generate)?;
        folder.keep_pending(name, &key)?;
        Ok(key)
    }

    fn left(&self, seen: &ObservedName) -> Option<Digest> {
        let kind: KeyKind = self.wanted.generate;
        let mut pending = seen.pending.iter();
        let left = pending.find(|one| {
            one.kind == Some(kind)
                && !self.named.contains(&one.public_key)
                && !seen
                    .versions
                    .values()
                    .any(|version| version.public_key == Some(one.public_key))
        });
        left.map(|one| one.public_key)
    }
}
