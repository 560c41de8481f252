//! The fault script: which requests go wrong, how, and whether their effect happens all the same.
//! Main type: [`Script`]. Draws are seeded, so a run can be repeated.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Answer, Effect};
use super::call::{Call, Provider};

/// What goes wrong. `before` means without the effect, `after` means that the effect has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// The right answer, `ms` late; the effect is at once, or with `late` just before the answer, even
    /// when the client has gone by then.
    Delay,
    /// 429 in the provider's shape, without effect.
    RateLimit,
    /// `status` (500) without effect.
    ErrorBefore,
    /// `status` (500) after the effect.
    ErrorAfter,
    /// The connection is closed without effect and without an answer.
    CutBefore,
    /// The connection is closed after the effect, without an answer.
    CutAfter,
    /// The effect happens, then half of the answer arrives.
    Truncate,
    /// A front proxy's HTML page (200) without effect.
    Html,
    /// An endless-looking answer of `bytes` (256 MiB), without effect.
    Huge,
    /// `status` (302) to `location`, without effect.
    Redirect,
    /// The effect happens, the answer has its status and no body.
    Empty,
    /// `status` (200) with `body`, word for word, without effect.
    AnswerBefore,
    /// `status` (200) with `body`, word for word, after the effect.
    AnswerAfter,
    /// A list of CertCentral's answers with everything it has, whatever filter or tag was asked for.
    Unfiltered,
    /// The effect happens, each string of the answer is a number and each number a list.
    WrongTypes,
    /// A download has another certificate of the same order, and what belongs to that.
    Neighbour,
    /// A download, or the chain in an answer, lacks the intermediate certificate.
    ShortChain,
    /// A download, or the chain in an answer, begins with the root.
    ReversedChain,
    /// The answer to a wrong key, without effect.
    Unauthorized,
    /// The answer to a lacking permission, without effect.
    Forbidden,
}

impl Fault {
    pub(super) fn has_effect(self) -> bool {
        match self {
            Self::Delay
            | Self::AnswerAfter
            | Self::Unfiltered
            | Self::Neighbour
            | Self::ShortChain
            | Self::ReversedChain
            | Self::ErrorAfter
            | Self::CutAfter
            | Self::Truncate
            | Self::Empty
            | Self::WrongTypes => true,
            Self::RateLimit
            | Self::AnswerBefore
            | Self::ErrorBefore
            | Self::CutBefore
            | Self::Html
            | Self::Huge
            | Self::Redirect
            | Self::Unauthorized
            | Self::Forbidden => false,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Matching {
    provider: Option<Provider>,
    method: Option<String>,
    path_contains: Option<String>,
}

/// One line of the script.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default, rename = "match")]
    matching: Matching,
    pub(super) fault: Fault,
    pub(super) ms: Option<u64>,
    pub(super) status: Option<u16>,
    /// Sent as it is: seconds, or one of the HTTP dates.
    retry_after: Option<Value>,
    location: Option<String>,
    pub(super) bytes: Option<u64>,
    /// What `answer_before` and `answer_after` answer.
    body: Option<Value>,
    /// `delay` only: the effect waits as well.
    #[serde(default)]
    pub(super) late: bool,
    /// So many matches pass unharmed first.
    #[serde(default)]
    skip: u64,
    /// Then so many go wrong; all of them without it.
    times: Option<u64>,
    /// 0 to 1, drawn from the seed.
    probability: Option<f64>,
    #[serde(default, skip_deserializing)]
    seen: u64,
    #[serde(default, skip_deserializing)]
    fired: u64,
}

#[derive(Debug)]
pub(super) struct Script {
    rules: Vec<Rule>,
    draws: u64,
}

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            draws: seed,
        }
    }

    pub(super) fn replace(&mut self, rules: Vec<Rule>, seed: u64) {
        self.rules = rules;
        self.draws = seed;
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that strikes this request: the first one that matches and is due.
    pub(super) fn choose(&mut self, call: &Call) -> Option<Rule> {
        for rule in &mut self.rules {
            let matching = &rule.matching;
            if matching
                .provider
                .is_some_and(|provider| provider != call.provider)
                || matching
                    .method
                    .as_ref()
                    .is_some_and(|method| !method.eq_ignore_ascii_case(&call.method))
                || matching
                    .path_contains
                    .as_ref()
                    .is_some_and(|part| !call.target.contains(part.as_str()))
            {
                continue;
            }
            rule.seen += 1;
            if rule.seen <= rule.skip || rule.times.is_some_and(|times| rule.fired >= times) {
                continue;
            }
            if let Some(probability) = rule.probability
                && draw(&mut self.draws) >= probability
            {
                continue;
            }
            rule.fired += 1;
            return Some(rule.clone());
        }
        None
    }
}

