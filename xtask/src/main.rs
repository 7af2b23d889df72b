//! Everything a developer runs: `cargo xtask` lists it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the terminal")]

mod check;
mod hooks;
mod install;
mod layers;
mod run;
mod summary;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use workspace::Workspace;

struct Command {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        what: "formatting, lints, layers and manners: seconds",
        run: check::run,
    },
    Command { name: "test", what: "what CI runs: install, check, every test", run: test::run },
    Command {
        name: "layers",
        what: "the arrows between crates against ARCHITECTURE.md",
        run: layers::run,
    },
    Command { name: "tidy", what: "manners that no compiler knows", run: tidy::run },
    Command { name: "install", what: "what `test` needs, into target/tools", run: install::run },
    Command { name: "hooks", what: "a pre-commit hook: formatting and manners", run: hooks::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match arguments.as_slice() {
        [] => return list(ExitCode::SUCCESS),
        [name] => COMMANDS.iter().find(|command| command.name == name),
        _ => None,
    };
    let Some(command) = command else {
        eprintln!("xtask: no such command: {}\n", arguments.join(" "));
        return list(ExitCode::FAILURE);
    };
    match Workspace::find().and_then(|workspace| (command.run)(&workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn list(code: ExitCode) -> ExitCode {
    println!("cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<8}  {}", command.name, command.what);
    }
    code
}
