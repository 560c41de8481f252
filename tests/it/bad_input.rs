//! Wrong input of every kind: a message that names the place, the documented exit code, nothing sent.
