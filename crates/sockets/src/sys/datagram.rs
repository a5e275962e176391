//! A datagram socket, and batches in and out of it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::{mem, ptr};

use raida_reactor::datagrams::{Datagram, ReplyTo};

use super::address::Address;
use super::control::Control;
use super::{count, option, retry, socket};

/// A datagram socket that is told how many datagrams were lost and, where it has several, which address each was sent to.
#[derive(Debug)]
pub struct DatagramSocket(OwnedFd);

impl DatagramSocket {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = socket::open(address, libc::SOCK_DGRAM)?;
        option::set(&socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
        if !address.ip().is_unspecified() {
            // There is one address that it can have been sent to, and answers leave from it without being told.
        } else if address.is_ipv6() {
            option::set(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        } else {
            option::set(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
        }
        Ok(Self(socket))
    }

    pub(crate) fn share_port(&self) -> io::Result<()> {
        socket::share_port(&self.0)
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> io::Result<()> {
        socket::bind(self.0.as_fd(), address)
    }

    #[cfg(test)]
    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        socket::local_address(self.0.as_fd())
    }

    /// Asks the kernel to hold so many octets. Only a privileged process gets more than `net.core.rmem_max`.
    pub(crate) fn set_receive_buffer(&self, octets: usize) -> io::Result<()> {
        let wish = libc::c_int::try_from(octets).unwrap_or(libc::c_int::MAX);
        option::set(&self.0, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, wish)
            .or_else(|_| option::set(&self.0, libc::SOL_SOCKET, libc::SO_RCVBUF, wish))
    }

    /// How many octets the kernel will hold. It books twice of what it is asked for, and tells its own booking.
    pub(crate) fn receive_buffer(&self) -> io::Result<usize> {
        let booked = option::get(&self.0, libc::SOL_SOCKET, libc::SO_RCVBUF)?;
        Ok(usize::try_from(booked).unwrap_or(0) / 2)
    }
}

impl AsFd for DatagramSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What the kernel needs beside the octets to move a batch: addresses, control messages, and pointers to all of it.
/// Allocated once.
pub(crate) struct Envelopes {
    envelopes: Box<[Envelope]>,
    /// One per envelope; the kernel wants them side by side.
    headers: Box<[libc::mmsghdr]>,
}

// SAFETY: the pointers in `vector` and `headers` keep it from being `Send` by itself. They are written at the beginning
// of each call from the borrows of that call and never followed after it, by us or by the kernel, so no thread depends
// on where another's memory was.
unsafe impl Send for Envelopes {}

#[derive(Clone, Copy)]
struct Envelope {
    address: Address,
    control: Control,
    vector: libc::iovec,
}

impl Envelopes {
    /// For batches of up to `batch` datagrams.
    pub(crate) fn new(batch: usize) -> Self {
        let vector = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        let envelope = Envelope { address: Address::NONE, control: Control::EMPTY, vector };
        // SAFETY: all-zero octets make a valid `mmsghdr`: null pointers and zero lengths.
        let header: libc::mmsghdr = unsafe { mem::zeroed() };
        Self { envelopes: vec![envelope; batch].into(), headers: vec![header; batch].into() }
    }

    /// Receives as many datagrams as have come and `slots` has room for, at most `limit` octets of each, and says how
    /// many slots it filled. `overflowed` becomes the socket's own count of lost datagrams, where the kernel told it.
    pub(crate) fn receive(
        &mut self,
        socket: &DatagramSocket,
        slots: &mut [Datagram],
        limit: usize,
        overflowed: &mut u32,
    ) -> io::Result<usize> {
        let mut offered = 0;
        for ((slot, envelope), header) in slots.iter_mut().zip(&mut self.envelopes).zip(&mut self.headers) {
            let octets = slot.octets.as_mut();
            let room = octets.len().min(limit);
            envelope.enclose((Address::NONE, Address::ROOM), octets.as_mut_ptr(), room, header);
            envelope.control.offer(&mut header.msg_hdr);
            offered += 1;
        }
        let filled = self.exchange(socket, offered, |socket, first, offered| {
            // SAFETY: `exchange` vouches for the headers. What they point to is ours until the call returns: the octets
            // belong to `slots`, which is borrowed mutably and untouched since, and each length is no more than what
            // its buffer holds; address and control are whole and lie in `self`.
            unsafe { libc::recvmmsg(socket, first, offered, 0, ptr::null_mut()) }
        })?;
        for ((slot, envelope), header) in slots.iter_mut().zip(&self.envelopes).zip(&self.headers).take(filled) {
            if let Some(lost) = envelope.open(header, slot) {
                *overflowed = lost;
            }
        }
        Ok(filled)
    }

    /// Sends letters until the kernel takes no more, and says how many it took. An error concerns the first letter.
    pub(crate) fn send<'l>(
        &mut self,
        socket: &DatagramSocket,
        letters: impl Iterator<Item = (ReplyTo, &'l [u8])>,
    ) -> io::Result<usize> {
        let mut offered = 0;
        for (((to, octets), envelope), header) in letters.zip(&mut self.envelopes).zip(&mut self.headers) {
            envelope.enclose(Address::new(to.peer), octets.as_ptr().cast_mut(), octets.len(), header);
            if let Some(local) = to.local {
                envelope.control.leave_from(&mut header.msg_hdr, local, to.interface);
            }
            offered += 1;
        }
        self.exchange(socket, offered, |socket, first, offered| {
            // SAFETY: `exchange` vouches for the headers. What they point to is only read, and readable until the call
            // returns: the octets are borrowed for `'l`, which outlives this call; the rest lies in `self`.
            unsafe { libc::sendmmsg(socket, first, offered, libc::MSG_NOSIGNAL) }
        })
    }

    /// Gives `call` the first `offered` headers, of which there are as many.
    fn exchange(
        &mut self,
        socket: &DatagramSocket,
        offered: usize,
        call: impl Fn(libc::c_int, *mut libc::mmsghdr, libc::c_uint) -> libc::c_int,
    ) -> io::Result<usize> {
        let Some(headers) = self.headers.get_mut(..offered).filter(|headers| !headers.is_empty()) else {
            return Ok(0);
        };
        let many = libc::c_uint::try_from(headers.len()).unwrap_or(libc::c_uint::MAX);
        retry(|| count(call(socket.0.as_raw_fd(), headers.as_mut_ptr(), many) as isize))
    }
}

impl Envelope {
    /// Points `header` at this envelope, addressed, and at `len` octets from `first`. No control message yet.
    fn enclose(
        &mut self,
        (address, address_len): (Address, libc::socklen_t),
        first: *mut u8,
        len: usize,
        header: &mut libc::mmsghdr,
    ) {
        self.address = address;
        self.vector = libc::iovec { iov_base: first.cast(), iov_len: len };
        header.msg_len = 0;
        let message = &mut header.msg_hdr;
        message.msg_name = (&raw mut self.address).cast();
        message.msg_namelen = address_len;
        message.msg_iov = &raw mut self.vector;
        message.msg_iovlen = 1;
        message.msg_control = ptr::null_mut();
        message.msg_controllen = 0;
        message.msg_flags = 0;
    }

    /// Writes into `slot` what the kernel told of its datagram, and returns its count of lost ones.
    fn open(&self, header: &libc::mmsghdr, slot: &mut Datagram) -> Option<u32> {
        let told = self.control.read(&header.msg_hdr);
        // The kernel fills in an address of the socket's own family. Were there none, an empty datagram is ignored.
        let peer = self.address.read();
        slot.len = peer.map_or(0, |_| header.msg_len as usize);
        slot.truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        slot.reply_to.peer = peer.unwrap_or(slot.reply_to.peer);
        slot.reply_to.local = told.local;
        slot.reply_to.interface = told.interface;
        told.overflowed
    }
}
