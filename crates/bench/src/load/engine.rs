//! One client thread: keeps so many requests in flight, or sends so many a second.

use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

use crate::load::datagrams::Datagrams;
use crate::load::question::{Mix, Question, Speech};
use crate::load::record::{Progress, Record};
use crate::load::stream::{Step, Stream, Streams};
use crate::load::tricklers::Tricklers;

/// Places for requests in flight. More than are ever in flight, so that a place rests for a while before it is used again
/// and a late answer does not look like the next one.
const PLACES: usize = 4096;

const DATAGRAMS: u64 = u64::MAX;

/// Who waits longer than this is told so: the run fails.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often somebody looks for those.
const LOOK: Duration = Duration::from_millis(250);

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// The next one when an answer has come: so many are in flight all the time.
    Closed { in_flight: usize },
    /// So many a second, whatever comes back. A latency begins when its request was due, not when it could be sent:
    /// waiting behind a slow answer counts.
    Open { rate: f64 },
}

/// What one thread does.
pub(crate) struct Drive {
    pub(crate) server: SocketAddrV4,
    pub(crate) speech: Speech,
    /// Asked in turn; whether by datagram.
    pub(crate) mix: Mix,
    pub(crate) pace: Pace,
    /// Connections that send an octet now and then beside it, and how often one of them does.
    pub(crate) tricklers: usize,
}

impl Drive {
    /// Asks until the run is over.
    pub(crate) fn run(&self, progress: &Progress) -> Result<Record> {
        let mut engine = Engine::new(self, progress)?;
        while !progress.is_over() {
            engine.turn()?;
        }
        Ok(engine.record)
    }
}

struct Engine<'d> {
    drive: &'d Drive,
    progress: &'d Progress,
    list: std::os::fd::OwnedFd,
    streams: Streams,
    datagrams: Datagrams,
    tricklers: Option<Tricklers>,
    places: Vec<Place>,
    /// Places in which nothing is in flight, longest unused first.
    free: std::collections::VecDeque<usize>,
    in_flight: usize,
    asked: usize,
    began: Instant,
    due: u64,
    looked: Instant,
    events: Vec<Event>,
    record: Record,
}

/// One request in flight.
#[derive(Default)]
struct Place {
    /// Which of the mix; `None`: nothing is in flight.
    question: Option<usize>,
    number: u32,
    began: Option<Instant>,
    stream: Option<Stream>,
}

impl<'d> Engine<'d> {
    fn new(drive: &'d Drive, progress: &'d Progress) -> Result<Self> {
        let list = epoll::create(CreateFlags::CLOEXEC).context("creating the epoll instance")?;
        let datagrams = Datagrams::connect(drive.server)?;
        epoll::add(&list, datagrams.socket(), EventData::new_u64(DATAGRAMS), EventFlags::IN | EventFlags::ET)?;
        let tricklers = (drive.tricklers > 0).then(|| Tricklers::connect(drive.server, drive.tricklers)).transpose()?;
        let now = Instant::now();
        Ok(Self {
            drive,
            progress,
            list,
            streams: Streams::new(drive.server),
            datagrams,
            tricklers,
            places: (0..PLACES).map(|_| Place::default()).collect(),
            free: (0..PLACES).collect(),
            in_flight: 0,
            asked: 0,
            began: now,
            due: 0,
            looked: now,
            events: Vec::with_capacity(1024),
            record: Record::new()?,
        })
    }

    fn turn(&mut self) -> Result<()> {
        self.ask()?;
        self.datagrams.flush()?;
        let timeout = match (self.drive.pace, &self.tricklers) {
            (Pace::Closed { .. }, None) => Timespec { tv_sec: 0, tv_nsec: 20_000_000 },
            // Whoever has an appointment does not sleep: waking up takes longer than what is measured.
            (Pace::Open { .. }, _) | (_, Some(_)) => Timespec { tv_sec: 0, tv_nsec: 0 },
        };
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        match epoll::wait(&self.list, rustix::buffer::spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for answers"),
        }
        for &Event { data, flags } in &events {
            match data.u64() {
                DATAGRAMS => self.take_datagrams()?,
                place => self.advance(usize::try_from(place)?, flags.contains(EventFlags::OUT))?,
            }
        }
        self.events = events;
        if let Some(tricklers) = &mut self.tricklers {
            tricklers.turn()?;
        }
        self.look_for_the_lost();
        Ok(())
    }

