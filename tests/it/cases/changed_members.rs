//! Case 16: whatever an edit of an entry changes is a reissue, or a warning that names the member and says when
//! it comes into force.

use serde_json::json;

use super::{
    applied, automatic, bought_elsewhere, info, manifest, new_key, planned, warnings, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

/// The entry `mail`: a certificate of a person, with members of the order and of the certificate.
fn mail(order: &str, certificate: &str) -> String {
    format!(
        "  mail: {{ product: secure_email_sponsor, {order}, certificate: {{ emails: [terra@example.com], \
         {certificate}, csr: {{ file: mail.csr }} }} }}\n"
    )
}

const TERMS: &str = "order_validity: { years: 1 }";
const PERSON: &str = "signature_hash: sha256, common_name_indicator: given_name_surname, \
                      individual: { first_name: Terra, last_name: Branford }";

fn placed(entry: String) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[entry], &[]);
    rig.apply(&[], 0);
    is_kept_in_silence(&rig, "placed");
    rig
}

#[track_caller]
fn is_kept_in_silence(rig: &Rig, what: &str) {
    let plan = planned(rig);
    let step = action(&plan, "orders.mail");
    assert_eq!(step["action"], "keep", "{what}: {plan:#}");
    assert_eq!(warnings(&plan), "", "{what}");
}

/// The edit is a reissue whose reason names the member; it is asked for once.
#[track_caller]
fn is_reissued(rig: &Rig, entry: String, member: &str) {
    manifest(rig, &[entry], &[]);
    let plan = planned(rig);
    let step = action(&plan, "orders.mail");
    assert_eq!(step["action"], "reissue", "{member}: {plan:#}");
    assert_eq!(step["reason_code"], "certificate_differs", "{step:#}");
    let reason = step["reason"].as_str().expect("a reason");
    assert!(reason.contains(member), "{member}: {reason}");
    rig.apply(&["--detailed-exitcode"], 0);
    is_kept_in_silence(rig, member);
}

/// The edit changes nothing at the CA: a warning names the member and says when it comes into force, in every
/// plan, until the edit is taken back.
#[track_caller]
fn is_told(rig: &Rig, entry: String, member: &str) {
    manifest(rig, &[entry], &[]);
    for _ in 0..2 {
        let plan = planned(rig);
        assert_eq!(word(rig, "orders.mail"), "keep", "{member}: {plan:#}");
        let told = warnings(&plan);
        assert!(told.contains(&format!("`{member}`")), "{member}: {told}");
        assert!(
            told.contains("into force with its next"),
            "{member}: {told}"
        );
        rig.apply(&[], 0);
    }
    manifest(rig, &[mail(TERMS, PERSON)], &[]);
    is_kept_in_silence(rig, member);
}

#[test]
fn case_16_what_a_reissue_changes_becomes_one() {
    let rig = placed(mail(TERMS, PERSON));
    let changed = |from: &str, to: &str| mail(TERMS, &PERSON.replace(from, to));
    let more = |member: &str| mail(TERMS, &format!("{PERSON}, {member}"));
    for (entry, member) in [
        (
            changed("Branford", "Cole"),
            "certificate.individual.last_name",
        ),
        // Back, with another letter case: it is the name of a person.
        (
            changed("Branford", "branford"),
            "certificate.individual.last_name",
        ),
        (
            changed("Terra", "terra"),
            "certificate.individual.first_name",
        ),
        (changed("sha256", "sha384"), "certificate.signature_hash"),
        (
            changed("given_name_surname", "email_address"),
            "certificate.common_name_indicator",
        ),
        (
            more("usage_designation: { primary_usage: key_management }"),
            "certificate.usage_designation.primary_usage",
        ),
        (
            more("cert_validity: { days: 90 }"),
            "certificate.cert_validity.days",
        ),
        (more("ca_cert_id: \"77\""), "certificate.ca_cert_id"),
        (more("profile_type: strict"), "certificate.profile_type"),
        (more("profile_option: plain"), "certificate.profile_option"),
    ] {
        is_reissued(&rig, entry, member);
    }
    // What goes away differs too.
    is_reissued(&rig, mail(TERMS, PERSON), "certificate.profile_option");
    assert_eq!(info(&rig, ORDER)["reissues_count"], 11);
}

#[test]
fn case_16_the_letter_case_of_a_common_name_counts_for_persons_alone() {
    let person = |name: &str| super::person("mail", name, "");
    let rig = placed(person("Terra Branford"));
    is_reissued(&rig, person("terra branford"), "certificate.common_name");
    let host = |name: &str| super::tls("mail", &[name], "");
    let rig = placed(host("shop.example.com"));
    manifest(&rig, &[host("Shop.Example.COM")], &[]);
    is_kept_in_silence(&rig, "a host");
}

