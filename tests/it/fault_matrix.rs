//! Every fault of the failure model has its test, or a stated reason.
