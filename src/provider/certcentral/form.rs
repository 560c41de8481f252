//! CertCentral's order form: the members of an order and of its certificate that are its own, with the
//! API's names in snake_case. The struct that a member stands in says how it is compared with what an order was
//! placed with, so no member can be left out. Main type: [`Draft`].

use super::contact::Contact;
use crate::model::form::{
    Date, Id, Line, List, Member, Note, Numeral, Switch, Unbroken, Whole, shapes, words,
};

shapes! {
    /// What an order cannot change while it is in force: compared, and told where it differs.
    pub(super) struct Terms = sent {
        /// The division.
        container: Reference,
        /// The last day of validity, `YYYY-MM-DD`.
        custom_expiration_date: Date,
        /// Validity of the order, in the newer form: exactly one member.
        order_validity: Validity,
        /// The organization that the order is for.
        organization: Organization,
        /// How the order is paid; the CA's default is `balance`.
        payment_method: PaymentMethod,
        /// The payment profile, with `payment_method: profile`.
        payment_profile: Reference,
        /// Days of validity.
        validity_days: Whole<1, 4000>,
        /// Years of validity: 1 or 2 for client certificates.
        validity_years: Whole<1, 10>,
    }

    /// What else an order says. Assumption `members-of-an-order`: none of it reaches an order that is placed; it is compared and told
    /// like the terms.
    pub(super) struct Others = sent {
        /// Who else is told.
        additional_emails: List<Line<254>>,
        /// Whether the CA reissues by itself within the plan.
        auto_reissue: Switch,
        /// How many times the CA renews by itself.
        auto_renew: Whole<0, 100>,
        /// Which part of the domain is validated, for example `base_domain`.
        certificate_dcv_scope: Line<64>,
        /// The account's custom fields.
        custom_fields: List<CustomField>,
        /// Text of the renewal notices.
        custom_renewal_message: Note<0, 4000>,
        /// Addresses for validation by e-mail.
        dcv_emails: List<DcvEmail>,
        /// How the domains are validated.
        dcv_method: DcvMethod,
        /// Keeps the certificate out of the transparency logs, where the account may.
        disable_ct: bool,
        /// No e-mail when the certificate is issued.
        disable_issuance_email: bool,
        /// No renewal notices.
        disable_renewal_notifications: bool,
        /// Language of the CA's e-mails.
        locale: Line<32>,
        /// With product `ssl`: which kind; sent as `product.type_hint`.
        product_type_hint: Line<64>,
        /// The thumbprint of the certificate that is renewed.
        renewed_thumbprint: Line<128> = own,
        /// Secure Email: what the subject holds.
        subject: Subject,
        /// Users that the order is assigned to.
        user_id_assignments: List<Id>,
    }

    /// What one call says and the order does not keep: the only members that are not compared.
    pub(super) struct Calls = sent {
        /// A note for the approver.
        comments: Note<0, 4000>,
        /// The customer service agreement was accepted.
        csa_agreed_to: Switch,
        /// Asks to skip the approval step.
        skip_approval: bool,
    }

    /// What else a certificate says: a difference is a reissue.
    /// Assumption `members-of-a-reissue`: a reissue takes all of it; its page names hash and platform, and its samples send the whole
    /// `certificate`.
    pub(super) struct Certificate = sent {
        /// The intermediate CA.
        ca_cert_id: Line<64>,
        /// Validity of the certificate inside the order's.
        cert_validity: Validity,
        /// Secure Email: what the common name is made of.
        common_name_indicator: Indicator,
        /// Secure Email, sponsor: the person.
        individual: Individual,
        /// The certificate profile.
        profile_option: Line<64>,
        /// Secure Email: the profile.
        profile_type: ProfileType,
        /// Hash of the CA's signature.
        signature_hash: SignatureHash,
        /// Secure Email: what the key may do.
        usage_designation: Usage,
    }

    /// What is said of a certificate and changes nothing in it: told, and sent with the next reissue.
    pub(super) struct Delivery = sent {
        /// The server software: 2 Apache, 45 nginx, -1 other.
        server_platform: Platform,
    }

    /// An object that is named by its id.
    pub(super) struct Reference = sent {
        /// The CA's id of it.
        id: Id,
    }

    /// A server platform.
    pub(super) struct Platform = sent {
        /// The CA's id of it; -1 is "other".
        id: Numeral<-1, 1_000_000_000> = required,
    }

    /// An organization.
    pub(super) struct Organization = sent {
        /// Its contacts for this order.
        contacts: List<Contact>,
        /// The CA's id of it.
        id: Id,
    }

    /// A validity: exactly one member.
    pub(super) struct Validity = sent {
        /// The last day, `YYYY-MM-DD`.
        custom_expiration_date: Date,
        /// Days.
        days: Whole<1, 4000>,
        /// Years.
        years: Whole<1, 10>,
    }

    /// A custom field of the account.
    pub(super) struct CustomField = sent {
        /// The field's id.
        metadata_id: Id = required,
        /// Its value.
        value: Unbroken<4000> = required,
    }

    /// Where the validation mail of a name goes.
    pub(super) struct DcvEmail = sent {
        /// The name.
        dns_name: Line<253> = required,
        /// The address.
        email: Line<254> = required,
    }

    /// What the subject of a Secure Email certificate holds.
    pub(super) struct Subject = sent {
        /// The address.
        include_email: bool,
        /// Given name and surname.
        include_given_name_surname: bool,
        /// The pseudonym.
        include_pseudonym: bool,
    }

    /// The person in a Secure Email certificate.
    pub(super) struct Individual = sent {
        /// Given name.
        first_name: Line<255>,
        /// Surname.
        last_name: Line<255>,
        /// Pseudonym.
        pseudonym: Line<255>,
    }

    /// What a Secure Email key may do.
    pub(super) struct Usage = sent {
        /// Others.
        additional_usages: List<Line<64>>,
        /// The main use, for example `signing`.
        primary_usage: Line<64>,
    }
}

