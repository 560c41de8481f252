//! The forms in which a CSR comes, and the one in which it is sent: a PEM block alone, with LF.

use x509_parser::error::PEMError;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::refused::Refused;
use crate::model::form::shown;

/// The line length of a PEM block (RFC 7468).
const LINE: usize = 64;

/// The text of a file. UTF-8 and UTF-16 are read, with or without a byte order mark; what else stands around
/// a PEM block may be in any single-byte encoding, since the block itself is ASCII.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, Refused> {
    if let Some(text) = utf_16(&bytes) {
        return Ok(text);
    }
    if !contains(&bytes, b"-----BEGIN ")
        && let Some(refused) = binary(&bytes)
    {
        return Err(refused);
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The DER of the one PEM block of a text, and that block as it is sent.
pub(super) fn block(text: &str) -> Result<(Vec<u8>, String), Refused> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_start_matches('\u{feff}');
    if text.contains("PRIVATE KEY-----") {
        return Err(Refused::new(
            "csr_not_valid",
            "a private key stands where a CSR is expected",
        )
        .help("make a new key and CSR: a key that was copied is no longer private"));
    }
    let mut blocks = Pem::iter_from_buffer(text.as_bytes());
    let pem = match blocks.next() {
        None => return Err(without_block(text)),
        Some(block) => block.map_err(|error| broken_block(&error))?,
    };
    if pem.label != "CERTIFICATE REQUEST" && pem.label != "NEW CERTIFICATE REQUEST" {
        return Err(
            Refused::not_valid(&format!("it is a `{}`", shown(&pem.label)))
                .help("give the file that begins with `-----BEGIN CERTIFICATE REQUEST-----`"),
        );
    }
    if blocks.next().is_some() {
        return Err(Refused::not_valid("it holds more than one PEM block")
            .help("keep the block of this entry's CSR, and remove the others"));
    }
    let sent = sent(&pem);
    Ok((pem.contents, sent))
}

fn sent(pem: &Pem) -> String {
    let mut text = format!("-----BEGIN {}-----\n", pem.label);
    for line in data_encoding::BASE64
        .encode(&pem.contents)
        .as_bytes()
        .chunks(LINE)
    {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {}-----\n", pem.label));
    text
}

fn broken_block(error: &PEMError) -> Refused {
    match error {
        PEMError::IncompletePEM => {
            Refused::not_valid("its last line, `-----END CERTIFICATE REQUEST-----`, is missing")
                .help("the file was cut off: copy it again, whole")
        }
        PEMError::Base64DecodeError => {
            Refused::not_valid("what stands between BEGIN and END is not base64")
                .help("copy the file again as it is, without an editor or a mail program between")
        }
        PEMError::InvalidHeader | PEMError::MissingHeader | PEMError::IOError(_) => {
            Refused::not_valid("its first line is not `-----BEGIN CERTIFICATE REQUEST-----`")
        }
    }
}

/// A text without a PEM block: often its BEGIN and END lines were lost.
fn without_block(text: &str) -> Refused {
    let bare: String = text.split_whitespace().collect();
    let der = data_encoding::BASE64.decode(bare.as_bytes());
    if der.is_ok_and(|der| X509CertificationRequest::from_der(&der).is_ok()) {
        return Refused::not_valid("it is a CSR in base64 without its BEGIN and END lines").help(
            "put `-----BEGIN CERTIFICATE REQUEST-----` before it and \
             `-----END CERTIFICATE REQUEST-----` behind it, each on a line of its own",
        );
    }
    Refused::not_valid("no PEM block `-----BEGIN CERTIFICATE REQUEST-----`")
}

/// What a file is that is not text: a CSR in DER, or something else.
fn binary(bytes: &[u8]) -> Option<Refused> {
    if X509CertificationRequest::from_der(bytes).is_ok() {
        return Some(
            Refused::not_valid("it is in DER form, and a CSR is sent as PEM")
                .help("convert it: `openssl req -inform DER -in FILE -out FILE.pem`"),
        );
    }
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    (!is_text).then(|| {
        Refused::not_valid("it is neither a PEM text nor a CSR in DER form")
            .help("give the file that begins with `-----BEGIN CERTIFICATE REQUEST-----`")
    })
}

/// UTF-16, as programs on Windows write it: told by its mark, or by the zero byte beside the first `-`.
fn utf_16(bytes: &[u8]) -> Option<String> {
    let (is_big, body) = match bytes {
        [0xff, 0xfe, body @ ..] => (false, body),
        [0xfe, 0xff, body @ ..] => (true, body),
        [b'-', 0, ..] => (false, bytes),
        [0, b'-', ..] => (true, bytes),
        _ => return None,
    };
    let units = body.as_chunks::<2>().0.iter().map(|pair| match is_big {
        true => u16::from_be_bytes(*pair),
        false => u16::from_le_bytes(*pair),
    });
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
