//! The way to the CAs: straight, or through a proxy that the operator named. Main types: [`Route`] and [`Proxy`].
//!
//! A proxy is only ever asked for a tunnel (CONNECT): TLS goes to the CA end to end. A loopback address is
//! never reached through one.

use std::fmt;

use data_encoding::BASE64;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::endpoint::Endpoint;
use super::error::ErrorKind;
use super::lost::{Lost, causes};

/// How hyper-util names what fails before a tunnel stands. The type itself is not public.
const BEFORE_THE_TUNNEL: &str = "tunnel error: ";
/// How it names the answer 407.
const UNKNOWN_TO_IT: &str = "proxy authorization required";
/// How it names every other answer that is no success.
const REFUSED_BY_IT: &str = "unsuccessful";

/// The way to the CAs.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The proxy, if there is one.
    pub proxy: Option<Proxy>,
    /// Hosts that are reached without it, as `NO_PROXY` lists them.
    pub without: String,
    /// A variable that names a proxy and is not used.
    pub unused: Option<&'static str>,
}

/// A proxy. Its password is in a header that nothing prints.
#[derive(Clone)]
pub struct Proxy {
    /// Scheme, host and port alone.
    url: String,
    password: Option<HeaderValue>,
}

/// A text that names no usable proxy. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: write `http://HOST:PORT` or `https://HOST:PORT`, with `USER:PASSWORD@` if need be")]
pub struct BadProxy(&'static str);

impl Proxy {
    /// Parses `http://HOST:PORT` or `https://HOST:PORT`, with `USER:PASSWORD@` before the host if need be.
    ///
    /// # Errors
    ///
    /// Everything else.
    pub fn parse(text: &str) -> Result<Self, BadProxy> {
        let url = Url::parse(text.trim()).map_err(|_| BadProxy("it is no URL"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(BadProxy("it has more than a host and a port"));
        }
        let port = written_port(&url, text).ok_or(BadProxy("it has no port"))?;
        Self::at(&url, port)
    }

    /// Parses what `HTTPS_PROXY` and its like hold, as curl does: without a scheme it is `http`, without a port
    /// 1080 (443 for `https`), and what follows the host is left out.
    ///
    /// # Errors
    ///
    /// Every other scheme, and what is no URL.
    pub fn of_variable(text: &str) -> Result<Self, BadProxy> {
        let text = text.trim();
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&whole).map_err(|_| BadProxy("it is no URL"))?;
        let usual = if url.scheme() == "https" { 443 } else { 1080 };
        Self::at(&url, written_port(&url, &whole).unwrap_or(usual))
    }

    fn at(url: &Url, port: u16) -> Result<Self, BadProxy> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadProxy("its scheme is not known here"));
        }
        let host = url.host_str().ok_or(BadProxy("it has no host"))?;
        if port == 0 {
            return Err(BadProxy("it has no port"));
        }
        Ok(Self {
            url: format!("{}://{host}:{port}", url.scheme()),
            password: password(url)?,
        })
    }

    /// Its URL, without user and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As reqwest takes it, for `https` alone: those calls go through a tunnel.
    pub(super) fn for_client(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::https(&self.url)?;
        Ok(match &self.password {
            Some(header) => proxy.custom_http_auth(header.clone()),
            None => proxy,
        })
    }
}

/// The port that stands in the text: a URL leaves out the usual one of its scheme.
fn written_port(url: &Url, text: &str) -> Option<u16> {
    let usual = || {
        let after = text.trim().split_once("://")?.1;
        let host = after.split(['/', '?', '#']).next()?;
        let usual = url.port_or_known_default()?;
        host.ends_with(&format!(":{usual}")).then_some(usual)
    };
    url.port().or_else(usual)
}

/// Who asks, as the proxy takes it.
fn password(url: &Url) -> Result<Option<HeaderValue>, BadProxy> {
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return Ok(None);
    }
    let mut plain: Vec<u8> = percent_decode_str(url.username()).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password.unwrap_or_default()));
    let mut header = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(&plain)))
        .map_err(|_| BadProxy("its user or password is not usable"))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)
    }
}

impl Route {
    /// The proxy on the way to an endpoint; `None` where it is reached straight.
    pub fn proxy_for(&self, endpoint: &Endpoint) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref().filter(|_| !endpoint.is_loopback())?;
        // The matcher takes `*` for names alone; curl takes it for addresses, too.
        if self.without.split(',').any(|entry| entry.trim() == "*") {
            return None;
        }
        let target = endpoint.as_str().parse().ok()?;
        let matcher = Matcher::builder()
            .https(proxy.url.clone())
            .no(self.without.clone())
            .build();
        matcher.intercept(&target).map(|_| proxy)
    }

    /// What to say of a variable that names a proxy and is not used.
    pub fn unused(&self) -> Option<String> {
        let name = self.unused?;
        Some(format!(
            "{name} is set, but not used; `--proxy env` uses it"
        ))
    }

    /// No connection to an endpoint came about: not one byte of the request was written.
    pub(super) fn blocked(&self, endpoint: &Endpoint, error: &reqwest::Error) -> Lost {
        let causes = causes(error);
        let mut why = match self.proxy_for(endpoint) {
            None => format!("no connection to {endpoint}: {causes}"),
            Some(proxy) => match causes.split_once(BEFORE_THE_TUNNEL) {
                None => {
                    format!("no connection to {endpoint} through the proxy {proxy:?}: {causes}")
                }
                Some((_, why)) => proxy.failed(why, endpoint),
            },
        };
        let unused = self.unused().filter(|_| !endpoint.is_loopback());
        if let Some(unused) = unused {
            why = format!("{why}; {unused}");
        }
        Lost {
            unsent: true,
            kind: ErrorKind::Connect,
            why,
        }
    }
}

