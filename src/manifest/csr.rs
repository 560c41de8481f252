//! Certificate signing requests: read from within the manifest's folder, parsed, their signature and
//! key checked (PKCS#10, RFC 2986).

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Component, Path};

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer, X509CertificationRequest};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::model::form::{At, Location, shown};
use crate::model::{Csr, Digest};

/// The largest CSR file, in bytes.
const MAX_CSR: u64 = 64 << 10;

/// Why a CSR cannot be used: a code, a message and help.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

impl Refused {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

/// A CSR that may be sent, and the names in it, in lower case.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) csr: Csr,
    pub(super) names: Vec<String>,
}

/// Reads a CSR file. The path is relative to the folder and stays inside it: a manifest from a pull
/// request must not be able to read files elsewhere.
fn read(folder: &Path, written: &str) -> Result<String, Refused> {
    let outside = || {
        Refused::new(
            "csr_outside",
            format!(
                "the CSR file `{}` is not below the manifest's folder",
                shown(written)
            ),
        )
        .help("copy it beside the manifest and name it relative to the manifest")
    };
    let unreadable = |error: &std::io::Error| {
        let code = if error.kind() == std::io::ErrorKind::NotFound {
            "csr_missing"
        } else {
            "csr_unreadable"
        };
        Refused::new(
            code,
            format!("the CSR file `{}` cannot be read: {error}", shown(written)),
        )
    };
    let relative = Path::new(written);
    let mut depth = 0_i32;
    for component in relative.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
        if depth < 0 {
            return Err(outside());
        }
    }
    let base = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let path = base.join(relative);
    let own = std::fs::symlink_metadata(&path).map_err(|error| unreadable(&error))?;
    if own.file_type().is_symlink() {
        return Err(outside().help("a symbolic link is not followed: put the file itself there"));
    }
    if !own.is_file() {
        return Err(Refused::new(
            "csr_unreadable",
            format!("`{}` is not a file", shown(written)),
        ));
    }
    // A folder on the way may be a link that leads out.
    let real = path.canonicalize().map_err(|error| unreadable(&error))?;
    let root = base.canonicalize().map_err(|error| unreadable(&error))?;
    if !real.starts_with(&root) {
        return Err(outside());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&real)
        .and_then(|file| file.take(MAX_CSR + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_CSR {
        return Err(Refused::new(
            "csr_unreadable",
            format!("the CSR file `{}` is larger than 64 KiB", shown(written)),
        ));
    }
    String::from_utf8(bytes).map_err(|_| {
        Refused::new(
            "csr_not_valid",
            format!("the CSR file `{}` is not a PEM text", shown(written)),
        )
        .help("convert it: `openssl req -inform DER -in FILE -out FILE.pem`")
    })
}

/// Parses a PEM text and checks signature and key.
fn parse(text: &str) -> Result<Checked, Refused> {
    let invalid =
        |why: &str| Refused::new("csr_not_valid", format!("this is not a usable CSR: {why}"));
    if text.contains("PRIVATE KEY-----") {
        return Err(Refused::new(
            "csr_not_valid",
            "a private key stands where a CSR is expected",
        )
        .help("make a new key and CSR: a key that was copied is no longer private"));
    }
    let (rest, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes())
        .map_err(|_| invalid("no PEM block `-----BEGIN CERTIFICATE REQUEST-----`"))?;
    if pem.label != "CERTIFICATE REQUEST" && pem.label != "NEW CERTIFICATE REQUEST" {
        return Err(invalid(&format!("it is a `{}`", shown(&pem.label))));
    }
    if rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(invalid("something follows the PEM block"));
    }
    let (rest, request) = X509CertificationRequest::from_der(&pem.contents)
        .map_err(|_| invalid("the PEM block does not hold a PKCS#10 request"))?;
    if !rest.is_empty() {
        return Err(invalid("bytes follow the PKCS#10 request"));
    }
    let info = &request.certification_request_info;
    check_key(&info.subject_pki)?;
    request
        .verify_signature()
        .map_err(|_| invalid("its signature does not fit its key"))?;
    let mut names: Vec<String> = info
        .subject
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .map(str::to_lowercase)
        .collect();
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(alternative) = extension {
            names.extend(
                alternative
                    .general_names
                    .iter()
                    .filter_map(|name| match name {
                        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => {
                            Some(name.to_lowercase())
                        }
                        _ => None,
                    }),
            );
        }
    }
    names.sort();
    names.dedup();
    Ok(Checked {
        csr: Csr {
            pem: text.to_owned(),
            public_key: Digest::of(info.subject_pki.raw),
        },
        names,
    })
}

