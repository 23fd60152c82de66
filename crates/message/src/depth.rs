//! How deep a JSON text nests, by a scan that neither recurses nor allocates.

/// The offset of the bracket that opens level `max + 1`, if the text nests that deep.
///
/// Brackets inside strings do not count. The text need not be valid JSON.
///
/// ```
/// use tidegate_message::too_deep;
/// assert_eq!(too_deep(b"[[\"[[[\"]]", 2), None);
/// assert_eq!(too_deep(b"[[[]]]", 2), Some(2));
/// ```
#[must_use]
pub fn too_deep(json: &[u8], max: usize) -> Option<usize> {
    // Most texts have fewer brackets than they may have levels, wherever they stand: counted many at a time.
    if json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= max {
        return None;
    }
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for (offset, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > max {
                    return Some(offset);
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
