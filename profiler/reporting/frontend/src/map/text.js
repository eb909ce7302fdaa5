// Labels in lines, and how wide they are.
const wraps = new Map();
const widths = new Map();
const MOST_KEPT = 20000;

// One line, or the two of least width; what is still too long is cut.
export function wrap(text, most) {
  const key = `${most}|${text}`;
  const known = wraps.get(key);
  if (known) return known;
  let lines = [text];
  if (text.length > most) {
    const words = text.split(' ');
    let least = Infinity;
    for (let i = 1; i < words.length; i += 1) {
      const two = [words.slice(0, i).join(' '), words.slice(i).join(' ')];
      const cost = Math.max(...two.map((line) => line.length));
      if (cost < least) [least, lines] = [cost, two];
    }
    lines = lines.map((line) =>
      line.length > most * 1.6
        ? `${[...line]
            .slice(0, Math.round(most * 1.5))
            .join('')
            .trimEnd()}…`
        : line,
    );
  }
  if (wraps.size > MOST_KEPT) wraps.clear();
  wraps.set(key, lines);
  return lines;
}

export function width(ctx, line) {
  const key = `${ctx.font}|${line}`;
  let found = widths.get(key);
  if (found === undefined) {
    found = ctx.measureText(line).width;
    if (widths.size > MOST_KEPT) widths.clear();
    widths.set(key, found);
  }
  return found;
}
export const forgetWidths = () => widths.clear(); // once the typeface is there
