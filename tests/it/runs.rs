//! Two runs, two states, restored and deleted state.
