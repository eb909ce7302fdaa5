// What the address holds: view, pinned interest, theme filter, selection, person, camera, what is
// switched off. Everything on screen that is worth sending to a colleague is here and nowhere else.
const listeners = new Set();
const nothing = () => ({
  v: 'map',
  i: null,
  p: null,
  t: [],
  off: [],
  l: null,
  z: null,
  list: false,
});
const ORDER = Object.keys(nothing());
export const VIEWS = ['map', 'people', 'quality', 'about'];
export const state = nothing();
let writing = false;

const wholes = (text) => (/^\d+(\.\d+)*$/.test(text || '') ? text.split('.').map(Number) : []);
const reals = (text) => {
  const found = (text || '').split(',').map(Number);
  return text && found.every(Number.isFinite) ? found : [];
};

export function read() {
  const params = new URLSearchParams(location.hash.replace(/^#/, ''));
  const next = nothing();
  if (VIEWS.includes(params.get('v'))) next.v = params.get('v');
  if (/^\d{1,15}$/.test(params.get('i') || '')) next.i = Number(params.get('i'));
  if (params.get('p')) next.p = params.get('p').slice(0, 200);
  next.t = wholes(params.get('t'));
  next.off = wholes(params.get('off'));
  const z = reals(params.get('z'));
  if (z.length === 3) next.z = z;
  const l = reals(params.get('l'));
  if (l.length >= 6 && l.length % 2 === 0) next.l = l;
  next.list = params.has('list');
  return next;
}

const empty = (key, value) =>
  value === null ||
  value === false ||
  (Array.isArray(value) && !value.length) ||
  (key === 'v' && value === 'map');
const spell = (key, value) => {
  if (value === true) return key;
  if (Array.isArray(value)) return `${key}=${value.join(key === 't' || key === 'off' ? '.' : ',')}`;
  return `${key}=${encodeURIComponent(value)}`;
};

export function hash(from = state) {
  const parts = ORDER.filter((key) => !empty(key, from[key])).map((key) => spell(key, from[key]));
  return parts.length ? `#${parts.join('&')}` : '#';
}

export function set(change, { push = true, quiet = false } = {}) {
  const before = { ...state };
  Object.assign(state, change);
  const target = hash();
  if (target !== (location.hash || '#')) {
    writing = true;
    try {
      history[push ? 'pushState' : 'replaceState'](null, '', target);
    } catch {
      location.hash = target;
    }
    writing = false;
  }
  if (!quiet) listeners.forEach((listen) => listen(state, before));
}

export const onChange = (listener) => listeners.add(listener);

export function start() {
  Object.assign(state, read());
  const follow = () => {
    if (writing) return;
    const before = { ...state };
    Object.assign(state, read());
    if (hash(before) !== hash()) listeners.forEach((listen) => listen(state, before, true));
  };
  addEventListener('popstate', follow);
  addEventListener('hashchange', follow);
}
