//! `littoral explain`: the page about an error, from the binary itself.

use miette::Result;

use crate::failure::Failure;
use crate::terminal;

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),*]
    };
}

/// Codes of the API that are ours, and their pages.
const PAGES: &[(u32, &str)] = pages![
    10408 10412 10416 10420 10421 10422 10423 10424 10425 10426 10427 10428 10429 10430 10431 10432
    10433 10434 10440 10441 10450 10451 10452 10453 10454 10455 10456 10457 10458 10470 10471 10472
    10473 10474 10475 10476 10477 10478 10479 10480 10481 10482 10483 10484 10485
];

/// Whether there is a page about a code.
pub fn has_page(code: u32) -> bool {
    page(code).is_some()
}

fn page(code: u32) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

pub fn run(code: Option<u32>) -> Result<()> {
    let Some(code) = code else {
        for (_, page) in PAGES {
            let title = page.lines().next().unwrap_or_default();
            terminal::say(title.trim_start_matches("# "))?;
        }
        return Ok(());
    };
    match page(code) {
        Some(page) => Ok(terminal::say(page.trim_end())?),
        None => {
            let what = format!("there is no page about {code}");
            let next =
                "`littoral explain` lists those there are; other codes are those of Workers KV";
            Err(Failure::new("littoral::no_page", what, next).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_page_is_in_the_binary_under_its_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        let files: BTreeSet<_> = std::fs::read_dir(folder)
            .expect("there")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .filter(|name| name != "README.md")
            .collect();
        let known: BTreeSet<_> = PAGES.iter().map(|(code, _)| format!("{code}.md")).collect();
        assert_eq!(known, files);
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        }
    }
}