#[test]
fn case_16_what_waits_for_the_renewal_is_told_by_name() {
    let rig = placed(mail(TERMS, PERSON));
    let more = |member: &str| mail(&format!("{TERMS}, {member}"), PERSON);
    for (entry, member) in [
        (
            mail("order_validity: { years: 2 }", PERSON),
            "order_validity.years",
        ),
        (more("auto_renew: 1"), "auto_renew"),
        (more("auto_reissue: true"), "auto_reissue"),
        (
            more("additional_emails: [x@example.com]"),
            "additional_emails",
        ),
        (
            more("custom_fields: [{ metadata_id: 12, value: CC-9 }]"),
            "custom_fields",
        ),
        (
            more("custom_renewal_message: soon"),
            "custom_renewal_message",
        ),
        (more("container: { id: 445566 }"), "container.id"),
        (more("organization: { id: 112244 }"), "organization.id"),
        (more("payment_method: card"), "payment_method"),
        (more("disable_ct: true"), "disable_ct"),
        (
            more("disable_issuance_email: true"),
            "disable_issuance_email",
        ),
        (
            more("disable_renewal_notifications: true"),
            "disable_renewal_notifications",
        ),
        (more("locale: ko"), "locale"),
        (
            more("subject: { include_email: false }"),
            "subject.include_email",
        ),
        (more("user_id_assignments: [7]"), "user_id_assignments"),
        (
            mail(TERMS, &format!("{PERSON}, server_platform: {{ id: 2 }}")),
            "certificate.server_platform.id",
        ),
    ] {
        is_told(&rig, entry, member);
    }
    // Two members are two names in one sentence; a note for the approver is said with the next call.
    manifest(
        &rig,
        &[more(
            "auto_renew: 1, locale: ko, comments: hello, skip_approval: true",
        )],
        &[],
    );
    let told = warnings(&planned(&rig));
    assert!(
        told.contains("`auto_renew`, `locale` in the manifest are not those of order"),
        "{told}"
    );
    assert!(
        !told.contains("comments") && !told.contains("skip_approval"),
        "{told}"
    );
    assert_eq!(info(&rig, ORDER)["reissues_count"], 0);
}

#[test]
fn case_16_another_product_is_told() {
    let rig = placed(super::tls("mail", &["shop.example.com"], ""));
    let entry = super::tls("mail", &["shop.example.com"], "");
    manifest(&rig, &[entry.replace("ssl_multi_domain", "ssl_plus")], &[]);
    let told = warnings(&planned(&rig));
    assert!(
        told.contains("`product` in the manifest is not that of order"),
        "{told}"
    );
}

#[test]
fn case_16_what_is_said_in_another_spelling_is_no_edit() {
    let order = format!(
        "{TERMS}, additional_emails: [a@example.com, B@Example.com], custom_fields: [{{ metadata_id: 12, value: CC }}]"
    );
    let rig = placed(mail(&order, PERSON));
    let other = format!(
        "custom_fields: [{{ value: \"CC \", metadata_id: 12 }}], additional_emails: [b@example.com, a@example.com, \
         a@example.com], {TERMS}"
    );
    manifest(&rig, &[mail(&other, PERSON)], &[]);
    is_kept_in_silence(&rig, "another spelling");
}

