//! The two container formats of the downloads: PKCS #7 with certificates alone, and zip without compression.

use std::iter;

use data_encoding::{BASE64, HEXLOWER};
use x509_parser::pem::parse_x509_pem;

/// `SignedData` without signatures: version, no digest algorithms, empty content.
const SIGNED_DATA: &str = "06092a864886f70d010702";
const DATA: &str = "06092a864886f70d010701";

/// PEM certificates as one PKCS #7 block.
pub(super) fn pkcs7(certificates: &[&str]) -> String {
    let der = certificates.iter().filter_map(|pem| {
        let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
        Some(pem.contents)
    });
    let certificates: Vec<u8> = der.flatten().collect();
    let oid = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap_or_default();
    let signed = [
        tlv(0x02, &[1]),
        tlv(0x31, &[]),
        tlv(0x30, &oid(DATA)),
        tlv(0xa0, &certificates),
        tlv(0x31, &[]),
    ]
    .concat();
    let content = [oid(SIGNED_DATA), tlv(0xa0, &tlv(0x30, &signed))].concat();
    let text = BASE64.encode(&tlv(0x30, &content));
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n",
        lines.join("\n")
    )
}

/// One DER value: tag, length, content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let bytes = length.to_be_bytes();
    let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut value = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => value.push(short),
        _ => {
            value.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            value.extend(digits);
        }
    }
    value.extend_from_slice(content);
    value
}

/// Files of text as a zip archive, stored as they are. Every file is of 1980-01-01, the format's first day.
pub(super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let mut count: u16 = 0;
    for (name, text) in files {
        let offset = size(archive.len());
        let length = size(text.len());
        let mut entry = Vec::new();
        // Version, flags, method, time, date.
        for field in [20_u16, 0, 0, 0, 0x21] {
            entry.extend(field.to_le_bytes());
        }
        for field in [crc32(text.as_bytes()), length, length] {
            entry.extend(field.to_le_bytes());
        }
        entry.extend(u16::try_from(name.len()).unwrap_or_default().to_le_bytes());
        // No extra field.
        entry.extend(0_u16.to_le_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&entry);
        archive.extend(name.as_bytes());
        archive.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        directory.extend(iter::repeat_n(0_u8, 10));
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        count += 1;
    }
    let (start, length) = (size(archive.len()), size(directory.len()));
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend(0_u16.to_le_bytes());
    archive
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The checksum of zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn lengths_are_written_in_as_few_bytes_as_der_asks_for() {
        assert_eq!(tlv(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }
}
