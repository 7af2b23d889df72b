//! Files of a folder of this node.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use http::StatusCode;
use littoral_http::{Answer, Body, Refusal, Res};
use tokio::sync::mpsc;

use super::{entity, plain, reads};
use crate::front::{Rest, drained};
use crate::path::file_name;
use crate::rule::Asked;

/// What a folder answers for itself with.
const INDEX: &str = "index.html";
/// Read at once, and as many of them wait to be written.
const CHUNK_BYTES: usize = 128 * 1024;
const CHUNKS_WAITING_MAX: usize = 2;

/// A file below a folder. Hidden ones, and ways out of it, are not there.
pub(crate) fn folder(folder: &Path, file: String, asked: Asked, rest: Rest) -> Answer {
    if let Err(refusal) = reads(&asked.head.method) {
        return drained(refusal.envelope(), rest.body);
    }
    let Some((path, is_folder)) = below(folder, &file) else {
        return Answer::Ready(plain(StatusCode::NOT_FOUND));
    };
    let root = folder.to_owned();
    Answer::Later(Box::pin(async move {
        let opened = tokio::task::spawn_blocking(move || open(&root, path, is_folder)).await;
        match opened.map_err(io::Error::other).flatten() {
            Ok(Opened::File(file)) => sent(file, &asked),
            Ok(Opened::Folder) => {
                let mut to = format!("{}/", asked.path);
                if let Some(query) = asked.head.uri.query() {
                    to = format!("{to}?{query}");
                }
                super::redirect(&to, StatusCode::MOVED_PERMANENTLY)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => plain(StatusCode::NOT_FOUND),
            Err(error) => {
                tracing::warn!(%error, "a file of a route cannot be read");
                let why = "the file cannot be read";
                Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, 10428, why).envelope()
            }
        }
    }))
}

/// Where a file is, and whether a folder was asked for.
fn below(folder: &Path, file: &str) -> Option<(PathBuf, bool)> {
    let mut path = folder.to_owned();
    let (file, is_folder) = match file.strip_suffix('/') {
        Some(file) => (file, true),
        None => (file, file.is_empty()),
    };
    for segment in file.split('/').filter(|segment| !segment.is_empty()) {
        path.push(file_name(segment)?);
    }
    if is_folder {
        path.push(INDEX);
    }
    Some((path, is_folder))
}

enum Opened {
    File(Found),
    /// Its files are below it: there is a slash missing.
    Folder,
}

struct Found {
    file: std::fs::File,
    name: PathBuf,
    len: u64,
    tag: String,
}

/// Blocks.
fn open(root: &Path, path: PathBuf, is_folder: bool) -> io::Result<Opened> {
    // A link may lead out of the folder.
    let real = path.canonicalize()?;
    if !real.starts_with(root.canonicalize()?) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = std::fs::File::open(&real)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return if is_folder { Err(io::ErrorKind::NotFound.into()) } else { Ok(Opened::Folder) };
    }
    let tag = format!(
        "\"{:x}-{:x}-{:x}\"",
        about.ino(),
        about.len(),
        about.mtime_nsec() ^ about.mtime() << 30
    );
    Ok(Opened::File(Found { file, name: real, len: about.len(), tag }))
}

fn sent(found: Found, asked: &Asked) -> Res {
    let Found { mut file, name, len, tag } = found;
    let name = name.to_string_lossy();
    let tag_value = http::HeaderValue::from_str(&tag);
    let unchanged = tag_value.is_ok_and(|tag| super::matches_tag(asked, &tag));
    if unchanged || asked.head.method == http::Method::HEAD {
        let mut res = entity(asked, &name, &tag, Body::empty());
        if !unchanged {
            res.headers_mut().insert(http::header::CONTENT_LENGTH, len.into());
        }
        return res;
    }
    let (chunks, mut coming) = mpsc::channel(CHUNKS_WAITING_MAX);
    tokio::task::spawn_blocking(move || {
        use io::Read as _;
        let mut left = len;
        while left > 0 {
            let mut chunk = vec![0; CHUNK_BYTES.min(left as usize)];
            let read = file.read_exact(&mut chunk).map(|()| bytes::Bytes::from(chunk));
            left -= read.as_ref().map_or(left, |chunk| chunk.len() as u64);
            // Whoever reads may have gone.
            if chunks.blocking_send(read).is_err() {
                return;
            }
        }
    });
    let stream = futures_util::stream::poll_fn(move |cx| coming.poll_recv(cx));
    let mut res = entity(asked, &name, &tag, Body::stream(Box::pin(stream)));
    res.headers_mut().insert(http::header::CONTENT_LENGTH, len.into());
    res
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_always_below_its_folder() {
        let at = |file: &str| below(Path::new("/site"), file).map(|(path, _)| path);
        assert_eq!(at(""), Some("/site/index.html".into()));
        assert_eq!(at("a/"), Some("/site/a/index.html".into()));
        assert_eq!(at("a%20b.css"), Some("/site/a b.css".into()));
        for bad in ["..", "a/..%2f", "%2e%2e/x", ".git/config", "a/%00"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
