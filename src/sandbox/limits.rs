//! Rolling rate limits: so many requests let through in each span. Main type: [`Window`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::RateLimits;

/// The requests one key was let through, newest last.
///
/// Assumption: what was refused does not count, and the key is free again as soon as the window allows it.
#[derive(Debug, Default)]
pub(super) struct Window {
    passed: VecDeque<Instant>,
}

impl Window {
    /// Counts a request unless a limit is reached; says whether it may pass.
    pub(super) fn admit(&mut self, limits: &[(u32, Duration)], now: Instant) -> bool {
        let free = limits.iter().all(|&(most, span)| {
            let most = most as usize;
            match self.passed.len().checked_sub(most) {
                None => true,
                Some(index) => self
                    .passed
                    .get(index)
                    .is_some_and(|&at| now.duration_since(at) >= span),
            }
        });
        if free {
            self.passed.push_back(now);
            let longest = limits
                .iter()
                .map(|&(most, _)| most as usize)
                .max()
                .unwrap_or(0);
            while self.passed.len() > longest {
                self.passed.pop_front();
            }
        }
        free
    }
}

/// The highest number of requests seen in any span of five seconds.
#[derive(Debug, Default)]
pub(super) struct Peak {
    recent: VecDeque<Instant>,
    pub(super) highest: usize,
}

impl Peak {
    pub(super) fn saw(&mut self, now: Instant) {
        while self
            .recent
            .front()
            .is_some_and(|&at| now.duration_since(at) >= Duration::from_secs(5))
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.highest = self.highest.max(self.recent.len());
    }
}

impl RateLimits {
    pub(super) fn windows(&self) -> Vec<(u32, Duration)> {
        match self {
            Self::Documented => vec![
                (100, Duration::from_secs(5)),
                (1000, Duration::from_secs(300)),
            ],
            Self::Off => Vec::new(),
            Self::Custom(windows) => windows.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_rolls_on_its_own() {
        let limits = [(2, Duration::from_secs(5)), (3, Duration::from_secs(60))];
        let start = Instant::now();
        let mut window = Window::default();
        let answers: Vec<bool> = [0, 1, 2, 5, 6, 61]
            .into_iter()
            .map(|second| window.admit(&limits, start + Duration::from_secs(second)))
            .collect();
        assert_eq!(answers, [true, true, false, true, false, true]);
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_pass_and_no_limit_everything() {
        let now = Instant::now();
        assert!(!Window::default().admit(&[(0, Duration::from_secs(1))], now));
        assert!(Window::default().admit(&[], now));
    }
}
