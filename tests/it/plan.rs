//! What a plan says, and what it costs in requests.
