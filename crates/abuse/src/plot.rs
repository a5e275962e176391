//! Lines over time, as a small SVG.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 130.0;
const LEFT: f64 = 60.0;
const GAP: f64 = 40.0;

/// One panel below the other, each with its own scale from zero to its maximum.
pub(crate) fn svg(across: &str, panels: &[(&str, Vec<(f64, f64)>)]) -> String {
    let height = panels.iter().fold(20.0, |height, _| height + HEIGHT + GAP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        WIDTH + LEFT + 20.0
    );
    let mut top = 30.0;
    for (title, points) in panels {
        panel(&mut text, top, title, across, points);
        top += HEIGHT + GAP;
    }
    text.push_str("</svg>\n");
    text
}

fn panel(text: &mut String, top: f64, title: &str, across: &str, points: &[(f64, f64)]) {
    let most = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let (end, peak) = (most(|point| point.0).max(1e-9), most(|point| point.1));
    let scale = if peak > 0.0 { peak * 1.1 } else { 1.0 };
    let place = |&(x, y): &(f64, f64)| format!("{:.1},{:.1}", LEFT + x / end * WIDTH, top + HEIGHT * (1.0 - y / scale));
    let line: Vec<_> = points.iter().map(place).collect();
    let bottom = top + HEIGHT;
    // Writing into a String can not fail.
    let _ = write!(
        text,
        "<text x=\"{LEFT}\" y=\"{:.0}\">{title}</text>\n\
         <path d=\"M{LEFT},{top} V{bottom} H{:.0}\" fill=\"none\" stroke=\"#888\"/>\n\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{peak:.0}</text>\n\
         <text x=\"{:.0}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{end:.0} {across}</text>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#06c\"/>\n",
        top - 6.0,
        LEFT + WIDTH,
        LEFT - 6.0,
        bottom - HEIGHT / 1.1 + 4.0,
        LEFT - 6.0,
        LEFT + WIDTH,
        bottom + 16.0,
        line.join(" ")
    );
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn every_panel_has_its_line_within_the_picture() {
        let picture = svg("minutes", &[("one", vec![(0.0, 1.0), (1.0, 2.0)]), ("none", Vec::new())]);
        assert_eq!(picture.matches("<polyline").count(), 2);
        assert!(picture.contains("60.0,") && !picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }
}
