//! Programs that are started after files were switched, or after a run: [`Program`].
//!
//! A program is looked at once, on an opened handle, and is started from that handle: what stands at its path
//! later is another program. There is no shell and no argument.

mod output;
mod walk;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};

use self::output::Output;

/// What a program is given of the environment of certplan.
pub const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// Where programs are looked for when nothing says so.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a program has from SIGTERM to SIGKILL.
const TO_KILL: Duration = Duration::from_secs(5);
/// How long output is awaited that a process of an ended program may still write.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How often a program is tried that somebody is writing to.
const TRIES: u32 = 10;

/// A program that may be started.
#[derive(Debug)]
pub struct Program {
    handle: OwnedFd,
    path: PathBuf,
}

/// Why a program may not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Where it is would depend on where certplan runs.
    #[error("the program `{}` has no absolute path; write `{}`", path.display(), absolute.display())]
    NotAbsolute {
        /// As it was named.
        path: PathBuf,
        /// As it can be named.
        absolute: PathBuf,
    },
    /// A folder, a pipe or a device.
    #[error("the program {path} is not a regular file", path = path.display())]
    NotRegular {
        /// The program.
        path: PathBuf,
    },
    /// It has no execute permission for this user, or stands on a mount without.
    #[error("the program {path} may not be executed: `chmod u+x {path}`, or put it on a file system that is not mounted `noexec`", path = path.display())]
    NotExecutable {
        /// The program.
        path: PathBuf,
    },
    /// The program, or a folder or link on the way to it, belongs to somebody else.
    #[error("{at} belongs to another user, who could put another program there: `chown root {at}`, or name another program", at = at.display())]
    AnotherOwner {
        /// What belongs to somebody else.
        at: PathBuf,
    },
    /// The program, or a folder on the way to it, can be written by others.
    #[error("{at} can be written by others, who could put another program there: `chmod go-w {at}`", at = at.display())]
    Writable {
        /// What is open.
        at: PathBuf,
    },
    /// The file system said no.
    #[error("the program {path} cannot be used: {error}", path = path.display())]
    Io {
        /// The program.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl ProgramError {
    /// The stable name of these errors.
    pub fn code(&self) -> &'static str {
        "certplan::files::program"
    }
}

/// One start of a program.
#[derive(Debug)]
pub struct Run<'a> {
    /// Its whole environment. [`inherited`] picks what it has of that of certplan.
    pub env: &'a [(OsString, OsString)],
    /// What it reads from standard input; nothing where it is `None`.
    pub stdin: Option<Vec<u8>>,
    /// How long it may run.
    pub timeout: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0.
    Ok,
    /// With another exit code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It had to be stopped.
    TimedOut,
    /// It never ran.
    CouldNotStart(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => formatter.write_str("exit code 0"),
            Self::Exit(code) => write!(formatter, "exit code {code}"),
            Self::Signal(signal) => write!(formatter, "ended by signal {signal}"),
            Self::TimedOut => formatter.write_str("stopped, because it did not end in time"),
            Self::CouldNotStart(why) => write!(formatter, "not started: {why}"),
        }
    }
}

/// Those of the environment's variables that a program is given, and a `PATH` where there is none.
pub fn inherited(all: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let is_given = |name: &OsString| INHERITED.iter().any(|given| name == given);
    let mut kept: Vec<_> = all.filter(|(name, _)| is_given(name)).collect();
    if !kept.iter().any(|(name, _)| name == "PATH") {
        kept.push(("PATH".into(), DEFAULT_PATH.into()));
    }
    kept
}

impl Program {
    /// Opens a program, to be started later: a regular file with an absolute path. It, every folder and every
    /// link on the way belong to root or to this user, and nobody else can write to them. A sticky folder
    /// of root's counts as closed: nobody can replace another's file there.
    ///
    /// # Errors
    ///
    /// What is not so.
    pub fn open(path: &Path) -> Result<Self, ProgramError> {
        let handle = walk::open(path)?;
        Ok(Self {
            handle,
            path: path.to_owned(),
        })
    }

