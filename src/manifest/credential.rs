//! What may stand where a credential is expected: the name of a variable, the path of a file, never the
//! secret itself. What stands there instead is masked in every excerpt.

use std::ops::Range;
use std::path::Path;

use super::raw;
use crate::model::form::{Content, Elements, Problem, Shape, Value};
use crate::model::{SecretSource, is_like_a_key};

/// Members that would send a key elsewhere or run a program.
pub(super) const FROM_OUTSIDE: [&str; 11] = [
    "base_url",
    "url",
    "endpoint",
    "endpoint_url",
    "server",
    "host",
    "proxy",
    "command",
    "cmd",
    "exec",
    "program",
];

/// Whether a text can be the name of an environment variable and does not look like a key.
fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let start = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    start
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !looks_like_secret(text)
}

/// Whether a text can be the path of a secret's file and does not look like a key.
fn is_secret_path(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(['\n', '\r', '\0'])
        && (text.contains('/') || text.contains('\\') || !looks_like_secret(text))
}

/// Where a secret is read from. What is neither the name of a variable nor a path may be the secret itself.
/// `examples` are a variable and a path that it could be read from.
pub(super) fn secret_source(
    member: &str,
    written: &raw::Credential,
    folder: &Path,
    examples: (String, String),
    problems: &mut Vec<Problem>,
) -> Option<SecretSource> {
    let (at, what, example) = match written {
        raw::Credential::Env(name) if is_variable_name(&name.value) => {
            return Some(SecretSource::Env(name.value.clone()));
        }
        raw::Credential::File(path) if is_secret_path(&path.value) => {
            return Some(SecretSource::File(folder.join(&path.value)));
        }
        raw::Credential::Env(name) => (
            name,
            format!("`{member}.env` is not the name of an environment variable"),
            format!("a name such as {}", examples.0),
        ),
        raw::Credential::File(path) => (
            path,
            format!("`{member}.file` is not a path"),
            format!("a path such as {}", examples.1),
        ),
    };
    problems.push(
        Problem::new("secret_as_name", what)
            .at(at.here(), format!("expected {example}"))
            .help("if this is the secret itself, replace it at the CA: it has stood in a file"),
    );
    None
}

/// Names are words; keys are long runs that mix letters and digits.
fn looks_like_secret(text: &str) -> bool {
    text.len() > 128
        || text.split(['_', '.', '-']).any(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            run.len() >= 16 && digits >= 2 && digits < run.len()
                || run.len() >= 32 && (digits > 0 || mixes_cases(run))
        })
}

fn mixes_cases(run: &str) -> bool {
    run.bytes().any(|byte| byte.is_ascii_lowercase())
        && run.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A message without the text that it quotes.
pub(super) fn without_quotes(message: &str) -> String {
    let mut shown = String::new();
    for (index, part) in message.split('`').enumerate() {
        shown.push_str(if index % 2 == 0 { part } else { "`…`" });
    }
    shown
}

/// Byte ranges to mask in a text that is not YAML: on each line with a credential's name everything
/// behind the name, and the more deeply indented lines below it.
pub(super) fn mask_unparsed(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut below: Option<usize> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let indent = content.len() - content.trim_start().len();
        if let Some(parent) = below {
            if content.trim().is_empty() || indent > parent {
                ranges.push(offset + indent..offset + content.len());
                offset += line.len();
                continue;
            }
            below = None;
        }
        let lower = content.to_ascii_lowercase();
        let name = ["key", "secret", "token", "pass"]
            .iter()
            .filter_map(|word| lower.find(word).map(|at| at + word.len()))
            .min();
        if let Some(colon) = name.and_then(|end| Some(end + content.get(end..)?.find(':')?)) {
            ranges.push(offset + colon + 1..offset + content.len());
            below = Some(indent);
        }
        offset += line.len();
    }
    ranges
}

/// How near a value is to a credential.
#[derive(Clone, Copy, PartialEq)]
enum SecretContext {
    /// The document's root.
    Root,
    /// The mapping `accounts`.
    Accounts,
    /// One account.
    Account,
    /// A member of an account that is not known to be harmless; `true` if it is one that names a secret.
    Secret(bool),
    /// A member that holds an id of a CA: a key is pasted there by mistake.
    Id,
    /// Anything else.
    Nothing,
}

