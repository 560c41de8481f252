//! What the last full reading of an account showed, kept beside the journal: `<database>.look.<account>`.
//!
//! No fact and no part of the chain: it only spares a later reading. So it is written without fsync, may be
//! deleted at any time, and is believed only when everything about it is as it should be: its seal covers
//! the journal's lineage, the account, what it is bound to, who asked, and every byte of it. Anything else
//! is as good as none.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::lock::no_follow;
use super::{Binding, Location};
use crate::model::{
    AccountName, CertificateId, Digest, Look, ObservedOrder, OrderId, OrderStatus, SerialNumber,
    Untrusted,
};

/// Raised when the rows change.
const PURPOSE: &str = "certplan look 1";
/// A million orders; what is larger is not read.
const LARGEST: u64 = 512 << 20;

/// Whose look it is, and where it is kept.
#[derive(Debug, Clone)]
pub struct LookPlace {
    path: PathBuf,
    /// What the seal covers besides the rows.
    owner: Digest,
}

impl LookPlace {
    /// The place of an account's look; `None` for a journal that is in no file, or that was not made yet.
    ///
    /// `who` is all that says what the key behind the reading may see.
    pub fn new(
        location: &Location,
        lineage: &str,
        account: &AccountName,
        binding: &Binding,
        who: &str,
    ) -> Option<Self> {
        let Location::File(database) = location else {
            return None;
        };
        if lineage.is_empty() || who.is_empty() {
            return None;
        }
        let mut path = database.clone().into_os_string();
        path.push(format!(".look.{account}"));
        let id = binding.account_id.as_deref();
        Some(Self {
            path: path.into(),
            owner: Digest::of_parts(&[
                PURPOSE.as_bytes(),
                lineage.as_bytes(),
                account.as_str().as_bytes(),
                binding.provider.as_bytes(),
                binding.endpoint.as_bytes(),
                id.map_or(&b"0"[..], |_| &b"1"[..]),
                id.unwrap_or_default().as_bytes(),
                who.as_bytes(),
            ]),
        })
    }

    /// Keeps a look in place of the one before it.
    ///
    /// # Errors
    ///
    /// The file cannot be written; the one before may then be gone.
    pub fn keep(&self, look: &Look) -> io::Result<()> {
        let mut body = Vec::with_capacity(look.orders.len() * 256);
        write_line(&mut body, &(look.read_at, look.orders.len()))?;
        for order in look.orders.values() {
            write_line(&mut body, &Row::of(order))?;
        }
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        // Mode 0600, as tempfile makes them.
        let mut file = tempfile::Builder::new()
            .prefix(".look-")
            .tempfile_in(folder.unwrap_or(std::path::Path::new(".")))?;
        writeln!(file, "{}", self.seal(&body))?;
        file.write_all(&body)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The look that is kept; `None` for none that can be believed.
    pub fn kept(&self) -> Option<Look> {
        let file = self.open()?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (seal, body) = (bytes.get(..end)?, bytes.get(end + 1..)?);
        if seal != self.seal(body).to_string().as_bytes() {
            return None;
        }
        let mut lines = body.split(|byte| *byte == b'\n');
        let (read_at, count): (Timestamp, usize) = serde_json::from_slice(lines.next()?).ok()?;
        let mut orders = BTreeMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let order = serde_json::from_slice::<Row>(line).ok()?.order()?;
            orders.insert(order.id.clone(), order);
        }
        (orders.len() == count).then_some(Look { read_at, orders })
    }

    /// Forgets it.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be removed.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A regular file that nobody else has written.
    fn open(&self) -> Option<File> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(no_follow());
        let named = fs::symlink_metadata(&self.path).ok()?;
        let ours = |found: &fs::Metadata| {
            let owner = rustix::process::geteuid().as_raw();
            found.is_file()
                && (found.uid() == owner || found.uid() == 0)
                && found.mode() & 0o022 == 0
                && found.len() <= LARGEST
        };
        if !ours(&named) {
            return None;
        }
        let file = options.open(&self.path).ok()?;
        ours(&file.metadata().ok()?).then_some(file)
    }

    fn seal(&self, body: &[u8]) -> Digest {
        Digest::of_parts(&[self.owner.bytes(), body])
    }
}

