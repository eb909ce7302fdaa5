// What lies inside a line drawn by hand.
import { h, icon, t } from '../dom.js';
import { join, num, plural } from '../format.js';
import { dot, rows, themed } from '../parts.js';
import { words as w } from '../words.js';

export function selection({ atlas, actions }) {
  const list = actions.selected();
  const by = new Map();
  for (const p of list) by.set(p.theme, (by.get(p.theme) || 0) + 1);
  const themes = [...by].sort((a, b) => b[1] - a[1]);
  const most = Math.max(...by.values(), 1);
  const top = [...list].sort((a, b) => b.own - a.own);
  const head = [
    h('p.eyebrow', icon('lasso'), 'Selection'),
    h('h1.title', { tabindex: -1 }, plural(list.length, 'interest')),
  ];
  if (!list.length) return [...head, h('p.lead', 'Nothing lies inside the line.')];
  const names = themes.slice(0, 3).map(([id]) => atlas.themes[id]?.name ?? '');
  const table = () =>
    [['id', 'label', `${w.people} who show it`, 'reaches'].join('\t')]
      .concat(top.map((p) => [p.id, p.label, p.own, p.people].join('\t')))
      .join('\n');
  return [
    ...head,
    h('p.lead', `From ${join(names)}.`),
    h(
      'ul.themes',
      themes.map(([id, n]) =>
        h(
          'li',
          h(
            'div.theme.static',
            { css: { ...themed(atlas, id), '--w': n / most } },
            dot(atlas, id),
            h('span.name', t(atlas.themes[id]?.name ?? '')),
            h('span.n', num(n)),
            h('span.bar'),
          ),
        ),
      ),
    ),
    h('h2.sub', 'Widest first'),
    rows(atlas, actions, top.slice(0, 40), (p) => num(p.own)),
    top.length > 40 && h('p.dim', `and ${num(top.length - 40)} more`),
    h(
      'p',
      h(
        'button.ghost',
        { type: 'button', onclick: (e) => actions.copyText(e.currentTarget, table()) },
        'Copy as table',
      ),
    ),
  ];
}
