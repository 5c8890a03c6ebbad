// Labels with values in them, as in "{count} here: {names}".

// Returns the pieces of a label, each `{name}` replaced; a value may be one piece or several.
export function fillLabel(label, values) {
  const pieces = label.split(/\{(\w+)\}/);
  return pieces.flatMap((piece, index) => (index % 2 ? values[piece] ?? `{${piece}}` : piece));
}

// Half of a surrogate pair is no character (Unicode 16, section 3.9): no UTF-8 can carry it.
export const repairText = (text) => text.replace(/\p{Surrogate}/gu, "\uFFFD");
