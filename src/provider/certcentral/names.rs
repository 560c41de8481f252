//! Which names and addresses CertCentral takes: RFC 5890 and RFC 5321, with A-labels in the place of others.

use super::form::Draft;
use super::product::Family;
use crate::model::form::{
    At, CommonName, List, Location, Member, OrderEntry, Point, Problem, Reader, shown,
};
use crate::model::{is_host, sent_name};

/// Checks every name and address of an order.
pub(super) fn check(
    entry: &OrderEntry<'_>,
    draft: &Draft,
    family: Family,
    reader: &mut Reader<'_>,
) {
    common_name(entry, family, reader);
    for name in elements(entry.dns_names) {
        host(&name.value.0, name.point, reader);
    }
    for list in [entry.emails, &draft.others.additional_emails] {
        for address in elements(list) {
            email(&address.value.0, address.point, reader);
        }
    }
    if let Some(organization) = draft.terms.organization.value() {
        let contacts = elements(&organization.contacts).iter();
        for (address, point) in contacts.filter_map(|contact| contact.value.email()) {
            email(address, point, reader);
        }
    }
    for given in elements(&draft.others.dcv_emails) {
        if let Some(name) = given.value.dns_name.get() {
            host(&name.value.0, name.point, reader);
        }
        if let Some(address) = given.value.email.get() {
            email(&address.value.0, address.point, reader);
        }
    }
}

fn elements<T>(list: &Member<List<T>>) -> &[At<T>] {
    list.value().map_or(&[], |list| list.elements.as_slice())
}

/// A public certificate for TLS secures a host name or an IP address. A private one may have any name, but no
/// address of a page.
fn common_name(entry: &OrderEntry<'_>, family: Family, reader: &mut Reader<'_>) {
    let Some(name) = entry.common_name.get() else {
        return;
    };
    let CommonName(text) = &name.value;
    match family {
        Family::PublicTls | Family::DomainTls => host(text, name.point, reader),
        Family::PrivateTls if text.contains("://") => host(text, name.point, reader),
        Family::PrivateTls
        | Family::SeedClient
        | Family::Client
        | Family::ClassOne
        | Family::SecureEmail
        | Family::Signing
        | Family::Unknown => {}
    }
    let length = sent_name(text).chars().count();
    if length > CommonName::MOST {
        let message = format!(
            "`common_name` is at most {} characters long (X.520), and `{}` has {length} as it is sent: `{}`",
            CommonName::MOST,
            shown(text),
            shown(&sent_name(text))
        );
        let problem = Problem::new("bad_dns_name", message).at(name.here(), "here");
        reader.tell(problem.help("put it into `dns_names` alone, beside a shorter common name"));
    }
}

fn host(text: &str, point: Point, reader: &mut Reader<'_>) {
    let Some(why) = wrong_with(text) else { return };
    let meant = meant(text).filter(|meant| wrong_with(meant).is_none());
    let help = match meant {
        Some(meant) => format!("write `{}`", shown(&meant)),
        None => "a host name such as `www.example.com`, without scheme, port and path".to_owned(),
    };
    let message = format!("`{}` is not a DNS name: {why}", shown(text));
    let problem = Problem::new("bad_dns_name", message).at(Location::Value(point), "here");
    reader.tell(problem.help(help));
}

/// What is wrong with a host name as it is sent.
fn wrong_with(text: &str) -> Option<String> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let sent = sent_name(text);
    if !sent.is_ascii() {
        let why = match is_host(text) {
            true => "there is no A-label for it",
            false => "a name of one label is written as its A-label",
        };
        return Some(why.to_owned());
    }
    if sent.len() > 253 {
        return Some(format!(
            "it has {} characters, and 253 are the most",
            sent.len()
        ));
    }
    let labels = sent.strip_prefix("*.").unwrap_or(&sent);
    labels.split('.').find_map(|label| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if label.is_empty() {
            Some("a part of it is empty".to_owned())
        } else if let Some(odd) = label.chars().find(|c| !is_plain(*c)) {
            Some(format!("`{}` stands in it", shown(&odd.to_string())))
        } else if label.len() > 63 {
            Some(format!(
                "a part of it has {} characters, and 63 are the most",
                label.len()
            ))
        } else if label.starts_with('-') || label.ends_with('-') {
            Some("a part of it begins or ends with `-`".to_owned())
        } else {
            None
        }
    })
}

