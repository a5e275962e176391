//! `cargo xtask vectors`: the protocol's test vectors against the wire format and a real node; `cargo xtask replay`: the
//! same node, for the protocol's own player.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use raida_vectors::{Player, State, Transport};

use crate::server::{self, Server};
use crate::step;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page file has so many records.
///
/// Source: protocol §7.2
const PAGE_RECORDS: usize = 1024;

/// Octets of a record: number and month.
const RECORD_LEN: usize = 17;

/// Checks every file, prints what failed and one closing line over all of them.
pub(crate) fn run(files: &[PathBuf]) -> Result<()> {
    let mut total = raida_vectors::Report::default();
    let mut stage = Stage::new()?;
    for file in files {
        let report = raida_vectors::check_file_with(file, &mut stage)
            .with_context(|| format!("reading vectors from {}", file.display()))?;
        println!("==> vectors in {}", file.display());
        total.merge(report);
    }
    println!("{total}");
    if total.failed() > 0 {
        bail!("{} test vectors failed", total.failed());
    }
    if total.passed() == 0 {
        bail!("no test vector passed: is this a vectors file?");
    }
    Ok(())
}

/// Plays a file with the Python program beside it against a node that holds the file's coins, over TCP and UDP.
pub(crate) fn replay(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let state = raida_vectors::read_state(&text)?;
    let mut stage = Stage::new()?;
    // One vote case asks a node that shows no trees; the others do not mind.
    stage.settings = "[integrity]\nshow_trees = false\n";
    let address = stage.raise(&state)?;
    let mut command = Command::new("python3");
    command.current_dir(step::root()).arg("docs/protocol/replay.py").arg(fs::canonicalize(file)?);
    step::run("replay", command.args(["--port", &address.port().to_string()]))
}

/// Where nodes are started in the state that vectors assume: the real server, on an import of page files.
struct Stage {
    folder: tempfile::TempDir,
    /// Lines of configuration besides those that the state calls for.
    settings: &'static str,
    program: Option<PathBuf>,
    server: Option<Server>,
}

impl Stage {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder")?;
        Ok(Self { folder, settings: "", program: None, server: None })
    }

    /// Starts a node on new data, in place of the one before it.
    fn raise(&mut self, state: &State) -> Result<SocketAddr> {
        self.server = None;
        let program = match self.program.take() {
            Some(program) => program,
            None => server::build()?,
        };
        let home = self.folder.path();
        for folder in ["data", "Data"] {
            fs::remove_dir_all(home.join(folder)).or_else(unless_missing).context("removing the data of before")?;
        }
        let State { raida_id, coin_id, datagram_max, admin_key, .. } = state;
        let admin_key = u128::from_be_bytes(*admin_key.octets());
        let config = format!(
            "[server]\nraida_id = {raida_id}\ncoin_id = {coin_id}\nudp_effective_payload = {datagram_max}\n\
             admin_key = \"{admin_key:032x}\"\n{}",
            self.settings
        );
        fs::write(home.join("raida.toml"), config).context("writing the configuration")?;
        write_pages(home, state).context("writing page files")?;
        let mut import = Command::new(&program);
        import.current_dir(home).args(["--config", "raida.toml", "--data-dir", "data", "import", "."]);
        let import = import.output().context("starting the import")?;
        if !import.status.success() {
            bail!("importing the coins: {}", String::from_utf8_lossy(&import.stderr));
        }
        let server = Server::start(&program, home, "127.0.0.1:0")?;
        let address = server.address;
        (self.server, self.program) = (Some(server), Some(program));
        Ok(address)
    }

    fn address(&self) -> Result<SocketAddr, String> {
        self.server.as_ref().map(|server| server.address).ok_or_else(|| "no node was started".to_owned())
    }
}

impl Player for Stage {
    fn start(&mut self, state: &State) -> Result<(), String> {
        self.raise(state).map(drop).map_err(|error| format!("no node: {error:#}"))
    }

    fn ask(&mut self, transport: Transport, request: &[u8]) -> Result<Vec<u8>, String> {
        let node = self.address()?;
        let answer = match transport {
            Transport::Tcp => ask_tcp(node, request),
            Transport::Udp => ask_udp(node, request),
        };
        answer.map_err(|error| format!("no answer: {error}"))
    }
}

/// The files of the pages that have records, in the layout of the file-based server.
///
/// Source: protocol §7.2
fn write_pages(home: &Path, state: &State) -> io::Result<()> {
    for (coin, number, month) in &state.records {
        let (denomination, place) = (coin.denomination.octet(), coin.serial_number.get() as usize);
        let (page, record) = (place / PAGE_RECORDS, place % PAGE_RECORDS);
        let folder = home.join(format!("Data/{denomination:02x}/{:02x}", page / 256));
        let file = folder.join(format!("{page:04x}.bin"));
        fs::create_dir_all(&folder)?;
        let mut octets = if file.exists() { fs::read(&file)? } else { vec![0; PAGE_RECORDS * RECORD_LEN] };
        for (to, from) in octets.iter_mut().skip(record * RECORD_LEN).zip(number.octets().iter().chain([&month.0])) {
            *to = *from;
        }
        fs::write(file, octets)?;
    }
    Ok(())
}

fn ask_tcp(node: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&node, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn ask_udp(node: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(node)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(request)?;
    let mut answer = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
