//! An entry of `orders` between the manifest and a CA: [`OrderForm`] is what a CA's orders have beside
//! what every order has.

use std::any::Any;
use std::fmt;

use jiff::civil;
use schemars::{Schema, SchemaGenerator};

use super::at::Member;
use super::line::{CommonName, Line};
use super::list::List;
use super::problem::{Location, Point};
use super::reader::Reader;
use super::shape::{MemberOf, Taken};
use super::value::Value;
use crate::model::Members;

/// Which mapping of an order a member stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// The entry itself.
    Order,
    /// Its `certificate`.
    Certificate,
}

/// The order form of a CA.
pub trait OrderForm: fmt::Debug + Send + Sync {
    /// A product that can be ordered, as an example.
    fn product_example(&self) -> &'static str;

    /// An empty form to fill in.
    fn draft(&self) -> Box<dyn OrderDraft>;

    /// The schemas of its members: mappings whose members are joined with what every order has.
    fn schemas(&self, within: Within, generator: &mut SchemaGenerator) -> Vec<Schema>;

    /// Whether an order with these terms is paid from the funds that the account shows.
    fn spends_funds(&self, terms: &Members) -> bool;

    /// Whether an order with these members waits for a token at each of its domains.
    fn has_validation(&self, members: &Members) -> bool;

    /// For how many days a certificate of the product is issued on this day; `None` where it lasts as long as its
    /// order. For predictions alone.
    fn lifetime(&self, product: &str, day: civil::Date) -> Option<u16>;

    /// Whether the CA reissues the product inside its order.
    fn is_reissued(&self, product: &str) -> bool;

    /// From how many days before the end of an order on the CA takes its renewal.
    fn renewal_window(&self) -> u16;
}

/// An order form that is being filled in.
pub trait OrderDraft: Any {
    /// The form's own members.
    fn members(&self, within: Within) -> Vec<MemberOf>;

    /// Offers a member.
    fn set(
        &mut self,
        within: Within,
        name: &str,
        value: Value<'_>,
        reader: &mut Reader<'_>,
    ) -> Taken;

    /// Marks a member as given and wrong.
    fn refuse(&mut self, within: Within, name: &str, point: Point);

    /// Takes over what the defaults say, given as [`OrderDraft::as_any`] of a draft of the same form.
    fn take_defaults(&mut self, defaults: &dyn Any);

    /// The draft itself.
    fn as_any(&self) -> &dyn Any;

    /// Checks the CA's rules, and hands over what goes to the CA.
    fn finish(&self, entry: &OrderEntry<'_>, reader: &mut Reader<'_>) -> OrderPart;
}

/// What an entry says that every CA understands, as the rules of a CA see it. Defaults are in it.
pub struct OrderEntry<'a> {
    /// The entry.
    pub value: Value<'a>,
    /// Whether something in it could not be read, so that nothing is to be reported as missing.
    pub is_damaged: bool,
    /// The CA's id of the product.
    pub product: Option<&'a str>,
    /// The `certificate`, wherever it was said.
    pub certificate: Option<Point>,
    /// Whether the `certificate` is there and wrong.
    pub is_certificate_refused: bool,
    /// The name to secure.
    pub common_name: &'a Member<CommonName>,
    /// Alternative names.
    pub dns_names: &'a Member<List<Line<253>>>,
    /// E-mail addresses.
    pub emails: &'a Member<List<Line<254>>>,
    /// Whether there is a CSR, right or wrong.
    pub has_csr: bool,
    /// Whether it stands for an order that exists, which was bought with its CSR.
    pub exists: bool,
    /// Where it says that certplan renews it.
    pub renew: Option<Point>,
    /// The current day.
    pub today: civil::Date,
}

impl OrderEntry<'_> {
    /// Where to point when something is missing in a mapping: its key, if it stands in the entry itself,
    /// else the entry's.
    pub fn place_of(&self, mapping: Option<Point>) -> Location {
        let own = mapping.filter(|point| self.value.holds(*point));
        Location::Key(own.unwrap_or_else(|| self.value.point()))
    }
}

/// The CA's part of an order.
#[derive(Debug, Clone, Default)]
pub struct OrderPart {
    /// What the order cannot change while it is in force.
    pub terms: Members,
    /// What else it says.
    pub members: Members,
    /// What it says of the call alone: nothing of the order changes with it.
    pub call: Members,
    /// What it says of the certificate.
    pub certificate: Members,
    /// What it says of how the certificate is delivered: nothing of it changes with that.
    pub delivery: Members,
    /// What is allowed but looks like a mistake.
    pub warnings: Vec<String>,
}
