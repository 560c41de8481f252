//! What an answer answers: [`Asked`]. It is named where the answer shows that the address or the key is wrong.

use std::sync::Arc;

use reqwest::{Request, Url};

use super::endpoint::Endpoint;
use super::settings::Settings;
use crate::model::{AccountName, Authority, SecretSource, Untrusted};

/// How much of a redirect's target is shown.
const TARGET_SHOWN: usize = 200;

/// Where an account's calls go, and where its keys come from.
#[derive(Debug)]
pub(super) struct Place {
    account: AccountName,
    endpoint: Endpoint,
    authority: &'static dyn Authority,
    key_sources: Vec<SecretSource>,
}

impl Place {
    pub(super) fn of(settings: &Settings, authority: &'static dyn Authority) -> Arc<Self> {
        Arc::new(Self {
            account: settings.account.clone(),
            endpoint: settings.endpoint.clone(),
            authority,
            key_sources: settings.key_sources.clone(),
        })
    }
}

/// One request, as far as an error about its answer names it. Without a place nothing is named.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    place: Option<Arc<Place>>,
    /// Method and URL. A query may hold names of certificates, and says nothing about the address.
    call: String,
    url: Option<Url>,
}

impl Asked {
    pub(super) fn of(place: &Arc<Place>, request: &Request) -> Self {
        let mut url = request.url().clone();
        url.set_query(None);
        Self {
            place: Some(Arc::clone(place)),
            call: format!("{} {url}", request.method()),
            url: Some(url),
        }
    }

    /// Where the keys come from, never what they are. Empty where that is not known.
    pub(super) fn keys(&self) -> String {
        let Some(place) = &self.place else {
            return String::new();
        };
        let members = place.authority.credentials().iter();
        let sources: Vec<String> = members
            .zip(&place.key_sources)
            .map(|(member, source)| format!("`{}` was read from {source}", member.name))
            .collect();
        if sources.is_empty() {
            return String::new();
        }
        format!("; {}", sources.join(", "))
    }

    /// What was asked and which address is expected, for an answer that may not be the CA's. `location` is
    /// where a redirect points to.
    pub(super) fn address(&self, location: Option<&str>) -> String {
        let Some(place) = &self.place else {
            return String::new();
        };
        let mut text = format!("; {} was asked", self.call);
        if let Some(target) = location.and_then(|location| self.target(location)) {
            text = format!("{text}; the answer points to {target}, which is not followed");
        }
        format!("{text}; {}", place.expected())
    }

    /// Where a redirect points to, without what may be secret in it.
    fn target(&self, location: &str) -> Option<String> {
        let mut target = self.url.as_ref()?.join(location).ok()?;
        target.set_query(None);
        target.set_fragment(None);
        // A URL that cannot have a user name has none.
        let _ = target.set_username("");
        let _ = target.set_password(None);
        let short: String = target.as_str().chars().take(TARGET_SHOWN).collect();
        Some(Untrusted::new(short).to_string())
    }
}

impl Place {
    fn expected(&self) -> String {
        let mut official = self.authority.regions().iter().map(|region| region.url);
        if official.any(|url| url == self.endpoint.as_str()) {
            return "it is the CA's own: a proxy or a firewall may have answered".to_owned();
        }
        let path = self.path();
        if self.endpoint.as_str().ends_with(&path) {
            return format!("its path {path} is right: check its host and port");
        }
        format!(
            "the path of this API is {path}: write `--endpoint {}={}{path}`",
            self.account,
            self.endpoint.origin()
        )
    }

    /// The path that the CA's API has at its own address.
    fn path(&self) -> String {
        let regions = self.authority.regions();
        let urls = regions.iter().filter_map(|region| region.url.parse().ok());
        let paths = urls.map(|url: Url| url.path().to_owned());
        paths.into_iter().next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;
    use crate::provider::tests::scripted::{provider_of, settings};

    fn asked(authority: &str, endpoint: &str, sources: Vec<SecretSource>) -> Asked {
        let mut settings = settings(endpoint);
        settings.key_sources = sources;
        let url = format!("{}/user/me?filters=a", settings.endpoint);
        let place = Place::of(&settings, provider_of(authority).authority);
        Asked::of(&place, &Request::new(Method::GET, url.parse().unwrap()))
    }

    #[test]
    fn every_source_of_a_key_is_named() {
        let env = |name: &str| SecretSource::Env(name.to_owned());
        let one = asked("certcentral", "http://127.0.0.1:1", vec![env("KEY")]);
        assert_eq!(
            one.keys(),
            "; `api_key` was read from the environment variable KEY"
        );
        let file = SecretSource::File("/run/secrets/s".into());
        let two = asked("ncloud", "http://127.0.0.1:1", vec![env("A"), file]);
        assert_eq!(
            two.keys(),
            "; `access_key` was read from the environment variable A, `secret_key` was read from the file /run/secrets/s"
        );
        assert_eq!(asked("ncloud", "http://127.0.0.1:1", vec![]).keys(), "");
        assert_eq!(Asked::default().keys(), "");
    }

    #[test]
    fn the_path_that_is_expected_can_be_typed() {
        let said =
            |authority: &str, endpoint: &str| asked(authority, endpoint, vec![]).address(None);
        for (authority, path) in [("certcentral", "/services/v2"), ("ncloud", "/api/v2")] {
            for wrong in [
                "",
                "/",
                "/v2",
                "/services",
                "/api",
                "/services/v2/order",
                "/api/v1",
            ] {
                let text = said(authority, &format!("http://127.0.0.1:81{wrong}"));
                let typed = format!("write `--endpoint main=http://127.0.0.1:81{path}`");
                assert!(text.ends_with(&typed), "{text}");
                let url = format!(
                    "; GET http://127.0.0.1:81{}/user/me was",
                    wrong.trim_end_matches('/')
                );
                assert!(text.starts_with(&url), "{text}");
            }
            for right in ["", "/behind/a/proxy"] {
                let text = said(authority, &format!("http://127.0.0.1:81{right}{path}"));
                assert!(
                    text.contains(&format!("its path {path} is right")),
                    "{text}"
                );
            }
        }
        let own = said("certcentral", "https://certcentral.digicert.eu/services/v2");
        assert!(
            own.ends_with("a proxy or a firewall may have answered"),
            "{own}"
        );
    }

    #[test]
    fn a_redirect_is_told_without_what_may_be_secret() {
        let asked = asked("certcentral", "http://127.0.0.1:81", vec![]);
        for (location, shown) in [
            (
                "https://me:word@login.example/sso?token=word#word",
                "https://login.example/sso,",
            ),
            (
                "/services/v2/user/me",
                "http://127.0.0.1:81/services/v2/user/me,",
            ),
            ("//other.example", "http://other.example/,"),
        ] {
            let text = asked.address(Some(location));
            assert!(text.contains(&format!("points to {shown}")), "{text}");
            assert!(!text.contains("word"), "{text}");
        }
        for unreadable in ["http://[", "https://"] {
            assert!(!asked.address(Some(unreadable)).contains("points to"));
        }
    }
}
