//! Which folders are a secrets mount: where only who started the process, or root, can put files. Main type:
//! [`Place`].

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, fstatvfs};

/// The folders that are for secrets whatever they are mounted from: container runtimes make them.
const OF_CONTAINERS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// A folder, or a file, at one mount.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) file: File,
    pub(super) owner: u32,
    mode: u32,
    identity: Identity,
    kind: Kind,
}

/// Device, number and mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    mount: u64,
}

/// What a mount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In memory, and nothing can be written to it.
    MemoryReadOnly,
    /// In memory.
    Memory,
    /// Anything else.
    Other,
}

/// The folders that are secrets mounts by their name.
pub(super) struct Anchors(Vec<(Identity, bool)>);

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(Inner);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Elsewhere,
    /// Below this folder; `anybody` may own the files there.
    Below {
        anchor: Identity,
        anybody: bool,
    },
    /// In this mount, which is in memory.
    Memory(u64),
}

impl Folder {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            owner: found.uid(),
            mode: found.mode(),
            identity: Identity {
                device: found.dev(),
                inode: found.ino(),
                mount: mount_of(&file).unwrap_or_else(|| found.dev()),
            },
            kind: kind(&file)?,
            file,
        })
    }
}

impl Anchors {
    /// Those that are there. The one of systemd counts where it is an absolute path.
    pub(super) fn find(credentials: Option<&Path>) -> Self {
        let named = OF_CONTAINERS.iter().map(|path| (Path::new(path), true));
        let credentials = credentials.filter(|path| path.is_absolute());
        let all = named.chain(credentials.map(|path| (path, false)));
        Self(
            all.filter_map(|(path, anybody)| {
                let folder = Folder::new(File::open(path).ok()?).ok()?;
                Some((folder.identity, anybody))
            })
            .collect(),
        )
    }

    /// Where something is that is in the last of these folders: a link there, or this file.
    pub(super) fn place(&self, folders: &[Folder], file: Option<&Folder>) -> Place {
        let below = self
            .0
            .iter()
            .find(|(anchor, _)| folders.iter().any(|folder| folder.identity == *anchor));
        if let Some((anchor, anybody)) = below {
            return Place(Inner::Below {
                anchor: *anchor,
                anybody: *anybody,
            });
        }
        let Some(last) = file.or(folders.last()) else {
            return Place(Inner::Elsewhere);
        };
        let mount = last.identity.mount;
        let mut own = folders.iter().filter(|one| one.identity.mount == mount);
        let is_secrets = match last.kind {
            Kind::MemoryReadOnly => true,
            Kind::Memory => own.all(|folder| folder.mode & 0o022 == 0),
            Kind::Other => false,
        };
        Place(if is_secrets {
            Inner::Memory(mount)
        } else {
            Inner::Elsewhere
        })
    }
}

impl Place {
    pub(super) fn is_secrets(self) -> bool {
        self.0 != Inner::Elsewhere
    }

    /// Only who started the container can put a file there, whoever owns it.
    pub(super) fn is_of_anybody(self) -> bool {
        matches!(self.0, Inner::Below { anybody: true, .. })
    }

    /// Those of the folders that are in this place.
    pub(super) fn folders(self, all: &[Folder]) -> impl Iterator<Item = &Folder> {
        let from = all.iter().position(|folder| match self.0 {
            Inner::Elsewhere => false,
            Inner::Below { anchor, .. } => folder.identity == anchor,
            Inner::Memory(mount) => folder.identity.mount == mount,
        });
        all.iter().skip(from.unwrap_or(all.len()))
    }
}

/// Whether nothing can be written to a mount.
pub(super) fn is_read_only(system: &StatVfs) -> bool {
    system.f_flag.contains(StatVfsMountFlags::RDONLY)
}

#[cfg(target_os = "linux")]
fn kind(file: &File) -> io::Result<Kind> {
    // The field is wider than the number, and signed on some machines: only its low 32 bits count.
    let number = rustix::fs::fstatfs(file)?.f_type as u32;
    // tmpfs and ramfs, as Linux's `magic.h` numbers them.
    if !matches!(number, 0x0102_1994 | 0x8584_58f6) {
        return Ok(Kind::Other);
    }
    Ok(if is_read_only(&fstatvfs(file)?) {
        Kind::MemoryReadOnly
    } else {
        Kind::Memory
    })
}

#[cfg(not(target_os = "linux"))]
fn kind(_file: &File) -> io::Result<Kind> {
    Ok(Kind::Other)
}

/// The mount's number; `None` where the system does not tell it. Two mounts of one device differ in it.
#[cfg(target_os = "linux")]
fn mount_of(file: &File) -> Option<u64> {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    let told = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    told.then_some(found.stx_mnt_id)
}

#[cfg(not(target_os = "linux"))]
fn mount_of(_file: &File) -> Option<u64> {
    None
}
