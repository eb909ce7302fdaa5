// One theme: what it is made of, and what it goes together with.
import { h, t } from '../dom.js';
import { num, pct, plural } from '../format.js';
import { dot, phrase, rows, themed } from '../parts.js';
import { words as w } from '../words.js';

export function theme({ atlas, actions }, id) {
  const found = atlas.themes[id];
  const parts = atlas.parts.filter((part) => part.theme === id).sort((a, b) => b.people - a.people);
  const own = atlas.interests.filter((p) => p.theme === id).sort((a, b) => b.own - a.own);
  const share = pct(found.people / Math.max(atlas.counts.people, 1));
  return [
    h('p.eyebrow', dot(atlas, id), 'Theme'),
    h('h1.title', { tabindex: -1 }, t(found.name)),
    h(
      'p.lead',
      `${num(found.people)} of ${num(atlas.counts.people)} ${w.people} (${share}) show at least ` +
        `one of its ${plural(found.interests, 'interest')}.`,
    ),
    h('h2.sub', 'What it is made of'),
    partList(atlas, actions, id, parts),
    together(atlas, actions, id),
    h('h2.sub', 'Widest interests'),
    rows(atlas, actions, own.slice(0, 12), (p) => num(p.own)),
  ];
}

function partList(atlas, actions, id, parts) {
  const top = Math.max(...parts.map((part) => part.people), 1);
  const button = (part) =>
    h(
      'button.theme',
      {
        type: 'button',
        css: { ...themed(atlas, id), '--w': part.people / top },
        onclick: () => actions.part(part.id),
      },
      h('span.name', t(part.name)),
      h('span.n', num(part.people)),
      h('span.bar', { 'aria-hidden': 'true' }),
    );
  return h(
    'ul.themes',
    parts.map((part) => h('li', button(part))),
  );
}

function together(atlas, actions, id) {
  const of = (part) => atlas.parts[part];
  const pairs = atlas.pairs
    .filter(([a, b]) => of(a).theme === id || of(b).theme === id)
    .slice(0, 3);
  if (!pairs.length) return null;
  const link = (part) => phrase(atlas, of(part).theme, of(part).name, () => actions.part(part));
  return [
    h('h2.sub', 'Goes together with'),
    h(
      'ul.plain',
      pairs.map(([a, b, both, lift]) => {
        const [one, other] = of(a).theme === id ? [a, b] : [b, a];
        const dim = ` ${lift.toFixed(1)} × chance, ${num(both)} ${w.people}`;
        return h('li', link(one), ' with ', link(other), h('span.dim', dim));
      }),
    ),
  ];
}
