//! One ring: operations in, events out.

use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, cqueue, opcode};
use raida_reactor::buffer::Buffer;
use raida_reactor::token::Token;
use raida_sockets::Stream;

use super::event::{Event, Last};
use super::lent::Lent;
use super::pool::{Loan, Pool, Room};
use super::tag::Tag;

/// `IORING_ENTER_GETEVENTS`: run what the kernel has put off for this thread.
const GET_EVENTS: u32 = 1;

/// An io_uring instance with its pools of buffers.
///
/// It may be made in one thread and used in another: the kernel ties it to the thread that makes the first
/// [`enter`](Self::enter). What is pushed before goes out with it.
pub(crate) struct Ring {
    io: ManuallyDrop<IoUring>,
    pools: ManuallyDrop<[Pool; 2]>,
    enabled: bool,
    /// Operations whose last completion has not been seen, those without a completion aside.
    in_flight: usize,
    /// What the submission queue had no room for even after a submission. Usually empty, for ever.
    waiting: VecDeque<Entry>,
    enters: u64,
    /// How often the submission queue was full.
    full: u64,
}

/// How large a ring is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measures {
    /// Operations that are submitted at once, at most.
    pub(crate) submissions: u32,
    /// Completions that wait to be looked at before the kernel has to keep them elsewhere.
    pub(crate) completions: u32,
    /// Short buffers; a power of two.
    pub(crate) short: (u16, u32),
    /// Long buffers.
    pub(crate) long: (u16, u32),
}

/// What to be told of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interest {
    /// Something to receive.
    Incoming,
    /// Room to send.
    Outgoing,
    /// The end of the connection in both directions. The kernel also tells of the end of one.
    Broken,
}

impl Ring {
    /// A ring at rest.
    pub(crate) fn new(measures: &Measures) -> io::Result<Self> {
        let io = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_r_disabled()
            .setup_submit_all()
            .setup_clamp()
            .setup_cqsize(measures.completions)
            .build(measures.submissions)?;
        let (short, long) = (measures.short, measures.long);
        let pools = [Pool::new(Room::Short, short.0, short.1)?, Pool::new(Room::Long, long.0, long.1)?];
        let (io, pools) = (ManuallyDrop::new(io), ManuallyDrop::new(pools));
        Ok(Self { io, pools, enabled: false, in_flight: 0, waiting: VecDeque::new(), enters: 0, full: 0 })
    }

    /// Whether the kernel has what this crate relies on beside operations.
    pub(crate) fn check_features(&self) -> io::Result<()> {
        let params = self.io.params();
        let features = [
            (params.is_feature_nodrop(), "keeps completions that have no room"),
            (params.is_feature_ext_arg(), "waits for a bounded time"),
            (params.is_feature_fast_poll(), "waits for sockets without threads"),
            (params.is_feature_skip_cqe_on_success(), "is silent about success"),
        ];
        let lacking = features.into_iter().find(|&(has, _)| !has).map(|(_, what)| what);
        lacking.map_or(Ok(()), |what| Err(unsupported(format!("this kernel has none that {what}"))))
    }

    /// Whether the kernel knows every operation that is used here.
    pub(crate) fn check_operations(&self) -> io::Result<()> {
        let mut probe = Probe::new();
        self.io.submitter().register_probe(&mut probe)?;
        let operations = [
            (opcode::AcceptMulti::CODE, "accept"),
            (opcode::Recv::CODE, "receive"),
            (opcode::Send::CODE, "send"),
            (opcode::Close::CODE, "close"),
            (opcode::PollAdd::CODE, "poll"),
            (opcode::AsyncCancel2::CODE, "cancel"),
        ];
        let lacking = operations.into_iter().find(|&(code, _)| !probe.is_supported(code)).map(|(_, name)| name);
        lacking.map_or(Ok(()), |name| Err(unsupported(format!("this kernel does not know {name:?}"))))
    }

    /// Gives the kernel the buffers to receive into.
    pub(crate) fn provide_buffers(&mut self) -> io::Result<()> {
        let submitter = self.io.submitter();
        self.pools.iter_mut().try_for_each(|pool| pool.register(&submitter))
    }

    /// Tells of every connection that comes to `listener`, until that ends.
    pub(crate) fn accept(&mut self, listener: impl AsFd, number: u32) {
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        self.start(opcode::AcceptMulti::new(fd(&listener)).flags(flags).build(), Tag::Accept(number));
    }

    /// Receives once, into a buffer that the kernel takes from the pool when octets are there.
    pub(crate) fn receive(&mut self, stream: &Stream, token: Token, room: Room) {
        let receive = opcode::Recv::new(fd(stream), std::ptr::null_mut(), 0).buf_group(room as u16).build();
        self.start(receive.flags(Flags::BUFFER_SELECT), Tag::Receive(token, room));
    }

