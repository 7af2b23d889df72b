//! What writers were told, and whether what is found after a failure agrees with it.

use std::collections::BTreeMap;

use crate::marked::number_of;
use crate::wire::Response;

/// A write that was tried. Numbers are given in the order of trying, whoever tries.
#[derive(Clone, Debug)]
pub struct Tried {
    pub number: u64,
    pub delete: bool,
    /// As it was told; `None` when it was not acknowledged, and may have happened or not.
    pub version: Option<String>,
}

/// All that was tried, by key.
#[derive(Clone, Debug, Default)]
pub struct Told {
    keys: BTreeMap<String, Vec<Tried>>,
}

impl Told {
    pub fn add(&mut self, key: &str, tried: Tried) {
        self.keys.entry(key.to_owned()).or_default().push(tried);
    }

    pub fn merge(&mut self, other: Self) {
        for (key, tried) in other.keys {
            self.keys.entry(key).or_default().extend(tried);
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    pub fn acknowledged(&self) -> usize {
        self.keys.values().flatten().filter(|tried| tried.version.is_some()).count()
    }

    /// The newest version that was acknowledged.
    pub fn newest(&self, key: &str) -> Option<&str> {
        self.keys.get(key)?.iter().filter_map(|tried| tried.version.as_deref()).max()
    }

    /// What is wrong with this answer to a read of a key, if anything.
    pub fn complaint(&self, key: &str, answer: &Response) -> Option<String> {
        let tried = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let newest = tried.iter().filter(|tried| tried.version.is_some());
        let newest = newest.max_by(|a, b| a.version.cmp(&b.version));
        let found = answer.header("etag").map(|tag| tag.trim_matches('"').to_owned());
        let number = match answer.status {
            200 => match number_of(key, &answer.body) {
                Some(number) => Some(number),
                None => return Some(format!("{key}: a torn value of {} bytes", answer.body.len())),
            },
            404 => None,
            status => return Some(format!("{key}: {status} {}", answer.message())),
        };
        let Some(newest) = newest else {
            // Nothing was acknowledged: anything that was tried will do.
            let known = number.is_none_or(|number| tried.iter().any(|one| one.number == number));
            return (!known).then(|| format!("{key}: a value that nobody wrote"));
        };
        if found < newest.version {
            return Some(format!("{key}: found {found:?}, acknowledged was {newest:?}"));
        }
        let fits = |one: &Tried| match number {
            Some(number) => one.number == number && !one.delete,
            None => one.delete,
        };
        let whose = tried.iter().find(|one| fits(one) && one.version == found);
        // Newer than all that was acknowledged: a write that was cut off.
        let cut =
            found > newest.version && tried.iter().any(|one| fits(one) && one.version.is_none());
        (whose.is_none() && !cut)
            .then(|| format!("{key}: found {number:?} at {found:?}, which is not {newest:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marked::marked;

    fn tried(number: u64, delete: bool, version: Option<&str>) -> Tried {
        Tried { number, delete, version: version.map(str::to_owned) }
    }

    fn found(number: Option<u64>, version: &str) -> Response {
        Response {
            status: if number.is_some() { 200 } else { 404 },
            reason: String::new(),
            headers: vec![("etag".into(), format!("\"{version}\""))],
            body: number.map(|number| marked("k", number, 100)).unwrap_or_default(),
        }
    }

    #[test]
    fn what_was_acknowledged_or_cut_off_later_is_accepted_and_nothing_else() {
        let mut told = Told::default();
        for one in [
            tried(1, false, Some("a")),
            tried(2, true, Some("b")),
            tried(3, false, None),
            tried(4, false, Some("c")),
            tried(5, true, None),
        ] {
            told.add("k", one);
        }
        let complaint = |number, version| told.complaint("k", &found(number, version));
        assert_eq!(complaint(Some(4), "c"), None);
        assert_eq!(complaint(Some(3), "d"), None, "it was cut off, and came after all");
        assert_eq!(complaint(None, "d"), None);
        assert!(complaint(Some(1), "a").is_some_and(|text| text.contains("acknowledged")));
        assert!(complaint(Some(1), "d").is_some(), "an old value under a new version");
        assert!(complaint(None, "c").is_some(), "the value is gone");
        assert!(complaint(Some(9), "d").is_some(), "nobody wrote that");
        let mut torn = found(Some(4), "c");
        torn.body.pop();
        assert!(told.complaint("k", &torn).is_some_and(|text| text.contains("torn")));
    }
}