impl SecretContext {
    /// The context of a member. Everything in an account that is not known to be harmless is masked: a
    /// misspelt `api_kye` holds a key as well.
    fn of_member(self, key: &str, credentials: &[&str]) -> Self {
        let is_credential = credentials.contains(&key);
        let is_plain = || {
            raw::Account::MEMBERS
                .iter()
                .any(|member| member.name == key)
        };
        let is_id = key == "id" || key.ends_with("_id");
        match self {
            Self::Root if key == "accounts" => Self::Accounts,
            Self::Accounts => Self::Account,
            Self::Account if is_plain() && !is_id => Self::Nothing,
            Self::Account if !is_plain() => Self::Secret(is_credential),
            // Under a misspelt `accounts` it is a credential all the same.
            Self::Root | Self::Nothing | Self::Id if is_credential => Self::Secret(true),
            Self::Secret(_) => Self::Secret(false),
            Self::Account | Self::Root | Self::Nothing | Self::Id if is_id => Self::Id,
            Self::Account | Self::Root | Self::Nothing | Self::Id => Self::Nothing,
        }
    }
}

/// The ranges of a file that must not be shown. `credentials` are the members that name secrets.
pub(super) fn mask(root: Value<'_>, credentials: &[&str]) -> Vec<Range<usize>> {
    let mut masked = Vec::new();
    walk(root, SecretContext::Root, credentials, &mut masked);
    masked
}

fn walk(
    value: Value<'_>,
    context: SecretContext,
    credentials: &[&str],
    masked: &mut Vec<Range<usize>>,
) {
    let is_harmless = matches!(
        context,
        SecretContext::Root | SecretContext::Nothing | SecretContext::Id
    );
    let is_shown = |value: Value<'_>| {
        is_harmless && !(context == SecretContext::Id && value.text().is_some_and(is_like_a_key))
    };
    match value.content() {
        Content::Scalar if is_shown(value) => {}
        Content::Scalar => masked.push(value.range()),
        Content::Alias(of) if is_shown(of) => {}
        Content::Alias(of) => masked.push(of.range()),
        Content::List(elements) if is_harmless => {
            for element in elements {
                walk(element, context, credentials, masked);
            }
        }
        Content::List(_) => masked.push(value.range()),
        Content::Mapping(members, is_whole) => match context {
            SecretContext::Secret(names_secret) => {
                if !(is_whole && names_secret && is_reference(members)) {
                    masked.push(value.range());
                }
            }
            SecretContext::Root
            | SecretContext::Accounts
            | SecretContext::Account
            | SecretContext::Id
            | SecretContext::Nothing => {
                let mut members = members;
                while let (Some(key), Some(value)) = (members.next(), members.next()) {
                    let context = context.of_member(key.text().unwrap_or_default(), credentials);
                    walk(value, context, credentials, masked);
                }
            }
        },
    }
}

