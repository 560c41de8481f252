//! A read that is sent once: where it counts how many requests go out.

use reqwest::Method;

use super::{LARGEST_READ, Transport};
use crate::provider::ProviderError;
use crate::provider::reply::Reply;

impl Transport {
    /// Reads `path` under the rate limits, without repeats.
    pub(in crate::provider) async fn read_once(
        &self,
        what: &str,
        path: &str,
    ) -> Result<Reply, ProviderError> {
        let mut slot = self.throttle.acquire().await;
        let request = self.request(Method::GET, path, None)?;
        let answer = self
            .exchange(&self.reads, request, LARGEST_READ, &mut slot)
            .await;
        answer.map_err(|lost| lost.error(what, "; nothing was changed, try again later"))
    }
}
