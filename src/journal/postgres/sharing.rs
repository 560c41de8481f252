//! One plan, several runs: who has which step, and how the others' steps ended.
//!
//! Nothing here waits for the disk: what a crash of the server takes back is claimed or told again, and the
//! facts, which do wait for it, decide what is done.

use super::fault::Fault;
use super::lease::TERM;
use super::writer::Writer;
use crate::journal::crew::{Claim, SharedPlan};

/// A run that shares a plan and says nothing for so long may be looked at: if its session's lock is free
/// too, it is dead.
const SILENT_SECONDS: f64 = 10.0;

/// What this run knows of the plan that it shares.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The plan's row; `None` until this run has made its plan known.
    pub(super) plan: Option<i64>,
    /// The newest step of another run that it knows of.
    pub(super) version: i64,
}

impl Writer {
    /// Makes the plan known; done twice, the second one counts.
    pub(super) async fn publish(&mut self, plan: &SharedPlan, steps: &[i32]) -> Result<(), Fault> {
        let server = &self.server;
        let fail = |error| Fault::of(server, error);
        let transaction = self.client.transaction().await.map_err(fail)?;
        let row = transaction
            .query_one(
                "INSERT INTO plans (plan_id, manifest, document) VALUES ($1, $2, $3) RETURNING id",
                &[
                    &plan.plan_id.to_string(),
                    &plan.manifest.to_string(),
                    &plan.document,
                ],
            )
            .await
            .map_err(fail)?;
        let id: i64 = row.get(0);
        transaction
            .execute(
                "INSERT INTO steps (plan, position) SELECT $1, unnest($2::integer[])",
                &[&id, &steps],
            )
            .await
            .map_err(fail)?;
        transaction
            .execute(
                "UPDATE runners SET plan = $1 WHERE id = $2",
                &[&id, &self.lease.id],
            )
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        self.shared.plan = Some(id);
        Ok(())
    }

    pub(super) async fn claim(&mut self, wanted: &[i32], most: i64) -> Result<Vec<Claim>, Fault> {
        let Some(plan) = self.shared.plan else {
            return Ok(Vec::new());
        };
        let rows = self
            .client
            .query(
                "WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true)),
                 free AS (
                    SELECT position, runner IS NOT NULL AND runner <> $4 AS taken_over FROM steps
                    WHERE plan = $1 AND position = ANY ($2::integer[]) AND outcome IS NULL
                      AND (runner IS NULL OR runner = $4
                           OR runner IN (SELECT id FROM runners WHERE ended IS NOT NULL))
                    ORDER BY array_position($2::integer[], position) LIMIT $3
                    FOR UPDATE SKIP LOCKED
                 )
                 UPDATE steps SET runner = $4 FROM free, hurry
                 WHERE steps.plan = $1 AND steps.position = free.position
                 RETURNING steps.position, free.taken_over",
                &[&plan, &wanted, &most, &self.lease.id],
            )
            .await
            .map_err(|error| Fault::of(&self.server, error))?;
        // What another run wrote about these steps before it gave them up or died.
        self.catch_up().await?;
        let claims = rows.iter().map(|row| Claim {
            position: usize::try_from(row.get::<_, i32>(0)).unwrap_or(usize::MAX),
            taken_over: row.get(1),
        });
        Ok(claims.collect())
    }

    pub(super) async fn tell(&mut self, position: i32, outcome: Option<&str>) -> Result<(), Fault> {
        let Some(plan) = self.shared.plan else {
            return Ok(());
        };
        // The plan's row is locked until the commit, so versions are committed in their order.
        self.client
            .execute(
                "WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true)),
                 next AS (UPDATE plans SET version = version + 1 WHERE id = $1 RETURNING version)
                 UPDATE steps SET outcome = $3::text, version = next.version,
                    runner = CASE WHEN $3::text IS NULL THEN NULL ELSE runner END
                 FROM next, hurry WHERE plan = $1 AND position = $2 AND runner = $4",
                &[&plan, &position, &outcome, &self.lease.id],
            )
            .await
            .map_err(|error| Fault::of(&self.server, error))?;
        Ok(())
    }

    pub(super) async fn news(&mut self) -> Result<Vec<(usize, String)>, Fault> {
        let Some(plan) = self.shared.plan else {
            return Ok(Vec::new());
        };
        let server = &self.server;
        let fail = |error| Fault::of(server, error);
        let patience = TERM.as_secs_f64() - SILENT_SECONDS;
        self.client
            .execute(
                "UPDATE runners SET ended = clock_timestamp()
                 WHERE plan = $1 AND id <> $2 AND ended IS NULL
                   AND (expires <= clock_timestamp()
                        OR (expires <= clock_timestamp() + make_interval(secs => $3)
                            AND pg_try_advisory_xact_lock(lock_key)))",
                &[&plan, &self.lease.id, &patience],
            )
            .await
            .map_err(fail)?;
        let rows = self
            .client
            .query(
                "SELECT position, outcome, version FROM steps
                 WHERE plan = $1 AND version > $2 AND runner <> $3 AND outcome IS NOT NULL
                 ORDER BY version",
                &[&plan, &self.shared.version, &self.lease.id],
            )
            .await
            .map_err(fail)?;
        if let Some(last) = rows.last() {
            self.shared.version = last.get(2);
        }
        // After the outcomes: each was told when its facts were durable.
        self.catch_up().await?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((usize::try_from(row.get::<_, i32>(0)).ok()?, row.get(1))))
            .collect())
    }

    /// Gives the lease back. The last run of a plan closes it.
    pub(super) async fn leave(&mut self) -> Result<(), Fault> {
        let server = &self.server;
        let fail = |error| Fault::of(server, error);
        self.client
            .execute(
                "UPDATE runners SET ended = clock_timestamp() WHERE id = $1 AND ended IS NULL",
                &[&self.lease.id],
            )
            .await
            .map_err(fail)?;
        if let Some(plan) = self.shared.plan {
            self.client
                .execute(
                    "UPDATE plans SET closed = clock_timestamp(), document = ''
                     WHERE id = $1 AND closed IS NULL AND NOT EXISTS
                        (SELECT 1 FROM runners WHERE plan = $1 AND ended IS NULL)",
                    &[&plan],
                )
                .await
                .map_err(fail)?;
        }
        Ok(())
    }
}