    /// Sends as much as goes. Gives the buffer back at once where `range` does not lie in it.
    pub(crate) fn send(
        &mut self,
        stream: &Stream,
        token: Token,
        buffer: Buffer,
        range: Range<usize>,
    ) -> Result<Lent, Buffer> {
        let (lent, place) = Lent::new(buffer, range)?;
        let send = opcode::Send::new(fd(stream), place.first, place.len).flags(libc::MSG_NOSIGNAL).build();
        self.start(send, Tag::Send(token));
        Ok(lent)
    }

    /// Closes behind everything that has been pushed before.
    pub(crate) fn close(&mut self, stream: Stream) {
        let descriptor = OwnedFd::from(stream).into_raw_fd();
        self.push(silent(opcode::Close::new(Fd(descriptor)).build()));
    }

    /// Tells once when there is what `interest` says.
    pub(crate) fn poll(&mut self, object: impl AsFd, interest: Interest, tag: Tag) {
        self.start(opcode::PollAdd::new(fd(&object), interest.bits()).build(), tag);
    }

    /// Tells every time when `interest` may have changed, until that ends.
    pub(crate) fn poll_always(&mut self, object: impl AsFd, interest: Interest, tag: Tag) {
        self.start(opcode::PollAdd::new(fd(&object), interest.bits()).multi(true).build(), tag);
    }

    /// Ends what is in flight under this tag. Its last completion still comes.
    pub(crate) fn cancel(&mut self, tag: Tag) {
        let what = CancelBuilder::user_data(tag.to_word()).all();
        self.push(silent(opcode::AsyncCancel2::new(what).build()));
    }

    /// Ends everything in flight on this connection. The last completions still come.
    pub(crate) fn cancel_all(&mut self, stream: &Stream) {
        let what = CancelBuilder::fd(fd(stream)).all();
        self.push(silent(opcode::AsyncCancel2::new(what).build()));
    }

    /// Submits what has been pushed, waits for `want` completions, for at most `timeout`, and takes care of what the
    /// kernel has put off. A signal ends the wait.
    pub(crate) fn enter(&mut self, want: u32, timeout: Option<Duration>) -> io::Result<()> {
        if !self.enabled {
            self.io.submitter().register_enable_rings()?;
            self.enabled = true;
        }
        loop {
            let refill = self.refill_submissions();
            self.enters += 1;
            let outcome = match timeout {
                _ if want == 0 || refill => self.submit_only(),
                None => self.io.submit_and_wait(want as usize),
                Some(timeout) => {
                    let end = Timespec::new().sec(timeout.as_secs()).nsec(timeout.subsec_nanos());
                    self.io.submitter().submit_with_args(want as usize, &SubmitArgs::new().timespec(&end))
                }
            };
            match outcome.map_err(|error| (error.raw_os_error(), error)) {
                Ok(_) => {}
                // Interrupted, out of time, or short of memory for a moment: what was not submitted is still there.
                Err((Some(libc::EINTR | libc::ETIME | libc::EAGAIN | libc::EBUSY), _)) => return Ok(()),
                Err((_, error)) => return Err(error),
            }
            if !refill {
                return Ok(());
            }
        }
    }

