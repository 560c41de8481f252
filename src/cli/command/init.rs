//! `certplan init`: a starter manifest.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::cli::args::{Common, InitArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::files::folder_of;
use crate::journal;

/// Where the schema line points: `certplan schema` prints what belongs there.
const SCHEMA: &str = "./manifest.schema.json";

pub(super) fn run(common: &Common, args: &InitArgs, output: &Output) -> Result<Exit, CliError> {
    let path = args
        .path
        .clone()
        .or_else(|| common.files.first().cloned())
        .unwrap_or_else(|| PathBuf::from("certplan.yaml"));
    let shown = path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| {
            CliError::File(match error.kind() {
                ErrorKind::AlreadyExists => format!(
                    "{shown} is already there and is not overwritten: `certplan init OTHER.yaml`"
                ),
                _ => format!("cannot write {shown}: {error}"),
            })
        })?;
    file.write_all(starter(SCHEMA).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| CliError::File(format!("cannot write {shown}: {error}")))?;
    if common.state.is_none() {
        journal::make_own_folder(folder_of(&path)).map_err(|error| {
            CliError::File(format!("cannot make the folder of the state: {error}"))
        })?;
    }
    output.hint(&format!("Wrote {shown}. Edit it, then `certplan validate` and `certplan plan`.\nFor completion in an editor: `certplan schema > manifest.schema.json` beside it."));
    Ok(Exit::Done)
}

/// The text of a new manifest. `schema` is what the schema line names: a path relative to the file, or an
/// address.
fn starter(schema: &str) -> String {
    format!("# yaml-language-server: $schema={schema}\n{STARTER}")
}

const STARTER: &str = r#"# What certificates this account shall have. `certplan plan` shows what would be done, `certplan apply` does it.
version: 1

accounts:
  digicert:
    provider: certcentral                  # DigiCert CertCentral; `ncloud` is NAVER Cloud (revocations)
    region: us                             # us or eu
    api_key: { env: DIGICERT_API_KEY }     # or { file: /run/secrets/digicert }; never the key itself

policy:                                    # a plan that goes beyond is refused
  max_orders: 10
  max_revocations: 5

defaults:
  orders: { account: digicert, organization: { id: 112233 } }
  revocations: { account: digicert }

orders:
  mail-locke-cole:
    product: client_premium_sha2
    certificate:
      common_name: Locke Cole
      emails: [locke.cole@example.com]
      signature_hash: sha256
      key: { generate: rsa-2048 }          # key and CSR are made here; or `csr: { file: PATH }`
    files: { kinds: [p12] }                # cert.p12 and its passphrase, in .certplan/files/live/mail-locke-cole
    renew: {}                              # in time, by the cheapest way; the order is bought again 30 days before it ends
    validity_years: 1
  # www:
  #   product: ssl_basic
  #   certificate:
  #     common_name: www.example.com
  #     dns_names: [www.example.com, example.com]
  #     signature_hash: sha256
  #     key: { generate: p-256 }
  #   renew: {}                            # reissued for nothing while the order is paid, then renewed
  #   files: { kinds: [fullchain, chain] } # beside privkey.pem; `apply --on-collected PROGRAM` reloads the server
  #   order_validity: { years: 1 }

# A revocation cannot be undone.
# revocations:
#   leaver-terra-branford:
#     order_id: 98765                      # the CA's order id
#     scope: order                         # every certificate of the order
#     reason: cessationOfOperation
#     comments: "left the company"
"#;

#[cfg(test)]
mod tests {
    use super::starter;
    use crate::manifest::{self, Input};
    use crate::provider::authorities;

    #[test]
    fn the_starter_loads_and_so_does_what_it_has_as_comments() {
        let text = starter("schemas/manifest.schema.json");
        let whole = text
            .replace("\n  # ", "\n  ")
            .replace("\n# revoc", "\nrevoc");
        let whole = whole.replace("\n#   ", "\n  ");
        let loaded = manifest::load(&[Input::Stdin(whole.into_bytes())], &authorities()).unwrap();
        assert_eq!(loaded.batch.items.len(), 3);
        assert!(text.starts_with("# yaml-language-server: $schema=schemas/manifest.schema.json\n"));
        let loaded = manifest::load(&[Input::Stdin(text.into_bytes())], &authorities()).unwrap();
        assert_eq!(loaded.batch.items.len(), 1);
        assert!(loaded.warnings.is_empty());
    }
}
