// What the model recommends, each with one sentence. The sentence claims only what was computed:
// items that raised the score, and an interest whose words fit. They are joined by a colon only
// where those items themselves show that interest.
import { clear, h, icon, t } from '../dom.js';
import { closeness, lower, short } from '../format.js';
import { phrase } from '../parts.js';
import { words as w } from '../words.js';

const HOW = {
  attention: 'Exact split of the score.',
  shapley: 'Estimated split (sampled Shapley values).',
  none: 'The score does not depend on the history.',
};

export function recommended(view, p) {
  const { atlas } = view;
  const found = p.recommendations;
  if (!found)
    return h(
      'div.empty',
      h('p', 'No model was given, so nothing is recommended.'),
      h(
        'p.hint',
        'Train one and give it: recommender train --store STORE --out MODEL, then profiler report ',
        '--model MODEL.',
      ),
    );
  if (!found.items.length) return h('p.empty', found.note || 'Nothing is recommended.');
  const told = h('p.told', { 'aria-live': 'polite' });
  const list = h('ol.recs');
  view.drawList = ({ items, changed, error }, off) => {
    const plain = new Set(found.items);
    clear(told, off.length ? steered(view, found, items, changed, error, off) : null);
    clear(
      list,
      items.map((n) => row(view, p, found.reasons[n], off.length > 0 && !plain.has(n))),
    );
  };
  view.drawList({ items: found.items, changed: false }, []);
  return [atlas.how_sure && h('p.hint.sure', h('b', 'How sure: '), atlas.how_sure), told, list];
}

function steered(view, found, items, changed, error, off) {
  const names = off.map((i) => lower(view.atlas.interests[i].label)).join(', ');
  const fresh = items.filter((n) => !found.items.includes(n)).length;
  const back = h(
    'button.link',
    { type: 'button', onclick: () => off.forEach((i) => view.toggle(i)) },
    'Back',
  );
  if (error) return [`The list without it does not come (${error}). `, back];
  if (!changed && !fresh)
    return [
      h('b', `Without ${names}: `),
      'the list stays as it is; it does not rest on it. ',
      back,
    ];
  const said = fresh ? `${fresh} of ${items.length} are others.` : 'the same in another order.';
  return [h('b', `Without ${names}: `), `${said} `, back];
}

function row(view, p, r, fresh) {
  const { data, atlas } = view;
  const it = atlas.interests[r.i ?? -1] ?? null;
  const title = data.title(r.item);
  return h(
    'li.rec',
    { css: { '--c': it ? view.hue(it.theme) : 'var(--line)' } },
    h(
      'p.rtitle',
      { title },
      t(short(title, 84)),
      r.bought && h('span.tag.ok', icon('check'), `hidden ${w.event}`),
      fresh && h('span.tag', 'instead'),
    ),
    h('p.why', why(view, r, it)),
    numbers(view, r, it),
  );
}

export function why({ data, atlas, actions }, r, it) {
  const cause = (n) => h('span.cause', { title: data.title(n) }, t(short(data.title(n), 44)));
  const named = it && phrase(atlas, it.theme, lower(it.label), () => actions.pick(it, true));
  const [a, b] = r.because ?? [];
  const because = a !== undefined && [
    'Because of ',
    cause(a),
    b !== undefined && [' and ', cause(b)],
  ];
  if (!because)
    return r.tier === 'fits'
      ? ['It fits the interest in ', named, '; nothing in this history speaks for it.']
      : ['Popular with everyone; nothing in this history speaks for it.'];
  if (r.tier === 'shows') return [because, ': interest in ', named, '.'];
  if (r.tier === 'fits') return [because, '; it fits the interest in ', named, '.'];
  return [because, '; none of the stored interests fits it.'];
}

function numbers({ data }, r, it) {
  const parts = r.parts ?? [];
  const most = Math.max(...parts.map(([, part]) => part), 0.001);
  const shown = parts.slice(0, 5);
  const rest = parts.slice(5).reduce((sum, [, part]) => sum + part, r.rest ?? 0);
  const line = (name, figure) => h('tr', h('td', name), h('td'), h('td.fig', figure));
  const fit =
    it && r.similarity !== undefined
      ? `The words of the ${w.item} and of interest ${it.id} are ${closeness(r.similarity)} (${r.similarity.toFixed(2)}).`
      : `No interest of this ${w.person} fits by its words.`;
  return h(
    'div.nums',
    h(
      'table',
      h('caption', `What each ${w.event} added to the score`),
      h(
        'tbody',
        shown.map(([n, part]) =>
          h(
            'tr',
            h('td', t(short(data.title(n), 40))),
            h('td.barcell', h('i', { css: { '--w': part / most } })),
            h('td.fig', `+${part.toFixed(2)}`),
          ),
        ),
        rest > 0.005 && line(`other ${w.events}`, `+${rest.toFixed(2)}`),
        r.against < -0.005 && line('speaks against', r.against.toFixed(2)),
        Math.abs(r.base ?? 0) > 0.005 && line('the same for everybody', r.base.toFixed(2)),
        h('tr.sum', h('td', 'score'), h('td'), h('td.fig', r.score.toFixed(2))),
      ),
    ),
    h('p.hint', `${HOW[r.how] ?? ''} ${fit}`),
  );
}
