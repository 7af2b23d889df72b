//! Records held parsed, each for as long as its version is the one that is read.

use std::hash::Hash;
use std::sync::Arc;

use littoral_types::Version;
use quick_cache::sync::Cache;

pub(crate) struct Parsed<K, T>(Cache<K, (Version, Arc<T>)>);

impl<K: Hash + Eq + Clone, T> Parsed<K, T> {
    pub(crate) fn new(max: usize) -> Self {
        Self(Cache::new(max))
    }

    /// What was parsed from this version, else what `parse` makes of it now.
    pub(crate) fn get_or<E>(
        &self,
        key: &K,
        version: Version,
        parse: impl FnOnce() -> Result<Option<T>, E>,
    ) -> Result<Option<Arc<T>>, E> {
        if let Some((held, record)) = self.0.get(key)
            && held == version
        {
            return Ok(Some(record));
        }
        let Some(record) = parse()?.map(Arc::new) else { return Ok(None) };
        self.0.insert(key.clone(), (version, Arc::clone(&record)));
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    #[test]
    fn a_record_is_parsed_once_for_each_of_its_versions() {
        let parsed = Parsed::new(10);
        let version = |wall| Version::new(Wall(wall), 0, 1);
        let first = parsed.get_or(&1, version(1), || Ok::<_, ()>(Some("a"))).expect("fine");
        let again = parsed.get_or(&1, version(1), || Err(())).expect("not parsed again");
        assert_eq!((first.as_deref(), again.as_deref()), (Some(&"a"), Some(&"a")));
        let newer = parsed.get_or(&1, version(2), || Ok::<_, ()>(Some("b"))).expect("fine");
        assert_eq!(newer.as_deref(), Some(&"b"));
        assert_eq!(parsed.get_or(&2, version(1), || Ok::<_, ()>(None::<&str>)), Ok(None));
    }
}
