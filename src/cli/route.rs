//! The way to the CAs, as the operator names it: [`route`].
//!
//! A proxy of the environment may see where keys go, and anybody may have filled it: it is used only where
//! `--proxy env` says so.

use clap::Args;

use super::exit::CliError;
use crate::provider::{Proxy, Route};

/// The variables that name a proxy for `https`, in the order in which curl reads them.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The variables that list what is reached without one.
const WITHOUT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The flag of the way.
#[derive(Debug, Clone, Args)]
pub struct RouteArgs {
    /// Reaches the CAs through this proxy, `http://HOST:PORT` or `https://HOST:PORT`, with `USER:PASSWORD@` before the
    /// host if need be (then better in CERTPLAN_PROXY); `env` takes HTTPS_PROXY, ALL_PROXY and NO_PROXY
    #[arg(
        long,
        value_name = "URL|env",
        global = true,
        env = "CERTPLAN_PROXY",
        hide_env_values = true
    )]
    pub proxy: Option<String>,
}

/// The way of `--proxy` or `CERTPLAN_PROXY`; straight without one.
pub(super) fn route(args: &RouteArgs) -> Result<Route, CliError> {
    let named = args.proxy.as_deref().map(str::trim);
    match named.filter(|named| !named.is_empty()) {
        Some("env") => from_environment(),
        named => Ok(Route {
            proxy: named
                .map(Proxy::parse)
                .transpose()
                .map_err(|error| CliError::Usage(format!("--proxy (CERTPLAN_PROXY): {error}")))?,
            without: String::new(),
            unused: first(&VARIABLES).map(|(name, _)| name),
        }),
    }
}

/// As curl does: an empty variable is none, and a proxy without a scheme speaks HTTP.
fn from_environment() -> Result<Route, CliError> {
    let proxy = first(&VARIABLES)
        .map(|(name, text)| {
            let text = text.ok_or("it is not plain text".to_owned());
            text.and_then(|text| Proxy::of_variable(&text).map_err(|error| error.to_string()))
                .map_err(|why| CliError::Usage(format!("{name} (--proxy env): {why}")))
        })
        .transpose()?;
    let without = first(&WITHOUT).and_then(|(_, text)| text);
    Ok(Route {
        proxy,
        without: listed(&without.unwrap_or_default()),
        unused: None,
    })
}

/// The first variable that is set, with its text; `None` for a text that is no Unicode.
fn first(names: &[&'static str]) -> Option<(&'static str, Option<String>)> {
    names.iter().find_map(|name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some((*name, value.into_string().ok()))
    })
}

/// Hosts are set apart by commas or blanks; a dot at the end says nothing.
fn listed(text: &str) -> String {
    let hosts = text.split(|char: char| char == ',' || char.is_whitespace());
    let hosts: Vec<&str> = hosts
        .map(|host| host.trim_end_matches('.'))
        .filter(|host| !host.is_empty())
        .collect();
    hosts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_without_a_proxy_is_listed_with_commas_or_blanks() {
        for (text, hosts) in [
            ("", ""),
            ("a.example,b.example", "a.example,b.example"),
            (
                " a.example , .b.example.  10.0.0.0/8,,",
                "a.example,.b.example,10.0.0.0/8",
            ),
            ("*", "*"),
        ] {
            assert_eq!(listed(text), hosts, "{text:?}");
        }
    }
}
