//! The use cases from end to end on a CA in memory, without a terminal: each takes milliseconds. The
//! journal is a real one in a temporary folder. Main type: [`World`].

mod adopting;
mod applying;
mod ca;
mod resolving;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::watch;

use self::ca::{Ca, issued};
use super::*;
use crate::apply::{Event, Stop};
use crate::journal::{self, Holder, Journal, Location};
use crate::manifest::Input;
use crate::model::{Address, RunId};
use crate::plan::Plan;
use crate::plan::tests::testing::account;
use crate::provider::{Act, Endpoint, Keys};

const HEAD: &str = "version: 1
accounts:
  digicert: { provider: certcentral, api_key: { env: NO_SUCH_KEY }, key_id: 1 }
defaults: { orders: { account: digicert, organization: { id: 5 }, validity_years: 1 } }
";

/// One order.
const ADA: &str = "orders:
  ada:
    product: client_premium_sha2
    certificate: { common_name: ada, emails: [ada@example.com], signature_hash: sha256 }
";

/// A folder with a journal, and a CA.
struct World {
    folder: TempDir,
    ca: Arc<Ca>,
    stop: watch::Sender<Option<Stop>>,
}

/// Takes what a use case tells, and answers as it was told before.
#[derive(Default)]
struct Person {
    notices: Mutex<Vec<Notice>>,
    agrees: bool,
    /// Stops the run instead of answering.
    stops: Option<watch::Sender<Option<Stop>>>,
    asked: usize,
    planned: usize,
    events: usize,
}

impl Tell for Person {
    fn tell(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }
}

impl Audience for Person {
    fn opened(&mut self, accounts: &Accounts) {
        assert!(!accounts.is_empty());
    }

    fn planned(&mut self, _: &Planned) {
        self.planned += 1;
    }

    fn approves<'a>(&'a mut self, _: &'a Plan) -> BoxFuture<'a, bool> {
        self.asked += 1;
        if let Some(stop) = &self.stops {
            stop.send_replace(Some(Stop::Interrupt));
            return std::future::pending().boxed();
        }
        std::future::ready(self.agrees).boxed()
    }

    fn happened(&mut self, _: &Event) {
        self.events += 1;
    }
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            ca: Arc::new(Ca::new()),
            stop: watch::Sender::new(None),
        }
    }

    fn location(&self) -> Location {
        Location::file(self.folder.path().join("state.db"))
    }

    /// The workspace of a manifest with these entries.
    fn workspace(&self, entries: &str) -> Workspace {
        let text = format!("{HEAD}{entries}");
        let inputs = [Input::Stdin(text.into_bytes())];
        let manifest = match Manifest::read(&inputs, None) {
            Ok(manifest) => manifest,
            Err(EngineError::Manifest(problems)) => panic!("{:#?}", problems.lines()),
            Err(error) => panic!("{error}"),
        };
        let provider = &manifest.batch.accounts[&account()].provider;
        let ca: Arc<dyn Act> = self.ca.clone();
        let surroundings = Surroundings {
            files: FilesPlace {
                path: self.folder.path().join("files"),
                shown: "files".to_owned(),
                group: None,
            },
            secret: |_| Err("no passphrase".to_owned()),
            endpoints: BTreeMap::from([(account(), Endpoint::official(provider))]),
            location: self.location(),
            default_state: None,
            budgets: Budgets::of(None, None, &self.location()),
            route: crate::provider::Route::default(),
            extra_root: None,
            keys: |account| Ok(Keys::new(account.provider.authority, Vec::new())),
            open: Box::new(move |_, _| Ok(ca.clone())),
        };
        Workspace::new(manifest, surroundings)
    }

    async fn plan(&self, workspace: &Workspace) -> Planned {
        let person = Person::default();
        plan(workspace, &PlanRequest::default(), &mut |_| {}, &person)
            .await
            .unwrap()
    }

    fn request(&self) -> ApplyRequest {
        ApplyRequest {
            delivery: None,
            saved: None,
            scope: Scope::default(),
            expect: None,
            wait: Duration::ZERO,
            lock_timeout: Duration::ZERO,
            stop: self.stop.subscribe(),
        }
    }

    /// Plans and carries the plan out.
    async fn apply(&self, workspace: &Workspace) -> crate::apply::RunReport {
        let mut person = Person {
            agrees: true,
            ..Person::default()
        };
        let end = apply(workspace, self.request(), &mut person).await.unwrap();
        let ApplyEnd::CarriedOut(applied) = end else {
            panic!("it was stopped");
        };
        applied.close().await.unwrap();
        applied.report
    }

    async fn hold(&self) -> Box<dyn Journal> {
        let holder = Holder {
            command: "test".to_owned(),
            run: RunId::from("test".to_owned()),
        };
        journal::open(&self.location(), holder, Duration::ZERO)
            .await
            .unwrap()
    }
}

fn ada() -> Address {
    "orders.ada".parse().unwrap()
}
