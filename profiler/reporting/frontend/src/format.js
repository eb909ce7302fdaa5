const numbers = new Intl.NumberFormat('en');

export const num = (n) => numbers.format(n);
export const pct = (share, digits = 0) =>
  share > 0 && share < 0.005 && !digits ? 'under 1%' : `${(100 * share).toFixed(digits)}%`;
export const plural = (n, one, many = `${one}s`) => `${num(n)} ${n === 1 ? one : many}`;
export const join = (list) =>
  list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`;

// Words for a cosine; the number itself is behind "Show numbers".
export const closeness = (v) =>
  v >= 0.85
    ? 'very close'
    : v >= 0.7
      ? 'close'
      : v >= 0.5
        ? 'fairly close'
        : v >= 0.3
          ? 'loosely related'
          : 'far';

// Long titles: cut at the first natural break past 24 characters, else at a word.
export function short(title, most = 64) {
  if (!title || title.length <= most) return title;
  const cut = title.slice(0, most + 1);
  const at = Math.max(cut.lastIndexOf(', '), cut.lastIndexOf(' - '), cut.lastIndexOf(' ('));
  const word = cut.lastIndexOf(' ');
  const end = at > 24 ? at : word > 12 ? word : most;
  return `${cut.slice(0, end).replace(/[\s,;:(-]+$/, '')}…`;
}

// A label inside a sentence: a capital at its start goes unless it is a name's.
export const lower = (label) =>
  /^\p{Lu}\p{Ll}/u.test(label) ? label[0].toLowerCase() + label.slice(1) : label;

const days = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' });
export const month = (seconds) => days.format(new Date(seconds * 1000));
