//! The layering and the house rules, as tests.
