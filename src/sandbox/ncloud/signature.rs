//! Signature v2: base64 of HMAC-SHA256 over method, request target as sent, timestamp and access key.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use jiff::Timestamp;

use crate::sandbox::call::Call;
use crate::sandbox::world::World;

pub(super) const WRONG: &str = "Invalid authentication information.";
const MISSING: &str = "Authentication information are missing.";
/// A timestamp this far away, in milliseconds, is too old or too new.
const WINDOW: u64 = 5 * 60 * 1000;

/// Checks a call's headers; the error is the `details` text of the 401.
pub(super) fn verify(world: &World, call: &Call) -> Result<(), &'static str> {
    let (Some(timestamp), Some(access_key), Some(signature)) = (
        call.header("x-ncp-apigw-timestamp"),
        call.header("x-ncp-iam-access-key"),
        call.header("x-ncp-apigw-signature-v2"),
    ) else {
        return Err(MISSING);
    };
    let sent: i64 = timestamp.parse().map_err(|_| WRONG)?;
    // A client signs with its own clock, or with the CA's that it was shown: a clock that was moved refuses neither.
    let fresh = [Timestamp::now(), world.clock.now()]
        .iter()
        .any(|now| now.as_millisecond().abs_diff(sent) < WINDOW);
    let text = text_to_sign(&call.method, &call.target, timestamp, access_key);
    let right = signs(&world.ncloud_secret_key, &text, signature);
    if fresh && right && access_key == world.ncloud_access_key {
        Ok(())
    } else {
        Err(WRONG)
    }
}

fn text_to_sign(method: &str, target: &str, timestamp: &str, access_key: &str) -> String {
    format!("{method} {target}\n{timestamp}\n{access_key}")
}

/// Compares in constant time.
fn signs(secret_key: &str, text: &str, signature: &str) -> bool {
    let Ok(tag) = BASE64.decode(signature.as_bytes()) else {
        return false;
    };
    hmac::verify(
        &hmac::Key::new(hmac::HMAC_SHA256, secret_key.as_bytes()),
        text.as_bytes(),
        &tag,
    )
    .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ncp_iam_EXAMPLESECRETKEY0000000000000001";
    const ACCESS: &str = "ncp_iam_EXAMPLEACCESSKEY01";
    const VECTORS: &[(&str, &str, &str)] = &[
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
    ];

    #[test]
    fn published_vectors_verify_and_altered_ones_do_not() {
        for (method, target, signature) in VECTORS {
            let text = text_to_sign(method, target, "1760000000000", ACCESS);
            assert!(signs(SECRET, &text, signature), "{method} {target}");
            let other = text_to_sign(method, target, "1760000000001", ACCESS);
            assert!(!signs(SECRET, &other, signature), "{method} {target}");
            assert!(!signs("another", &text, signature), "{method} {target}");
        }
    }
}
