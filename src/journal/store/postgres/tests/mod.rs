//! Which server, role and password a URL names with what is around it. No server is needed.

mod files;
mod sources;

use std::ffi::OsString;
use std::path::Path;

use tempfile::TempDir;

use super::{PgEnvironment, Server};

const SECRET: &str = "hunter2";

/// A home, and variables.
struct Surroundings {
    home: TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl Surroundings {
    fn new() -> Self {
        Self {
            home: TempDir::new().unwrap(),
            variables: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// A file below the home with this mode.
    fn write(&self, name: &str, mode: u32, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    fn parse(&self, url: &str) -> Result<Server, String> {
        let home = ("HOME".into(), self.home.path().as_os_str().to_owned());
        let variables = self.variables.iter().cloned().chain([home]);
        let parsed = Server::parse(url, &PgEnvironment::new(variables));
        let said = match &parsed {
            Ok(server) => format!(
                "{server} {server:?} {} {:?}",
                server.sources(),
                server.warning()
            ),
            Err(why) => why.clone(),
        };
        assert!(!said.contains(SECRET), "{said}");
        parsed
    }

    #[track_caller]
    fn good(&self, url: &str) -> Server {
        self.parse(url).unwrap_or_else(|why| panic!("{url}: {why}"))
    }

    #[track_caller]
    fn refused(&self, url: &str, said: &str) {
        let why = self.parse(url).expect_err(url);
        assert!(why.contains(said), "{url}: {why}");
    }

    fn home(&self) -> &Path {
        self.home.path()
    }
}

fn password(server: &Server) -> Option<String> {
    let found = server.config.get_password()?;
    Some(String::from_utf8(found.to_vec()).unwrap())
}
