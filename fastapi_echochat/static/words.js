// Labels with values in them, as in "{count} here: {names}".

// Returns the pieces of a label, each `{name}` replaced; a value may be one piece or several.
export function fillLabel(label, values) {
  const pieces = label.split(/\{(\w+)\}/);
  return pieces.flatMap((piece, index) => (index % 2 ? values[piece] ?? `{${piece}}` : piece));
}
