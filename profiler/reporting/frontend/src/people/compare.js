// A person beside the one who was asked about in their place: themes, and the words of both.
import { h, t } from '../dom.js';
import { closeness, pct, plural } from '../format.js';
import { words as w } from '../words.js';

export function compare(view, p, by) {
  const name = p.origin.name || 'the representative';
  if (p.origin.name && p.origin.name === p.id) return null;
  return h(
    'section',
    h('h2', `Compared with ${name}`),
    lead(view, p, by, name),
    themes(view, p, by, name),
    clouds(p, name),
  );
}

const rowsOf = (view, p, by) => {
  const total = [...by.values()].reduce((x, y) => x + y, 0) || 1;
  const theirs = new Map(p.their_themes);
  return view.atlas.themes
    .map((theme) => [theme, (by.get(theme.id) || 0) / total, theirs.get(theme.id) || 0])
    .filter(([, a, b]) => a + b > 0)
    .sort((a, b) => b[1] + b[2] - a[1] - a[2]);
};

function lead(view, p, by, name) {
  const rows = rowsOf(view, p, by);
  const both = rows.filter(([, a, b]) => a && b).length;
  const close =
    p.close === null
      ? []
      : [
          `; their histories are ${closeness(p.close)}`,
          h('span.numonly', ` (${p.close.toFixed(2)})`),
        ];
  return h(
    'p.lead',
    `${name} stands for ${plural(p.origin.members, w.person, w.people)}. The two share ${both} of `,
    plural(rows.length, 'theme'),
    close,
    '.',
  );
}

function themes(view, p, by, name) {
  const rows = rowsOf(view, p, by);
  const top = Math.max(...rows.flatMap(([, a, b]) => [a, b]), 0.01);
  const bar = (share) => h('i', { css: { '--w': share / top } });
  const figure = (share) => h('span.n', share ? pct(share) : '–');
  return h(
    'table.fly',
    h('caption', `Themes: share of ${w.events} of ${p.id}, share of interests of ${name}`),
    h(
      'thead',
      h(
        'tr',
        h('th.r', { scope: 'col' }, t(p.id)),
        h('th', { scope: 'col' }, h('span.sr', 'Theme')),
        h('th', { scope: 'col' }, t(name)),
      ),
    ),
    h(
      'tbody',
      rows.map(([theme, a, b]) =>
        h(
          'tr',
          { css: { '--c': view.hue(theme.id) } },
          h('td.r', figure(a), bar(a)),
          h('th', { scope: 'row' }, t(theme.name)),
          h('td', bar(b), figure(b)),
        ),
      ),
    ),
  );
}

function clouds(p, name) {
  if (!p.own_words?.length) return null;
  const cloud = (title, list) =>
    h(
      'div',
      h('h3', title),
      h(
        'p.cloud',
        list.map(([text, level, both]) => [
          h(`span.l${level}${both ? '.both' : ''}`, t(text)),
          ' ',
        ]),
      ),
    );
  return [
    h(
      'p.hint.above',
      'Words of their interests, larger the more they weigh; in bold those of both.',
    ),
    h('div.clouds', cloud(`${p.id}’s own`, p.own_words), cloud(`${name}’s`, p.their_words)),
  ];
}
