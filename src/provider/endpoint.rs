//! The base URL of an account's API: parsed once, so that nothing but HTTPS (or loopback) is ever used.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::model::Provider;

/// A base URL with its path, for example `https://www.digicert.com/services/v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Without a slash at the end.
    text: String,
    secure: bool,
}

/// A URL that is no base URL of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usable endpoint: {0}")]
pub struct BadEndpoint(&'static str);

impl Endpoint {
    /// Parses a base URL. `https` is taken for every host, `http` for loopback hosts alone
    /// (`127.0.0.0/8`, `[::1]`, `localhost`).
    ///
    /// # Errors
    ///
    /// Another scheme, user information, a query, a fragment, no URL at all. The text itself is not in
    /// the error: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let url = Url::parse(text.trim()).map_err(|_| {
            BadEndpoint("write a URL with its path, like https://www.digicert.com/services/v2")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadEndpoint("it must not hold a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadEndpoint("it must not hold `?` or `#`"));
        }
        let host = url.host_str().ok_or(BadEndpoint("it has no host"))?;
        let secure = match url.scheme() {
            "https" => true,
            "http" if is_loopback(host) => false,
            "http" => return Err(BadEndpoint("http is for loopback addresses; use https")),
            _ => return Err(BadEndpoint("use https")),
        };
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            secure,
        })
    }

    /// Where the CA itself answers.
    pub fn official(provider: &Provider) -> Self {
        Self {
            text: provider.region.url.to_owned(),
            secure: true,
        }
    }

    /// The URL without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without its path.
    pub(super) fn origin(&self) -> String {
        let scheme = self.text.split("://").next().unwrap_or_default();
        format!("{scheme}://{}", self.authority())
    }

    /// Host and port, as far as the port is not the scheme's own.
    pub(super) fn authority(&self) -> &str {
        // `parse` and `official` leave no user name in the text.
        let after = self.text.split_once("://").map_or("", |(_, after)| after);
        after.split('/').next().unwrap_or_default()
    }

    /// True for an address of this machine, by its number or its name.
    pub(super) fn is_loopback(&self) -> bool {
        let url = Url::parse(&self.text).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let name = host.trim_end_matches('.');
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>();
        name == "localhost"
            || name.ends_with(".localhost")
            || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
    }

    /// False for `http` on a loopback address.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_for_all_and_http_for_loopback() {
        for (text, shown) in [
            (
                "https://ca.example/services/v2/",
                "https://ca.example/services/v2",
            ),
            ("https://ca.example", "https://ca.example"),
            (
                "http://127.0.0.1:8080/api/v2",
                "http://127.0.0.1:8080/api/v2",
            ),
            ("http://127.8.9.1/x", "http://127.8.9.1/x"),
            ("http://[::1]:9/x//", "http://[::1]:9/x"),
            (
                "http://localhost:1/services/v2",
                "http://localhost:1/services/v2",
            ),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "http://ca.example/services/v2",
            "http://localhost.ca.example/",
            "http://10.0.0.1/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1/",
            "https://user@ca.example/",
            "https://:pw@ca.example/",
            "https://ca.example/?a",
            "https://ca.example/#a",
            "ca.example",
            "",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_cas_own_endpoints_stand_the_same_test() {
        let mut hosts = Vec::new();
        for authority in crate::provider::authorities() {
            for region in authority.regions() {
                let provider = Provider {
                    authority,
                    region,
                    credentials: Vec::new(),
                    key_id: None,
                };
                let endpoint = Endpoint::official(&provider);
                assert_eq!(Endpoint::parse(endpoint.as_str()), Ok(endpoint.clone()));
                assert!(endpoint.is_secure());
                hosts.push(endpoint.authority().to_owned());
            }
        }
        assert_eq!(
            hosts,
            [
                "www.digicert.com",
                "certcentral.digicert.eu",
                "certificatemanager.apigw.ntruss.com"
            ]
        );
    }
}
