//! An error and its causes, as operators read them.

use std::error::Error;
use std::iter;

/// What failed and why, on one line. A cause that the text names already is not told again.
#[must_use]
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let told = |line: String, cause: String| if line.contains(&cause) { line } else { format!("{line}: {cause}") };
    let chain = iter::successors(Some(error), |&error: &&(dyn Error + 'static)| error.source());
    chain.map(ToString::to_string).reduce(told).unwrap_or_default()
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
    }
}
