//! An error and its causes, as operators read them.

use std::error::Error;
use std::iter;

/// What failed and why, on one line, also where a cause has several. One that the text names already is not told again.
#[must_use]
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let told = |line: String, cause: String| if line.contains(&cause) { line } else { format!("{line}: {cause}") };
    let chain = iter::successors(Some(error), |&error: &&(dyn Error + 'static)| error.source());
    chain.map(|error| joined(&error.to_string())).reduce(told).unwrap_or_default()
}

/// A text without its line breaks and other control characters.
fn joined(text: &str) -> String {
    let lines = text.split(char::is_control).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Step(&'static str, Box<dyn Error>);

    impl fmt::Display for Step {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Step {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.1)
        }
    }

    #[test]
    fn an_error_and_its_causes_make_one_line_that_tells_each_once() {
        let missing = || Box::new(io::Error::from(io::ErrorKind::NotFound));
        let known = Step("step 1", Box::new(Step("step 2: entity not found", missing())));
        assert_eq!(one_line(&known), "step 1: step 2: entity not found");
        assert_eq!(one_line(&Step("step 1", missing())), "step 1: entity not found");
        let several = Step("step 1", Box::new(Step("step 2:\n    [\n    ^\n\u{1b}error\n", missing())));
        assert_eq!(one_line(&several), "step 1: step 2: [ ^ error: entity not found");
    }
}
