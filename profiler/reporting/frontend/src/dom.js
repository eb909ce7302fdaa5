// h('div.cls#id', {attrs}, ...children): text is always set as text, so nothing from the data can
// become markup.
export function h(spec, attrs, ...children) {
  if (
    attrs === null ||
    attrs === undefined ||
    typeof attrs !== 'object' ||
    attrs instanceof Node ||
    Array.isArray(attrs)
  ) {
    if (attrs !== undefined) children.unshift(attrs);
    attrs = {};
  }
  const [, tag = 'div', rest = ''] = spec.match(/^([a-z0-9]*)(.*)$/i);
  const node = document.createElement(tag || 'div');
  for (const part of rest.match(/[.#][^.#]+/g) || []) {
    if (part[0] === '.') node.classList.add(part.slice(1));
    else node.id = part.slice(1);
  }
  apply(node, attrs);
  append(node, children);
  return node;
}

// Text from the data, in the direction of its own script wherever it stands.
export const t = (text) => h('bdi', text);

const SVG = 'http://www.w3.org/2000/svg';
export function s(tag, attrs = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  apply(node, attrs);
  append(node, children);
  return node;
}

function apply(node, attrs) {
  for (const [key, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'css') {
      // CSSOM: allowed under a strict policy, unlike a style attribute
      for (const [p, v] of Object.entries(value)) node.style.setProperty(p, v);
    } else if (key === 'value' && 'value' in node) node.value = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

export const clear = (node, ...children) => {
  node.replaceChildren();
  append(node, children);
  return node;
};

export const icon = (name) =>
  s(
    'svg',
    {
      viewBox: '0 0 20 20',
      width: 18,
      height: 18,
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 1.6,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
      'aria-hidden': 'true',
      class: 'icon',
    },
    ICONS[name].map((d) => s('path', { d })),
  );

const ICONS = {
  lasso: [
    'M10 3c4.2 0 7.2 2 7.2 4.8s-3 4.8-7.2 4.8-7.2-2-7.2-4.8S5.8 3 10 3Z',
    'M6.5 12.2c-1.6.4-2.3 1.3-1.9 2.3.5 1.1 2.4.8 2.4 2.5',
  ],
  back: ['M12 4 6 10l6 6'],
  close: ['m5 5 10 10', 'M15 5 5 15'],
  link: [
    'M8.5 11.5a3 3 0 0 0 4.3 0l2.8-2.8a3 3 0 0 0-4.3-4.3l-.8.8',
    'M11.5 8.5a3 3 0 0 0-4.3 0l-2.8 2.8a3 3 0 0 0 4.3 4.3l.8-.8',
  ],
  chevron: ['m7 5 5 5-5 5'],
  map: ['M3 5.5 7.5 3.5l5 2 4.5-2v11l-4.5 2-5-2L3 16.5v-11Z', 'M7.5 3.5v11', 'M12.5 5.5v11'],
  check: ['m4 10.5 4 4 8-9'],
  pin: ['M7 3h6l-1 5 3 3H5l3-3-1-5Z', 'M10 11v6'],
  edit: ['M4 13.5V16h2.5L15 7.5 12.500 5 4 13.500Z'],
  merge: ['M4 4c0 6 12 6 12 12', 'M16 4c0 3-3 4.500-6 6', 'M13 13l3 3 3-3'],
  off: ['M10 17.5a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15Z', 'M5 5l10 10'],
  undo: ['M4 8h8a4 4 0 0 1 0 8H8', 'M7 4.500 3.500 8 7 11.500'],
};
