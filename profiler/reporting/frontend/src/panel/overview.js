// The first thing one reads: findings, verdict, the largest interests, themes.
import { h, icon, t } from '../dom.js';
import { num, pct, plural } from '../format.js';
import { dot, mark, phrase, rows, themed } from '../parts.js';
import { words as w } from '../words.js';
import { changes } from './curation.js';

const DRAFT =
  'These interests were grouped by shared words, without a language model. Labels name what ' +
  'things have in common, not why people choose them.';

// In the explorer that may edit: what was changed by hand.
function recent(data) {
  const root = h('div.changes');
  changes(data, '', root);
  return root;
}

export function overview({ data, atlas, actions }) {
  const { counts, meta, verdict } = atlas;
  const share = (n) => pct(n / Math.max(counts.people, 1));
  return [
    h(
      'p.eyebrow',
      [t(meta.dataset), ` · ${plural(counts.people, w.person, w.people)} · `],
      plural(counts.events, w.event, w.events),
    ),
    h('h1', { tabindex: -1 }, t(meta.title)),
    meta.offline && h('p.notice', h('strong', 'Draft wording. '), DRAFT),
    h(
      'ol.findings',
      atlas.findings.map((sentence) =>
        h(
          'li',
          sentence.map((one) => said(atlas, actions, one)),
        ),
      ),
    ),
    atlas.checks.length > 0 &&
      h(
        'a.verdictline',
        { href: '#v=quality', 'data-state': verdict.state },
        mark(verdict.state),
        h('span', h('strong', verdict.text), verdict.rest && h('small', verdict.rest)),
        icon('chevron'),
      ),
    data.edit && recent(data),
    atlas.largest.length > 1 &&
      h(
        'section#largest',
        { 'aria-labelledby': 'lh' },
        h(
          'div.row',
          h('h2#lh.small', 'Largest interests'),
          h('span.hint', `${w.people} who show it`),
        ),
        rows(
          atlas,
          actions,
          atlas.largest.map((i) => atlas.interests[i]),
          (p) => `${num(p.own)} · ${share(p.own)}`,
        ),
      ),
    atlas.themes.length > 1 && themes(atlas, actions, share),
    counts.shown > 0 && h('p.foot', drawn(counts, meta)),
  ];
}

function said(atlas, actions, { text, interest, part, theme }) {
  if (interest !== undefined) {
    const p = atlas.interests[interest];
    return phrase(atlas, p.theme, text, () => actions.pick(p));
  }
  if (part !== undefined)
    return phrase(atlas, atlas.parts[part].theme, text, () => actions.part(part));
  if (theme !== undefined) return phrase(atlas, theme, text, () => actions.theme(theme));
  return text;
}

function themes(atlas, actions, share) {
  const top = Math.max(...atlas.themes.map((theme) => theme.people), 1);
  const button = (theme) =>
    h(
      'button.theme',
      {
        type: 'button',
        css: { ...themed(atlas, theme.id), '--w': theme.people / top },
        onclick: () => actions.theme(theme.id),
        onpointerenter: () => actions.preview(theme.id),
        onpointerleave: () => actions.preview(null),
        onfocus: () => actions.preview(theme.id),
        onblur: () => actions.preview(null),
      },
      dot(atlas, theme.id),
      h('span.name', t(theme.name)),
      h('span.n', share(theme.people)),
      h('span.bar', { 'aria-hidden': 'true' }),
    );
  return h(
    'section',
    { 'aria-labelledby': 'th' },
    h('div.row', h('h2#th.small', 'Themes'), h('span.hint', `share of ${w.people}`)),
    h(
      'ul.themes',
      atlas.themes.map((theme) => h('li', button(theme))),
    ),
  );
}

function drawn(counts, meta) {
  const found = [];
  if (counts.written > counts.interests)
    found.push(
      `${num(counts.written)} interests were written; those that say the same are one here: ` +
        `${num(counts.interests)}.`,
    );
  if (meta.floor.hidden)
    found.push(
      `${plural(meta.floor.hidden, 'interest')} that reach fewer than ${num(meta.floor.people)} ` +
        `${w.people} are left out.`,
    );
  const known = counts.interests - meta.floor.hidden;
  if (counts.shown < known)
    found.push(
      `Drawn are the ${num(counts.shown)} of ${num(known)} that most ${w.people} show; figures ` +
        'of themes count all.',
    );
  found.push(
    `Each dot is one interest, larger the more ${w.people} it reaches. Dots that lie close mean ` +
      'something similar; distances between far groups mean little.',
  );
  return found.join(' ');
}