/// The next of the seeded draws, in 0..1 (SplitMix64's output function).
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    f64::from((bits >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
}

impl Rule {
    /// What is answered in place of `real`, the answer of the request when it had its effect.
    pub(super) fn distort(&self, provider: Provider, real: Option<Answer>) -> Answer {
        let effect = real
            .as_ref()
            .map_or(Effect::NONE, |answer| answer.effect.clone());
        let mut answer = match self.fault {
            Fault::RateLimit => self.refusal(provider, 429),
            Fault::ErrorBefore | Fault::ErrorAfter => self.refusal(provider, 500),
            Fault::Unauthorized if provider == Provider::Ncloud => self.refusal(provider, 401),
            Fault::Unauthorized | Fault::Forbidden => self.refusal(provider, 403),
            Fault::Html => Answer::text(
                self.status.unwrap_or(200),
                "text/html",
                "<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>",
            ),
            Fault::Redirect => Answer::text(self.status.unwrap_or(302), "text/html", "")
                .with_header(
                    "location",
                    self.location
                        .clone()
                        .unwrap_or_else(|| "http://127.0.0.1:9/elsewhere".into()),
                ),
            Fault::Huge => Answer::text(self.status.unwrap_or(200), "application/json", ""),
            Fault::Empty => {
                let status = self
                    .status
                    .or(real.map(|answer| answer.status))
                    .unwrap_or(200);
                Answer::text(status, "application/json", "")
            }
            Fault::WrongTypes => real.map_or_else(Answer::no_content, |mut answer| {
                if let Ok(body) = serde_json::from_slice::<Value>(&answer.body) {
                    answer.body = wrong_types(body).to_string().into_bytes();
                }
                answer
            }),
            Fault::AnswerBefore | Fault::AnswerAfter => Answer::json(
                self.status.unwrap_or(200),
                self.body.as_ref().unwrap_or(&Value::Null),
            ),
            Fault::Delay
            | Fault::Unfiltered
            | Fault::Neighbour
            | Fault::ShortChain
            | Fault::ReversedChain
            | Fault::CutBefore
            | Fault::CutAfter
            | Fault::Truncate => real.unwrap_or_else(Answer::no_content),
        };
        if let Some(value) = &self.retry_after {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            answer = answer.with_header("retry-after", value);
        }
        answer.with_effect(effect)
    }

    fn refusal(&self, provider: Provider, usual: u16) -> Answer {
        let status = self.status.unwrap_or(usual);
        if provider == Provider::Ncloud {
            return super::ncloud::gateway_error(status);
        }
        let code = match status {
            429 => "request_limit_exceeded",
            404 => "not_found",
            403 if self.fault == Fault::Unauthorized => "access_denied|access_denied_invalid_key",
            403 => "access_denied|missing_permission",
            _ => "server_error",
        };
        let message = "The sandbox was told to answer this.";
        Answer::json(
            status,
            &json!({"errors": [{"code": code, "message": message}]}),
        )
    }
}

fn wrong_types(value: Value) -> Value {
    match value {
        Value::String(_) => json!(7),
        Value::Number(_) => json!([]),
        Value::Array(_) => json!("none"),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, wrong_types(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_with_the_seed_and_stay_in_range() {
        let series = |seed: u64| {
            let mut state = seed;
            (0..1000).map(|_| draw(&mut state)).collect::<Vec<f64>>()
        };
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
        let half = series(7)
            .into_iter()
            .inspect(|drawn| assert!((0.0..1.0).contains(drawn)))
            .filter(|drawn| *drawn < 0.5);
        assert!((400..600).contains(&half.count()));
    }

    #[test]
    fn wrong_types_leave_no_scalar_as_it_was() {
        let wrong = wrong_types(
            json!({"id": 1, "status": "pending", "requests": [{"id": 2}], "page": {"total": 3}}),
        );
        assert_eq!(
            wrong,
            json!({"id": [], "status": 7, "requests": "none", "page": {"total": []}})
        );
    }
}
