//! TLS to the server: whom certplan trusts, and how it shows who it is. Main type: [`Tls`].

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion};
use rustls_platform_verifier::BuilderVerifierExt;

use super::environment::PgEnvironment;
use super::parameters::Parameters;

/// The protocol's name in a handshake; a server that is spoken to without its own beginning asks for it.
const ALPN: &[u8] = b"postgresql";

/// Whether a connection has TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// The certificate is verified for the host's name.
    Verified(Trust),
    /// A server of this machine.
    Off,
}

/// What both sides of a connection show each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trust {
    /// A PEM file of roots instead of the system's.
    root: Option<PathBuf>,
    /// PEM files of the client's own certificate with its chain, and of its key.
    client: Option<(PathBuf, PathBuf)>,
    oldest_is_13: bool,
    newest_is_12: bool,
}

impl Trust {
    /// As the parameters say; the files in `~/.postgresql` count where they name none.
    pub(super) fn of(parameters: &Parameters, environment: &PgEnvironment) -> Self {
        let own = |name: &str| environment.own_file(&format!(".postgresql/{name}"));
        let named = |name: &str| parameters.value(name).map(PathBuf::from);
        let root = match parameters.value("sslrootcert") {
            Some("system") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => own("root.crt"),
        };
        let certificate = named("sslcert").or_else(|| own("postgresql.crt"));
        let key = named("sslkey").or_else(|| own("postgresql.key"));
        let client = certificate
            .filter(|_| parameters.value("sslcertmode") != Some("disable"))
            .map(|certificate| (certificate, key.unwrap_or_default()));
        Self {
            root,
            client,
            oldest_is_13: parameters.value("ssl_min_protocol_version") == Some("TLSv1.3"),
            newest_is_12: parameters.value("ssl_max_protocol_version") == Some("TLSv1.2"),
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let roots = match &self.root {
            Some(root) => format!("the roots in {}", root.display()),
            None => "the system's roots".to_owned(),
        };
        let client = match &self.client {
            Some((certificate, _)) => {
                format!(", with the client certificate {}", certificate.display())
            }
            None => String::new(),
        };
        format!("TLS verified against {roots}{client}")
    }

    /// Reads the files.
    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        let versions: Vec<&'static SupportedProtocolVersion> = [&TLS13, &TLS12]
            .into_iter()
            .zip([self.newest_is_12, self.oldest_is_13])
            .filter_map(|(version, is_out)| (!is_out).then_some(version))
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&versions)
            .map_err(|error| error.to_string())?;
        let builder = match &self.root {
            None => builder
                .with_platform_verifier()
                .map_err(|error| error.to_string())?,
            Some(root) => builder.with_root_certificates(roots(root)?),
        };
        let mut config = self.with_client(builder)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    fn with_client(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, String> {
        let Some((certificate, key)) = &self.client else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates("sslcert", certificate)?;
        let secret = private_key(certificate, key)?;
        builder
            .with_client_auth_cert(chain, secret)
            .map_err(|error| {
                format!(
                    "`sslcert` {} and `sslkey` {}: {error}",
                    certificate.display(),
                    key.display()
                )
            })
    }
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("sslrootcert", path)? {
        store
            .add(certificate)
            .map_err(|error| format!("`sslrootcert` {}: {error}", path.display()))?;
    }
    Ok(store)
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("`{option}` {}: {error}", path.display()))?;
    if found.is_empty() {
        return Err(format!(
            "`{option}` {} holds no certificate in PEM",
            path.display()
        ));
    }
    Ok(found)
}

/// The key is closed to others, by libpq's rule: a system-wide one may be readable by a group.
fn private_key(certificate: &Path, path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    if path.as_os_str().is_empty() {
        return Err(format!(
            "`sslcert` {} has no key: name its file with `sslkey`, PGSSLKEY, or put it into ~/.postgresql/postgresql.key",
            certificate.display()
        ));
    }
    let name = path.display();
    let found = std::fs::metadata(path).map_err(|error| format!("`sslkey` {name}: {error}"))?;
    if !found.is_file() {
        return Err(format!("`sslkey` {name} is not a regular file"));
    }
    let too_open = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.mode() & too_open != 0 {
        return Err(format!(
            "`sslkey` {name} is open to others: `chmod 600 {name}` (0640 is allowed where it is root's)"
        ));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|_| {
        format!(
            "`sslkey` {name} holds no key in PEM that can be read: one with a password cannot, and `openssl pkey -in {name} -out NEW` writes it without"
        )
    })
}
