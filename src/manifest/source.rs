//! Files, folders and standard input: bytes read within bounds, and their text.
//!
//! The main type is [`Source`]: one file, its name for messages and the folder that relative paths
//! start from.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::model::Untrusted;
use crate::model::form::{Location, Problem};

/// The largest manifest file, in bytes.
pub(super) const MAX_FILE: u64 = 64 << 20;

/// Where a manifest comes from.
#[derive(Debug, Clone)]
pub enum Input {
    /// A file, or a folder: every `*.yaml` and `*.yml` in it, in byte order, not its sub-folders.
    Path(PathBuf),
    /// The bytes of standard input. Relative paths start from the current folder.
    Stdin(Vec<u8>),
}

/// One file of a manifest.
#[derive(Debug)]
pub(super) struct Source {
    /// For messages: the path as it was named, made safe for a terminal, or `<stdin>`.
    pub(super) name: String,
    /// The path, if it is a file.
    pub(super) path: Option<PathBuf>,
    /// The text without a byte order mark. With bytes that are not UTF-8: what stands before them,
    /// then replacement characters.
    pub(super) text: String,
    /// Whether the text can be parsed at all.
    pub(super) usable: bool,
}

impl Source {
    /// The folder that relative paths start from; empty for the current one.
    pub(super) fn folder(&self) -> &Path {
        self.path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
    }
}

/// Reads every input. A file that cannot be read is a problem, and the others are still read.
pub(super) fn read_all(inputs: &[Input], problems: &mut Vec<Problem>) -> Vec<Source> {
    let mut sources = Vec::new();
    for input in inputs {
        match input {
            Input::Stdin(bytes) => {
                add(
                    "<stdin>".to_owned(),
                    None,
                    bytes.clone(),
                    &mut sources,
                    problems,
                );
            }
            Input::Path(path) if path.is_dir() => match folder(path) {
                Ok(files) if files.is_empty() => problems.push(
                    Problem::new(
                        "no_manifest",
                        format!("{} holds no `*.yaml` and no `*.yml` file", shown(path)),
                    )
                    .help("`certplan init` writes a starter manifest"),
                ),
                Ok(files) => files
                    .iter()
                    .for_each(|file| read_file(file, &mut sources, problems)),
                Err(error) => problems.push(unreadable(path, &error)),
            },
            Input::Path(path) => read_file(path, &mut sources, problems),
        }
    }
    sources
}

/// Reads one file.
pub(super) fn read_file(path: &Path, sources: &mut Vec<Source>, problems: &mut Vec<Problem>) {
    // One byte more than allowed tells a file that is too large from one that just fits, also when
    // the length is not known beforehand (a pipe).
    let read = std::fs::File::open(path).and_then(|file| {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let length = length.min(MAX_FILE).saturating_add(1);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    match read {
        Ok(bytes) => add(shown(path), Some(path.to_owned()), bytes, sources, problems),
        Err(error) => problems.push(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::new(
        "unreadable_file",
        format!("{} cannot be read: {error}", shown(path)),
    );
    if error.kind() == std::io::ErrorKind::NotFound {
        problem.help("name the manifest with `-f FILE`, or write a starter with `certplan init`")
    } else {
        problem
    }
}

fn shown(path: &Path) -> String {
    Untrusted::new(path.display().to_string()).to_string()
}

fn folder(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let wanted = file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if wanted && file.is_file() {
            files.push(file);
        }
    }
    files.sort_by(|a, b| {
        a.as_os_str()
            .as_encoded_bytes()
            .cmp(b.as_os_str().as_encoded_bytes())
    });
    Ok(files)
}

fn add(
    name: String,
    path: Option<PathBuf>,
    bytes: Vec<u8>,
    sources: &mut Vec<Source>,
    problems: &mut Vec<Problem>,
) {
    let file = sources.len();
    let (text, problem) = decode(bytes, file);
    let usable = problem.is_none();
    if let Some(mut problem) = problem {
        if problem.labels.is_empty() {
            problem.message = format!("{name} {}", problem.message);
        }
        problems.push(problem);
    }
    sources.push(Source {
        name,
        path,
        text,
        usable,
    });
}

fn decode(bytes: Vec<u8>, file: usize) -> (String, Option<Problem>) {
    let at = |start: usize, length: usize| Location::Bytes {
        file: u32::try_from(file).unwrap_or(u32::MAX),
        range: start..start + length,
    };
    if bytes.len() as u64 > MAX_FILE {
        let problem = Problem::new(
            "too_large",
            format!("is larger than {} MiB", MAX_FILE >> 20),
        )
        .help("split it: `-f` may be repeated and may name a folder");
        return (String::new(), Some(problem));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem = Problem::new("utf16", "is written in UTF-16")
            .help("save it as UTF-8: `iconv -f UTF-16 -t UTF-8`");
        return (String::new(), Some(problem));
    }
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(good).copied().unwrap_or_default();
            let mark = if error.as_bytes().starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            };
            let text = String::from_utf8_lossy(error.as_bytes());
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
            let problem = Problem::new(
                "not_utf8",
                format!("byte {good} of the file (0x{byte:02x}) is not UTF-8"),
            )
            .at(at(good - mark, '\u{fffd}'.len_utf8()), "this byte")
            .help("save the file as UTF-8, for example `iconv -f ISO-8859-1 -t UTF-8`");
            return (text, Some(problem));
        }
    };
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if let Some(offset) = text.find('\0') {
        let problem = Problem::new("nul", "a NUL character stands in the file")
            .at(at(offset, 1), "here")
            .help("is it UTF-16, or not a text file?");
        return (text, Some(problem));
    }
    (text, None)
}
