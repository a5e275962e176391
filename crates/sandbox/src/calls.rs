//! seccomp: which system calls the process may still make.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use crate::call_list::{CALLS, IO_URING, Only, RESTRICTED};
use crate::failure::Failure;

/// Which calls are wanted besides those of every server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Those of io_uring.
    pub io_uring: bool,
}

/// Leaves all threads of the process the system calls of a server. Any other fails with `EPERM`. Says how many are left.
///
/// # Errors
///
/// Where the kernel has no seccomp, the processor is none that this is known for, or the system refuses.
pub fn confine_calls(calls: Calls) -> Result<usize, Failure> {
    let (allowed, count) = allowed(calls)?;
    // Its flags cannot be looked at, so it does not exist: the C library then takes `clone`, whose flags can.
    let hidden = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let missing = compile(hidden, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()))?;
    let permitted = compile(allowed, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)?;
    for filter in [missing, permitted] {
        apply_filter_all_threads(&filter).map_err(|error| Failure::system("confining system calls", error))?;
    }
    Ok(count)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn allowed(calls: Calls) -> Result<(Rules, usize), Failure> {
    let io_uring = if calls.io_uring { IO_URING } else { &[] };
    let mut rules: Rules = CALLS.iter().chain(io_uring).map(|call| (*call, Vec::new())).collect();
    // Allowed here, hidden by the other filter: of two verdicts "no such call" has to win over "not permitted".
    rules.insert(libc::SYS_clone3, Vec::new());
    for Only { call, argument, values, mask } in RESTRICTED {
        let rule = |value: &u64| {
            let comparison = mask.map_or(SeccompCmpOp::Eq, SeccompCmpOp::MaskedEq);
            let condition = SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, comparison, *value);
            SeccompRule::new(vec![condition.map_err(unfit)?]).map_err(unfit)
        };
        rules.insert(*call, values.iter().map(rule).collect::<Result<_, _>>()?);
    }
    let count = rules.len() - 1;
    Ok((rules, count))
}

fn compile(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<BpfProgram, Failure> {
    let unsupported = |_| Failure::Unsupported { what: "seccomp", reason: format!("the processor is {ARCH}") };
    let architecture = ARCH.try_into().map_err(unsupported)?;
    SeccompFilter::new(rules, otherwise, matched, architecture).and_then(TryInto::try_into).map_err(unfit)
}

/// The lists are fixed, so this is for tests to find out.
fn unfit(error: seccompiler::BackendError) -> Failure {
    Failure::system("making the filter for system calls", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_made_and_io_uring_is_extra() {
        let (plain, fewer) = allowed(Calls::default()).unwrap();
        let (ringed, more) = allowed(Calls { io_uring: true }).unwrap();
        assert_eq!(more, fewer + IO_URING.len());
        for rules in [plain, ringed] {
            compile(rules, SeccompAction::Errno(1), SeccompAction::Allow).unwrap();
        }
    }
}
