//! CertCentral's order form as the manifest fills it in. Main type: [`CertCentralForm`].

use std::any::Any;

use jiff::civil;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::form::{Calls, Certificate, Delivery, Draft, Others, PaymentMethod, Terms};
use super::product::Family;
use super::{rules, rules_schema};
use crate::model::Members;
use crate::model::form::{
    MemberOf, OrderDraft, OrderEntry, OrderForm, OrderPart, Point, Reader, Shape, Taken, Value,
    Within,
};

/// CertCentral's order form.
#[derive(Debug)]
pub(super) struct CertCentralForm;

impl OrderForm for CertCentralForm {
    fn product_example(&self) -> &'static str {
        "client_premium_sha2"
    }

    fn draft(&self) -> Box<dyn OrderDraft> {
        Box::<Draft>::default()
    }

    fn schemas(&self, within: Within, generator: &mut SchemaGenerator) -> Vec<Schema> {
        match within {
            Within::Order => {
                let mut terms = Terms::json_schema(generator);
                terms.insert("not".to_owned(), more_than_one(&VALIDITY));
                terms.insert("allOf".to_owned(), rules_schema::of_products());
                exactly_one(generator, "Validity");
                vec![
                    terms,
                    Others::json_schema(generator),
                    Calls::json_schema(generator),
                ]
            }
            Within::Certificate => vec![
                Certificate::json_schema(generator),
                Delivery::json_schema(generator),
            ],
        }
    }

    /// The CA's default is the account's balance.
    fn spends_funds(&self, terms: &Members) -> bool {
        let terms = terms.map();
        let method = terms
            .get("payment_method")
            .and_then(|method| method.as_str());
        method.is_none_or(|method| method == PaymentMethod::Balance.word())
    }

    fn has_validation(&self, members: &Members) -> bool {
        members.map().contains_key("dcv_method")
    }

    /// Assumption `tls-lifetimes`: 199 days, 99 from 2027-03-15 on, 46 from 2029-03-15 on; a product in no document counts as
    /// public TLS.
    fn lifetime(&self, product: &str, day: civil::Date) -> Option<u16> {
        let family = Family::of(product);
        let is_public = family.is_public_tls() || family == Family::Unknown;
        is_public.then(|| match day {
            day if day < civil::date(2027, 3, 15) => 199,
            day if day < civil::date(2029, 3, 15) => 99,
            _ => 46,
        })
    }

    fn is_reissued(&self, product: &str) -> bool {
        Family::of(product).may_be_tls()
    }

    /// Assumption `renewal-window`: renewals are taken from 90 days before the end of an order on, as public clients have it.
    fn renewal_window(&self) -> u16 {
        90
    }
}

/// The members that say how long an order is valid: an order has one of them.
const VALIDITY: [&str; 4] = [
    "custom_expiration_date",
    "order_validity",
    "validity_days",
    "validity_years",
];

/// A schema of mappings that have more than one of some members.
fn more_than_one(members: &[&str]) -> serde_json::Value {
    let pairs = members.iter().enumerate().flat_map(|(at, one)| {
        let others = members.iter().skip(at + 1);
        others.map(move |other| json!({ "required": [one, other] }))
    });
    json!({ "anyOf": pairs.collect::<Vec<_>>() })
}

/// Mappings that have exactly one of their members.
fn exactly_one(generator: &mut SchemaGenerator, name: &str) {
    let definition = generator.definitions_mut().get_mut(name);
    if let Some(definition) = definition.and_then(serde_json::Value::as_object_mut) {
        definition.insert("minProperties".to_owned(), json!(1));
        definition.insert("maxProperties".to_owned(), json!(1));
    }
}

impl OrderDraft for Draft {
    fn members(&self, within: Within) -> Vec<MemberOf> {
        match within {
            Within::Order => [Terms::MEMBERS, Others::MEMBERS, Calls::MEMBERS].concat(),
            Within::Certificate => [Certificate::MEMBERS, Delivery::MEMBERS].concat(),
        }
    }

    fn set(
        &mut self,
        within: Within,
        name: &str,
        value: Value<'_>,
        reader: &mut Reader<'_>,
    ) -> Taken {
        let taken = match within {
            Within::Order => self.terms.set(name, value, reader),
            Within::Certificate => self.certificate.set(name, value, reader),
        };
        match (taken, within) {
            (Taken::No, Within::Order) => match self.others.set(name, value, reader) {
                Taken::No => self.calls.set(name, value, reader),
                taken => taken,
            },
            (Taken::No, Within::Certificate) => self.delivery.set(name, value, reader),
            (taken, _) => taken,
        }
    }

    fn refuse(&mut self, within: Within, name: &str, point: Point) {
        match within {
            Within::Order => {
                self.terms.refuse(name, point);
                self.others.refuse(name, point);
                self.calls.refuse(name, point);
            }
            Within::Certificate => {
                self.certificate.refuse(name, point);
                self.delivery.refuse(name, point);
            }
        }
    }

    fn take_defaults(&mut self, defaults: &dyn Any) {
        let Some(defaults) = defaults.downcast_ref::<Self>() else {
            return;
        };
        // A validity of the entry takes the place of any default validity.
        let own = self
            .terms
            .says_validity()
            .then(|| self.terms.take_validity());
        self.terms.take_defaults(&defaults.terms);
        if let Some(own) = own {
            self.terms.put_validity(own);
        }
        self.others.take_defaults(&defaults.others);
        self.calls.take_defaults(&defaults.calls);
        self.certificate.take_defaults(&defaults.certificate);
        self.delivery.take_defaults(&defaults.delivery);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn finish(&self, entry: &OrderEntry<'_>, reader: &mut Reader<'_>) -> OrderPart {
        rules::check(entry, self, reader);
        OrderPart {
            terms: Members::of(&self.terms),
            members: Members::of(&self.others),
            call: Members::of(&self.calls),
            certificate: Members::of(&self.certificate),
            delivery: Members::of(&self.delivery),
            warnings: rules::warnings(entry, self),
        }
    }
}
