//! Certificate signing requests: read from within the manifest's folder, parsed, their signature and
//! key checked (PKCS#10, RFC 2986).

mod key;
mod names;
mod refused;
mod signature;
#[cfg(test)]
mod tests;
mod text;

use std::io::Read;
use std::path::{Component, Path};

use x509_parser::prelude::{FromDer, X509CertificationRequest};

use self::names::CsrNames;
use self::refused::Refused;
use self::signature::Signature;
use crate::model::form::{At, Location, shown};
use crate::model::{Address, Csr, Digest, SourceLine};

/// The largest CSR file, in bytes.
const MAX_CSR: u64 = 64 << 10;

/// A CSR that may be sent, and what was found in it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) csr: Csr,
    pub(super) names: CsrNames,
    /// The kind of its signature, where that could not be checked.
    pub(super) unchecked: Option<String>,
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
    text::decode(bytes)
}

/// Parses a PEM text and checks signature and key.
fn parse(text: &str) -> Result<Checked, Refused> {
    let (der, pem) = text::block(text)?;
    let (rest, request) = X509CertificationRequest::from_der(&der)
        .map_err(|_| Refused::not_valid("the PEM block does not hold a PKCS#10 request"))?;
    if !rest.is_empty() {
        return Err(Refused::not_valid("bytes follow the PKCS#10 request"));
    }
    let key = &request.certification_request_info.subject_pki;
    let unchecked = match signature::check(&request, &key::check(key)?)? {
        Signature::Fits => None,
        Signature::Unknown(name) => Some(name),
    };
    Ok(Checked {
        csr: Csr {
            pem,
            public_key: Digest::of(key.raw),
        },
        names: CsrNames::of(&request),
        unchecked,
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
    /// The names that the entry asks for, sorted, in their normal form.
    pub(super) names: Vec<String>,
    /// Whether the entry says that the names in the CSR do not matter.
    pub(super) ignores_names: bool,
    /// The entry, for warnings.
    pub(super) address: Address,
    pub(super) location: SourceLine,
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
