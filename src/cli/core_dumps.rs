//! No core dumps: a copy of the memory would hold the keys.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Switches core dumps off for this process and all that it starts, and closes its memory to other
/// processes of the same user. Best effort: a system that refuses it runs certplan all the same.
pub(super) fn off() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // A kernel that pipes its dumps into a program does not look at the limit.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