/// Where a CSR comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A file below the manifest's folder.
    File(At<String>),
    /// PEM text.
    Pem(At<String>),
}

impl Source {
    /// Where it was written.
    pub(super) fn here(&self) -> Location {
        match self {
            Self::File(at) | Self::Pem(at) => at.here(),
        }
    }
}

/// A CSR to be checked, and the entry that it is for.
#[derive(Debug)]
pub(super) struct Request {
    /// The entry's position among the orders.
    pub(super) order: usize,
    /// The file that the entry stands in.
    pub(super) file: usize,
    pub(super) source: Source,
    /// The names that the entry asks for, sorted, in lower case.
    pub(super) names: Vec<String>,
}

/// What became of a CSR.
pub(super) type Outcome = Result<Checked, Refused>;

fn check(folder: &Path, source: &Source) -> Outcome {
    match source {
        Source::File(path) => read(folder, &path.value).and_then(|text| parse(&text)),
        Source::Pem(text) => parse(&text.value),
    }
}

/// Checks many CSRs on all cores: a signature takes about a tenth of a millisecond, and a manifest may
/// have a hundred thousand. The outcomes are in the order of the requests.
pub(super) fn check_all(requests: &[(&Path, &Source)]) -> Vec<Outcome> {
    const WORTH_A_THREAD: usize = 32;
    let one = |(folder, source): &(&Path, &Source)| check(folder, source);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || requests.len() < WORTH_A_THREAD {
        return requests.iter().map(one).collect();
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = requests
            .chunks(requests.len().div_ceil(threads))
            .map(|chunk| {
                (
                    chunk,
                    scope.spawn(move || chunk.iter().map(one).collect::<Vec<_>>()),
                )
            })
            .collect();
        running
            .into_iter()
            .flat_map(|(chunk, thread)| {
                // A thread that could not finish leaves its share to this one.
                thread
                    .join()
                    .unwrap_or_else(|_| chunk.iter().map(one).collect())
            })
            .collect()
    })
}

fn check_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), Refused> {
    let weak = |what: String| {
        Refused::new("csr_key", format!("the CSR's key is {what}"))
            .help("use RSA with at least 2048 bits, or EC on P-256, P-384 or P-521")
    };
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let bits = bits(rsa.modulus);
            if bits < 2048 {
                return Err(weak(format!("RSA with {bits} bits")));
            }
            Ok(())
        }
        Ok(PublicKey::EC(_)) => {
            let curve = key
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok());
            let known = [
                oid::OID_EC_P256,
                oid::OID_NIST_EC_P384,
                oid::OID_NIST_EC_P521,
            ];
            match curve {
                Some(curve) if known.contains(&curve) => Ok(()),
                _ => Err(weak("on another curve".to_owned())),
            }
        }
        _ => Err(weak("neither RSA nor EC".to_owned())),
    }
}

fn bits(modulus: &[u8]) -> usize {
    let start = modulus.iter().position(|byte| *byte != 0);
    start.map_or(0, |start| {
        let first = modulus.get(start).map_or(0, |byte| byte.leading_zeros());
        (modulus.len() - start) * 8 - first as usize
    })
}
