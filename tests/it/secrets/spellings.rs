//! A gateway that puts the request's keys into its answers, each time in another spelling.

use std::sync::{Arc, Mutex};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::canary::Canary;
use super::everywhere::Aviary;
use crate::between::{Answered, Asked, Between};

type Spell = fn(&str) -> String;

fn each(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect()
}

/// Some of the spellings; each is as it stands in a JSON text.
const SPELLINGS: [(&str, Spell); 13] = [
    ("as it is", |key| key.replace('"', "\\\"")),
    ("all escaped", |key| {
        each(key, |byte| format!("\\u{byte:04x}"))
    }),
    ("some escaped, in capitals", |key| {
        each(key, |byte| match byte {
            b'a'..=b'z' => char::from(byte).to_string(),
            _ => format!("\\u{byte:04X}"),
        })
    }),
    ("base64", |key| BASE64.encode(key.as_bytes())),
    ("base64 of the line", |key| {
        BASE64.encode(format!("X-DC-DEVKEY: {key}").as_bytes())
    }),
    ("base64 for URLs, one before", |key| {
        BASE64URL_NOPAD.encode(format!(" {key} ").as_bytes())
    }),
    ("percent", |key| each(key, |byte| format!("%{byte:02x}"))),
    ("percent where needed", |key| {
        utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
    }),
    ("hex", |key| HEXLOWER.encode(key.as_bytes())),
    ("HEX", |key| HEXUPPER.encode(key.as_bytes())),
    ("entities", |key| each(key, |byte| format!("&#{byte};"))),
    ("entities in escapes", |key| {
        let entities = each(key, |byte| format!("&#x{byte:x};"));
        each(&entities, |byte| format!("\\u{byte:04x}"))
    }),
    ("the first half", |key| key[..20].to_owned()),
];

/// A key in what a command told, after every decoding that a reader may do.
#[track_caller]
fn nothing_told(keys: &[Canary], text: &str, what: &str) {
    let decoded = text.replace("&#", " ").replace(';', " ");
    let numbers: String = decoded
        .split_whitespace()
        .filter_map(|word| {
            word.parse::<u8>()
                .ok()
                .or_else(|| u8::from_str_radix(word.strip_prefix('x')?, 16).ok())
        })
        .map(char::from)
        .collect();
    for key in keys {
        assert_eq!(key.found_in(text.as_bytes()), None, "{what}: {text}");
        assert_eq!(key.found_in(numbers.as_bytes()), None, "{what}: {text}");
    }
}

#[test]
fn case_12_a_key_in_another_spelling_is_neither_told_nor_kept() {
    for (name, spell) in SPELLINGS {
        let mut aviary = Aviary::new();
        let reads = Arc::new(Mutex::new(false));
        let said = Arc::new(Mutex::new(0));
        let (echo_reads, count) = (Arc::clone(&reads), Arc::clone(&said));
        let between = Between::new(&mut aviary.rig, move |asked: &Asked, answered: Answered| {
            if asked.method == "GET" && !*echo_reads.lock().expect("a flag") {
                return answered.bytes();
            }
            let key = asked.headers.iter().find_map(|(name, value)| {
                let name = name.to_ascii_lowercase();
                ["x-dc-devkey", "x-ncp-iam-access-key"]
                    .contains(&name.as_str())
                    .then_some(value)
            });
            let key = spell(key.expect("a key"));
            *count.lock().expect("a count") += 1;
            Answered {
                status: 400,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                // No JSON library has tidied this up.
                body: format!(
                    r#"{{"errors":[{{"code":"bad_request","message":"X-DC-DEVKEY: {key}"}}],"error":{{"errorCode":"210","message":"{key}","details":"{key}"}}}}"#
                )
                .into_bytes(),
            }
            .bytes()
        });
        let rig = &aviary.rig;
        rig.tell(
            "seed",
            json!({ "ncloud_orders": 1, "ncloud_order_ids": ["1"] }),
        );
        rig.orders(
            &["ada"],
            "revocations:\n  shop: { account: navercloud, order_id: '1', scope: order, reason: superseded }\n",
        );
        let reports = ["--report", "json=r.json", "--report", "markdown=r.md"];
        let applied = aviary.run(&[&["apply", "--yes"][..], &reports].concat());
        assert_eq!(
            applied.code,
            Some(1),
            "{name}: {}\n{}",
            applied.stderr,
            aviary.rig.certplan(&["history"]).stdout
        );
        assert_eq!(*said.lock().expect("a count"), 2, "{name}: both changes");
        *reads.lock().expect("a flag") = true;
        let planned = aviary.run(&["plan"]).expect(1);
        assert!(planned.stderr.contains("HTTP 400"), "{name}: {planned:?}");
        let history = aviary.run(&["history", "--format", "json"]);
        for ended in [&applied, &planned, &history] {
            nothing_told(&aviary.keys, &ended.stdout, name);
            nothing_told(&aviary.keys, &ended.stderr, name);
        }
        for key in &aviary.keys {
            key.not_kept(aviary.rig.folder());
        }
        drop(between);
    }
}
