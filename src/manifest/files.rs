//! What an order says of its key and its files: `certificate.key` and `files`.

use super::context::Context;
use super::credential::secret_source;
use super::raw;
use crate::model::form::{At, Location, Member, Problem, Value};
use crate::model::{Passphrase, WantedFiles, WantedKey};

impl Context<'_> {
    /// The key that an order's entry asks for. Of `key` and `csr` the entry's own word holds against a default;
    /// where both are said in one place, that is a problem, and neither is taken.
    pub(super) fn key(
        &mut self,
        entry: Value<'_>,
        written: &mut raw::Certificate,
    ) -> Option<WantedKey> {
        if let (Some(key), Some(csr)) = (written.key.point(), written.csr.point()) {
            match (entry.holds(key), entry.holds(csr)) {
                (true, false) => written.csr = Member::Absent,
                (false, true) => written.key = Member::Absent,
                (true, true) | (false, false) => {
                    let problem = Problem::new(
                        "key_and_csr",
                        "`key` and `csr` exclude each other: certplan makes the key, or the CSR holds one",
                    )
                    .at(Location::Key(key), "a key to be made here")
                    .at(Location::Key(csr), "a CSR with its key here")
                    .help("remove one of them");
                    self.problems.push(problem);
                }
            }
        }
        let key = written.key.value()?;
        Some(WantedKey {
            generate: *key.generate.value()?,
            reuse: key.reuse.value() == Some(&true),
        })
    }

    /// The files that an order's entry asks for.
    pub(super) fn files(
        &mut self,
        file: usize,
        written: Option<&At<raw::Files>>,
        has_key: bool,
    ) -> Option<Box<WantedFiles>> {
        let written = written?;
        let Some(kinds) = written.value.kinds.get() else {
            if written.value.kinds.is_absent() && !written.value.is_damaged {
                let problem = Problem::new("missing_member", "`files.kinds` is missing")
                    .at(written.key(), "in this `files`")
                    .help("add for example `kinds: [fullchain]`");
                self.problems.push(problem);
            }
            return None;
        };
        let mut wanted = Vec::new();
        for word in &kinds.value.elements {
            let kind = word.value;
            if kind.is_private() && !has_key {
                let name = kind.word();
                let problem = Problem::new(
                    "files_without_key",
                    format!("`{name}` holds the private key, and certplan makes none for this order"),
                )
                .at(word.here(), "needs `certificate.key`")
                .help(format!(
                    "write `key: {{ generate: p-256 }}` in `certificate` in the place of `csr`, or remove `{name}`"
                ));
                self.problems.push(problem);
            }
            wanted.push(kind);
        }
        wanted.sort();
        wanted.dedup();
        let passphrase = match written.value.passphrase.value() {
            None | Some(raw::Passphrase::Generate) => Passphrase::Generate,
            Some(raw::Passphrase::From(credential)) => {
                let examples = ("P12_PASS".to_owned(), "/run/secrets/p12".to_owned());
                let folder = self.folder(file);
                let problems = &mut self.problems;
                let of = secret_source("passphrase", credential, folder, examples, problems)?;
                Passphrase::From(of)
            }
        };
        Some(Box::new(WantedFiles {
            kinds: wanted,
            p12: written.value.p12.value().copied().unwrap_or_default(),
            passphrase,
        }))
    }
}
