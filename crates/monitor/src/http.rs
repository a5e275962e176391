//! As much of HTTP/1.1 as it takes: one question on each connection, no body, one answer, and goodbye.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// A question that is well put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) path: String,
    /// What stands behind the `?`; empty where there is nothing.
    pub(crate) query: String,
    /// Whether the answer goes without its body.
    pub(crate) head_only: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// Longest question, in bytes.
const QUESTION_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;

impl Answer {
    /// A line of plain text.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self { status, media_type: "text/plain; charset=utf-8", body: format!("{text}\n").into_bytes() }
    }
}

impl Question {
    /// A value in the query, by its name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    }
}

/// Reads one question and answers it, all that by `until`.
pub(crate) fn serve(stream: &TcpStream, until: Instant, answer: impl FnOnce(&Question) -> Answer) -> io::Result<()> {
    let question = match read(stream, until)? {
        Ok(question) => question,
        Err(refusal) => return write(stream, until, &refusal, false),
    };
    let head_only = question.head_only;
    write(stream, until, &answer(&question), head_only)
}

fn read(mut stream: &TcpStream, until: Instant) -> io::Result<Result<Question, Answer>> {
    let mut room = [0; QUESTION_MAX];
    let mut len = 0;
    loop {
        let Some(free) = room.get_mut(len..).filter(|free| !free.is_empty()) else {
            return Ok(Err(Answer::text(431, "the question is too long")));
        };
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(free)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => len += read,
        }
        if let Some(verdict) = judge(room.get(..len).unwrap_or_default()) {
            return Ok(verdict);
        }
    }
}

/// `None`: there is more to come.
fn judge(octets: &[u8]) -> Option<Result<Question, Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(octets) {
        Ok(status) if status.is_partial() => None,
        Ok(_) => Some(question(&request)),
        Err(_) => Some(Err(Answer::text(400, "this is no HTTP"))),
    }
}

fn question(request: &httparse::Request<'_, '_>) -> Result<Question, Answer> {
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    if !host.is_some_and(|host| is_local(host.value)) {
        return Err(Answer::text(403, "only for those who call this host by a name of its own"));
    }
    let head_only = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Answer::text(405, "only GET and HEAD")),
    };
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Question { path: path.to_owned(), query: query.to_owned(), head_only })
}

/// Whether a `Host` is this host: `localhost` or a loopback address. A web page of somebody else's, which has its own name
/// resolved to 127.0.0.1, is found out here.
fn is_local(host: &[u8]) -> bool {
    let host = String::from_utf8_lossy(host);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => &host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn write(mut stream: &TcpStream, until: Instant, answer: &Answer, head_only: bool) -> io::Result<()> {
    let Answer { status, media_type, body } = answer;
    let len = body.len();
    let mut octets = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {media_type}\r\nContent-Length: {len}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        phrase(*status)
    )
    .into_bytes();
    if !head_only {
        octets.extend(body);
    }
    let mut rest = octets.as_slice();
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        let written = stream.write(rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// The time left, at least a millisecond: zero would mean "for ever".
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.max(Duration::from_millis(1))) }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Option<u16> {
        judge(text.as_bytes()).map(|verdict| verdict.map_or_else(|answer| answer.status, |_| 200))
    }

    #[test]
    fn a_question_is_taken_apart() {
        let text = "GET /connections?max=7&x=y HTTP/1.1\r\nHost: [::1]:19500\r\n\r\n";
        let question = judge(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (question.path.as_str(), question.value("max"), question.value("y")),
            ("/connections", Some("7"), None)
        );
        for len in 0..text.len() {
            assert_eq!(judge(&text.as_bytes()[..len]), None, "{len}");
        }
    }

    #[test]
    fn what_is_not_for_us_is_refused() {
        let host = "Host: localhost\r\n\r\n";
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{host}")), Some(200));
        assert_eq!(status(&format!("POST / HTTP/1.1\r\n{host}")), Some(405));
        assert_eq!(status("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), Some(403));
        assert_eq!(status("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example:80\r\n\r\n"), Some(403));
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), Some(403));
        assert_eq!(status("\u{1}\u{2}\u{3}\r\n\r\n"), Some(400));
    }
}