#[test]
fn case_16_an_edit_while_the_order_waits_is_told_at_once() {
    let rig = Rig::new();
    manifest(&rig, &[mail(TERMS, PERSON)], &[]);
    rig.apply(&[], 0);
    let entry = mail(
        &format!("{TERMS}, auto_renew: 1"),
        &PERSON.replace("Branford", "Cole"),
    );
    manifest(&rig, &[entry], &[]);
    let plan = planned(&rig);
    assert_eq!(action(&plan, "orders.mail")["action"], "wait");
    let told = warnings(&plan);
    for part in [
        "`auto_renew`",
        "`certificate.individual.last_name`",
        "a reissue brings",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    // Issued, it is reissued; while that waits, a further edit is told too.
    rig.approve_all();
    assert_eq!(word(&rig, "orders.mail"), "reissue");
    rig.apply(&[], 0);
    let told = warnings(&planned(&rig));
    assert!(!told.contains("certificate"), "{told}");
    manifest(
        &rig,
        &[mail(TERMS, &PERSON.replace("Branford", "Figaro"))],
        &[],
    );
    let told = warnings(&planned(&rig));
    assert!(
        told.contains("the reissue of order") && told.contains("last_name"),
        "{told}"
    );
    rig.approve_all();
    assert_eq!(word(&rig, "orders.mail"), "reissue");
}

/// The reissue for another hash was refused; another surname is another question.
#[test]
fn case_16_a_refused_edit_is_not_confused_with_another() {
    let rig = placed(mail(TERMS, PERSON));
    super::by_hand(&rig);
    manifest(
        &rig,
        &[mail(TERMS, &PERSON.replace("sha256", "sha384"))],
        &[],
    );
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    let plan = planned(&rig);
    let step = action(&plan, "orders.mail");
    assert_eq!(
        step["waiting_code"], "decision_reissue_rejected",
        "{step:#}"
    );
    manifest(
        &rig,
        &[mail(TERMS, &PERSON.replace("Branford", "Cole"))],
        &[],
    );
    assert_eq!(word(&rig, "orders.mail"), "reissue");
}

/// An order of the console: what order info shows of it is compared, what it does not show is not guessed.
#[test]
fn case_16_an_imported_order_is_compared_with_what_the_ca_shows() {
    let rig = Rig::new();
    automatic(&rig);
    bought_elsewhere(&rig, &["shop.example.com"]);
    let entry = |order: &str, hash: &str| {
        super::tls("mail", &["shop.example.com"], order).replace("sha256", hash)
    };
    manifest(&rig, &[entry("auto_renew: 1", "sha384")], &[]);
    rig.certplan(&["import", "orders.mail", ORDER, "--yes"])
        .expect(0);
    let plan = planned(&rig);
    let step = action(&plan, "orders.mail");
    assert_eq!(step["action"], "reissue", "{plan:#}");
    let reason = step["reason"].as_str().expect("a reason");
    for member in ["certificate.csr", "certificate.signature_hash"] {
        assert!(reason.contains(member), "{reason}");
    }
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(info(&rig, ORDER)["certificate"]["signature_hash"], "sha384");
    is_kept(&rig);
    // Order info shows the validity; it shows no message, so none is told.
    let other = "order_validity: { years: 2 }, custom_renewal_message: soon";
    let changed = entry("", "sha384").replace("order_validity: { years: 1 }", other);
    manifest(&rig, &[changed], &[]);
    let told = warnings(&planned(&rig));
    assert!(told.contains("`order_validity.years`"), "{told}");
    assert!(!told.contains("custom_renewal_message"), "{told}");
}

/// The same without a CSR and without organization units: the list shows names alone, which agree.
#[test]
fn case_16_an_imported_order_that_a_person_picks_up_is_compared_too() {
    let rig = Rig::new();
    automatic(&rig);
    let body = json!({
        "certificate": { "emails": ["terra@example.com"], "signature_hash": "sha256",
            "common_name_indicator": "email_address",
            "individual": { "first_name": "Terra", "last_name": "Branford" } },
        "organization": { "id": 112_233 },
        "order_validity": { "years": 1 },
        "skip_approval": true,
    });
    let path = "/order/certificate/secure_email_sponsor";
    let order = rig.certcentral("POST", path, &body)["id"].to_string();
    let entry = |hash: &str| {
        format!(
            "  mail: {{ product: secure_email_sponsor, {TERMS}, certificate: {{ emails: [terra@example.com], \
             signature_hash: {hash}, common_name_indicator: email_address, \
             individual: {{ first_name: Terra, last_name: Branford }} }} }}\n"
        )
    };
    rig.tell("approve", json!({ "all": true }));
    manifest(&rig, &[entry("sha384")], &[]);
    rig.certplan(&["import", "orders.mail", &order, "--yes"])
        .expect(0);
    let plan = planned(&rig);
    let step = action(&plan, "orders.mail");
    let told = format!("{}{}", step["reason"], warnings(&plan));
    assert!(told.contains("signature_hash"), "{plan:#}");
    manifest(&rig, &[entry("sha256")], &[]);
    is_kept_in_silence(&rig, "as the order is");
}

#[track_caller]
fn is_kept(rig: &Rig) {
    assert_eq!(word(rig, "orders.mail"), "keep");
}

/// Somebody reissues with another hash in the console: the next plan brings back what the entry says, once.
#[test]
fn case_16_a_member_that_was_changed_in_the_console_comes_back() {
    let rig = placed(super::tls("mail", &["shop.example.com"], ""));
    let key = std::fs::read_to_string(rig.path("mail.csr")).expect("a CSR");
    let body =
        json!({ "certificate": { "csr": key, "signature_hash": "sha512" }, "skip_approval": true });
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{ORDER}/reissue"),
        &body,
    );
    let plan = planned(&rig);
    let step = action(&plan, "orders.mail");
    assert_eq!(step["action"], "reissue", "{plan:#}");
    assert!(
        step["reason"].to_string().contains("signature_hash"),
        "{step:#}"
    );
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(info(&rig, ORDER)["certificate"]["signature_hash"], "sha256");
    is_kept_in_silence(&rig, "brought back");
}

#[test]
fn case_16_an_entry_that_names_another_order_or_generation_is_told() {
    let rig = placed(super::tls("mail", &["shop.example.com"], ""));
    for (more, told) in [
        ("existing_order_id: 70000099", "certplan forget orders.mail"),
        ("generation: 2", "once order 70000001 is over"),
    ] {
        manifest(
            &rig,
            &[super::tls("mail", &["shop.example.com"], more)],
            &[],
        );
        let warned = warnings(&planned(&rig));
        assert!(warned.contains(told), "{more}: {warned}");
        let (code, _) = applied(&rig);
        assert_eq!(code, 0);
    }
    // The key is compared as ever.
    new_key(&rig, "mail.csr");
    assert_eq!(word(&rig, "orders.mail"), "reissue");
}
