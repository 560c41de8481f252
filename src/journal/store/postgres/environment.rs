//! What this machine says of connections where a URL is silent. Main type: [`PgEnvironment`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::parameters::{MISSING, Origin, Parameters, USED, check_variable};

/// libpq's variables and the user's home. The default has neither.
#[derive(Default, Clone)]
pub struct PgEnvironment {
    variables: BTreeMap<String, OsString>,
    home: Option<PathBuf>,
}

impl PgEnvironment {
    /// Those of these variables that matter: `HOME`, and what begins with `PG`. An empty one is an unset one.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut found = Self::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|_| !value.is_empty()) else {
                continue;
            };
            if name == "HOME" {
                found.home = Some(PathBuf::from(value));
            } else if name.starts_with("PG") {
                found.variables.insert(name.to_owned(), value);
            }
        }
        found
    }

    /// A file of the user's own, if it is there.
    pub(super) fn own_file(&self, name: &str) -> Option<PathBuf> {
        let path = self.home.as_deref()?.join(name);
        path.exists().then_some(path)
    }

    /// The folder that `PGSYSCONFDIR` names.
    pub(super) fn system_folder(&self) -> Option<&Path> {
        self.variables.get("PGSYSCONFDIR").map(Path::new)
    }

    /// The value of a parameter's variable.
    pub(super) fn text(&self, variable: &str) -> Result<Option<&str>, String> {
        self.variables
            .get(variable)
            .map(|value| {
                value
                    .to_str()
                    .ok_or_else(|| format!("{variable}: it is not plain text"))
            })
            .transpose()
    }

    /// Fills in what is not given yet.
    pub(super) fn fill(&self, parameters: &mut Parameters) -> Result<(), String> {
        for name in self.variables.keys() {
            check_variable(name)?;
        }
        let used = USED.iter().map(|(name, variable)| (*name, *variable));
        let all = used.chain(MISSING.iter().map(|one| (one.name, one.variable)));
        for (name, variable) in all {
            let Some(variable) = variable.filter(|_| parameters.get(name).is_none()) else {
                continue;
            };
            if let Some(value) = self.text(variable)? {
                parameters.offer(name, value, Origin::Variable(variable))?;
            }
        }
        Ok(())
    }
}
