//! `certplan sandbox`: the bundled stand-in for both CAs.

use crate::apply::Stop;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::sandbox_args::SandboxArgs;
use crate::cli::signals;
use crate::model::duration;
use crate::sandbox::{Approval, Options, RateLimits, Sandbox};

pub(super) async fn run(args: &SandboxArgs, output: &mut Output) -> Result<Exit, CliError> {
    let mut stop = signals::listen();
    let options = Options {
        listen: args.listen,
        data: args.data.clone(),
        approval: if args.auto_approve {
            Approval::Automatic
        } else {
            Approval::Required
        },
        rate_limits: rate_limits(&args.rate_limits)?,
        index_lag: args.index_lag,
        ncloud_revoke_delay: args.ncloud_revoke_delay,
        contrary: args.contrary.clone(),
        seed: args.seed,
        ..Options::default()
    };
    let keys = options.clone();
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| CliError::Failed(format!("the sandbox cannot start: {error}")))?;
    let (central, ncloud, admin) = (
        sandbox.certcentral_url(),
        sandbox.ncloud_url(),
        sandbox.admin_url(),
    );
    output.result(|out| {
        writeln!(out, "CertCentral  {central}  key {}", keys.certcentral_key)?;
        writeln!(
            out,
            "ncloud       {ncloud}  access key {}, secret key {}",
            keys.ncloud_access_key, keys.ncloud_secret_key
        )?;
        writeln!(out, "admin        {admin}")
    });
    output.hint("Serving until Ctrl-C.");
    let stopped = match stop.wait_for(Option::is_some).await {
        Ok(stop) => *stop,
        Err(_) => None,
    };
    sandbox.stop().await;
    Ok(match stopped {
        Some(Stop::Interrupt) => Exit::Interrupted,
        Some(Stop::Terminate) => Exit::Terminated,
        None => Exit::Done,
    })
}

fn rate_limits(text: &str) -> Result<RateLimits, CliError> {
    let wrong = || {
        CliError::Usage(format!(
            "--rate-limits `{text}`: write `documented`, `off`, or for example `100/5s,1000/5m`"
        ))
    };
    match text {
        "documented" => return Ok(RateLimits::Documented),
        "off" => return Ok(RateLimits::Off),
        _ => {}
    }
    let mut limits = Vec::new();
    for part in text.split(',') {
        let (requests, per) = part.split_once('/').ok_or_else(wrong)?;
        let requests: u32 = requests.trim().parse().map_err(|_| wrong())?;
        let per = duration(per.trim()).map_err(|_| wrong())?;
        if requests == 0 || per.is_zero() {
            return Err(wrong());
        }
        limits.push((requests, per));
    }
    Ok(RateLimits::Custom(limits))
}
