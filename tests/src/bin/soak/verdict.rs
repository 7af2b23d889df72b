//! Whether what was sampled is flat: the slope of the second half, against a bound for each.

use std::fmt;

use crate::sample::Sample;

/// Growth a minute that is called flat: a leak of a few bytes a request is far above it.
const RESIDENT_MIB_MAX: f64 = 3.0;
const DESCRIPTORS_MAX: f64 = 2.0;
/// The purge log grows until it reaches its limit of records, and tables are merged in steps.
const DISK_MIB_MAX: f64 = 30.0;

pub(crate) struct Verdict([Slope; 3]);

struct Slope {
    what: &'static str,
    unit: &'static str,
    per_minute: f64,
    max: f64,
}

pub(crate) fn of(samples: &[Sample]) -> Verdict {
    let half = &samples[samples.len() / 2..];
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let slope = |what, unit, max, of: &dyn Fn(&Sample) -> f64| {
        let points: Vec<_> =
            half.iter().map(|sample| (sample.at.as_secs_f64() / 60.0, of(sample))).collect();
        Slope { what, unit, per_minute: slope(&points), max }
    };
    Verdict([
        slope("resident", "MiB", RESIDENT_MIB_MAX, &|sample| mib(sample.resident_bytes)),
        slope("descriptors", "", DESCRIPTORS_MAX, &|sample| sample.descriptors as f64),
        slope("disk", "MiB", DISK_MIB_MAX, &|sample| mib(sample.disk_bytes)),
    ])
}

/// By least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len().max(1) as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / n, y / n);
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), point| {
        (above + (point.0 - x) * (point.1 - y), below + (point.0 - x).powi(2))
    });
    if below > 0.0 { above / below } else { 0.0 }
}

impl Verdict {
    pub(crate) fn is_flat(&self) -> bool {
        self.0.iter().all(Slope::is_flat)
    }
}

impl Slope {
    fn is_flat(&self) -> bool {
        self.per_minute <= self.max
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "growth a minute over the second half:")?;
        for slope in &self.0 {
            let Slope { what, unit, per_minute, max } = slope;
            let flat = if slope.is_flat() { "flat" } else { "NOT FLAT" };
            writeln!(f, "  {what:<12} {per_minute:>8.2} {unit:<4} at most {max:>5.1}  {flat}")?;
        }
        f.write_str(if self.is_flat() { "flat" } else { "not flat" })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples(bytes: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |second| Sample {
            at: Duration::from_secs(second),
            resident_bytes: bytes(second),
            descriptors: 50 + second % 3,
            disk_bytes: 1 << 30,
        };
        (1..=600).map(sample).collect()
    }

    #[test]
    fn warming_up_is_flat_and_a_leak_is_not() {
        assert!(of(&samples(|second| (100 + second.min(200)) << 20)).is_flat());
        let leak = of(&samples(|second| (100 << 20) + second * (80 << 10)));
        assert!(!leak.is_flat());
        assert!(leak.to_string().contains("resident         4.69 MiB"), "{leak}");
    }
}
