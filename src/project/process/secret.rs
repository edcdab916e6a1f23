//! Secrets come from a file or a variable, never from outreach.toml itself, and print as nothing.

use std::fmt;
use std::path::PathBuf;

/// A secret: bytes without the white space around them. Prints as `Secret(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Where a secret is to be had. The variable goes before the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPlace {
    pub file: Option<PathBuf>,
    /// The variable's name.
    pub variable: String,
    /// What the variable holds, if it is set.
    pub(super) value: Option<Secret>,
}

/// Why there is no secret. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("expected a secret, found neither a file for it in outreach.toml nor the variable {variable}")]
    Nowhere { variable: String },
    #[error("expected a secret in {}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("expected a secret in {place}, found nothing but white space")]
    Empty { place: String },
}

impl Secret {
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().to_owned())
    }

    /// The secret itself: for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretPlace {
    /// In this file alone; `key` of outreach.toml names it.
    pub(super) fn of_file(file: PathBuf, key: &str) -> SecretPlace {
        SecretPlace { file: Some(file), variable: key.to_owned(), value: None }
    }

    /// Whether outreach.toml or the environment names one at all.
    pub fn is_named(&self) -> bool {
        self.file.is_some() || self.value.is_some()
    }

    /// Reads the secret; the file is read anew each time.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (secret, place) = match (&self.value, &self.file) {
            (Some(value), _) => (value.clone(), self.variable.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|source| SecretError::Unreadable { file: file.clone(), source })?;
                (Secret::new(&text), file.display().to_string())
            }
            (None, None) => return Err(SecretError::Nowhere { variable: self.variable.clone() }),
        };
        if secret.0.is_empty() { Err(SecretError::Empty { place }) } else { Ok(secret) }
    }
}
