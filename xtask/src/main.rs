//! Everything a developer runs: `cargo xtask` lists it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the terminal")]

mod bench;
mod check;
mod headline;
mod hooks;
mod install;
mod kill;
mod layers;
mod run;
mod sim;
mod soak;
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
    run: Run,
}

enum Run {
    Alone(fn(&Workspace) -> Result<()>),
    /// Takes what stands after its name.
    With(fn(&Workspace, &[String]) -> Result<()>),
}

const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        what: "formatting, lints, layers and manners: seconds",
        run: Run::Alone(check::run),
    },
    Command {
        name: "test",
        what: "what CI runs: install, check, every test",
        run: Run::Alone(test::run),
    },
    Command {
        name: "layers",
        what: "the arrows between crates against ARCHITECTURE.md",
        run: Run::Alone(layers::run),
    },
    Command { name: "tidy", what: "manners that no compiler knows", run: Run::Alone(tidy::run) },
    Command {
        name: "install",
        what: "what `test` needs, into target/tools",
        run: Run::Alone(install::run),
    },
    Command {
        name: "bench",
        what: "speed beside others: kv, or kv-hot, kv-engine, kv-writes, kv-cold, kv-idle; network; site",
        run: Run::With(bench::run),
    },
    Command {
        name: "headline",
        what: "a published story before and after: platzi [--json FILE] [--quick]",
        run: Run::With(headline::run),
    },
    Command {
        name: "sim",
        what: "the network under faults: --seeds N, --seed S, --break RULE|list|all",
        run: Run::With(sim::run),
    },
    Command {
        name: "kill",
        what: "kill -9 under load, 200 rounds or --rounds N [--seed S]",
        run: Run::With(kill::run),
    },
    Command {
        name: "soak",
        what: "full load for 20 minutes or --minutes N: memory, descriptors and disk stay flat",
        run: Run::With(soak::run),
    },
    Command {
        name: "hooks",
        what: "a pre-commit hook: formatting and manners",
        run: Run::Alone(hooks::run),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return list(ExitCode::SUCCESS);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        return list(ExitCode::SUCCESS);
    }
    let command = COMMANDS.iter().find(|command| command.name == name && command.takes(rest));
    let Some(command) = command else {
        eprintln!("xtask: no such command: {}\n", arguments.join(" "));
        return list(ExitCode::FAILURE);
    };
    let run = |workspace: Workspace| match command.run {
        Run::Alone(run) => run(&workspace),
        Run::With(run) => run(&workspace, rest),
    };
    match Workspace::find().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn takes(&self, rest: &[String]) -> bool {
        rest.is_empty() || matches!(self.run, Run::With(_))
    }
}

fn list(code: ExitCode) -> ExitCode {
    println!("cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<8}  {}", command.name, command.what);
    }
    code
}
