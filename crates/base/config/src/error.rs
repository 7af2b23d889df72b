//! Reading a file, and errors that point into it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    #[error("cannot read {}", path.display())]
    #[diagnostic(
        code(littoral::config_unreadable),
        help("check the path given to --config; --dump-config prints a file to begin with")
    )]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{file}:{line}: {problem}")]
    #[diagnostic(
        code(littoral::config_invalid),
        help("{guess}--dump-config prints every key with its meaning and default")
    )]
    Invalid {
        file: String,
        line: usize,
        problem: String,
        /// "did you mean …? ", or nothing.
        guess: String,
        #[source_code]
        source_code: Arc<NamedSource<String>>,
        #[label("here")]
        place: Option<SourceSpan>,
    },
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, is not TOML, or holds a key or value that is not known.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    parse(&path.display().to_string(), &text)
}

/// Reads `text`, which errors call `file`.
///
/// # Errors
/// When it is not TOML, or holds a key or value that is not known.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    // Whole numbers of TOML have a sign: one above the largest could be read, but not shown again.
    let known = toml::from_str::<toml::Table>(text).and_then(|_| toml::from_str(text));
    known.map_err(|error| {
        let place = error.span();
        let begin = place.as_ref().map_or(0, |place| place.start.min(text.len()));
        Error::Invalid {
            file: file.to_owned(),
            line: text.as_bytes()[..begin].iter().filter(|byte| **byte == b'\n').count() + 1,
            problem: error.message().to_owned(),
            guess: guess(error.message()),
            source_code: Arc::new(NamedSource::new(file, text.to_owned())),
            place: place.map(SourceSpan::from),
        }
    })
}

/// For an unknown key, the known one that is nearest, if any is near.
fn guess(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next().filter(|_| message.starts_with("unknown ")) else {
        return String::new();
    };
    let nearest = quoted.map(|known| (distance(unknown, known), known)).min();
    match nearest {
        Some((steps, known)) if steps <= known.len() / 3 => format!("did you mean `{known}`? "),
        _ => String::new(),
    }
}

/// Letters to put in, take out or change to come from one word to another (Levenshtein, 1965).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.chars().enumerate() {
        let mut here = vec![row + 1];
        for (column, b) in to.iter().enumerate() {
            let changed = above[column] + usize::from(a != *b);
            here.push(changed.min(above[column + 1] + 1).min(here[column] + 1));
        }
        above = here;
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteCount, TimeSpan};

    crate::settings! {
        struct Outer {
            /// A size.
            size_max: ByteCount = ByteCount::mib(1),
            /// A number.
            count: usize = 1,
            /// A table.
            inner: Inner = Inner::default(),
        }
    }

    crate::settings! {
        struct Inner {
            /// A time.
            wait: TimeSpan = TimeSpan::seconds(1),
        }
    }

    fn problem(text: &str) -> String {
        parse::<Outer>("a.toml", text).expect_err("invalid").to_string()
    }

    #[test]
    fn absent_keys_mean_their_defaults() {
        let outer: Outer = parse("a.toml", "[inner]\nwait = \"3s\"\n").expect("valid");
        assert_eq!(outer.size_max, ByteCount::mib(1));
        assert_eq!(outer.inner.wait, TimeSpan::seconds(3));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_file_and_line() {
        assert_eq!(
            problem("size-max = \"1B\"\n\n[inner]\nwiat = \"3s\"\n"),
            "a.toml:4: unknown field `wiat`, expected `wait`"
        );
        assert!(problem("\nsize_max = \"1B\"").starts_with("a.toml:2: unknown field `size_max`"));
    }

    #[test]
    fn a_key_that_is_nearly_right_is_guessed() {
        let help = |text: &str| {
            let error = parse::<Outer>("a.toml", text).expect_err("invalid");
            error.help().expect("each has one").to_string()
        };
        assert!(help("size-mx = \"1B\"").starts_with("did you mean `size-max`? --dump-config"));
        assert!(help("[inner]\nwiat = \"1s\"").starts_with("--dump-config"), "two of four letters");
        assert!(help("colour = 1").starts_with("--dump-config"));
        assert_eq!((distance("", "abc"), distance("abc", "abd"), distance("ab", "b")), (3, 1, 1));
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right() {
        let text = problem("size-max = \"1 megabyte\"");
        assert!(text.contains("a.toml:1: `1 megabyte` is not a size such as"), "{text}");
        let text = problem("size-max = 7");
        assert!(text.contains("expected text with a number and its unit, in quotes"), "{text}");
        assert!(problem("size-max = ").starts_with("a.toml:1: "));
    }

    #[test]
    fn a_number_that_toml_does_not_have_is_refused() {
        let text = problem("size-max = \"1B\"\ncount = 9223372036854775808");
        assert!(text.starts_with("a.toml:2: "), "{text}");
        let largest = parse::<Outer>("a.toml", "count = 9223372036854775807").expect("valid");
        assert!(crate::dump(&largest).contains("count = 9223372036854775807"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read::<Outer>(Path::new("no/such.toml")).expect_err("missing");
        assert_eq!(error.to_string(), "cannot read no/such.toml");
    }
}
