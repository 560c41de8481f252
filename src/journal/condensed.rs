//! The records as of one fact, in a file beside the database: so that opening a journal of a million
//! facts reads the records and the facts after them, not every fact.
//!
//! It is a copy, never the truth: it is believed only whole (its seal), from this certplan, and while
//! the journal holds the very fact it was made at; else every fact is replayed. A full check compares
//! the two. It is not flushed to the disk: after a power cut it may be old or torn, which costs a replay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::chain::Replay;
use super::store::sqlite::lock::no_follow;
use super::store::sqlite::state_file::StateFile;
use crate::model::{Address, Digest, Record, Records};

/// It is made anew when so many facts came since: until then they are replayed, in less than a tenth of
/// a second.
pub(super) const FACTS_APART: u64 = 10_000;

/// Another certplan may draw another record from the same facts.
const VERSION: &str = concat!("certplan ", env!("CARGO_PKG_VERSION"), " records 2");

const SUFFIX: &str = ".records";

/// Where a journal stood when its records were written down.
#[derive(Debug, Clone)]
pub(super) struct Condensed {
    pub(super) lineage: String,
    /// As after a replay of so many facts.
    pub(super) replay: Replay,
}

/// The first line of the file; the seal covers the rest of it and every line after it.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: String,
    lineage: String,
    serial: u64,
    tip: Digest,
    body: Digest,
    seal: Digest,
}

impl Header {
    fn new(lineage: &str, serial: u64, tip: Digest, body: Digest) -> Self {
        Self {
            version: VERSION.to_owned(),
            lineage: lineage.to_owned(),
            serial,
            tip,
            body,
            seal: seal(lineage, serial, tip, body),
        }
    }

    fn is_ours(&self) -> bool {
        self.version == VERSION
            && self.seal == seal(&self.lineage, self.serial, self.tip, self.body)
    }
}

fn seal(lineage: &str, serial: u64, tip: Digest, body: Digest) -> Digest {
    Digest::of_parts(&[
        VERSION.as_bytes(),
        lineage.as_bytes(),
        &serial.to_be_bytes(),
        tip.bytes(),
        body.bytes(),
    ])
}

/// A record as one line.
#[derive(Serialize, Deserialize)]
struct Line {
    address: Address,
    record: Record,
}

impl Line {
    fn of(address: &Address, record: &Record) -> Self {
        Self {
            address: address.clone(),
            record: record.clone(),
        }
    }

    fn record(self) -> (Address, Record) {
        (self.address, self.record)
    }
}

/// The file's path.
pub(super) fn path(place: &StateFile) -> PathBuf {
    place.beside(SUFFIX)
}

/// What is kept beside a journal; `None` if there is nothing that can be believed.
pub(super) fn read(place: &StateFile) -> Option<Condensed> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path(place))
        .ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
        return None;
    }
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    file.read_until(b'\n', &mut line).ok()?;
    let header: Header = serde_json::from_slice(&line).ok()?;
    if !header.is_ours() {
        return None;
    }
    let mut digest = Digest::begin();
    // In the order of the addresses: a map of sorted entries is built without searching.
    let mut records = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line).ok()? == 0 {
            break;
        }
        digest.update(&line);
        records.push(serde_json::from_slice::<Line>(&line).ok()?.record());
    }
    (digest.finish() == header.body).then(|| Condensed {
        lineage: header.lineage,
        replay: Replay {
            records: Records::from_iter(records),
            serial: header.serial,
            tip: header.tip,
        },
    })
}

/// Writes the records down. Whoever reads sees the old file or the whole new one.
pub(super) fn write(
    place: &StateFile,
    lineage: &str,
    serial: u64,
    tip: Digest,
    records: &Records,
) -> io::Result<()> {
    let draft = place.beside(".records.new");
    // Left over from a run that was killed here.
    let _ = fs::remove_file(&draft);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&draft)?;
    let written =
        fill(file, lineage, serial, tip, records).and_then(|()| fs::rename(&draft, path(place)));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn fill(file: File, lineage: &str, serial: u64, tip: Digest, records: &Records) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 16, file);
    // The header comes first and knows the body: a place of the same length is kept for it.
    let empty = Header::new(lineage, serial, tip, Digest::of(b""));
    write_line(&mut file, &mut Vec::new(), &empty)?;
    let mut digest = Digest::begin();
    let mut line = Vec::new();
    for (address, record) in records {
        write_line(&mut file, &mut line, &Line::of(address, record))?;
        digest.update(&line);
    }
    let header = Header::new(lineage, serial, tip, digest.finish());
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    io::Seek::rewind(&mut file)?;
    write_line(&mut file, &mut line, &header)
}

fn write_line<T: Serialize>(out: &mut impl Write, line: &mut Vec<u8>, value: &T) -> io::Result<()> {
    line.clear();
    serde_json::to_writer(&mut *line, value)?;
    line.push(b'\n');
    out.write_all(line)
}
