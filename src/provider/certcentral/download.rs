//! Downloads of issued certificates.

use super::CertCentral;
use super::request::segment;
use super::verdict;
use crate::model::CertificateId;
use crate::provider::ProviderError;

/// Where a certificate is read with its chain. Assumption `pem-all-chain`: the format `pem_all` holds the certificate and
/// those of its issuers, in whatever order; the certificate is found by its key.
pub(super) fn download_path(certificate: &CertificateId) -> String {
    let id = segment(certificate.as_str());
    format!("/certificate/{id}/download/format/pem_all")
}

impl CertCentral {
    /// `GET /certificate/{id}/download/format/pem_all`: PEM text.
    pub(super) async fn download(
        &self,
        certificate: &CertificateId,
    ) -> Result<String, ProviderError> {
        let what = format!("download certificate {certificate}");
        let path = download_path(certificate);
        let reply = self.transport.read_pem(&what, &path).await?;
        if reply.status != 200 {
            return Err(verdict::refusal(&what, &reply));
        }
        String::from_utf8(reply.body).map_err(|_| super::malformed(&what, "the answer is not text"))
    }
}
