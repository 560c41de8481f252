//! Runs of the binary under a wall clock that was set, and on a host that was started anew. A small library
//! that is loaded before the C library shows these; the clock since boot goes on as it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::rig::Rig;

const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *shift = getenv("CLOCK_SHIFT");
    if (result == 0 && clock == CLOCK_REALTIME && shift) now->tv_sec += atol(shift);
    return result;
}
int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    const char *boot = getenv("BOOT_ID_FILE");
    if (boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) path = boot;
    return real(path, flags, mode);
}
"#;

/// The library. Built once; certplan itself needs a C compiler to be built.
fn library() -> PathBuf {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let folder = TempDir::new().expect("a folder");
        let source = folder.path().join("clock.c");
        std::fs::write(&source, LIBRARY).expect("a file");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(folder.path().join("clock.so"))
            .arg(&source)
            .arg("-ldl")
            .status()
            .expect("a C compiler");
        assert!(built.success());
        folder
    });
    folder.path().join("clock.so")
}

/// Every later command of the rig has a wall clock that can be set.
pub(crate) fn give(rig: &mut Rig) {
    let library = library();
    rig.set("LD_PRELOAD", text(&library));
}

/// Sets the wall clock so many seconds ahead.
pub(crate) fn set(rig: &mut Rig, ahead: i64) {
    rig.set("CLOCK_SHIFT", &ahead.to_string());
}

/// The host was started anew, for the time since boot goes on all the same.
pub(crate) fn reboot(rig: &mut Rig, boot: usize) {
    rig.write("boot", format!("00000000-0000-4000-8000-{boot:012}\n"));
    let file = rig.path("boot");
    rig.set("BOOT_ID_FILE", text(&file));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
