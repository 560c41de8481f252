//! The transition for a certificate that another one took the place of, without a call of ours.

use super::digest::Digest;
use super::ids::CertificateId;
use super::record::Record;

impl Record {
    /// Notes the certificate that is there now, the digest of what it holds where that is known to be what is
    /// wanted, and its key where the CA shows it.
    pub(super) fn exchange(
        &mut self,
        certificate_id: &CertificateId,
        certificate: Option<Digest>,
        public_key: Option<Digest>,
    ) -> Result<(), &'static str> {
        let live = self.live.as_mut().ok_or("no order is bound to the name")?;
        if self.open.is_some() || live.change.is_some() {
            return Err("a call of ours may be what exchanged it");
        }
        let replaced = live.replaced_by(Some(certificate_id));
        if replaced.is_some() {
            live.serial_number = None;
            live.valid_till = None;
        }
        self.replaced.add(&live.order_id, replaced);
        live.certificate_id = Some(certificate_id.clone());
        // What is not known to be what the entry asks for is compared with what the CA shows.
        if certificate.is_none() || certificate != live.certificate {
            let asked = live.asked.take();
            live.asked = asked.map(|asked| Box::new(asked.without_certificate()));
        }
        live.certificate = certificate;
        live.key = public_key;
        Ok(())
    }
}
