//! Connections that stay: so many requests at once, so many answers, and again.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags};
use rustix::time::Timespec;

use crate::load::question::{Question, Speech};
use crate::load::record::{Progress, Record};
use crate::load::stream::Streams;

/// What one thread does.
pub(crate) struct Pipeline {
    pub(crate) server: SocketAddrV4,
    pub(crate) question: Arc<Question>,
    pub(crate) connections: usize,
    pub(crate) depth: usize,
}

struct Connection {
    socket: OwnedFd,
    /// Number of the first request in flight.
    first: u32,
    began: Instant,
    answers: Vec<u8>,
    got: usize,
}

impl Pipeline {
    /// Asks until the run is over.
    pub(crate) fn run(&self, progress: &Progress) -> Result<Record> {
        let list = epoll::create(CreateFlags::CLOEXEC).context("creating the epoll instance")?;
        let mut streams = Streams::new(self.server);
        let mut record = Record::new()?;
        let mut connections = Vec::new();
        for number in 0..self.connections {
            let socket = streams.connect()?;
            epoll::add(&list, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
            let answers = vec![0; self.depth * self.question.answer_len];
            let mut connection = Connection { socket, first: 0, began: Instant::now(), answers, got: 0 };
            self.ask(&mut connection)?;
            connections.push(connection);
        }
        let (mut events, patience) = (Vec::with_capacity(1024), Timespec { tv_sec: 0, tv_nsec: 20_000_000 });
        let mut last = Instant::now();
        while !progress.is_over() {
            events.clear();
            match epoll::wait(&list, rustix::buffer::spare_capacity(&mut events), Some(&patience)) {
                Ok(0) if last.elapsed().as_secs() >= 3 => bail!("no answer within 3 s"),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("waiting for answers"),
            }
            for event in &events {
                last = Instant::now();
                if let Some(connection) = connections.get_mut(usize::try_from(event.data.u64())?) {
                    self.advance(connection, &mut record, progress)?;
                }
            }
        }
        Ok(record)
    }

    fn ask(&self, connection: &mut Connection) -> Result<()> {
        let mut octets = vec![0; self.depth * self.question.len()];
        for (number, room) in (connection.first..).zip(octets.chunks_exact_mut(self.question.len())) {
            self.question.write(number, room);
        }
        (connection.began, connection.got) = (Instant::now(), 0);
        let sent = net::send(&connection.socket, &octets, SendFlags::NOSIGNAL).context("sending")?;
        if sent < octets.len() {
            bail!("only {sent} of {} octets were taken", octets.len());
        }
        Ok(())
    }

    fn advance(&self, connection: &mut Connection, record: &mut Record, progress: &Progress) -> Result<()> {
        let room = connection.answers.get_mut(connection.got..).unwrap_or_default();
        match net::recv(&connection.socket, room, RecvFlags::empty()) {
            Ok((_, 0)) => bail!("a connection that should stay was closed"),
            Ok((_, received)) => connection.got += received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(error).context("receiving"),
        }
        if connection.got < connection.answers.len() {
            return Ok(());
        }
        let latency = connection.began.elapsed();
        for (number, answer) in (connection.first..).zip(connection.answers.chunks_exact_mut(self.question.answer_len))
        {
            // The floor does not know where one request ends and the next begins.
            let outcome = match self.question.speech {
                Speech::Floor if number != connection.first => Ok(()),
                Speech::Floor | Speech::Protocol => self.question.check(number, answer),
            };
            match outcome {
                Ok(()) => progress.note(record, latency),
                Err(error) => record.fail(format!("{error:#}")),
            }
        }
        connection.first = connection.first.wrapping_add(u32::try_from(self.depth)?);
        self.ask(connection)
    }
}
