//! Buffers that the kernel takes by itself when octets come: a ring of provided buffers.

use std::alloc::{self, Layout};
use std::io;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

/// Which of the pools a receive takes its buffer from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Many short ones, for what is usual.
    Short = 0,
    /// A few long ones, for who has much to say.
    Long = 1,
}

/// A buffer with octets in it, out of the pool and not yet given back. While it is out the kernel does not touch it.
#[derive(Debug)]
pub(crate) struct Loan {
    room: Room,
    buffer: u16,
    len: u32,
}

impl Loan {
    /// # Safety
    /// The kernel has just told, in a completion, that it filled `len` octets of this buffer of this pool.
    pub(super) unsafe fn new(room: Room, buffer: u16, len: u32) -> Self {
        Self { room, buffer, len }
    }

    pub(crate) fn room(&self) -> Room {
        self.room
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }
}

/// Memory for a kernel's ring of buffers, and the buffers themselves. Both are page-aligned and, until they are used,
/// not even backed by memory. Leaked unless [`free`](Self::free)d: the kernel may write to it whenever octets come.
#[derive(Debug)]
pub(super) struct Pool {
    room: Room,
    entries: NonNull<BufRingEntry>,
    buffers: NonNull<u8>,
    /// How many buffers; a power of two.
    count: u16,
    /// How long each is.
    len: u32,
    tail: u16,
    out: u16,
}

// SAFETY: the pointers are to memory of this pool alone, which moves to another thread with it.
unsafe impl Send for Pool {}

const PAGE: usize = 4096;

impl Pool {
    /// `count` buffers (a power of two) of `len` octets each, none with the kernel yet.
    pub(super) fn new(room: Room, count: u16, len: u32) -> io::Result<Self> {
        let entries = zeroed(ring_layout(count)?)?.cast();
        let buffers = zeroed(buffers_layout(count, len)?)?;
        Ok(Self { room, entries, buffers, count, len, tail: 0, out: 0 })
    }

    /// Tells the kernel where the ring is, and puts every buffer into it.
    pub(super) fn register(&mut self, submitter: &Submitter<'_>) -> io::Result<()> {
        let address = self.entries.as_ptr() as u64;
        // SAFETY: needs `count` entries at the address, page-aligned, until the ring of rings is gone. That is how `new`
        // laid them out, and the owner frees the pool only after no operation can use it any more.
        unsafe { submitter.register_buf_ring_with_flags(address, self.count, self.room as u16, 0)? };
        (0..self.count).for_each(|buffer| self.put(buffer));
        self.publish();
        Ok(())
    }

    /// How long each buffer is.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Counts a buffer that the kernel has taken out.
    pub(super) fn note_taken(&mut self) {
        self.out += 1;
    }

    /// Whether every buffer is with the kernel.
    pub(super) fn is_whole(&self) -> bool {
        self.out == 0
    }

    /// The octets on loan.
    pub(super) fn octets(&mut self, loan: &Loan) -> &mut [u8] {
        let len = loan.len.min(self.len) as usize;
        let offset = usize::from(loan.buffer % self.count) * self.len as usize;
        // SAFETY: needs `len` initialised octets that nobody else touches while the slice lives. The buffer lies inside
        // of the allocation (its number is below `count`), which was zeroed at birth. The loan says that the kernel has
        // taken it out of the ring, and it goes back only by `give_back`, which consumes the loan and borrows `self`.
        unsafe { slice::from_raw_parts_mut(self.buffers.add(offset).as_ptr(), len) }
    }

    /// Puts a buffer back into the ring.
    pub(super) fn give_back(&mut self, loan: Loan) {
        self.out = self.out.saturating_sub(1);
        self.put(loan.buffer % self.count);
        self.publish();
    }

    /// Frees the memory.
    ///
    /// # Safety
    /// The ring that this pool was registered with is gone, and every operation that could take a buffer has completed.
    pub(super) unsafe fn free(self) {
        if let (Ok(ring), Ok(buffers)) = (ring_layout(self.count), buffers_layout(self.count, self.len)) {
            // SAFETY: both were allocated with these layouts, and the caller vouches that the kernel is done with them.
            unsafe {
                alloc::dealloc(self.entries.as_ptr().cast(), ring);
                alloc::dealloc(self.buffers.as_ptr(), buffers);
            }
        }
    }

    /// Writes an entry behind the tail. The kernel does not look there before [`publish`](Self::publish).
    fn put(&mut self, buffer: u16) {
        let (slot, offset) = (usize::from(self.tail % self.count), usize::from(buffer) * self.len as usize);
        // SAFETY: needs an entry that nobody else reads or writes. The slot lies inside of the ring, which has as many
        // entries as there are buffers; what is between tail and head belongs to us, and there is room for every buffer.
        unsafe {
            let entry = self.entries.add(slot).as_mut();
            entry.set_addr(self.buffers.add(offset).as_ptr() as u64);
            entry.set_len(self.len);
            entry.set_bid(buffer);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&self) {
        // SAFETY: the tail overlays a spare field of the first entry, which is initialised and suitably aligned for an
        // atomic of its size. Nobody but this thread writes it.
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries.as_ptr()).cast_mut()) };
        // ORDERING: pairs with the kernel's acquire of the tail: it sees the entries before it.
        tail.store(self.tail, Ordering::Release);
    }
}

fn ring_layout(count: u16) -> io::Result<Layout> {
    layout(usize::from(count) * size_of::<BufRingEntry>())
}

fn buffers_layout(count: u16, len: u32) -> io::Result<Layout> {
    layout(usize::from(count) * len as usize)
}

fn layout(octets: usize) -> io::Result<Layout> {
    Layout::from_size_align(octets.max(1), PAGE).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn zeroed(layout: Layout) -> io::Result<NonNull<u8>> {
    // SAFETY: needs a layout that is not empty, which `layout` makes sure of.
    NonNull::new(unsafe { alloc::alloc_zeroed(layout) }).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}