fn write_line<T: Serialize>(body: &mut Vec<u8>, line: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *body, line)?;
    body.push(b'\n');
    Ok(())
}

/// An order as the list shows it, in one line. What only a full read brings is not kept.
#[derive(Serialize, Deserialize)]
struct Row(
    OrderId,
    String,
    Option<String>,
    Option<String>,
    Vec<String>,
    Option<CertificateId>,
    Option<SerialNumber>,
    Option<String>,
    Option<Timestamp>,
    Option<u32>,
    Option<u32>,
    Option<Decimal>,
    Option<String>,
);

impl Row {
    fn of(order: &ObservedOrder) -> Self {
        Self(
            order.id.clone(),
            status_text(&order.status),
            order.product.clone(),
            order.common_name.clone(),
            order.names.clone(),
            order.certificate_id.clone(),
            order.serial_number.clone(),
            order.valid_till.clone(),
            order.created_at,
            order.duplicates,
            order.reissues,
            order.price,
            order.tag.clone(),
        )
    }

    fn order(self) -> Option<ObservedOrder> {
        Some(ObservedOrder {
            id: self.0,
            status: status(&self.1)?,
            product: self.2,
            common_name: self.3,
            names: self.4,
            certificate_id: self.5,
            serial_number: self.6,
            valid_till: self.7,
            created_at: self.8,
            duplicates: self.9,
            reissues: self.10,
            price: self.11,
            tag: self.12,
            public_key: None,
            certificates: None,
            requests: None,
            members: serde_json::Map::new(),
        })
    }
}

fn status_text(status: &OrderStatus) -> String {
    match status {
        OrderStatus::Pending(word) => format!("pending:{}", word.raw()),
        OrderStatus::Other(word) => format!("other:{}", word.raw()),
        OrderStatus::Issued => "issued".to_owned(),
        OrderStatus::ReissuePending => "reissue_pending".to_owned(),
        OrderStatus::Rejected => "rejected".to_owned(),
        OrderStatus::Canceled => "canceled".to_owned(),
        OrderStatus::Revoked => "revoked".to_owned(),
        OrderStatus::RevocationPending => "revocation_pending".to_owned(),
        OrderStatus::Expired => "expired".to_owned(),
    }
}

