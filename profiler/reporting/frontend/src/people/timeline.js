// A history in lanes by theme, one dot an event; what was hidden from the model is hollow.
import { clear, h, t } from '../dom.js';
import { month, short } from '../format.js';
import { phrase } from '../parts.js';
import { capital, words as w } from '../words.js';

const LANES = 7;

export function timeline(view, p, ranked) {
  const { atlas } = view;
  const n = p.history.length;
  if (!n) return null;
  const hiddenAt = p.history.findIndex(([, , hidden]) => hidden);
  const read = h('p.read', { 'aria-live': 'polite' });
  const dots = [];
  const tell = (k) => {
    clear(read, reading(view, p, k));
    dots.forEach((dot, j) => {
      dot.tabIndex = j === k ? 0 : -1;
      dot.classList.toggle('on', j === k);
    });
  };
  const walk = (e) => {
    const k = dots.indexOf(document.activeElement);
    const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: n - 1 }[e.key];
    if (k < 0 || to === undefined || !dots[to]) return;
    e.preventDefault();
    dots[to].focus();
  };
  const chart = h(
    'div.lanes',
    {
      role: 'group',
      'aria-label': `${capital(w.events)} of ${p.id} in order, by theme`,
      css: { '--from': hiddenAt < 0 ? '100%' : `${(hiddenAt / n) * 100}%` },
      onkeydown: walk,
    },
    lanes(view, p, ranked).map(([name, events]) =>
      h(
        'div.lane',
        h('span.lname', t(name)),
        h(
          'div.track',
          events.map((k) => {
            dots[k] = event(view, p, k, tell);
            return dots[k];
          }),
        ),
      ),
    ),
    axis(atlas, p, hiddenAt),
  );
  tell(hiddenAt > 0 ? hiddenAt - 1 : n - 1);
  const order = atlas.meta.order === 'time' ? 'In time order' : 'In order; the data has no dates';
  const hollow = hiddenAt >= 0 ? ' Hollow dots were hidden from the model, to test it.' : '';
  return h(
    'section.time',
    h('h2', 'History'),
    h('p.hint', `${order}, one dot a ${w.event}, by the theme it shows.${hollow}`),
    chart,
    read,
  );
}

const interestOf = (p, [item, i, hidden]) =>
  hidden ? (p.hidden.find((x) => x.item === item)?.i ?? -1) : i;

function lanes(view, p, ranked) {
  const first = ranked.slice(0, LANES).map(([theme]) => theme);
  const by = new Map(first.map((theme) => [theme, []]));
  by.set('other', []);
  by.set('none', []);
  p.history.forEach((entry, k) => {
    const theme = view.theme(interestOf(p, entry));
    by.get(first.includes(theme) ? theme : theme >= 0 ? 'other' : 'none').push(k);
  });
  const names = { other: 'other themes', none: 'no interest' };
  return [...by]
    .filter(([, events]) => events.length)
    .map(([lane, events]) => [names[lane] ?? view.atlas.themes[lane].name, events]);
}

function event(view, p, k, tell) {
  const entry = p.history[k];
  const i = interestOf(p, entry);
  const label = i >= 0 ? view.atlas.interests[i].label : '';
  const shows = label && `, ${entry[2] ? 'fits' : 'shows'} ${label}`;
  return h(`button.ev${entry[2] ? '.hid' : ''}`, {
    type: 'button',
    tabindex: -1,
    css: { left: `${((k + 0.5) / p.history.length) * 100}%`, '--c': view.hue(view.theme(i)) },
    'aria-label': `${k + 1}: ${short(view.data.title(entry[0]), 60)}${shows}${entry[2] ? ', hidden from the model' : ''}`,
    onpointerenter: () => tell(k),
    onfocus: () => tell(k),
    onclick: () => tell(k),
  });
}

function reading({ atlas, data, actions }, p, k) {
  const entry = p.history[k];
  const [item, , hidden, at] = entry;
  const i = interestOf(p, entry);
  const when = at ? `, ${month(at)}` : '';
  const head = hidden
    ? `${capital(w.event)} ${k + 1}${when}, hidden from the model: `
    : `${capital(w.event)} ${k + 1} of ${p.history.length}${when}: `;
  const it = i >= 0 ? atlas.interests[i] : null;
  const nothing = hidden ? '. No stored interest fits it.' : '. It shows no stored interest.';
  return [
    h('span.dim', head),
    h('b', t(short(data.title(item), 90))),
    it
      ? [
          hidden ? ' fits the interest ' : ' shows ',
          phrase(atlas, it.theme, it.label, () => actions.pick(it, true)),
          '.',
        ]
      : nothing,
  ];
}

function axis(atlas, p, hiddenAt) {
  const n = p.history.length;
  const [from, to] = [p.history[0][3], p.history[n - 1][3]];
  const first = from ? month(from) : 'first';
  const at = (share) => ({ css: { left: `${share * 100}%` } });
  return h(
    'div.lane.axis',
    h('span.lname'),
    h(
      'div.track',
      h('span', first),
      hiddenAt > 0
        ? [
            h('span.hidlabel', at(hiddenAt / n), 'latest known'),
            h('span.hidmid', at((hiddenAt + n) / 2 / n), 'hidden'),
          ]
        : h('span', to ? month(to) : 'latest'),
    ),
  );
}