words! {
    /// How an order is paid.
    pub(super) enum PaymentMethod {
        /// From the account's balance.
        Balance = "balance",
        /// By card.
        Card = "card",
        /// By a payment profile.
        Profile = "profile",
    }

    /// How domains are validated.
    pub(super) enum DcvMethod {
        /// By e-mail.
        Email = "email",
        /// By a TXT record.
        DnsTxt = "dns-txt-token",
        /// By a CNAME record.
        DnsCname = "dns-cname-token",
        /// By a file on the host.
        Http = "http-token",
    }

    /// Hash of the CA's signature.
    pub(super) enum SignatureHash {
        /// SHA-256.
        Sha256 = "sha256",
        /// SHA-384.
        Sha384 = "sha384",
        /// SHA-512.
        Sha512 = "sha512",
    }

    /// What the common name of a Secure Email certificate is made of.
    /// Assumption `common-name-indicators`: the CA has no other word (the first three are in its documents, the fourth is the one that an organization's can have beside
    /// an address).
    pub(super) enum Indicator {
        /// The address.
        Email = "email_address",
        /// The names of the person.
        Person = "given_name_surname",
        /// The pseudonym of the person.
        Pseudonym = "pseudonym",
        /// The name of the organization.
        Organization = "organization_name",
    }

    /// The profile of a Secure Email certificate.
    pub(super) enum ProfileType {
        /// Strict.
        Strict = "strict",
        /// Multipurpose.
        Multipurpose = "multipurpose",
    }
}

/// The form as it is filled in.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) terms: Terms,
    pub(super) others: Others,
    pub(super) calls: Calls,
    pub(super) certificate: Certificate,
    pub(super) delivery: Delivery,
}

/// The members that say how long an order is valid.
#[derive(Debug)]
pub(super) struct SaidValidity {
    years: Member<Whole<1, 10>>,
    days: Member<Whole<1, 4000>>,
    date: Member<Date>,
    order_validity: Member<Validity>,
}

impl Terms {
    /// Whether it says how long the order is valid, rightly or wrongly.
    pub(super) fn says_validity(&self) -> bool {
        !(self.validity_years.is_absent()
            && self.validity_days.is_absent()
            && self.custom_expiration_date.is_absent()
            && self.order_validity.is_absent())
    }

    pub(super) fn take_validity(&mut self) -> SaidValidity {
        SaidValidity {
            years: std::mem::take(&mut self.validity_years),
            days: std::mem::take(&mut self.validity_days),
            date: std::mem::take(&mut self.custom_expiration_date),
            order_validity: std::mem::take(&mut self.order_validity),
        }
    }

    pub(super) fn put_validity(&mut self, said: SaidValidity) {
        self.validity_years = said.years;
        self.validity_days = said.days;
        self.custom_expiration_date = said.date;
        self.order_validity = said.order_validity;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::form::Shape;

    /// Kept texts are compared as texts: equal members have equal texts only in one order.
    #[test]
    fn members_that_are_sent_stand_in_the_order_of_the_alphabet() {
        for shape in [
            Terms::MEMBERS,
            Others::MEMBERS,
            Calls::MEMBERS,
            Certificate::MEMBERS,
            Delivery::MEMBERS,
            Reference::MEMBERS,
            Platform::MEMBERS,
            Organization::MEMBERS,
            Validity::MEMBERS,
            CustomField::MEMBERS,
            DcvEmail::MEMBERS,
            Subject::MEMBERS,
            Individual::MEMBERS,
            Usage::MEMBERS,
        ] {
            let names: Vec<&str> = shape.iter().map(|member| member.name).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
    }
}