    /// Starts what is due.
    fn ask(&mut self) -> Result<()> {
        match self.drive.pace {
            Pace::Closed { in_flight } => {
                while self.in_flight < in_flight {
                    self.start(Instant::now())?;
                }
            }
            Pace::Open { rate } => {
                while self.in_flight < PLACES {
                    #[expect(clippy::cast_precision_loss, reason = "a run is not that long")]
                    let due = self.began + Duration::from_secs_f64(self.due as f64 / rate);
                    if due > Instant::now() {
                        break;
                    }
                    self.due += 1;
                    self.start(due)?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, began: Instant) -> Result<()> {
        let index = self.asked % self.drive.mix.len();
        let (Some((question, by_datagram)), Some(at)) = (self.drive.mix.get(index), self.free.pop_front()) else {
            return Ok(());
        };
        let Some(place) = self.places.get_mut(at) else { return Ok(()) };
        self.asked += 1;
        self.in_flight += 1;
        let generation = (place.number >> 16).wrapping_add(1);
        place.number = (generation << 16) | u32::try_from(at)?;
        (place.question, place.began) = (Some(index), Some(began));
        if *by_datagram {
            return self.datagrams.push(|octets| question.write(place.number, octets));
        }
        match self.streams.open(question, place.number) {
            Ok(stream) => {
                let flags = if stream.is_sent() { EventFlags::IN } else { EventFlags::IN | EventFlags::OUT };
                epoll::add(&self.list, stream.socket(), EventData::new_u64(at as u64), flags)?;
                place.stream = Some(stream);
            }
            Err(error) => self.finish(at, Err(error.context("connecting"))),
        }
        Ok(())
    }

    /// A connection has something to tell.
    fn advance(&mut self, at: usize, writable: bool) -> Result<()> {
        let Some(place) = self.places.get_mut(at) else { return Ok(()) };
        let (Some(stream), Some((question, _))) =
            (&mut place.stream, place.question.and_then(|index| self.drive.mix.get(index)))
        else {
            return Ok(());
        };
        if writable && !stream.is_sent() {
            stream.send()?;
            epoll::modify(&self.list, stream.socket(), EventData::new_u64(at as u64), EventFlags::IN)?;
        }
        let outcome = match stream.receive(question.answer_len) {
            Ok(Step::Waiting) => return Ok(()),
            Ok(Step::Whole(answer)) => question.check(place.number, answer),
            Err(error) => Err(error),
        };
        self.finish(at, outcome);
        Ok(())
    }

    fn take_datagrams(&mut self) -> Result<()> {
        while self.datagrams.receive()? {
            for index in 0..self.datagrams.filled() {
                self.take_datagram(index);
            }
            // What the answers make room for leaves before more is read: the server is not kept waiting.
            self.ask()?;
            self.datagrams.flush()?;
            if self.datagrams.is_drained() {
                break;
            }
        }
        Ok(())
    }

    fn take_datagram(&mut self, index: usize) {
        let Some(answer) = self.datagrams.answer(index) else { return };
        let at = Question::slot_of(self.drive.speech, answer);
        let place = at.and_then(|at| self.places.get(at));
        let question = place.and_then(|place| self.drive.mix.get(place.question?));
        let (Some(at), Some(place), Some((question, true))) = (at, place, question) else {
            return self.record.fail("a datagram answers nothing that was asked");
        };
        let outcome = question.check(place.number, answer);
        self.finish(at, outcome);
    }

    /// The request in a place has come to its end.
    fn finish(&mut self, at: usize, outcome: Result<()>) {
        let Some(place) = self.places.get_mut(at) else { return };
        place.question = None;
        place.stream = None;
        let began = place.began.take();
        self.in_flight -= 1;
        self.free.push_back(at);
        match (outcome, began) {
            (Ok(()), Some(began)) => self.progress.note(&mut self.record, began.elapsed()),
            (Err(error), _) => self.record.fail(format!("{error:#}")),
            (Ok(()), None) => {}
        }
    }

    fn look_for_the_lost(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        for at in 0..self.places.len() {
            let began = self.places.get(at).and_then(|place| place.began);
            if began.is_some_and(|began| began.elapsed() > PATIENCE) {
                self.finish(at, Err(anyhow::anyhow!("no answer within {PATIENCE:?}")));
            }
        }
    }
}
