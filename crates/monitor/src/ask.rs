//! Asking a node's monitor.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest answer that is taken, in bytes: more than the longest list of connections.
const ANSWER_MAX: usize = 32 << 20;

/// Fetches what is shown under a path such as `/report`.
///
/// # Errors
///
/// See [`AskError`].
pub fn fetch(monitor: SocketAddr, path: &str, patience: Duration) -> Result<Vec<u8>, AskError> {
    let until = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&monitor, patience)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {monitor}\r\nConnection: close\r\n\r\n")?;
    let (mut octets, mut room) = (Vec::new(), [0; 16 << 10]);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || octets.len() > ANSWER_MAX {
            return Err(AskError::System(io::ErrorKind::TimedOut.into()));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut room)? {
            0 => return body(octets),
            len => octets.extend(room.iter().take(len)),
        }
    }
}

fn body(octets: Vec<u8>) -> Result<Vec<u8>, AskError> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(&octets) else { return Err(AskError::NotHttp) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let body = octets.get(head..).unwrap_or_default();
    match (response.code, length) {
        (Some(200), Some(length)) if body.len() == length => Ok(body.to_vec()),
        (Some(200), _) => Err(AskError::Cut),
        (code, _) => {
            let told = String::from_utf8_lossy(body).trim().chars().filter(|c| !c.is_control()).take(200).collect();
            Err(AskError::Refused { status: code.unwrap_or(0), told })
        }
    }
}

/// Why nothing was shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// Nobody is there, or the connection broke, or it took too long.
    System(io::Error),
    /// Somebody is there who does not speak HTTP.
    NotHttp,
    /// The answer ended too early.
    Cut,
    /// The answer is no.
    Refused {
        /// HTTP status.
        status: u16,
        /// The reason given.
        told: String,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::NotHttp => f.write_str("whoever listens there does not speak HTTP"),
            Self::Cut => f.write_str("the answer was cut short"),
            Self::Refused { status, told } => write!(f, "answered with status {status}: {told}"),
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its own words have been said already.
            Self::System(error) => error.source(),
            Self::NotHttp | Self::Cut | Self::Refused { .. } => None,
        }
    }
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_good_answer_is_taken() {
        let of = |text: &str| body(text.as_bytes().to_vec()).map_err(|error| error.to_string());
        assert_eq!(of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap(), b"{}");
        assert!(of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").unwrap_err().contains("cut short"));
        assert!(of("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nstopping\n").unwrap_err().contains("503: stopping"));
        assert!(of("SSH-2.0\r\n").unwrap_err().contains("HTTP"));
    }
}