impl Proxy {
    /// What failed before the tunnel stood is the proxy's.
    fn failed(&self, why: &str, endpoint: &Endpoint) -> String {
        match (why, &self.password) {
            (UNKNOWN_TO_IT, None) => format!(
                "the proxy {self:?} asks who it is (HTTP 407): put `USER:PASSWORD@` before its host in CERTPLAN_PROXY"
            ),
            (UNKNOWN_TO_IT, Some(_)) => format!(
                "the proxy {self:?} refuses this user and password (HTTP 407): correct them in its URL"
            ),
            (REFUSED_BY_IT, _) => format!(
                "the proxy {self:?} opens no way to {}: it answered CONNECT with an error; ask who runs it",
                endpoint.authority()
            ),
            _ => format!("no connection through the proxy {self:?}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_scheme_host_and_port_and_its_password_is_never_shown() {
        for (text, url) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("https://proxy.example:3128/", "https://proxy.example:3128"),
            ("http://proxy.example:80", "http://proxy.example:80"),
            ("https://proxy.example:443", "https://proxy.example:443"),
            ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
            (
                " http://ada:pass%40word@10.0.0.1:8080 ",
                "http://10.0.0.1:8080",
            ),
            ("HTTP://ada@10.0.0.1:8080", "http://10.0.0.1:8080"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(proxy.url(), url, "{text}");
            assert_eq!(format!("{proxy:?}"), url);
            assert_eq!(proxy.password.is_some(), text.contains("ada"), "{text}");
            assert!(!format!("{:?}", proxy.password).contains("YWRh"), "{text}");
        }
        let known = Proxy::parse("http://ada:pass%40word@10.0.0.1:8080").unwrap();
        let header = BASE64.encode(b"ada:pass@word");
        assert_eq!(known.password.unwrap(), format!("Basic {header}").as_str());
    }

    #[test]
    fn everything_else_is_no_proxy_and_is_not_repeated() {
        for text in [
            "",
            "127.0.0.1",
            "proxy.example:3128",
            "http://proxy.example",
            "http://proxy.example/",
            "https://someone:hidden-word@proxy.example",
            "http://someone:hidden-word@/",
            "http://someone:hidden-word@:80",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:0",
            "http://127.0.0.1:80/path",
            "http://127.0.0.1:80?query",
            "http://127.0.0.1:80#part",
            "ftp://127.0.0.1:1",
            "socks5://127.0.0.1:1080",
            "file:///etc/passwd",
            "postgres://someone:hidden-word@db:5432",
        ] {
            let error = Proxy::parse(text).unwrap_err().to_string();
            assert!(error.contains("http://HOST:PORT"), "{text}: {error}");
            assert!(!error.contains("hidden-word"), "{text}: {error}");
        }
    }

    #[test]
    fn a_variable_is_read_as_curl_reads_it() {
        for (text, url) in [
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "http://proxy.example:1080"),
            ("http://proxy.example", "http://proxy.example:1080"),
            ("http://proxy.example:80/", "http://proxy.example:80"),
            ("https://proxy.example", "https://proxy.example:443"),
            (
                "http://ada:word@proxy.example:1/path",
                "http://proxy.example:1",
            ),
        ] {
            assert_eq!(Proxy::of_variable(text).unwrap().url(), url, "{text}");
        }
        for text in ["socks5://h:1080", "http://", "h:99999", "a b"] {
            assert!(Proxy::of_variable(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_and_what_is_listed_are_reached_without_it() {
        let through = |without: &str, url: &str| {
            let route = Route {
                proxy: Some(Proxy::parse("http://proxy.example:3128").unwrap()),
                without: without.to_owned(),
                unused: None,
            };
            let endpoint = Endpoint::parse(url).unwrap();
            route.proxy_for(&endpoint).is_some()
        };
        for url in [
            "https://api.ca.example/v2",
            "https://10.1.2.3:8443/v2",
            "https://[2001:db8::1]/",
        ] {
            assert!(through("", url), "{url}");
            assert!(!through("*", url), "{url}");
        }
        for url in [
            "https://127.0.0.1:1/v2",
            "http://127.9.9.9/v2",
            "https://[::1]/v2",
            "https://[::ffff:127.0.0.1]/v2",
            "https://localhost/v2",
            "https://LOCALHOST:8443/v2",
            "https://localhost./v2",
            "https://ca.localhost/v2",
        ] {
            assert!(!through("", url), "{url}");
        }
        let ca = "https://api.ca.example/v2";
        for (without, straight) in [
            ("ca.example", true),
            (".ca.example", true),
            ("other.example, API.CA.EXAMPLE", true),
            ("a.example", false),
            ("i.ca.example", false),
            ("10.0.0.0/8", false),
        ] {
            assert_eq!(!through(without, ca), straight, "{without}");
        }
        assert!(!through("10.0.0.0/8", "https://10.1.2.3/v2"));
    }
}
