//! Socket addresses in the kernel's form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The families, as wide as they stand in an address.
#[expect(clippy::cast_possible_truncation, reason = "2 and 10")]
const INET: libc::sa_family_t = libc::AF_INET as libc::sa_family_t;
#[expect(clippy::cast_possible_truncation, reason = "2 and 10")]
const INET6: libc::sa_family_t = libc::AF_INET6 as libc::sa_family_t;

/// An IPv4 or IPv6 address with its port, laid out for the kernel. All its octets are always initialised.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Address {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Address {
    /// Of no family: room for the kernel to fill.
    pub(super) const NONE: Self = Self {
        v6: libc::sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };

    /// How much room there is, as the kernel counts it.
    pub(super) const ROOM: libc::socklen_t = 28;

    /// The address in the kernel's form, and how many octets of it count.
    pub(super) fn new(address: SocketAddr) -> (Self, libc::socklen_t) {
        let mut kernel = Self::NONE;
        match address {
            SocketAddr::V4(address) => {
                kernel.v4 = libc::sockaddr_in {
                    sin_family: INET,
                    sin_port: address.port().to_be(),
                    sin_addr: in_addr(*address.ip()),
                    sin_zero: [0; 8],
                };
                (kernel, 16)
            }
            SocketAddr::V6(address) => {
                kernel.v6 = libc::sockaddr_in6 {
                    sin6_family: INET6,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: in6_addr(*address.ip()),
                    sin6_scope_id: address.scope_id(),
                };
                (kernel, Self::ROOM)
            }
        }
    }

    /// Back again. `None` for any other family.
    pub(super) fn read(&self) -> Option<SocketAddr> {
        // SAFETY: reading a field needs its octets to be initialised and to make a valid value. All 28 are initialised
        // by `NONE` or `new`, the kernel only overwrites them, and every field is made of plain integers. Each family
        // begins with its number.
        let (family, v4, v6) = unsafe { (self.family, self.v4, self.v6) };
        match family {
            INET => {
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            INET6 => {
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

/// Octets in network order.
pub(super) fn in_addr(ip: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from(ip).to_be() }
}

/// Octets in network order.
pub(super) fn in6_addr(ip: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr { s6_addr: ip.octets() }
}

/// Which family of sockets an address belongs to.
pub(super) fn family(ip: IpAddr) -> libc::c_int {
    match ip {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_trip_through_the_kernel_s_form() {
        assert_eq!(size_of::<Address>(), Address::ROOM as usize);
        assert_eq!(size_of::<libc::sockaddr_in>(), 16);
        let link_local = SocketAddrV6::new("fe80::1".parse().unwrap(), 50_007, 0, 3);
        for address in ["127.0.0.2:50000".parse().unwrap(), "[2001:db8::7]:1".parse().unwrap(), link_local.into()] {
            assert_eq!(Address::new(address).0.read(), Some(address));
        }
        assert_eq!(Address::NONE.read(), None);
    }
}
