//! The HTTP client under every call: no redirects, no hidden retries, no proxy that the operator
//! did not name, TLS always verified.

use reqwest::{Certificate, Client};

use super::error::ProviderError;
use super::lost::causes;
use super::settings::Settings;

/// A client that keeps up to `idle` connections for later calls.
///
/// # Errors
///
/// When the extra root is no PEM certificate or the TLS roots of the system cannot be loaded.
pub(super) fn client(settings: &Settings, idle: usize) -> Result<Client, ProviderError> {
    let mut builder = Client::builder()
        .user_agent(concat!("certplan/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .https_only(settings.endpoint.is_secure())
        .connect_timeout(settings.deadlines.connect)
        .pool_max_idle_per_host(idle);
    builder = match settings.route.proxy_for(&settings.endpoint) {
        Some(proxy) => {
            let proxy = proxy.for_client();
            builder.proxy(proxy.map_err(|_| ProviderError::unusable("the proxy is not usable"))?)
        }
        None => builder.no_proxy(),
    };
    if !settings.endpoint.is_secure() {
        // Loopback without TLS must work where no roots are installed.
        builder = builder.tls_certs_only([]);
    } else if let Some(pem) = &settings.extra_root {
        let roots = Certificate::from_pem_bundle(pem)
            .ok()
            .filter(|roots| !roots.is_empty())
            .ok_or_else(|| ProviderError::unusable("the extra root is no PEM certificate"))?;
        builder = builder.tls_certs_merge(roots);
    }
    #[cfg(feature = "planted-bugs")]
    let builder = crate::planted::follow_redirects(builder);
    builder.build().map_err(|error| {
        ProviderError::unusable(format!(
            "TLS cannot be set up: {}; install the system's CA certificates",
            causes(&error)
        ))
    })
}
