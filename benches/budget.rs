//! The rate budget: slots a second of one process, and how much of the CA's windows one and two processes
//! use together.
//!
//! `cargo bench --bench budget`. The windows are measured against a list of all calls, as the CA would
//! count them: nothing above a limit is let through by a budget, so the figure is what is left unused.
//! Without `--bench` (as a test runner calls it) it only shows that it works.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own: the table is its result"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certplan::budget::BudgetFolder;
use certplan::model::{RateLimit, Secret};
use certplan::provider::{Budget, BudgetSlot, Drawn, Endpoint, Keys, Spent};

const LEASE: Duration = Duration::from_secs(150);
/// Calls under way at once in each process, and how long each takes.
const IN_FLIGHT: usize = 16;
const CALL: Duration = Duration::from_millis(20);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        return Ok(());
    }
    let whole = args.iter().any(|arg| arg == "--bench");
    let slots = if whole { 50_000 } else { 100 };
    for (what, limits) in [
        (
            "two windows, far from full",
            [limit(1_000_000, 1), limit(1_000_000, 300)],
        ),
        (
            "two windows with a long history",
            [limit(100_000, 1), limit(100_000, 5)],
        ),
    ] {
        let folder = tempfile::tempdir()?;
        let budget = opened(folder.path())?;
        let begun = Instant::now();
        for _ in 0..slots {
            take(&budget, &limits).await?.finish(Spent::Ended);
        }
        let rate = slots as f64 / begun.elapsed().as_secs_f64();
        println!("{what:<40} {rate:>10.0} slots/s");
    }
    let (requests, seconds, rounds) = if whole { (100, 5, 6) } else { (20, 1, 2) };
    for processes in [1, 2] {
        let folder = tempfile::tempdir()?;
        let limits = [limit(requests, seconds)];
        let wanted = requests as usize * rounds;
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..processes {
            let budget = opened(folder.path())?;
            for _ in 0..IN_FLIGHT {
                let budget = Arc::clone(&budget);
                let mine = wanted / processes / IN_FLIGHT;
                tasks.push(tokio::spawn(async move {
                    for _ in 0..mine {
                        let slot = take(&budget, &limits).await?;
                        tokio::time::sleep(CALL).await;
                        slot.finish(Spent::Ended);
                    }
                    Ok::<usize, Failure>(mine)
                }));
            }
        }
        let mut made = 0;
        for task in tasks {
            made += task.await??;
        }
        // Each window's worth but the first has to wait for the one before it.
        let least = ((made - 1) / requests as usize) as f64 * seconds as f64;
        let share = 100.0 * least / begun.elapsed().as_secs_f64();
        println!(
            "{requests} in {seconds} s, {processes} processes: {made} calls, {share:.1} % of the window"
        );
    }
    Ok(())
}

fn limit(requests: u32, seconds: u64) -> RateLimit {
    RateLimit {
        requests,
        // As a throttle enforces it: one per cent longer.
        per: Duration::from_millis(seconds * 1010),
    }
}

fn opened(folder: &std::path::Path) -> Result<Arc<dyn Budget>, Failure> {
    let keys = Keys::certcentral(Secret::new("bench".to_owned()));
    let key = keys.fingerprint(&Endpoint::parse("https://ca.example/")?);
    Ok(BudgetFolder::open(folder)?.budget(&key)?)
}

async fn take(budget: &Arc<dyn Budget>, limits: &[RateLimit]) -> Result<BudgetSlot, Failure> {
    loop {
        match budget.take(limits, LEASE).await? {
            Drawn::Slot(slot) => return Ok(slot),
            Drawn::Wait(wait) => tokio::time::sleep(wait.again).await,
        }
    }
}
