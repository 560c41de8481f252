//! Runs the program of `--on-collected`, and notes how it ended.

use std::ffi::OsString;
use std::path::Path;

use super::context::Context;
use super::ended::Hook;
use crate::files::{ProgramOutcome, ProgramRun};
use crate::model::{Collected, FactBody, LiveOrder, Untrusted};
use crate::plan::Step;

impl Context {
    /// Runs the program of `--on-collected` for a certificate that was collected, and notes how it ended. One
    /// program runs at a time.
    ///
    /// Errors: a journal that cannot be written.
    pub(super) async fn deliver(
        &self,
        step: &Step,
        directory: &Path,
        previous: Option<&Collected>,
    ) -> Result<Hook, String> {
        let Some(delivery) = &self.run.delivery else {
            return Ok(Hook::None);
        };
        let Some(live) = self.record_of(&step.address).live else {
            return Ok(Hook::None);
        };
        let Some(collected) = &live.collected else {
            return Ok(Hook::None);
        };
        let serial_number = collected.serial_number.clone();
        let mut env = delivery.inherited.clone();
        env.extend(self.about(step, directory, (&live, previous)));
        let outcome = {
            let _turn = self.programs.lock().await;
            let said = &delivery.said;
            let run = ProgramRun {
                env: &env,
                stdin: None,
                timeout: delivery.timeout,
            };
            delivery.program.run(run, &mut |line| said(line)).await
        };
        let (hook, fact) = match outcome {
            ProgramOutcome::Ok => (Hook::Ok, FactBody::Delivered { serial_number }),
            outcome @ (ProgramOutcome::Exit(_)
            | ProgramOutcome::Signal(_)
            | ProgramOutcome::TimedOut
            | ProgramOutcome::CouldNotStart(_)) => {
                let why = outcome.to_string();
                let fact = FactBody::HookFailed {
                    serial_number,
                    why: Untrusted::new(why.clone()),
                };
                (Hook::Failed(why), fact)
            }
        };
        let written = self.write(step, vec![fact]).await;
        written.map(|()| hook).map_err(|error| error.to_string())
    }

    /// What the program is told of the certificate.
    fn about(
        &self,
        step: &Step,
        directory: &Path,
        (live, previous): (&LiveOrder, Option<&Collected>),
    ) -> Vec<(OsString, OsString)> {
        let serial = |collected: &Collected| collected.serial_number.to_string();
        let collected = live.collected.as_deref();
        // Run once more, it hears of the certificate that was there before as it did the first time: of none.
        let previous = previous.filter(|previous| {
            collected.is_some_and(|now| !now.serial_number.is_same(&previous.serial_number))
        });
        let names = step.files.as_ref().map(|files| files.names.join(" "));
        let till = live.valid_till.map(|till| till.to_string());
        let told = [
            ("CERTPLAN_ADDRESS", Some(step.address.to_string().into())),
            ("CERTPLAN_DIRECTORY", Some(directory.as_os_str().to_owned())),
            ("CERTPLAN_SERIAL", collected.map(|one| serial(one).into())),
            (
                "CERTPLAN_PREVIOUS_SERIAL",
                previous.map(|one| serial(one).into()),
            ),
            ("CERTPLAN_NAMES", names.map(OsString::from)),
            ("CERTPLAN_VALID_TILL", till.map(OsString::from)),
            ("CERTPLAN_LABELS", Some(step.labels.json().into())),
            ("CERTPLAN_RUN_ID", Some(self.run.run_id.to_string().into())),
        ];
        let told = told.into_iter();
        told.map(|(name, value)| (name.into(), value.unwrap_or_default()))
            .collect()
    }
}
