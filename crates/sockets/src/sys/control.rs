//! Control messages: what travels beside a datagram.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

use super::address::{in_addr, in6_addr};

/// Room for the control messages of one datagram, aligned for their headers.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control([u8; Control::ROOM]);

/// What the kernel told beside a datagram.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Our address that the datagram was sent to, where an answer can leave from it.
    pub(super) local: Option<IpAddr>,
    /// The interface it came in by; 0 where the address alone says enough.
    pub(super) interface: u32,
    /// How many datagrams this socket has lost for want of room, *since it was made*, modulo 2^32.
    pub(super) overflowed: Option<u32>,
}

impl Control {
    /// An IPv6 packet info takes 40 octets, an IPv4 one 32, a drop count 24.
    const ROOM: usize = 96;
    pub(super) const EMPTY: Self = Self([0; Self::ROOM]);

    /// Attaches the room to a message for the kernel to fill.
    pub(super) fn offer(&mut self, message: &mut libc::msghdr) {
        message.msg_control = (&raw mut self.0).cast();
        message.msg_controllen = Self::ROOM as _;
    }

    /// Reads what the kernel wrote, as much as it says in `message`.
    pub(super) fn read(&self, message: &libc::msghdr) -> Told {
        let mut told = Told::default();
        let mut message = libc::msghdr { msg_control: (&raw const self.0).cast_mut().cast(), ..*message };
        message.msg_controllen = message.msg_controllen.min(Self::ROOM as _);
        // SAFETY: the macros need a message whose control pointer and length describe readable memory aligned for
        // headers; ours do for as long as `self` is borrowed, and they only read. They return null or a header that lies
        // wholly inside.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(&raw const message);
            while let Some(fields) = header.as_ref() {
                told.note(fields, libc::CMSG_DATA(header));
                header = libc::CMSG_NXTHDR(&raw const message, header);
            }
        }
        told
    }

    /// Attaches the wish that an answer leaves from `local`, through `interface` where that is not 0.
    pub(super) fn leave_from(&mut self, message: &mut libc::msghdr, local: IpAddr, interface: u32) {
        match local {
            IpAddr::V4(ip) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: libc::c_int::try_from(interface).unwrap_or(0),
                    ipi_spec_dst: in_addr(ip),
                    ipi_addr: in_addr(Ipv4Addr::UNSPECIFIED),
                };
                self.write(message, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
            }
            IpAddr::V6(ip) => {
                let info = libc::in6_pktinfo { ipi6_addr: in6_addr(ip), ipi6_ifindex: interface };
                self.write(message, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
            }
        }
    }

    /// Makes one control message, which fills the room up to its own length.
    fn write<T: Copy>(&mut self, message: &mut libc::msghdr, level: libc::c_int, kind: libc::c_int, value: T) {
        self.offer(message);
        const { assert!(size_of::<T>() + 32 <= Self::ROOM && align_of::<T>() <= 8) };
        let octets = length::<T>();
        // SAFETY: needs room for a header and a `T` at the control pointer, aligned for the header. `offer` has just
        // pointed it at our room, which is aligned to 8 and, as asserted above, large enough for both and their padding.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = libc::CMSG_LEN(octets) as _;
            ptr::write_unaligned(libc::CMSG_DATA(header).cast(), value);
            message.msg_controllen = libc::CMSG_SPACE(octets) as _;
        }
    }
}

impl Told {
    /// Takes in one control message.
    ///
    /// # Safety
    /// `data` points at as many readable octets as `header` says, less its own length.
    unsafe fn note(&mut self, header: &libc::cmsghdr, data: *const u8) {
        // SAFETY: the caller's promise is passed on, and the kernel writes these very types for these kinds.
        unsafe {
            match (header.cmsg_level, header.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => value(header, data).map(|info| self.note_v4(info)),
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => value(header, data).map(|info| self.note_v6(info)),
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => value(header, data).map(|lost| self.overflowed = Some(lost)),
                _ => None,
            };
        }
    }

    fn note_v4(&mut self, info: libc::in_pktinfo) {
        let ip = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
        self.local = (!ip.is_unspecified()).then_some(IpAddr::V4(ip));
    }

    fn note_v6(&mut self, info: libc::in6_pktinfo) {
        let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
        self.local = (!ip.is_unspecified() && !ip.is_multicast()).then_some(IpAddr::V6(ip));
        self.interface = if ip.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
    }
}

/// The value behind a control message's header, unless the kernel had to cut it.
///
/// # Safety
/// `data` points at as many readable octets as `header` says, less its own length, and they make a valid `T`.
unsafe fn value<T: Copy>(header: &libc::cmsghdr, data: *const u8) -> Option<T> {
    // SAFETY: this only adds up lengths.
    let (whole, found) = (unsafe { libc::CMSG_LEN(length::<T>()) }, header.cmsg_len as u64);
    // SAFETY: needs a whole `T` at `data`. The header says that it is there, and the caller that the header is right.
    (found >= u64::from(whole)).then(|| unsafe { ptr::read_unaligned(data.cast()) })
}

/// Size of a value as the macros count it.
const fn length<T>() -> libc::c_uint {
    const { assert!(size_of::<T>() < 64) };
    #[expect(clippy::cast_possible_truncation, reason = "asserted to be small")]
    let length = size_of::<T>() as libc::c_uint;
    length
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    fn trip(local: &str, interface: u32) -> Told {
        let mut control = Control::EMPTY;
        // SAFETY: all-zero octets make a valid `msghdr`.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        control.leave_from(&mut message, local.parse().unwrap(), interface);
        control.read(&message)
    }

    #[test]
    fn an_address_survives_the_trip_through_a_control_message() {
        let told = |local: &str, interface| Told { local: local.parse().ok(), interface, overflowed: None };
        assert_eq!(trip("127.0.0.2", 0), told("127.0.0.2", 0));
        assert_eq!(trip("fe80::7", 3), told("fe80::7", 3));
        assert_eq!(trip("2001:db8::1", 3), told("2001:db8::1", 0));
    }

    #[test]
    fn no_answer_leaves_from_a_group_or_from_nowhere() {
        for local in ["0.0.0.0", "::", "ff02::1"] {
            assert_eq!(trip(local, 0).local, None);
        }
    }

    #[test]
    fn cut_control_messages_are_not_read() {
        let mut control = Control::EMPTY;
        // SAFETY: all-zero octets make a valid `msghdr`.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        control.leave_from(&mut message, "127.0.0.2".parse().unwrap(), 0);
        // SAFETY: `leave_from` has just written a header there. The kernel shortens its length where it cuts.
        unsafe { (*libc::CMSG_FIRSTHDR(&raw const message)).cmsg_len -= 1 };
        assert_eq!(control.read(&message), Told::default());
        message.msg_controllen = 15;
        assert_eq!(control.read(&message), Told::default());
    }
}
