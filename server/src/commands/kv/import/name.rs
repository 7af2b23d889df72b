//! The key that a file or a member of a file gets.

/// What comes off and what goes before.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    pub prefix: String,
    /// Leading folders that are dropped.
    pub strip: usize,
}

impl Naming {
    /// The key of what the source calls `name`.
    pub fn key(&self, name: &str) -> Result<String, String> {
        let mut rest = name;
        for _ in 0..self.strip {
            (_, rest) = rest
                .split_once('/')
                .ok_or_else(|| format!("--strip {} leaves nothing of it", self.strip))?;
        }
        Ok(format!("{}{rest}", self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_off_and_the_prefix_goes_before() {
        let naming = Naming { prefix: "v1/".into(), strip: 1 };
        assert_eq!(naming.key("a/b/c.json"), Ok("v1/b/c.json".into()));
        assert!(naming.key("top.json").is_err());
        assert_eq!(Naming::default().key("a//b"), Ok("a//b".into()));
    }
}
