//! Renewals through the real binary: the clock of the sandbox and that of the binary are moved together, and what the
//! CA shows decides whether anything is missing, or was bought twice.

mod found;
mod held;
mod ways;
mod years;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::rig::{Rig, action};
use crate::wall_clock;

const WWW: &str = "orders.www";
const DAY: i64 = 24 * 3600;

/// A rig whose days pass.
struct Calendar {
    rig: Rig,
    days: i64,
}

/// An entry with its own key and with files. `more` are further members.
fn entry(name: &str, more: &str) -> String {
    format!(
        "  {name}: {{ product: ssl_basic, order_validity: {{ years: 1 }}, files: {{ kinds: [fullchain] }}, {more}\
         certificate: {{ common_name: {name}.example.com, dns_names: [{name}.example.com], signature_hash: sha256, \
         key: {{ generate: p-256 }} }} }}\n"
    )
}

impl Calendar {
    /// A sandbox that approves at once, and a manifest with `www` that is renewed as `renew` says.
    fn new(renew: &str) -> Self {
        let mut rig = Rig::new();
        rig.tell("options", json!({ "approval": "automatic" }));
        wall_clock::give(&mut rig);
        let calendar = Self { rig, days: 0 };
        calendar.says(&entry("www", &format!("renew: {renew}, ")));
        calendar
    }

    /// The manifest has these orders.
    fn says(&self, orders: &str) {
        let policy = "policy: { doubt: { quiet_period: 1s, then: resend } }\n";
        self.rig.manifest(&format!("{policy}orders:\n{orders}"));
    }

    /// So many days later.
    fn pass(&mut self, days: i64) {
        self.days += days;
        self.rig
            .tell("clock", json!({ "advance": format!("{days}d") }));
        wall_clock::set(&mut self.rig, self.days * DAY);
    }

    fn today(&self) -> Date {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        today
            .checked_add(Span::new().days(self.days))
            .expect("a day")
    }

    /// Every order at the CA, by the name that it is for.
    fn orders(&self) -> BTreeMap<String, Vec<Value>> {
        let list = self
            .rig
            .certcentral("GET", "/order/certificate?limit=1000", &Value::Null);
        let mut orders: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for order in list["orders"].as_array().expect("a list") {
            let name = order["certificate"]["common_name"]
                .as_str()
                .expect("a name");
            let name = name.trim_end_matches(".example.com").to_owned();
            orders.entry(name).or_default().push(order.clone());
        }
        orders
    }

    /// The names that no certificate in force covers today.
    fn uncovered(&self) -> Vec<String> {
        let today = self.today().to_string();
        let in_force = |order: &Value| {
            let till = order["certificate"]["valid_till"].as_str();
            order["status"] == "issued" && till.is_some_and(|till| till >= today.as_str())
        };
        let orders = self.orders().into_iter();
        let bare = orders.filter(|(_, orders)| !orders.iter().any(in_force));
        bare.map(|(name, _)| name).collect()
    }

    /// How many calls were made that order, and that reissue.
    fn calls(&self) -> (usize, usize) {
        let calls = self.rig.changes();
        let reissues = calls.iter().filter(|call| {
            let path = call["path"].as_str().unwrap_or_default();
            path.ends_with("/reissue")
        });
        let reissues = reissues.count();
        (calls.len() - reissues, reissues)
    }

    /// What is to be done about `www`: the action, and why.
    #[track_caller]
    fn word(&self) -> (String, String) {
        let plan = self.rig.plan(&[]);
        let planned = action(&plan, WWW);
        let text = |member: &str| planned[member].as_str().unwrap_or_default().to_owned();
        (text("action"), text("reason_code"))
    }

    /// What the status shows of `www`.
    #[track_caller]
    fn status(&self) -> Value {
        let status = self.rig.certplan(&["status", "--format", "json"]).expect(0);
        status.json()["entries"][0].clone()
    }

    /// The serial number of the certificate in `live/www`.
    fn served(&self) -> String {
        let link = std::fs::read_link(self.rig.path(".certplan/files/live/www")).expect("a link");
        let serial = link.file_name().expect("a name");
        serial.to_string_lossy().into_owned()
    }
}

fn is(action: &str, reason: &str) -> (String, String) {
    (action.to_owned(), reason.to_owned())
}
