//! The calibration plot: predicted risk against observed, both on a logarithmic scale.

use super::bounds::wilson;
use super::tally::Tally;
use std::fmt::Write as _;

const SIDE: f64 = 480.0;
const MARGIN: f64 = 60.0;
/// The powers of ten on each axis, from 10^-8.
const POWERS: i32 = 8;

/// Draws an SVG. Each point is one bin: its mean predicted risk, and the share of candidates who were another
/// person, with 95 % bounds. A bin without such a candidate has its upper bound only.
pub(crate) fn svg(title: &str, tally: &Tally) -> String {
    let whole = SIDE + 2.0 * MARGIN;
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n<rect width=\"{whole}\" height=\"{whole}\" fill=\"white\"/>\n<text x=\"{MARGIN}\" y=\"24\" font-size=\"14\">{title}</text>\n"
    );
    for power in 0..=POWERS {
        let (x, y) = (at(f64::from(power)), from_top(f64::from(power)));
        let exponent = power - POWERS;
        let (left, bottom) = (at(0.0), from_top(0.0));
        let (right, top) = (at(f64::from(POWERS)), from_top(f64::from(POWERS)));
        let _ = write!(
            svg,
            "<path d=\"M{x:.1} {bottom:.1}V{top:.1}M{left:.1} {y:.1}H{right:.1}\" stroke=\"#ddd\" fill=\"none\"/>\n<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">1e{exponent}</text>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">1e{exponent}</text>\n",
            bottom + 18.0,
            left - 6.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#888\" stroke-dasharray=\"4 4\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">predicted risk</text>\n<text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">observed share of another person</text>",
        at(0.0),
        from_top(0.0),
        at(f64::from(POWERS)),
        from_top(f64::from(POWERS)),
        MARGIN + SIDE / 2.0,
        MARGIN + SIDE + 38.0,
        MARGIN + SIDE / 2.0,
    );
    for bin in tally.bins.iter().filter(|bin| bin.count > 0) {
        let x = at(scale(bin.predicted / bin.count as f64));
        let (low, high) = wilson(bin.wrong, bin.count);
        let low = if bin.wrong == 0 { 0.0 } else { scale(low) };
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"#005eb8\"/>",
            from_top(low),
            from_top(scale(high))
        );
        if bin.wrong > 0 {
            let y = from_top(scale(bin.wrong as f64 / bin.count as f64));
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#005eb8\"><title>{} of {}</title></circle>",
                bin.wrong, bin.count
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// 0 for 10^-8 and less, 8 for 1.
fn scale(risk: f64) -> f64 {
    risk.max(1e-8).log10() + f64::from(POWERS)
}

fn at(scaled: f64) -> f64 {
    MARGIN + SIDE * scaled / f64::from(POWERS)
}

fn from_top(scaled: f64) -> f64 {
    MARGIN + SIDE - SIDE * scaled / f64::from(POWERS)
}

#[cfg(test)]
mod tests {
    use super::super::tally::{Bin, Tally};
    use super::*;

    #[test]
    fn each_bin_with_another_person_has_a_point() {
        let mut tally = Tally::default();
        tally.bins[4] = Bin { count: 1_000, predicted: 0.001, wrong: 0 };
        tally.bins[12] = Bin { count: 100, predicted: 2.0, wrong: 3 };
        let svg = svg("a plot", &tally);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert_eq!(svg.matches("#005eb8\"/>").count(), 2);
        // An observed share of 0.03 is at the height of its logarithm.
        let y = from_top(0.03_f64.log10() + 8.0);
        assert!(svg.contains(&format!("cy=\"{y:.1}\"")), "{svg}");
    }
}
