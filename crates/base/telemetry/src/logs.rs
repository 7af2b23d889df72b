//! Log lines on standard error, for people or for machines.
//!
//! Secrets are never logged: types that hold one have no `Debug` that shows it, and no span
//! records a header's value.

use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Which lines, and how they look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A level, or levels by module: `info,littoral_tiers=debug`.
    pub filter: String,
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line for a person; in colour when standard error is a terminal.
    Human,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the log filter `{filter}` is not understood: {why}")]
    Filter { filter: String, why: String },
    #[error("logs are already set up")]
    Twice,
}

/// Sends the process's log lines to standard error from now on.
///
/// # Errors
/// When the filter is not understood, or on the second call.
pub fn install(options: &Options) -> Result<(), Error> {
    let colour = options.format == Format::Human && io::stderr().is_terminal();
    let subscriber = subscriber(options, colour, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)
}

fn subscriber<W>(
    options: &Options,
    colour: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&options.filter).map_err(|error| Error::Filter {
        filter: options.filter.clone(),
        why: error.to_string(),
    })?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colour);
    Ok(match options.format {
        Format::Human => Box::new(lines.finish()),
        Format::Json => Box::new(lines.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: Format) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let options = Options { filter: filter.into(), format };
        let subscriber = subscriber(&options, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(location = "ams", "ready");
            tracing::debug!("detail");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_lines_that_the_filter_asks_for_appear() {
        let text = logged("info", Format::Human);
        assert!(text.contains("ready") && text.contains("location=\"ams\""), "{text}");
        assert!(!text.contains("detail"), "{text}");
        assert!(logged("littoral_telemetry=debug", Format::Human).contains("detail"));
        assert_eq!(logged("off", Format::Human), "");
    }

    #[test]
    fn a_machine_gets_one_object_per_line() {
        let text = logged("info", Format::Json);
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains(r#""message":"ready""#) && text.contains(r#""location":"ams""#));
    }

    #[test]
    fn a_filter_that_is_not_understood_is_named() {
        let options = Options { filter: "a=b=c".into(), format: Format::Human };
        let error = subscriber(&options, false, io::stderr).err().expect("refused");
        assert!(error.to_string().contains("`a=b=c`"), "{error}");
    }
}