/// Whether the members of a mapping are a reference to a secret, and not the secret.
fn is_reference(mut members: Elements<'_>) -> bool {
    let (Some(key), Some(value), None) = (members.next(), members.next(), members.next()) else {
        return false;
    };
    let text = value.text().unwrap_or_default();
    match key.text() {
        Some("env") => is_variable_name(text),
        Some("file") => is_secret_path(text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_told_from_keys() {
        for name in [
            "DIGICERT_API_KEY",
            "K",
            "_x",
            "NCLOUD_SECRET_KEY_2",
            "DIGICERTAPIKEYPRODUCTION",
        ] {
            assert!(is_variable_name(name), "{name}");
        }
        for key in [
            "",
            "a b",
            "ABCDEFGH12345678ABCDEFGH12345678",
            "3f2a9c7d1e",
            "ncp_iam_BPAMKR3aBcDeFgHiJkL0",
            "sk-live-1",
            "QWERTYuiopASDFGHjklzxcvbnmQWERTY",
        ] {
            assert!(!is_variable_name(key), "{key}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_key() {
        assert!(is_secret_path("/run/secrets/digicert"));
        assert!(is_secret_path("digicert.key"));
        assert!(!is_secret_path("ABCDEFGH12345678ABCDEFGH12345678"));
    }

    #[test]
    fn an_unparsed_text_shows_nothing_behind_a_credentials_name() {
        let text = "accounts:\n  a:\n    api_key: \"SECRET\n    more\n    secret_key: |\n      SECRET\n    x: 1\n";
        let mut bytes = text.as_bytes().to_vec();
        for range in mask_unparsed(text) {
            bytes[range].fill(b'*');
        }
        let masked = String::from_utf8(bytes).unwrap();
        assert!(!masked.contains("SECRET"), "{masked}");
        assert!(masked.contains("x: 1"), "{masked}");
    }

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let reading = super::super::yaml::read(text, 0, &mut Vec::new());
        let mut ranges = Vec::new();
        if !reading.is_whole {
            ranges.extend(mask_unparsed(text));
        }
        let members = ["api_key", "access_key", "secret_key"];
        ranges.extend(
            reading
                .document
                .root()
                .into_iter()
                .flat_map(|root| mask(root, &members)),
        );
        for range in ranges {
            bytes[range].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn whatever_stands_for_a_credential_is_masked() {
        for text in [
            "accounts:\n  a:\n    api_key: SECRET\n",
            "accounts: {a: {api_key: {env: [SECRET]}}}",
            "accounts:\n  a:\n    api_key:\n      - SECRET\n",
            "accounts:\n  a:\n    api_key: {SECRET: }\n",
            "accounts:\n  a:\n    api_key: {env: NAME, value: SECRET}\n",
            "accounts:\n  a:\n    api_key: |\n      SECRET\n      SECRET\n",
            "accounts:\n  a:\n    api_kye: SECRET\n",
            "accounts:\n  a: SECRET\n",
            "acounts: {a: {api_key: SECRET}}\n",
            "secret_key: SECRET\n",
            "x: &k SECRET\naccounts:\n  a:\n    api_key: *k\n",
            "accounts:\n  a:\n    api_key: \"SECRET\n",
            "accounts:\n  a:\n    api_key: {env: \"SECRET WITH BLANKS\"}\n",
            "accounts:\n  a:\n    api_key: {pem: {x: SECRET}}\n",
            "accounts:\n  a:\n    api_key: [{x: SECRET}\n",
        ] {
            let shown = masked(text);
            assert!(!shown.contains("SECRET"), "{text}\n{shown}");
        }
    }

    #[test]
    fn a_key_where_an_id_belongs_is_masked_and_an_id_is_not() {
        for text in [
            "accounts: { a: { key_id: SECRETSECRETSECRET } }",
            "orders: { a: { organization: { id: 'SECRET-SECRET-SECRET' } } }",
            "revocations: { a: { order_id: SECRETSECRET2345 } }",
            "revocations: { a: { scope: { certificate_id: SECRETSECRET2345 } } }",
            "orders: { a: { custom_fields: [ { metadata_id: SECRETSECRET2345 } ] } }",
            "k: &k SECRETSECRETSECRET\norders: { a: { renewal_of_order_id: *k } }",
        ] {
            assert!(!masked(text).contains("SECRETSECRET2345"), "{text}");
            assert!(!masked(text).contains("SECRETSECRETSECRET"), "{text}");
            assert!(!masked(text).contains("SECRET-SECRET"), "{text}");
        }
        for text in [
            "accounts: { a: { key_id: 184 } }",
            "revocations: { a: { order_id: 1234567890123456789 } }",
            "revocations: { a: { order_id: orders.mail } }",
            "revocations: { a: { order_id: the mail of locke } }",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn references_and_harmless_members_stay() {
        let text = "accounts:\n  a:\n    provider: certcentral\n    api_key: { env: DIGICERT_API_KEY }\n    secret_key:\n      file: /run/secrets/x\n    rate_limits:\n      - { requests: 100, per: 5s }\norders: {}\n";
        assert_eq!(masked(text), text);
    }
}