/// The host name inside an address of a page, a mail address or a name with a port.
fn meant(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next()?;
    let rest = rest.rsplit('@').next()?;
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => rest,
    };
    let host = host.trim_end_matches('.');
    (host != text && host.contains('.')).then(|| host.to_owned())
}

fn email(text: &str, point: Point, reader: &mut Reader<'_>) {
    if !is_address(text) {
        let message = format!("`{}` is not an e-mail address", shown(text));
        let problem = Problem::new("bad_email", message).at(Location::Value(point), "here");
        reader.tell(
            problem.help("write it as `name@example.com`, without a person's name around it"),
        );
    }
}

/// Whether a text can be an address: one `@`, something on both sides, a DNS name with a dot as the domain.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\@".contains(c);
    // RFC 5321, 4.5.3.1: 64 octets before the `@`, 254 in all.
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && domain.contains('.')
        && !domain.starts_with('*')
        && domain.parse::<std::net::IpAddr>().is_err()
        && wrong_with(domain).is_none()
        && sent_name(text).len() <= 254
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_23_addresses_are_told_from_other_text() {
        for good in [
            "a@example.com",
            "a.b+c@mail.example.co.uk",
            "ä@example.com",
            "a@bücher.example",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.d",
            "a@b..c",
            "A <a@b.c>",
            "a@b@c.d",
            "a@*.b.c",
            "a@10.1.2.3",
            "a@-b.c",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(!is_address(&format!("{}@b.c", "x".repeat(65))));
    }

    #[test]
    fn case_23_a_host_name_is_told_from_other_text_as_it_is_sent() {
        let label = "x".repeat(63);
        let long = format!("{label}.{label}.{label}.{}", "x".repeat(61));
        for good in [
            "www.example.com",
            "*.example.com",
            "bücher.example",
            "*.bücher.example",
            "_dmarc.example.com",
            "host",
            "10.1.2.3",
            "fd00::1",
            &format!("{label}.example"),
            &long,
        ] {
            assert_eq!(wrong_with(good), None, "{good}");
        }
        for (bad, why) in [
            ("https://shop.example.com/".to_owned(), "`:`"),
            ("shop.example.com/a".to_owned(), "`/`"),
            ("shop.example.com:443".to_owned(), "`:`"),
            ("shop.example.com.".to_owned(), "empty"),
            ("a..b".to_owned(), "empty"),
            ("*".to_owned(), "`*`"),
            ("a.*.example".to_owned(), "`*`"),
            ("shop example.com".to_owned(), "` `"),
            ("-a.example".to_owned(), "`-`"),
            (format!("x{label}.example"), "63"),
            (format!("{long}x"), "253"),
            (format!("{}.example", "ü".repeat(60)), "63"),
            ("bücher".to_owned(), "A-label"),
        ] {
            let found = wrong_with(&bad).unwrap_or_else(|| panic!("{bad} passes"));
            assert!(found.contains(why), "{bad}: {found}");
        }
    }

    #[test]
    fn case_23_what_was_meant_is_proposed() {
        for (written, proposed) in [
            ("https://shop.example.com/", "shop.example.com"),
            ("https://me@shop.example.com:8443/a?b#c", "shop.example.com"),
            ("shop.example.com:443", "shop.example.com"),
            ("shop.example.com.", "shop.example.com"),
            ("ada@example.com", "example.com"),
        ] {
            assert_eq!(meant(written).as_deref(), Some(proposed));
        }
        assert_eq!(meant("a b"), None);
    }
}
