//! Words of messages: text of a file made safe to print, and "did you mean".

/// Text of a file inside a message.
pub fn shown(text: &str) -> String {
    crate::model::Untrusted::new(text).to_string()
}

/// The best of the known words, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = |candidate: &str| 1 + candidate.len().max(word.len()) / 4;
    known
        .into_iter()
        // No distance is less than the difference in length; a character has at most four bytes.
        .filter(|candidate| {
            let apart = candidate.len().abs_diff(word.len());
            apart <= bound(candidate) || !word.is_ascii() && apart <= bound(candidate) * 4
        })
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= bound(candidate))
        // Of two that are as near always the same one, in whatever order they come.
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean", or the known words.
pub fn suggestion<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let few = known.clone().into_iter().count() <= 3;
    if let Some(best) = nearest(word, known.clone()).filter(|_| !few) {
        return Some(format!("did you mean `{best}`?"));
    }
    let all: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => None,
        1..=12 => Some(format!("one of {}", all.join(", "))),
        _ => None,
    }
}
