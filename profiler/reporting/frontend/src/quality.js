// A card for each check: state as shape, word and colour; one sentence; one figure with the
// thresholds drawn in; how it is judged.
import { clear, h } from './dom.js';
import { num, pct } from './format.js';
import { mark } from './parts.js';
import { words as w } from './words.js';

const WORD = { good: 'Good', watch: 'Watch', weak: 'Weak', unknown: 'Not measured' };
const RANK = { weak: 0, watch: 1, good: 2, unknown: 3 };
const LEADING = ['predict', 'hidden', 'recommendations'];

export function quality(root, atlas) {
  const { verdict, checks } = atlas;
  const open = verdict.open.map((id) => checks.find((c) => c.id === id).name.toLowerCase());
  const first = (c) => (LEADING.includes(c.id) && c.state !== 'unknown' ? 0 : 1);
  const order = [...checks].sort((a, b) => first(a) - first(b) || RANK[a.state] - RANK[b.state]);
  const rest = [verdict.rest, open.length && `open: ${open.join('; ')}`].filter(Boolean).join('; ');
  clear(
    root,
    h(
      'div.page',
      h('p.eyebrow', 'Quality'),
      h('h1', { tabindex: -1 }, 'Can this be trusted?'),
      h(
        'div.banner',
        { 'data-state': verdict.state },
        mark(verdict.state),
        h('div', h('p.bigline', verdict.text), rest && h('p', `${rest}.`)),
      ),
      h('div.checks', order.map(card)),
      h(
        'section.limits',
        h('h2', 'What this cannot tell you'),
        h(
          'ul',
          atlas.limits.map((one) => h('li', one)),
        ),
      ),
    ),
  );
}

const card = (c) =>
  h(
    'section.check',
    { 'data-state': c.state, 'data-check': c.id },
    h('header', mark(c.state), h('h2', c.name), h('span.word', WORD[c.state])),
    h('p', c.sentence),
    figure(c),
    h('details', h('summary', 'How this is judged'), h('p.hint', c.rule)),
  );

function figure(c) {
  if (c.kind === 'none' || c.value === undefined) return null;
  if (c.kind === 'bars') return bars(c);
  if (c.kind === 'histogram') return histogram(c);
  return gauge(c);
}

function bars({ bars: rows, of = '' }) {
  const top = Math.max(...rows.map((b) => b.high ?? b.value)) * 1.05 || 1;
  const row = (b, k) =>
    h(
      'tr',
      { class: k ? null : 'first' },
      h('th', { scope: 'row' }, b.name),
      h(
        'td.track',
        h('i.b', { css: { '--w': b.value / top } }),
        b.low !== undefined && h('i.iv', { css: { '--a': b.low / top, '--b': b.high / top } }),
      ),
      h('td.fig', pct(b.value, 1)),
    );
  const intervals = rows.some((b) => b.low !== undefined) ? '; lines: 95% interval' : '';
  return h(
    'table.bars',
    h('caption.sr', of),
    h('tbody', rows.map(row)),
    h('tfoot', h('tr', h('td', { colspan: 3 }, `${of}${intervals}`))),
  );
}

function histogram({ histogram: counts, of = '' }) {
  const top = Math.max(...counts, 1);
  const said = (n, k) => `${k * 10} to ${k * 10 + 10}%: ${num(n)} ${w.people}`;
  return h(
    'div.hist',
    { role: 'img', 'aria-label': counts.map(said).join('; ') },
    h(
      'div.cols',
      counts.map((n, k) =>
        h('i', { css: { '--h': n ? Math.max(n / top, 0.015) : 0 }, title: said(n, k) }),
      ),
    ),
    h('div.figcap', h('span', '0%'), h('span', of), h('span', '100%')),
  );
}

function gauge(c) {
  const threshold = (name, at) =>
    at !== undefined &&
    h(
      's',
      { css: { '--at': at } },
      (name === 'good' || Math.abs(c.good - c.weak) > 0.14) && h('span', name),
    );
  return h(
    'div.gauge',
    h('b', c.kind === 'share' ? pct(c.value) : c.value.toFixed(2)),
    h(
      'div.track',
      h('i', { css: { '--w': Math.min(1, Math.max(0, c.value)) } }),
      threshold('good', c.good),
      threshold('weak', c.weak),
    ),
  );
}
