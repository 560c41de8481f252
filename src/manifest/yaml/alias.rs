//! Aliases: how often they may be used, and how much they may stand for.

use std::ops::Range;

use super::Builder;
use crate::model::form::Problem;

/// How often aliases may be used.
const MAX_ALIASES: u32 = 64;
/// How much aliases may add, in bytes of text and 16 for each value.
pub(super) const MAX_EXPANSION: usize = 16 << 20;

impl Builder<'_, '_> {
    /// A use of an anchor.
    pub(super) fn alias(&mut self, anchor: usize, at: &Range<usize>) {
        let weight = match self.expand(anchor, at) {
            Ok((of, weight)) => {
                self.document.add_alias(at, of);
                weight
            }
            Err(problem) => {
                self.problems.extend(problem);
                self.document.add_refused(at);
                16
            }
        };
        self.value_done(weight);
    }

    /// The value that an alias stands for and its weight; or a problem, if it is not told already.
    fn expand(
        &mut self,
        anchor: usize,
        at: &Range<usize>,
    ) -> Result<(u32, usize), Option<Problem>> {
        self.aliases = self.aliases.saturating_add(1);
        if self.aliases > MAX_ALIASES {
            let first = self.aliases == MAX_ALIASES + 1;
            return Err(first.then(|| {
                Problem::new(
                    "too_many_aliases",
                    format!("a file uses at most {MAX_ALIASES} aliases"),
                )
                .at(self.bytes(at.clone()), "one too many")
                .help("put what entries have in common into `defaults`")
            }));
        }
        let Some(&(of, weight)) = self.anchors.get(&anchor) else {
            return Err(Some(
                Problem::new("alias", "this alias stands for something that holds it")
                    .at(self.bytes(at.clone()), "here"),
            ));
        };
        let Some(left) = self.expansion.checked_sub(weight) else {
            return Err(Some(
                Problem::new(
                    "alias_expansion",
                    "the aliases of this file stand for too much text",
                )
                .at(self.bytes(at.clone()), "the limit is passed here")
                .help("put what entries have in common into `defaults`"),
            ));
        };
        self.expansion = left;
        Ok((of, weight))
    }
}
