//! 95 % bounds of a share.

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_985;

/// Wilson's score interval of `count` in `total`. Without cases it is from 0 to 1.
pub(crate) fn wilson(count: u64, total: u64) -> (f64, f64) {
    if total == 0 {
        return (0.0, 1.0);
    }
    let (total, share) = (total as f64, count as f64 / total as f64);
    let square = Z * Z;
    let centre = share + square / (2.0 * total);
    let half = Z * (share * (1.0 - share) / total + square / (4.0 * total * total)).sqrt();
    let scale = 1.0 + square / total;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn published_values() {
        // 81 of 263, from Newcombe 1998, table I.
        let (low, high) = wilson(81, 263);
        assert!((low - 0.2553).abs() < 0.0001 && (high - 0.3662).abs() < 0.0001, "{low} {high}");
        // 0 of 20.
        let (low, high) = wilson(0, 20);
        assert!(low == 0.0 && (high - 0.1611).abs() < 0.0001, "{high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}
