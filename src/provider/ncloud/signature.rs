//! NAVER Cloud's API gateway signature, version 2: who asks, what, and when.
//!
//! Base64 of the HMAC-SHA256, under the secret key, of `METHOD target LF timestamp LF access-key`, where
//! the target is path and query byte for byte as sent. The body is not covered.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::model::{AccountName, Secret};
use crate::provider::http::Authorize;
use crate::provider::{ErrorKind, ProviderError, Verdict};

/// The gateway refuses a time that is five minutes off. One minute less is told: a call takes its time.
pub(super) const REFUSED_FROM: SignedDuration = SignedDuration::from_mins(4);

/// Signs each attempt anew: the gateway refuses a timestamp that is five minutes old.
pub(super) struct Signer {
    access_key: Secret,
    /// The access key as a header, marked so that nothing prints it.
    header: HeaderValue,
    secret_key: Secret,
}

impl Signer {
    /// # Errors
    ///
    /// When a key is empty or cannot stand in a header.
    pub(super) fn new(
        account: &AccountName,
        access_key: Secret,
        secret_key: Secret,
    ) -> Result<Self, ProviderError> {
        let header = HeaderValue::from_str(access_key.expose())
            .ok()
            .filter(|header| !header.is_empty() && !secret_key.expose().is_empty());
        let Some(mut header) = header else {
            return Err(ProviderError::new(
                ErrorKind::Unauthorized,
                Verdict::NotSent,
                format!(
                    "account {account}: the access key or the secret key is empty or holds \
                     characters that no key has"
                ),
            ));
        };
        header.set_sensitive(true);
        Ok(Self {
            access_key,
            header,
            secret_key,
        })
    }
}

impl Authorize for Signer {
    fn authorize(
        &self,
        method: &Method,
        target: &str,
        headers: &mut HeaderMap,
    ) -> Result<(), ProviderError> {
        // Once for both the header and the signature.
        let timestamp = Timestamp::now().as_millisecond().to_string();
        let text = signature(
            method.as_str(),
            target,
            &timestamp,
            self.access_key.expose(),
            self.secret_key.expose(),
        );
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| ProviderError::unusable("the signature does not fit a header"))
        };
        let mut signature = value(&text)?;
        signature.set_sensitive(true);
        headers.insert("x-ncp-apigw-timestamp", value(&timestamp)?);
        headers.insert("x-ncp-iam-access-key", self.header.clone());
        headers.insert("x-ncp-apigw-signature-v2", signature);
        // The documentation asks for it on every call, GET included.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(())
    }
}

pub(super) fn signature(
    method: &str,
    target: &str,
    timestamp: &str,
    access_key: &str,
    secret_key: &str,
) -> String {
    let text = format!("{method} {target}\n{timestamp}\n{access_key}");
    let key = Key::new(HMAC_SHA256, secret_key.as_bytes());
    BASE64.encode(sign(&key, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_vectors() {
        for (method, target, expected) in [
            (
                "POST",
                "/api/v2/certificate/revoke",
                "SbcTZg7xmYSqkvkIW+vPL47qrHCyAPhY7wShydJwlNA=",
            ),
            (
                "GET",
                "/api/v2/certificate/getPaidCertificates",
                "lpBJH083yYpMJbVzZFZh7eZkGoH+UCfnUMZI0XVlWjM=",
            ),
            (
                "GET",
                "/api/v2/certificate/getPaidCertificates?page=1&pageSize=20",
                "RTBDyJZGIzhW2UUh/Ix4QEPMumeePFTa5OPsPWCvrmw=",
            ),
            (
                "GET",
                "/api/v2/certificate/orders?page=1&pageSize=20",
                "RHS9sV0/EtQXyzY9uTZshhX1GsVWaYdCzXnrhiKBVm4=",
            ),
            (
                "GET",
                "/api/v2/certificate/orders/900001",
                "kKQ0ZJhikjKQJopOzpBY0JFkZsritvHA5rqkyCxkJ1Y=",
            ),
            (
                "POST",
                "/api/v2/certificate/requestPaidCertificateIssuance",
                "PS0+YshMKWxdPnDeXd99cKaIVPhoHoi2drgQgIc1lIg=",
            ),
            (
                "GET",
                "/api/v2/certificate/getVerificationInfo/55332?domainAddress=%2A.example.com",
                "BrBq0YWt4fFWpfs35uP/TCH02pkGRlAZa4q0Fbsbg5g=",
            ),
            (
                "GET",
                "/api/v2/certificate/recentChanges?minutes=60",
                "Dl7hrv9jPwkHvU7nMR60uvwSooUygFpIkVeV5uzhCS4=",
            ),
            (
                "DELETE",
                "/api/v2/certificate/deleteCertificate/30728?certificateName=zero-certi",
                "3sSL3HQ9wjdjOZaypeOD/jSHVbDVqSsofAn96F2vgXQ=",
            ),
        ] {
            let signed = signature(
                method,
                target,
                "1760000000000",
                "ncp_iam_EXAMPLEACCESSKEY01",
                "ncp_iam_EXAMPLESECRETKEY0000000000000001",
            );
            assert_eq!(signed, expected, "{method} {target}");
        }
    }

    #[test]
    fn vectors_of_other_clients() {
        assert_eq!(
            signature(
                "GET",
                "/vserver/v2/getServerInstanceList?responseFormatType=json",
                "1234567890123",
                "TestAccessKey",
                "TestSecretKey"
            ),
            "FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M="
        );
        assert_eq!(
            signature(
                "POST",
                "/vserver/v2/createServerInstances?regionCode=KR",
                "1700000000000",
                "AK_TEST",
                "SK_TEST"
            ),
            "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw="
        );
    }
}
