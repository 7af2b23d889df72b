//! What the fuzzer hands bytes from outside to, and what must hold of them.

use crate::config::Config;
use crate::path::normal;
use crate::pattern::Pattern;

/// A `zone.toml`. What is wrong is at a place in the text.
///
/// # Panics
/// When it is not.
pub fn zone(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text) {
        Ok(config) => {
            let stages = config.plan.stages();
            assert_eq!(stages.len(), config.plan.steps().len());
            for at in 0..stages.len() {
                assert!(config.plan.waits_for(at).all(|earlier| stages[earlier] < stages[at]));
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "wrong, and nobody says why");
            for problem in problems {
                let place = text.get(problem.place.clone());
                assert!(place.is_some(), "{problem} is at no place of the text");
                assert!(problem.line >= 1 && problem.column >= 1);
            }
        }
    }
}

/// A path, and after a line's end a pattern.
///
/// # Panics
/// When a normal form has a normal form that is another, or a capture is not in the path.
pub fn paths(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (raw, pattern) = text.split_once('\n').unwrap_or((text, "/{a}/*"));
    let Ok(path) = normal(raw) else { return };
    assert_eq!(normal(&path).as_deref(), Ok(&*path), "not in normal form");
    assert!(!path.contains("//") && !path.split('/').any(|one| one == ".."), "{path}");
    let Ok(pattern) = Pattern::parse(pattern) else { return };
    let captures = pattern.captures(&path);
    assert_eq!(captures.is_some(), pattern.matches(&path));
    for (_, value) in captures.into_iter().flatten() {
        assert!(path.contains(value));
    }
}