    /// The next thing that the kernel has told.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let completion = self.io.completion().next()?;
        Some(self.read(&completion))
    }

    /// The octets on loan.
    pub(crate) fn octets(&mut self, loan: &Loan) -> &mut [u8] {
        self.pool(loan.room()).octets(loan)
    }

    /// Whether the buffer on loan is as full as it can be.
    pub(crate) fn is_full(&mut self, loan: &Loan) -> bool {
        self.pool(loan.room()).len() == loan.len()
    }

    /// Gives a buffer back to its pool.
    pub(crate) fn give_back(&mut self, loan: Loan) {
        self.pool(loan.room()).give_back(loan);
    }

    /// Whether all buffers of a pool are there for the kernel to take.
    pub(crate) fn is_whole(&mut self, room: Room) -> bool {
        self.pool(room).is_whole()
    }

    /// Whether something has been pushed since the last submission.
    pub(crate) fn has_unsubmitted(&mut self) -> bool {
        !self.waiting.is_empty() || !self.io.submission().is_empty()
    }

    /// Operations whose last completion has not come yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// System calls made on the ring so far.
    pub(crate) fn enters(&self) -> u64 {
        self.enters
    }

    /// How often the submission queue was full so far.
    pub(crate) fn full(&self) -> u64 {
        self.full
    }

    /// Whether the kernel keeps completions for which there was no room.
    pub(crate) fn has_overflowed(&mut self) -> bool {
        self.io.submission().cq_overflow()
    }

    /// Whether anything has ever been submitted.
    pub(crate) fn has_begun(&self) -> bool {
        self.enabled
    }

    fn pool(&mut self, room: Room) -> &mut Pool {
        let [short, long] = &mut *self.pools;
        match room {
            Room::Short => short,
            Room::Long => long,
        }
    }

    fn start(&mut self, operation: Entry, tag: Tag) {
        self.in_flight += 1;
        self.push(operation.user_data(tag.to_word()));
    }

    /// Puts an entry into the submission queue; submits first where that is full.
    fn push(&mut self, entry: Entry) {
        if self.waiting.is_empty() {
            if self.try_push(&entry) {
                return;
            }
            self.full += 1;
            // The rest is submitted later, by whoever waits: an error shows again then.
            if self.enabled {
                self.enters += 1;
                let _ = self.io.submit();
            }
            if self.try_push(&entry) {
                return;
            }
        }
        self.waiting.push_back(entry);
    }

    fn try_push(&mut self, entry: &Entry) -> bool {
        // SAFETY: needs what the entry points to until its last completion. The only pointers are those of sends, whose
        // octets a `Lent` keeps that long; buffers of receives belong to a pool, which lives longer than the ring.
        unsafe { self.io.submission().push(entry).is_ok() }
    }

    /// Moves what had no room into the submission queue; says whether some of it still has none.
    fn refill_submissions(&mut self) -> bool {
        while let Some(entry) = self.waiting.pop_front() {
            if !self.try_push(&entry) {
                self.waiting.push_front(entry);
                return true;
            }
        }
        false
    }

    fn submit_only(&mut self) -> io::Result<usize> {
        let submissions = u32::try_from(self.io.submission().len()).unwrap_or(u32::MAX);
        // SAFETY: needs a valid flag and no argument.
        unsafe { self.io.submitter().enter::<libc::sigset_t>(submissions, 0, GET_EVENTS, None) }
    }

    fn read(&mut self, completion: &cqueue::Entry) -> Event {
        let (flags, tag) = (completion.flags(), Tag::from_word(completion.user_data()));
        let (outcome, armed) = (result(completion.result()), cqueue::more(flags));
        if !armed && tag != Tag::Nobody {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        match tag {
            Tag::Nobody => Event::Nothing,
            Tag::Wake => Event::Woken { armed },
            Tag::Datagrams(number) => Event::Datagrams(number),
            Tag::Room(number) => Event::Room(number),
            Tag::Watch(token) => {
                let broken = outcome.is_ok_and(|events| events & Interest::Broken.bits() != 0);
                Event::Watched { token, broken, armed }
            }
            Tag::Send(token) => {
                // SAFETY: needs a completion without another one to follow. A send has one, and this is it.
                let last = unsafe { Last::new() };
                Event::Sent { token, outcome: outcome.map(|sent| sent as usize), last }
            }
            Tag::Accept(listener) => {
                // SAFETY: needs an open descriptor that nobody else closes: the kernel has just made it, for us.
                let stream = |descriptor: u32| unsafe { OwnedFd::from_raw_fd(descriptor.cast_signed()) }.into();
                Event::Accepted { listener, outcome: outcome.map(stream), armed }
            }
            Tag::Receive(token, room) => {
                let loan = cqueue::buffer_select(flags).map(|buffer| {
                    self.pool(room).note_taken();
                    // SAFETY: needs the number of a buffer that the kernel has filled so far. It says so.
                    unsafe { Loan::new(room, buffer, outcome.as_ref().copied().unwrap_or(0)) }
                });
                Event::Received { token, outcome: self.received(outcome, loan) }
            }
        }
    }

    /// The end of the octets is told with an empty buffer or none.
    fn received(&mut self, outcome: io::Result<u32>, loan: Option<Loan>) -> io::Result<Option<Loan>> {
        match (outcome, loan) {
            (Ok(1..), Some(loan)) => Ok(Some(loan)),
            (outcome, loan) => {
                if let Some(loan) = loan {
                    self.give_back(loan);
                }
                outcome.map(|_| None)
            }
        }
    }
}

impl Drop for Ring {
    /// The ring goes first. Pools go only if nothing is in flight: otherwise the kernel may still fill a buffer, and
    /// their memory is left to it.
    fn drop(&mut self) {
        // SAFETY: neither field is used after this, and each is taken out once.
        let (io, pools) = unsafe { (ManuallyDrop::take(&mut self.io), ManuallyDrop::take(&mut self.pools)) };
        drop(io);
        if self.in_flight == 0 {
            // SAFETY: the ring is gone, and every operation has told its last.
            pools.into_iter().for_each(|pool| unsafe { pool.free() });
        }
    }
}

impl Interest {
    fn bits(self) -> u32 {
        let events = match self {
            Self::Incoming => libc::POLLIN,
            Self::Outgoing => libc::POLLOUT,
            Self::Broken => libc::POLLERR | libc::POLLHUP,
        };
        u32::from(events.cast_unsigned())
    }
}

fn unsupported(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// For an operation of whose success nobody needs to hear.
fn silent(operation: Entry) -> Entry {
    operation.flags(Flags::SKIP_SUCCESS).user_data(Tag::Nobody.to_word())
}

fn fd(object: &impl AsFd) -> Fd {
    Fd(object.as_fd().as_raw_fd())
}

/// What the kernel answers with a negative error number or a count.
fn result(value: i32) -> io::Result<u32> {
    u32::try_from(value).map_err(|_| io::Error::from_raw_os_error(-value))
}
