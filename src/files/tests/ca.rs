//! A CA for one test: a root, an intermediate, and the certificates that it signs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::files::chain::{self, Chain, Wanted};
use crate::files::contents::{P12, Parts, contents};
use crate::files::{Contents, PrivateKey};
use crate::model::{FileKind, ItemName, SerialNumber};

pub(super) struct Ca {
    pub(super) root: CertifiedIssuer<'static, KeyPair>,
    pub(super) intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate to be signed.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub(super) key: &'a PrivateKey,
    pub(super) serial: &'a [u8],
    pub(super) names: &'a [&'a str],
    pub(super) last_year: i32,
}

impl<'a> Leaf<'a> {
    pub(super) fn of(key: &'a PrivateKey) -> Self {
        Self {
            key,
            serial: &[0x0a, 0x1b, 0x2c],
            names: &["www.example.com", "example.com"],
            last_year: 2100,
        }
    }

    fn params(&self) -> CertificateParams {
        let names: Vec<String> = self.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = named(self.names[0]);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(self.serial));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(self.last_year, 1, 1);
        params
    }
}

pub(super) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

pub(super) fn authority(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Ca {
    pub(super) fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap());
        let root = root.unwrap();
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(authority("intermediate"), key, &root);
        Self {
            intermediate: intermediate.unwrap(),
            root,
        }
    }

    /// The certificate alone.
    pub(super) fn sign(&self, leaf: &Leaf<'_>) -> String {
        let signed = leaf.params().signed_by(leaf.key, &self.intermediate);
        signed.unwrap().pem().replace("\r\n", "\n")
    }

    /// One that the root signs itself.
    pub(super) fn sign_by_root(&self, leaf: &Leaf<'_>) -> String {
        let signed = leaf.params().signed_by(leaf.key, &self.root);
        signed.unwrap().pem().replace("\r\n", "\n")
    }

    pub(super) fn intermediate_pem(&self) -> String {
        self.intermediate.pem().replace("\r\n", "\n")
    }

    pub(super) fn root_pem(&self) -> String {
        self.root.pem().replace("\r\n", "\n")
    }

    /// As a CA hands it out: certificate, intermediate, root.
    pub(super) fn answer(&self, leaf: &Leaf<'_>) -> String {
        self.sign(leaf) + &self.intermediate_pem() + &self.root_pem()
    }

    pub(super) fn chain(&self, leaf: &Leaf<'_>) -> Chain {
        let serial = serial(leaf.serial);
        let wanted = Wanted {
            public_key: leaf.key.public_key(),
            serial_number: &serial,
            names: &[],
            now: now(),
        };
        chain::check(&self.answer(leaf), &wanted).unwrap()
    }

    /// The files of a version with a key.
    pub(super) fn contents(&self, leaf: &Leaf<'_>, kinds: &[FileKind]) -> Contents {
        self.contents_with(leaf, kinds, None)
    }

    pub(super) fn contents_with(
        &self,
        leaf: &Leaf<'_>,
        kinds: &[FileKind],
        p12: Option<P12<'_>>,
    ) -> Contents {
        let name: ItemName = "www".parse().unwrap();
        let kinds: BTreeSet<FileKind> = kinds.iter().copied().collect();
        contents(&Parts {
            name: &name,
            serial: &serial(leaf.serial),
            chain: &self.chain(leaf),
            key: Some(leaf.key),
            kinds: &kinds,
            p12,
        })
        .unwrap()
    }
}

pub(super) fn serial(bytes: &[u8]) -> SerialNumber {
    SerialNumber::from(data_encoding::HEXUPPER.encode(bytes).as_str())
}

pub(super) fn now() -> Timestamp {
    "2026-11-28T00:00:00Z".parse().unwrap()
}
