//! Numbers for people: counts, durations, money.

use rust_decimal::Decimal;

/// `9800` as `9,800`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 certificate`, `2 certificates`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Seconds in the two largest units; what is no time at all is said so.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "an unknown time".to_owned();
    }
    if seconds < 1.0 {
        return "less than a second".to_owned();
    }
    // A cast saturates.
    let seconds = seconds.ceil() as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        let amount = left / length;
        left %= length;
        if amount > 0 || !parts.is_empty() {
            parts.push((amount, unit));
        }
    }
    let shown: Vec<String> = parts
        .into_iter()
        .take(2)
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, unit)| format!("{amount} {unit}"))
        .collect();
    format!("about {}", shown.join(" "))
}

/// An amount with two decimal places or more: nothing is rounded away.
pub(super) fn money(amount: Decimal) -> String {
    let text = if amount.scale() < 2 {
        format!("{amount:.2}")
    } else {
        amount.to_string()
    };
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => ("-", text.to_owned()),
        None => ("", text),
    };
    match text.split_once('.') {
        Some((whole, part)) => match whole.parse() {
            Ok(whole) => format!("{sign}{}.{part}", count(whole)),
            Err(_) => format!("{sign}{text}"),
        },
        None => format!("{sign}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(9_800), "9,800");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "order", "orders"), "1 order");
    }

    #[test]
    fn durations_are_told_in_two_units() {
        assert_eq!(duration(0.0), "less than a second");
        assert_eq!(duration(11.2), "about 12 s");
        assert_eq!(duration(60.0), "about 1 min");
        assert_eq!(duration(3_725.0), "about 1 h 2 min");
        assert_eq!(duration(90_061.0), "about 1 d 1 h");
        assert_eq!(duration(f64::NAN), "an unknown time");
        assert_eq!(duration(f64::INFINITY), "an unknown time");
        assert!(duration(f64::MAX).starts_with("about "));
    }

    #[test]
    fn money_is_never_rounded() {
        assert_eq!(money(Decimal::new(35_000, 2)), "350.00");
        assert_eq!(money(Decimal::new(5, 0)), "5.00");
        assert_eq!(money(Decimal::new(1_234_567_891, 3)), "1,234,567.891");
        assert_eq!(money(Decimal::new(-100_000, 2)), "-1,000.00");
        assert_eq!(money(Decimal::MAX), "79228162514264337593543950335.00");
    }
}
