// Nine hues that stay apart for normal and three kinds of colour-blind sight and have 3:1 on the
// map; profiler/reporting/map/hues.py holds the same list. Colour never stands alone: regions carry
// names, and neighbouring regions get unlike hues.
export const LIGHT = [
  '#40599c',
  '#ad5519',
  '#368a79',
  '#671353',
  '#d2791a',
  '#1694f7',
  '#510090',
  '#7f4459',
  '#0c4b00',
];
export const DARK = [
  '#3e77ee',
  '#e18502',
  '#21c097',
  '#a75c9b',
  '#e9c900',
  '#7ce4fe',
  '#b59af6',
  '#d04044',
  '#cff2b0',
];
const NONE = { light: '#8a8f99', dark: '#767d89' };

const dark = matchMedia('(prefers-color-scheme: dark)');
export const scheme = () =>
  document.documentElement.dataset.scheme || (dark.matches ? 'dark' : 'light');
export const colour = (hue, mode = scheme()) =>
  hue === null || hue === undefined || hue < 0
    ? NONE[mode]
    : (mode === 'dark' ? DARK : LIGHT)[hue % LIGHT.length];
export const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
export const rgba = (hex, a) => `rgba(${channels(hex).join(',')},${a})`;