fn status(text: &str) -> Option<OrderStatus> {
    if let Some(word) = text.strip_prefix("pending:") {
        return Some(OrderStatus::Pending(Untrusted::new(word)));
    }
    if let Some(word) = text.strip_prefix("other:") {
        return Some(OrderStatus::Other(Untrusted::new(word)));
    }
    Some(match text {
        "issued" => OrderStatus::Issued,
        "reissue_pending" => OrderStatus::ReissuePending,
        "rejected" => OrderStatus::Rejected,
        "canceled" => OrderStatus::Canceled,
        "revoked" => OrderStatus::Revoked,
        "revocation_pending" => OrderStatus::RevocationPending,
        "expired" => OrderStatus::Expired,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn binding(endpoint: &str) -> Binding {
        Binding {
            provider: "certcentral".to_owned(),
            endpoint: endpoint.to_owned(),
            account_id: Some("7".to_owned()),
        }
    }

    fn place(folder: &tempfile::TempDir) -> LookPlace {
        of(folder, "lineage", "digicert", "https://a.example", "ada")
    }

    fn of(
        folder: &tempfile::TempDir,
        lineage: &str,
        name: &str,
        url: &str,
        who: &str,
    ) -> LookPlace {
        let location = Location::file(folder.path().join("state.db"));
        let name = name.parse().unwrap();
        LookPlace::new(&location, lineage, &name, &binding(url), who).unwrap()
    }

    fn texts() -> impl Strategy<Value = Option<String>> {
        prop::option::of("\\PC{0,20}")
    }

    prop_compose! {
        fn order()(
            id in "[0-9]{1,9}", word in "\\PC{0,9}", which in 0..9_u8,
            product in texts(), common_name in texts(), valid_till in texts(), tag in texts(),
            names in prop::collection::vec("\\PC{0,12}", 0..4), certificate in texts(),
            serial in texts(), created in prop::option::of(0..4_000_000_000_i64),
            duplicates in prop::option::of(any::<u32>()), reissues in prop::option::of(any::<u32>()),
            price in prop::option::of(0..99_999_999_i64),
        ) -> ObservedOrder {
            let words = Untrusted::new(word);
            ObservedOrder {
                id: OrderId::from(id),
                status: match which {
                    0 => OrderStatus::Pending(words),
                    1 => OrderStatus::Other(words),
                    2 => OrderStatus::Issued,
                    3 => OrderStatus::ReissuePending,
                    4 => OrderStatus::Rejected,
                    5 => OrderStatus::Canceled,
                    6 => OrderStatus::Revoked,
                    7 => OrderStatus::RevocationPending,
                    _ => OrderStatus::Expired,
                },
                product, common_name, names, valid_till, tag, duplicates, reissues,
                certificate_id: certificate.map(CertificateId::from),
                serial_number: serial.map(SerialNumber::from),
                created_at: created.map(|at| Timestamp::from_second(at).unwrap()),
                price: price.map(|cents| Decimal::new(cents, 2)),
                public_key: None, certificates: None, requests: None,
                members: serde_json::Map::new(),
            }
        }
    }

    fn look(orders: Vec<ObservedOrder>) -> Look {
        Look {
            read_at: "2026-11-22T03:04:05Z".parse().unwrap(),
            orders: orders
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_kept_comes_back_and_a_flipped_bit_is_noticed(
            orders in prop::collection::vec(order(), 0..8), at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let place = place(&folder);
            let look = look(orders);
            place.keep(&look).unwrap();
            prop_assert_eq!(place.kept(), Some(look));
            let mut bytes = fs::read(&place.path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            fs::write(&place.path, &bytes).unwrap();
            prop_assert_eq!(place.kept(), None);
            bytes.truncate(at);
            fs::write(&place.path, &bytes).unwrap();
            prop_assert_eq!(place.kept(), None);
        }
    }

    #[test]
    fn a_look_of_another_journal_account_endpoint_or_key_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let ours = place(&folder);
        assert_eq!(ours.kept(), None);
        ours.keep(&look(Vec::new())).unwrap();
        assert!(ours.kept().is_some());
        for other in [
            of(&folder, "another", "digicert", "https://a.example", "ada"),
            of(&folder, "lineage", "digicert", "https://b.example", "ada"),
            of(&folder, "lineage", "digicert", "https://a.example", "bob"),
        ] {
            assert_eq!(other.kept(), None);
        }
        let other = of(&folder, "lineage", "other", "https://a.example", "ada");
        fs::copy(&ours.path, &other.path).unwrap();
        assert_eq!(other.kept(), None);
        ours.forget().unwrap();
        ours.forget().unwrap();
        assert_eq!(ours.kept(), None);
    }

    #[test]
    fn a_file_that_others_may_write_or_a_link_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        place.keep(&look(Vec::new())).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place.path), 0o600);
        fs::set_permissions(&place.path, fs::Permissions::from_mode(0o660)).unwrap();
        assert_eq!(place.kept(), None);
        fs::set_permissions(&place.path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(place.kept().is_some());
        let moved = folder.path().join("moved");
        fs::rename(&place.path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &place.path).unwrap();
        assert_eq!(place.kept(), None);
    }
}
