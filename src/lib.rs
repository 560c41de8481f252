//! certplan: declarative batch jobs for commercial certificate authorities.

pub mod sandbox;
