//! `littoral example`: ready sets of files.

mod network;
mod plan;

use miette::Result;

use crate::args::ExampleCommand;

pub fn run(command: ExampleCommand) -> Result<()> {
    match command {
        ExampleCommand::Network(options) => network::write(&options),
    }
}
