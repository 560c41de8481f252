//! Products, their members, and what a plan costs.

use serde_json::json;

use super::{automatic, tls};
use crate::rig::{Rig, action, csr};

#[test]
fn a_product_that_certplan_does_not_know_is_passed_on_with_a_warning() {
    let rig = Rig::new();
    rig.manifest(
        "orders:
  ada: { product: client_of_tomorrow, validity_years: 1, certificate: { common_name: ada, emails: [ada@example.com], signature_hash: sha256 } }
",
    );
    let ended = rig.certplan(&["plan", "--format", "json"]).expect(0);
    assert!(
        ended.stderr.contains("client_of_tomorrow"),
        "{}",
        ended.stderr
    );
    let plan = ended.json();
    assert_eq!(
        action(&plan, "orders.ada")["requests"][0]["path"],
        "/order/certificate/client_of_tomorrow"
    );
}

#[test]
fn tls_and_secure_email_products_are_ordered_with_the_members_of_the_api() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.write("mail.csr", csr("ada@example.com"));
    let mail = "  mail:
    product: secure_email_sponsor
    certificate:
      common_name_indicator: email_address
      emails: [ada@example.com]
      signature_hash: sha256
      csr: { file: mail.csr }
      individual: { first_name: Ada, last_name: Wong }
    order_validity: { years: 1 }
";
    rig.manifest(&format!(
        "{}{mail}",
        tls(&["shop.example.com", "www.shop.example.com"])
    ));
    let plan = rig.plan(&[]);
    let body = &action(&plan, "orders.shop")["requests"][0]["body"];
    assert_eq!(
        body["certificate"]["dns_names"],
        json!(["shop.example.com", "www.shop.example.com"])
    );
    assert_eq!(body["order_validity"], json!({ "days": 90 }));
    assert_eq!(body["certificate"]["server_platform"], json!({ "id": 45 }));
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn a_plan_of_many_kept_orders_costs_a_few_requests() {
    let rig = Rig::new();
    automatic(&rig);
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.orders(&names, "");
    rig.apply(&[], 0);
    let before = rig.reads();
    assert_eq!(rig.plan(&[])["summary"]["keep"], 30);
    assert!(
        rig.reads() - before <= 4,
        "{} requests",
        rig.reads() - before
    );
}
