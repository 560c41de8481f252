//! The connection service file (PostgreSQL manual, 34.17): [`fill`].
//!
//! Its lines are `name=value` to the end of the line, without quotes or escapes, so no reader of INI files
//! reads a password in one as libpq does.

use std::path::{Path, PathBuf};

use super::environment::PgEnvironment;
use super::parameters::{Origin, Parameters};
use crate::files::read_bounded;

const MOST_BYTES: u64 = 1024 * 1024;
const NAME: &str = "pg_service.conf";

/// Where packages have the file for all users, where `PGSYSCONFDIR` does not say.
const FOLDERS: [&str; 3] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/pgsql/etc",
];

/// Fills in what the service has and the URL has not. Without a service there is nothing to do.
pub(super) fn fill(parameters: &mut Parameters, environment: &PgEnvironment) -> Result<(), String> {
    let named = |name: &str, variable: &str| match parameters.value(name) {
        Some(value) => Ok(Some(value.to_owned())),
        None => environment
            .text(variable)
            .map(|value| value.map(str::to_owned)),
    };
    let Some(service) = named("service", "PGSERVICE")? else {
        return Ok(());
    };
    let file = named("servicefile", "PGSERVICEFILE")?.map(PathBuf::from);
    let own = file.or_else(|| environment.own_file(".pg_service.conf"));
    let folders: Vec<&Path> = match environment.system_folder() {
        Some(folder) => vec![folder],
        None => FOLDERS.iter().map(Path::new).collect(),
    };
    let of_all = folders.iter().map(|folder| folder.join(NAME));
    let files: Vec<PathBuf> = own
        .into_iter()
        .chain(of_all.filter(|path| path.exists()))
        .collect();
    for path in &files {
        let bytes = read_bounded(path, MOST_BYTES)
            .map_err(|why| format!("the service file {} {why}", path.display()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("the service file {} is not plain text", path.display()))?;
        let file = ServiceFile {
            path,
            service: &service,
        };
        if file.take(&text, parameters)? {
            return Ok(());
        }
    }
    let searched: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(if searched.is_empty() {
        "there is no service file: make ~/.pg_service.conf, or name one with PGSERVICEFILE"
            .to_owned()
    } else {
        format!(
            "no section has the service's name: put one into {}",
            searched.join(" or ")
        )
    })
}

struct ServiceFile<'a> {
    path: &'a Path,
    service: &'a str,
}

impl ServiceFile<'_> {
    /// Takes the service's section. False where there is none.
    fn take(&self, text: &str, parameters: &mut Parameters) -> Result<bool, String> {
        let title = format!("[{}]", self.service);
        let mut inside = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') {
                if inside {
                    return Ok(true);
                }
                inside = line.starts_with(&title);
                continue;
            }
            if inside {
                self.entry(line, parameters)
                    .map_err(|why| format!("{}, line {}: {why}", self.path.display(), at + 1))?;
            }
        }
        Ok(inside)
    }

    /// Never repeats the line: it may be a password.
    fn entry(&self, line: &str, parameters: &mut Parameters) -> Result<(), String> {
        if line.starts_with("ldap") {
            return Err(
                "LDAP is not asked: write host, port and database into the file".to_owned(),
            );
        }
        let (name, value) = line.split_once('=').ok_or("it is no `NAME=VALUE`")?;
        if name.ends_with(char::is_whitespace) {
            return Err("write `NAME=VALUE` without blanks around the `=`".to_owned());
        }
        if name == "service" || name == "servicefile" {
            return Err(format!(
                "a service cannot have a `{name}` of its own: take the line out"
            ));
        }
        let origin = format!("the service `{}` of {}", self.service, self.path.display());
        parameters.offer(name, value, Origin::File(origin))
    }
}
