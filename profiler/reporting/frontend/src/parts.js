// Small pieces that several views use.
import { clear, h, icon, s, t } from './dom.js';
import { num } from './format.js';

export const hueOf = (atlas, theme) => `var(--t${atlas.themes[theme]?.hue ?? 'x'})`;
export const themed = (atlas, theme) => ({ '--c': hueOf(atlas, theme) });

export const dot = (atlas, theme, size = 10) =>
  h('span.dot', { css: { ...themed(atlas, theme), '--s': `${size}px` }, 'aria-hidden': 'true' });

// A phrase in a sentence that leads to its place on the map.
export const phrase = (atlas, theme, text, onclick) =>
  h('button.phrase', { type: 'button', css: themed(atlas, theme), onclick }, t(text));

// A fold that is filled when it is opened first.
export const more = (label, make) => {
  const body = h('div.more-body', { hidden: true });
  let made = false;
  const toggle = (e) => {
    if (!made) clear(body, make());
    made = true;
    body.hidden = !body.hidden;
    e.currentTarget.setAttribute('aria-expanded', String(!body.hidden));
  };
  const button = h(
    'button.disclose',
    { type: 'button', 'aria-expanded': 'false', onclick: toggle },
    icon('chevron'),
    h('span', label),
  );
  return h('div.more', button, body);
};

// The first few of a list, and a button for the rest.
export const some = (list, first, noun, draw) => {
  const few = list.length <= first + 1;
  const shown = few ? list : list.slice(0, first);
  const ul = h(
    'ul.plain',
    shown.map((x) => h('li', draw(x))),
  );
  if (few) return ul;
  const rest = (e) => {
    list.slice(first).forEach((x) => ul.append(h('li', draw(x))));
    e.currentTarget.remove();
  };
  return [
    ul,
    h('button.link', { type: 'button', onclick: rest }, `Show all ${num(list.length)} ${noun}`),
  ];
};

// Interests as rows that open them; the map shows the one under the pointer.
export const rows = (atlas, actions, list, figure) =>
  h(
    'ul.rows',
    list.map((p) =>
      h(
        'li',
        h(
          'button.rowlink',
          {
            type: 'button',
            onclick: () => actions.pick(p),
            onpointerenter: () => actions.peek(p),
            onpointerleave: () => actions.peek(null),
            onfocus: () => actions.peek(p),
            onblur: () => actions.peek(null),
          },
          dot(atlas, p.theme, 8),
          h('span.name', t(p.label)),
          figure && h('span.n', figure(p)),
        ),
      ),
    ),
  );

// A state is shape and word as well as colour.
const MARKS = {
  good: () => [
    s('circle', { cx: 10, cy: 10, r: 9 }),
    s('path', { d: 'm6 10.3 2.8 2.8 5.2-5.9', class: 'in' }),
  ],
  watch: () => [
    s('path', { d: 'M10 1.8 19 17.8H1Z' }),
    s('path', { d: 'M10 7.5v4.6M10 14.8v.1', class: 'in' }),
  ],
  weak: () => [
    s('rect', { x: 1.5, y: 1.5, width: 17, height: 17, rx: 3.5 }),
    s('path', { d: 'm6.6 6.6 6.8 6.8M13.4 6.6l-6.8 6.8', class: 'in' }),
  ],
  unknown: () => [
    s('circle', { cx: 10, cy: 10, r: 8.2, class: 'open' }),
    s('path', { d: 'M6.5 10h7', class: 'in open' }),
  ],
};
export const mark = (state) =>
  s(
    'svg',
    { viewBox: '0 0 20 20', width: 20, height: 20, class: `mark ${state}`, 'aria-hidden': 'true' },
    MARKS[state](),
  );
