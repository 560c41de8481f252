//! The shapes of a manifest exactly as written: what is read, and what the JSON Schema comes from.
//!
//! Member names are the CA's own. What the accounts and orders of one CA have beside this comes from the
//! [`Authority`](crate::model::Authority).

mod credential;
mod duration;
mod known_word;
mod labels;
mod moved;
mod passphrase;
mod renew;
mod scope;
mod section;
mod word;

use crate::model::form::{CommonName, Id, Line, List, Name, Note, Text, Whole, shapes, words};
use crate::model::{FileKind, KeyKind, P12Strength};

pub(super) use credential::Credential;
pub(super) use duration::Duration;
pub(super) use labels::Labels;
pub(super) use moved::{Moved, MovedName};
pub(super) use passphrase::Passphrase;
pub(super) use renew::Renew;
pub(super) use scope::Scope;
pub(super) use section::{DefaultsOf, Joined, Named, Section, Version};
pub(super) use word::{After, Dependency, Product, Reason};

shapes! {
    /// Certificate orders and revocations at commercial CAs, as they shall be.
    pub(super) struct Manifest {
        /// The version of this format.
        version: Version = required,
        /// The accounts at the CAs, by name.
        accounts: Named<Account>,
        /// Guard rails; a plan that breaks one is refused (exit 5).
        policy: Section<Policy>,
        /// What entries have that do not say otherwise.
        defaults: Section<Defaults>,
        /// The certificate orders, by name.
        orders: Named<Order>,
        /// The revocations, by name.
        revocations: Named<Revocation>,
        /// Entries that have another name now. Nothing is bought and nothing revoked for a new name.
        moved: List<Moved>,
    }

    /// Merged into every entry that does not say otherwise; objects one level deep.
    pub(super) struct Defaults {
        /// What every entry of `orders` has that does not say otherwise.
        orders: DefaultsOf<Order>,
        /// What every entry of `revocations` has that does not say otherwise.
        revocations: DefaultsOf<Revocation>,
    }

    /// A customer account at a CA.
    pub(super) struct Account {
        /// Which CA.
        provider: String,
        /// Which of the CA's platforms; the first one if nothing is said.
        region: String,
        /// The id of the API key (not the key); `doctor`, `plan` and `apply` check it.
        key_id: Id,
        /// Rolling windows that all hold at once.
        rate_limits: List<RateLimit, 1, 8>,
        /// How many requests may be under way at once; default 16.
        max_in_flight: Whole<1, 1000>,
    }

    /// At most so many requests in any window of this length.
    pub(super) struct RateLimit {
        /// Requests in the window.
        requests: Whole<1, 1_000_000> = required,
        /// The window's length, for example `5s` or `5m`.
        per: Duration = required,
    }

    /// Guard rails; a plan that breaks one is refused (exit 5).
    pub(super) struct Policy {
        /// New orders in one apply.
        max_orders: Whole<0, 4_294_967_295>,
        /// Certificates that one apply may revoke.
        max_revocations: Whole<0, 4_294_967_295>,
        /// Reissues in one apply.
        max_reissues: Whole<0, 4_294_967_295>,
        /// Percentage of the certificates known in the account that one apply may revoke.
        max_revocation_percent: Whole<0, 100>,
        /// What becomes of an order whose answer never came.
        doubt: Doubt,
    }

    /// When a look-up finds nothing after an answer that never came.
    pub(super) struct Doubt {
        /// How long "not found" proves nothing; default `15m`.
        quiet_period: Duration,
        /// `ask` (default): a person settles it. `resend`: after three look-ups that found nothing, order again.
        then: Then,
    }

    /// A certificate order. Members that are not certplan's own go to the CA as they are.
    pub(super) struct Order {
        /// The account that orders.
        account: Name,
        /// The CA's id of the product.
        product: Product,
        /// Raise it to buy again what was rejected, canceled or revoked outside; default 1.
        generation: Whole<1, 1_000_000> = own,
        /// What must come first.
        after: List<After> = own,
        /// The order of this manifest that this one renews.
        renewal_of: Name = own,
        /// The CA's id of the order that this one renews.
        renewal_of_order_id: Id = own,
        /// The CA's id of an order that exists: this name stands for it, and nothing is bought. It may lack a `csr`.
        existing_order_id: Id = own,
        /// `true` buys also where the account has another order in force for the same names and product.
        allow_similar: bool,
        /// When and how it is renewed. Never sent.
        renew: Renew,
        /// The issued certificate as files, in the files folder. Never sent.
        files: Files,
        /// What people note of the entry: `owner`, `tier`. Never sent.
        labels: Labels,
        /// What goes into the certificate.
        certificate: Joined<Certificate>,
    }

    /// The issued certificate as files. `privkey.pem` is there whenever the key was made here.
    pub(super) struct Files {
        /// Which files: `cert`, `chain`, `fullchain`, `combined` (key, certificate, chain), `p12`. The last two need `certificate.key`.
        kinds: List<FileKind, 1, 5>,
        /// How `cert.p12` is encrypted: `modern` (default: AES-256, SHA-256) or `legacy` (3DES, SHA-1: Windows Server 2016, Android 12).
        p12: P12Strength,
        /// Where the passphrase of `cert.p12` comes from; without it one is made and stands in `p12.pass`.
        passphrase: Passphrase,
    }

    /// What goes into a certificate.
    pub(super) struct Certificate {
        /// The name to secure.
        common_name: CommonName,
        /// Subject alternative names of a TLS certificate.
        dns_names: List<Line<253>>,
        /// E-mail addresses of a client certificate.
        emails: List<Line<254>>,
        /// Departments.
        organization_units: List<Line<255>>,
        /// The certificate signing request. Either this or `key`.
        csr: Csr,
        /// A private key and a certificate signing request that certplan makes.
        key: Key,
    }

    /// A private key that certplan makes, with its certificate signing request. It never leaves the files folder.
    pub(super) struct Key {
        /// The kind of key. There is no default.
        generate: KeyKind = required,
        /// `true` keeps the key in reissues and renewals; by default each has a new one.
        reuse: bool,
    }

    /// A certificate signing request: exactly one of `file` and `pem`.
    pub(super) struct Csr {
        /// A PEM file below the manifest's folder; relative to it.
        file: Text<1, 4096>,
        /// The PEM text.
        pem: Text<1, 65_536>,
        /// `true` takes the key of a CSR whose names have nothing to do with the entry's: the CA takes the names from the entry.
        ignore_names: bool,
    }

    /// A revocation.
    pub(super) struct Revocation {
        /// The account that the order belongs to.
        account: Name,
        /// The CA's id of the order. Either this or `order`.
        order_id: Id = own,
        /// An order of this manifest.
        order: Name = own,
        /// Which certificates of the order. There is no default.
        scope: Scope = own,
        /// An RFC 5280 reason that the CA offers. There is no default.
        reason: Reason = own,
        /// A note for the administrator.
        comments: Note<1, 4000>,
        /// Asks to skip the approval step.
        skip_approval: bool,
        /// What people note of the entry: `owner`, `tier`. Never sent.
        labels: Labels,
        /// Raise it to ask again after an administrator's refusal; default 1.
        generation: Whole<1, 1_000_000> = own,
        /// What must come first.
        after: List<After> = own,
    }
}

words! {
    /// What follows the quiet period.
    pub(super) enum Then {
        /// A person settles it.
        Ask = "ask",
        /// After three look-ups that found nothing, order again.
        Resend = "resend",
    }
}
