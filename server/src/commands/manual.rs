//! `littoral completions` and `littoral man`: what the command line knows of itself.

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use miette::Result;

use crate::args::Args;
use crate::failure::Failure;
use crate::terminal;

pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "littoral", &mut script);
    Ok(terminal::write(&script)?)
}

pub fn pages(dir: Option<&Path>) -> Result<()> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(Args::command()).render(&mut page);
        written.expect("a vector takes all");
        return Ok(terminal::write(&page)?);
    };
    write_all(dir).map_err(|source| {
        let what = format!("cannot write manual pages to {}", dir.display());
        Failure::new("littoral::man", what, "choose a writable directory").because(source).into()
    })
}

fn write_all(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Args::command(), dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_every_command() {
        let dir = tempfile::tempdir().expect("a folder");
        write_all(dir.path()).expect("written");
        for page in ["littoral.1", "littoral-dev.1", "littoral-kv-import.1", "littoral-trace.1"] {
            assert!(dir.path().join(page).exists(), "{page}");
        }
        let page = std::fs::read_to_string(dir.path().join("littoral-kv-put.1")).expect("there");
        assert!(page.contains("if\\-none\\-match") && page.contains("Examples"), "{page}");
    }
}
