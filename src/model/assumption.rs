//! What certplan takes for true about a CA although its documents do not say so: [`Assumption`], and what
//! reads on an account came to: [`Tried`].

use std::fmt;

use super::ids::{KeyId, OrderId, Tag};

/// One assumption about a CA.
#[derive(Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Its stable word: in comments, in the documents, in what is printed.
    pub id: &'static str,
    /// What is taken for true.
    pub assumes: &'static str,
    /// What goes wrong if it is not.
    pub if_false: &'static str,
    /// What certplan does then.
    pub then: &'static str,
    /// Whether reads can try it. The others would need a change at the CA.
    pub by_reads: bool,
}

/// What trying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The account shows it.
    Confirmed,
    /// The account shows the contrary.
    Contradicted,
    /// The account has nothing that would show it, or only a change would.
    NotTestable,
}

impl Finding {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::NotTestable => "not_testable",
        }
    }

    /// Its words for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::NotTestable => "not testable here",
        }
    }

    /// Confirmed or contradicted.
    pub fn of(holds: bool) -> Self {
        if holds {
            Self::Confirmed
        } else {
            Self::Contradicted
        }
    }
}

/// An assumption after it was tried.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Which one.
    pub assumption: &'static Assumption,
    /// What it came to.
    pub finding: Finding,
    /// What was seen.
    pub evidence: Evidence,
}

/// What the journal knows that makes more of an account testable.
#[derive(Debug, Clone, Default)]
pub struct KnownOrders {
    /// An order that was issued, and the tag that it was placed with.
    pub issued: Option<(OrderId, Tag)>,
    /// An order that was asked for and not issued yet, with its tag.
    pub waiting: Option<(OrderId, Tag)>,
    /// The key's own id, where the manifest has it.
    pub key: Option<KeyId>,
}

/// What was seen, fit for a public bug report: our own words, counts, HTTP statuses and the beginnings of ids.
/// Nothing else can be put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence(String);

/// How many digits of an id are shown.
const ID_SHOWN: usize = 3;

impl Evidence {
    /// Words of ours.
    pub fn new(words: &'static str) -> Self {
        Self(words.to_owned())
    }

    /// More words of ours.
    pub fn and(mut self, words: &'static str) -> Self {
        self.0.push_str("; ");
        self.0.push_str(words);
        self
    }

    /// How many.
    pub fn count(mut self, what: &'static str, count: usize) -> Self {
        self.0.push_str(&format!("; {what}: {count}"));
        self
    }

    /// An HTTP status.
    pub fn http(mut self, status: u16) -> Self {
        self.0.push_str(&format!("; HTTP {status}"));
        self
    }

    /// The first digits of an id.
    pub fn id(mut self, what: &'static str, id: &str) -> Self {
        let digits: String = id
            .chars()
            .filter(char::is_ascii_digit)
            .take(ID_SHOWN)
            .collect();
        self.0.push_str(&format!("; {what}: {digits}..."));
        self
    }

    /// A word of the CA, where it is one of these; otherwise that it is another one.
    pub fn word(mut self, what: &'static str, word: &str, known: &[&'static str]) -> Self {
        let shown = known.iter().find(|one| **one == word);
        let shown = shown.copied().unwrap_or("another word");
        self.0.push_str(&format!("; {what}: {shown}"));
        self
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_shows_neither_names_nor_whole_ids() {
        let known = &["issued", "needs_approval"];
        let evidence = Evidence::new("an order was read")
            .id("order", "70000123")
            .id("strange", "Locke Cole")
            .count("rows", 12)
            .http(404)
            .word("status", "issued", known)
            .word("status", "Locke Cole", known)
            .and("nothing else");
        assert_eq!(
            evidence.to_string(),
            "an order was read; order: 700...; strange: ...; rows: 12; HTTP 404; status: issued; \
             status: another word; nothing else"
        );
    }
}
