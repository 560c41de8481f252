//! Calls to a watcher of jobs (healthchecks.io and its like): `URL/start` at the start, `URL` after a
//! success, `URL/fail` after a failure. Main type: [`Ping`].
//!
//! The URL's path is as good as a password: it is never shown, and no redirect carries it elsewhere. A
//! call that fails is a warning.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Client, Url};
use tokio::task::JoinHandle;

use super::args::Common;
use super::exit::{CliError, Exit};
use super::output::Output;
use super::settings;
use super::value_parsers::PingUrl;
use super::variables;
use super::watch::is_success;

/// From connecting to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The calls of one run; nothing without a URL.
pub(super) struct Ping(Option<Watcher>);

struct Watcher {
    client: Client,
    url: Url,
    /// The first call goes on beside the run.
    started: JoinHandle<Result<(), String>>,
}

impl Ping {
    /// Calls `URL/start`, without waiting for its answer.
    ///
    /// # Errors
    ///
    /// A URL that is none, or neither `https` nor loopback: a job that nobody watches must be noticed.
    pub(super) fn start(common: &Common, url: Option<&PingUrl>) -> Result<Self, CliError> {
        let Some(text) = url.map(PingUrl::expose).filter(|text| !text.is_empty()) else {
            return Ok(Self(None));
        };
        let url = parse(text).map_err(|why| {
            let origin = variables::origin("--ping", "CERTPLAN_PING_URL", OsStr::new(text));
            CliError::Usage(format!("{origin}: the ping URL {why}"))
        })?;
        let client = client(common, &url)?;
        let first = call(
            client.clone(),
            below(&url, "start"),
            "certplan apply".to_owned(),
        );
        Ok(Self(Some(Watcher {
            client,
            url,
            started: tokio::spawn(first),
        })))
    }

    /// Calls `URL` or `URL/fail`, with the exit code and the counts of outcomes.
    pub(super) async fn end(self, exit: Exit, outcomes: Option<String>, output: &Output) {
        let Some(watcher) = self.0 else {
            return;
        };
        let begun = watcher
            .started
            .await
            .unwrap_or_else(|_| Err("it was not made".to_owned()));
        let url = if is_success(exit) {
            watcher.url.clone()
        } else {
            below(&watcher.url, "fail")
        };
        let mut body = format!("certplan apply: exit code {}", exit.code());
        if let Some(outcomes) = outcomes {
            body.push_str("; ");
            body.push_str(&outcomes);
        }
        let ended = call(watcher.client, url, body).await;
        for (which, result) in [("start", begun), ("end", ended)] {
            if let Err(why) = result {
                output.warning(&format!("the ping at the {which} failed: {why}"));
            }
        }
    }
}

/// Why a URL cannot be used, without its text.
fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "is no URL")?;
    let loopback = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    if !url.username().is_empty() || url.password().is_some() {
        Err("must not hold a user name or a password")
    } else if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        Err("is not https")
    } else if url.fragment().is_some() {
        Err("must not hold `#`")
    } else {
        Ok(url)
    }
}

/// The URL with one more segment in its path; a query stays.
fn below(url: &Url, segment: &str) -> Url {
    let mut below = url.clone();
    let path = format!("{}/{segment}", url.path().trim_end_matches('/'));
    below.set_path(&path);
    below
}

fn client(common: &Common, url: &Url) -> Result<Client, CliError> {
    let mut builder = Client::builder()
        .user_agent(concat!("certplan/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .timeout(DEADLINE);
    if url.scheme() == "http" {
        // Loopback without TLS must work where no roots are installed.
        builder = builder.tls_certs_only([]);
    } else if let Some(pem) = settings::extra_root(common)? {
        let roots = Certificate::from_pem_bundle(&pem)
            .map_err(|_| CliError::File("the extra root is no PEM certificate".to_owned()))?;
        builder = builder.https_only(true).tls_certs_merge(roots);
    } else {
        builder = builder.https_only(true);
    }
    builder
        .build()
        .map_err(|_| CliError::Failed("TLS cannot be set up for the ping".to_owned()))
}

/// One call. The error never holds the URL.
async fn call(client: Client, url: Url, body: String) -> Result<(), String> {
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    let answer = client
        .post(url)
        .header(CONTENT_TYPE, text)
        .body(body)
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("the answer is {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => {
            Err(format!("no answer within {} s", DEADLINE.as_secs()))
        }
        Err(error) if error.is_connect() => Err("no connection".to_owned()),
        Err(_) => Err("the connection broke".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback_and_the_text_is_not_told() {
        for good in [
            "https://watch.example/uuid",
            " https://watch.example/uuid?create=1 ",
            "http://127.0.0.1:8000/uuid",
            "http://[::1]:8000/uuid",
            "http://localhost/uuid",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://watch.example/uuid",
            "http://127.0.0.1.example/uuid",
            "https://me:uuid@watch.example/",
            "ftp://127.0.0.1/uuid",
            "file:///uuid",
            "https://watch.example/uuid#a",
            "uuid",
        ] {
            assert!(parse(bad).is_err_and(|why| !why.contains("uuid")), "{bad}");
        }
    }

    #[test]
    fn start_and_fail_are_segments_of_the_path() {
        for (url, start) in [
            ("https://w.example/uuid", "https://w.example/uuid/start"),
            ("https://w.example/uuid/", "https://w.example/uuid/start"),
            (
                "https://w.example/a/b?create=1",
                "https://w.example/a/b/start?create=1",
            ),
        ] {
            assert_eq!(below(&parse(url).unwrap(), "start").as_str(), start);
        }
    }
}
