//! Counts of requests on the healthy path.
