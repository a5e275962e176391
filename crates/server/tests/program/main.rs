//! The real program, as an operator starts and stops it.

mod configuration;
mod counted;
mod monitor;
mod page_files;
mod process;
mod refuses_to_start;
mod sandbox;
mod secrets;
mod service_manager;
mod signals;
mod starts_and_stops;
