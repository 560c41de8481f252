//! What a use case says besides its result: [`Notice`], told to a [`Tell`].

/// A sentence for a person. It may quote a CA, so whoever shows it escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something that should be looked at.
    Warning(String),
    /// Something that helps to go on.
    Hint(String),
    /// How far a long reading is.
    Progress(String),
}

/// Takes notices while a use case goes on.
pub trait Tell: Sync {
    /// Takes one notice.
    fn tell(&self, notice: Notice);
}

impl dyn Tell + '_ {
    pub(super) fn warning(&self, text: impl Into<String>) {
        self.tell(Notice::Warning(text.into()));
    }

    pub(super) fn hint(&self, text: impl Into<String>) {
        self.tell(Notice::Hint(text.into()));
    }

    pub(super) fn progress(&self, text: impl Into<String>) {
        self.tell(Notice::Progress(text.into()));
    }
}
