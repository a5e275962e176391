//! A bounded work-stealing thread pool and a completion queue that cannot overflow.
