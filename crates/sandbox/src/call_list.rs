//! The system calls of a server.

use libc::*;

/// A call that is allowed with some values of one argument only.
pub(crate) struct Only {
    pub(crate) call: c_long,
    /// Which argument, counted from 0.
    pub(crate) argument: u8,
    pub(crate) values: &'static [u64],
    /// Bits of the argument that count; `None`: all.
    pub(crate) mask: Option<u64>,
}

/// Calls that are allowed whatever their arguments are.
#[rustfmt::skip]
pub(crate) const CALLS: &[c_long] = &[
    // Sockets. A new listener is none of them.
    SYS_accept, SYS_accept4, SYS_bind, SYS_connect, SYS_getpeername, SYS_getsockname, SYS_getsockopt, SYS_recvfrom,
    SYS_recvmmsg, SYS_recvmsg, SYS_sendmmsg, SYS_sendmsg, SYS_sendto, SYS_setsockopt, SYS_shutdown, SYS_socketpair,
    // Files. Which ones is Landlock's business.
    SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_faccessat, SYS_faccessat2, SYS_fadvise64, SYS_fallocate,
    SYS_fchmod, SYS_fchmodat, SYS_fcntl, SYS_fdatasync, SYS_flock, SYS_fstat, SYS_fstatfs, SYS_fsync, SYS_ftruncate,
    SYS_getcwd, SYS_getdents64, SYS_linkat, SYS_lseek, SYS_mkdirat, SYS_newfstatat, SYS_openat, SYS_pipe2, SYS_pread64, SYS_preadv,
    SYS_pwrite64, SYS_pwritev, SYS_read, SYS_readlinkat, SYS_readv, SYS_renameat, SYS_renameat2, SYS_statfs, SYS_statx,
    SYS_sync_file_range, SYS_umask, SYS_unlinkat, SYS_write, SYS_writev,
    // Waiting.
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_ppoll, SYS_pselect6,
    // Memory.
    SYS_brk, SYS_madvise, SYS_membarrier, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_munmap,
    // Threads and signals, its own.
    SYS_exit, SYS_exit_group, SYS_futex, SYS_futex_waitv, SYS_get_robust_list, SYS_getpid, SYS_getppid, SYS_getpriority,
    SYS_gettid, SYS_setpriority,
    SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction, SYS_rt_sigpending, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_rt_sigtimedwait, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_yield, SYS_set_robust_list,
    SYS_set_tid_address, SYS_sigaltstack, SYS_tgkill,
    // Time, chance, and who we are.
    SYS_clock_getres, SYS_clock_gettime, SYS_clock_nanosleep, SYS_getegid, SYS_geteuid, SYS_getgid, SYS_getrandom,
    SYS_getrusage, SYS_gettimeofday, SYS_getuid, SYS_nanosleep, SYS_prlimit64, SYS_sysinfo, SYS_times, SYS_uname,
    // The older names of some of these.
    #[cfg(target_arch = "x86_64")] SYS_access,
    #[cfg(target_arch = "x86_64")] SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")] SYS_chmod,
    #[cfg(target_arch = "x86_64")] SYS_dup2,
    #[cfg(target_arch = "x86_64")] SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")] SYS_getrlimit,
    #[cfg(target_arch = "x86_64")] SYS_lstat,
    #[cfg(target_arch = "x86_64")] SYS_mkdir,
    #[cfg(target_arch = "x86_64")] SYS_open,
    #[cfg(target_arch = "x86_64")] SYS_pipe,
    #[cfg(target_arch = "x86_64")] SYS_poll,
    #[cfg(target_arch = "x86_64")] SYS_readlink,
    #[cfg(target_arch = "x86_64")] SYS_rename,
    #[cfg(target_arch = "x86_64")] SYS_rmdir,
    #[cfg(target_arch = "x86_64")] SYS_select,
    #[cfg(target_arch = "x86_64")] SYS_stat,
    #[cfg(target_arch = "x86_64")] SYS_time,
    #[cfg(target_arch = "x86_64")] SYS_unlink,
];

/// Calls of io_uring.
pub(crate) const IO_URING: &[c_long] = &[SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup];

const fn unsigned(value: c_int) -> u64 {
    value.unsigned_abs() as u64
}

/// Calls that are allowed with some arguments only.
pub(crate) const RESTRICTED: &[Only] = &[
    // Internet, local, and what name resolution asks the kernel by. No raw packets.
    Only {
        call: SYS_socket,
        argument: 0,
        values: &[unsigned(AF_INET), unsigned(AF_INET6), unsigned(AF_UNIX), unsigned(AF_NETLINK)],
        mask: None,
    },
    // A thread, never a process.
    Only { call: SYS_clone, argument: 0, values: &[unsigned(CLONE_THREAD)], mask: Some(unsigned(CLONE_THREAD)) },
    // The names of threads.
    Only { call: SYS_prctl, argument: 0, values: &[unsigned(PR_SET_NAME), unsigned(PR_GET_NAME)], mask: None },
    // How much can be read, whether it is a terminal and how wide, blocking or not.
    Only { call: SYS_ioctl, argument: 1, values: &[FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ, TIOCOUTQ], mask: None },
];
