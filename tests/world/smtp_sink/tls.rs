//! A certificate of the sink's own, signed by itself.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::CertifiedKey;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

pub struct Certificate {
    /// For a client's file of trusted certificates.
    pub pem: String,
    pub der: Vec<u8>,
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// Good for `localhost` and 127.0.0.1.
    pub fn for_loopback() -> Certificate {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key in PKCS 8");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a key that fits");
        Certificate { pem: cert.pem(), der: cert.der().to_vec(), config: Arc::new(config) }
    }

    /// The server's side of TLS over `stream`; the handshake runs with the first bytes.
    pub fn accept(&self, stream: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}