    /// Where it was.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts it in a process group of its own and waits until it ended. After `timeout` the group gets
    /// SIGTERM, and five seconds later SIGKILL. The sink gets its output line by line, safe for a terminal,
    /// at most 64 KiB.
    ///
    /// What it started in the background may go on running when it ended in time.
    pub async fn run(&self, run: Run<'_>, sink: &mut (dyn FnMut(&str) + Send)) -> Outcome {
        let could_not = |error: io::Error| Outcome::CouldNotStart(error.to_string());
        let (mut child, reader) = match self.start(&run).await {
            Ok(started) => started,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Outcome::CouldNotStart(
                    "the interpreter that its first line names is not there".to_owned(),
                );
            }
            Err(error) => return could_not(error),
        };
        let mut output = Output::new(sink);
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let stdin = child.stdin.take();
        let outcome = {
            let mut feeding = pin!(feed(stdin, run.stdin.unwrap_or_default()));
            let mut draining = pin!(output.drain(reader));
            let mut ending = pin!(end(&mut child, group, run.timeout));
            let (mut is_fed, mut is_drained) = (false, false);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut ending => break outcome,
                    () = &mut feeding, if !is_fed => is_fed = true,
                    () = &mut draining, if !is_drained => is_drained = true,
                }
            };
            if !is_drained {
                // Whoever it left behind may hold the pipe open for ever.
                let _ = timeout(LAST_WORDS, draining).await;
            }
            outcome
        };
        output.finish();
        outcome
    }

    async fn start(&self, run: &Run<'_>) -> io::Result<(Child, pipe::Receiver)> {
        // It may have been opened to others since.
        walk::check_file(&self.handle, &self.path).map_err(io::Error::other)?;
        let mut tries = 1;
        loop {
            match self.spawn(run) {
                // Somebody who puts a new version there has it open for a moment.
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < TRIES =>
                {
                    tries += 1;
                    sleep(Duration::from_millis(20)).await;
                }
                done => return done,
            }
        }
    }

    fn spawn(&self, run: &Run<'_>) -> io::Result<(Child, pipe::Receiver)> {
        let (reader, writer) = io::pipe()?;
        // The interpreter of a script opens it once more, so the program must inherit the handle: a copy
        // without the mark that closes it.
        let handle = rustix::io::dup(&self.handle)?;
        let mut command = Command::new(walk::path_of(handle.as_raw_fd()));
        command
            .env_clear()
            .envs(run.env.iter().map(|(name, value)| (name, value)))
            .stdin(match run.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0);
        let child = command.spawn()?;
        let reader = pipe::Receiver::from_owned_fd(reader.into())?;
        Ok((child, reader))
    }
}

/// A program that does not read everything is no failure.
async fn feed(stdin: Option<ChildStdin>, bytes: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&bytes).await;
    }
}

async fn end(child: &mut Child, group: Option<Pid>, most: Duration) -> Outcome {
    match timeout(most, child.wait()).await {
        Ok(Ok(status)) => outcome(status),
        Ok(Err(error)) => Outcome::CouldNotStart(error.to_string()),
        Err(_) => {
            stop(child, group).await;
            Outcome::TimedOut
        }
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Ok,
        (Some(code), _) => Outcome::Exit(code),
        (None, Some(signal)) => Outcome::Signal(signal),
        (None, None) => Outcome::CouldNotStart("it is not running".to_owned()),
    }
}

async fn stop(child: &mut Child, group: Option<Pid>) {
    let Some(group) = group else { return };
    let _ = kill_process_group(group, Signal::TERM);
    let all_gone = async {
        loop {
            // A process that ended belongs to its group until somebody asks how.
            let _ = child.try_wait();
            if test_kill_process_group(group) == Err(rustix::io::Errno::SRCH) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(TO_KILL, all_gone).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        // One that the kernel does not let go of is not waited for.
        let _ = timeout(TO_KILL, child.wait()).await;
    }
}
