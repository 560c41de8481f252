//! Orders that somebody places with the same key and without certplan.

use serde_json::Value;

use crate::rig::{Rig, action};

/// What the plan would send for an order: its path and its body.
pub(super) fn planned(rig: &Rig, address: &str) -> (String, Value) {
    let plan = rig.plan(&[]);
    let request = &action(&plan, address)["requests"][0];
    let path = request["path"].as_str().expect("a path").to_owned();
    (path, request["body"].clone())
}

/// Sends it; returns the order's id.
pub(super) fn place(rig: &Rig, (path, body): &(String, Value)) -> String {
    let command = rig.command(&[]);
    let variable = |wanted: &str| {
        let mut all = command.get_envs();
        let found = all.find(|(name, _)| *name == wanted);
        let value = found.and_then(|(_, value)| value).expect("a variable");
        value.to_str().expect("text").to_owned()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer: Value = runtime
        .block_on(async {
            let client = reqwest::Client::builder().no_proxy().build()?;
            let url = format!("{}{path}", variable("CERTPLAN_ENDPOINT_DIGICERT"));
            let key = variable("DIGICERT_API_KEY");
            let call = client.post(url).header("X-DC-DEVKEY", key).json(body);
            call.send().await?.error_for_status()?.json().await
        })
        .expect("the order is taken");
    answer["id"].to_string()
}
