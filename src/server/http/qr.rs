//! A QR code as the shapes of a drawing (ISO/IEC 18004), made here: no picture service gets to see a secret.

use crate::pages::context::Picture;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of quiet zone on each side (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// The picture of a text; none of one that is too long for it (more than about 2,300 bytes).
pub(super) fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (row, line) in colors.chunks(width).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, long) = (column + QUIET, row + QUIET, run.len());
                path.push_str(&format!("M{x} {y}h{long}v1h-{long}z"));
            }
            column += run.len();
        }
    }
    Some(Picture { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the module at that place is drawn dark.
    fn is_dark(picture: &Picture, x: usize, y: usize) -> bool {
        picture.path.split('M').filter(|run| !run.is_empty()).any(|run| {
            let numbers: Vec<usize> =
                run.split(['h', ' ', 'v']).take(3).map(|number| number.parse().unwrap()).collect();
            numbers[1] == y && (numbers[0]..numbers[0] + numbers[2]).contains(&x)
        })
    }

    #[test]
    fn a_picture_has_its_three_finders_and_a_quiet_zone() {
        let picture =
            picture("otpauth://totp/Doorward:mona?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Doorward").unwrap();
        let (first, last) = (QUIET, picture.side - QUIET - 7);
        for (left, top) in [(first, first), (last, first), (first, last)] {
            for step in 0..7 {
                assert!(is_dark(&picture, left + step, top) && is_dark(&picture, left, top + step));
            }
            assert!(!is_dark(&picture, left + 1, top + 1) && is_dark(&picture, left + 3, top + 3));
        }
        for place in 0..picture.side {
            assert!(!is_dark(&picture, place, QUIET - 1) && !is_dark(&picture, QUIET - 1, place));
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_picture() {
        assert!(picture(&"a".repeat(3000)).is_none());
    }
}
