//! TLS to the mail server: the roots of webpki, and a certificate authority of one's own where one is given.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsKind {
    /// Not at all: a relay on the same machine or network.
    #[default]
    None,
    /// Plain at first, then STARTTLS; without it nothing is sent.
    Starttls,
    /// From the first byte (port 465).
    Tls,
}

impl TlsKind {
    /// Reads `none`, `starttls` or `tls`.
    pub fn parse(text: &str) -> Option<TlsKind> {
        match text {
            "none" => Some(TlsKind::None),
            "starttls" => Some(TlsKind::Starttls),
            "tls" => Some(TlsKind::Tls),
            _ => None,
        }
    }
}

/// The trust of all connections: made once. `extra_ca` is PEM text; an error says what is wrong with it.
pub(super) fn connector(extra_ca: Option<&[u8]>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra_ca {
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| format!("the CA file cannot be read as PEM: {error}"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("the CA file holds an unfit certificate: {error}"))?;
            found += 1;
        }
        if found == 0 {
            return Err("expected at least one PEM certificate in the CA file, found none".into());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Makes `stream` a TLS stream to `host`, whose certificate must be valid for that name.
pub(super) async fn wrap(
    connector: &TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| "the server's name is no host name".to_owned())?;
    connector.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))
}
