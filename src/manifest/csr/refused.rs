//! Why a CSR cannot be used. Main type: [`Refused`].

/// Why a CSR cannot be used: a code, a message and help.
#[derive(Debug)]
pub(in crate::manifest) struct Refused {
    pub(in crate::manifest) code: &'static str,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) help: Option<&'static str>,
}

impl Refused {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    /// A text that is no CSR.
    pub(super) fn not_valid(why: &str) -> Self {
        Self::new("csr_not_valid", format!("this is not a usable CSR: {why}"))
    }

    pub(super) fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}
