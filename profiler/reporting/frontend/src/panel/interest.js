// One interest: what it says, what shows it, whom it reaches, what is near, and, one click deeper,
// who was asked, what was read, what was answered, how it was asked.
import { h, t } from '../dom.js';
import { closeness, month, num, pct, plural, short } from '../format.js';
import { dot, more, rows, some } from '../parts.js';
import { capital, words as w } from '../words.js';
import { curation } from './curation.js';

export async function interest({ data, atlas, actions }, i) {
  const d = await data.interest(i);
  const theme = atlas.themes[d.theme];
  const part = atlas.parts[d.part];
  return [
    h(
      'p.eyebrow',
      dot(atlas, d.theme),
      h(
        'button.link.quiet',
        { type: 'button', onclick: () => actions.theme(d.theme) },
        t(theme?.name ?? ''),
      ),
      part && part.name !== theme?.name && h('span', ' › ', t(part.name)),
    ),
    h('h1.title', { tabindex: -1 }, t(d.label)),
    d.description && h('p.lead', t(d.description)),
    data.edit && curation({ data, atlas, actions }, d),
    reach(atlas, d),
    d.first && h('p.hint', span(d)),
    h('h2.sub', `The ${plural(d.evidence.length, w.item, w.items)} that show it`),
    some(d.evidence, 5, w.items, (n) => {
      const title = data.title(n);
      return h('span.item', { title }, t(short(title, 88)));
    }),
    d.near.length > 0 && [
      h('h2.sub', 'Neighbouring interests'),
      rows(
        atlas,
        actions,
        d.near.map(([j]) => atlas.interests[j]),
        (p) => h('span.dim', closeness(d.near.find(([j]) => j === p.i)[1])),
      ),
    ],
    atlas.meta.users !== 'none' && [
      h('h2.sub', `${capital(w.people)} it reaches`),
      whom(data, atlas, d),
    ],
    source({ data, atlas, actions }, d),
  ];
}

const span = ({ first, last }) =>
  month(first) === month(last)
    ? `Shown in ${month(first)}.`
    : `First shown in ${month(first)}, last in ${month(last)}.`;

function reach(atlas, d) {
  const share = d.people / Math.max(atlas.counts.people, 1);
  const box = (figure, text) => h('div', h('b', figure), h('span', text));
  return h(
    'div.reach',
    box(num(d.own), `${w.people} whose own ${w.events} show it`),
    box(num(Math.max(0, d.people - d.own)), 'more borrow it from the one asked about'),
    box(pct(share, share < 0.1 ? 1 : 0), `of all ${w.people}`),
  );
}

function whom(data, atlas, d) {
  if (!d.some.length) {
    const text = data.live
      ? `Nobody’s own ${w.events} show it.`
      : `None of the ${num(atlas.counts.sampled)} ${w.people} in this report; ${num(d.people)} in the store.`;
    return h('p.dim', text);
  }
  const first = d.some.slice(0, 12);
  return h(
    'p.chips',
    first.map((id) => h('a.chip', { href: `#v=people&p=${encodeURIComponent(id)}` }, t(id))),
    d.some.length > first.length && h('span.dim', `and ${num(d.some.length - first.length)} more`),
  );
}

// --- where the words came from ------------------------------------------------------------------
function source(view, d) {
  const { from } = d;
  if (!from) return null;
  return h(
    'section.words',
    h('h2.sub', 'Where the words came from'),
    h('ol.trail', asked(view, d, from), answered(view, d, from), stored(d, from)),
  );
}

const nameOf = (from) => from.name || `one ${w.person}`;

function asked({ data }, d, from) {
  const cited = new Set(d.evidence);
  const blend = from.kind === 'blend';
  const text = blend
    ? `The ${w.events} of ${plural(from.members, 'like-minded ' + w.person, 'like-minded ' + w.people)} were read as one list.`
    : from.members > 1
      ? `${capital(nameOf(from))} stands for ${plural(from.members, w.person, w.people)} who ${w.resemble}.`
      : `${capital(nameOf(from))} was asked about alone.`;
  const item = (n) =>
    h(
      'li',
      { class: cited.has(n) ? 'cited' : null },
      cited.has(n) && h('span.tag', 'cited here'),
      t(short(data.title(n), 90)),
    );
  return h(
    'li',
    h('b', blend ? 'Asked about a blend' : `Asked about one ${w.person}`),
    h('span', text),
    from.shown.length > 0 &&
      more(`The ${plural(from.shown.length, w.item, w.items)} that were read`, () =>
        h('ul.plain.long', from.shown.map(item)),
      ),
  );
}

function answered({ data, atlas, actions }, d, from) {
  const offline = from.source === 'offline';
  const imported = from.source.startsWith('import:');
  const name = from.source.replace(/^import:/, '').replaceAll('-', ' ');
  const when = [from.method?.replaceAll('_', ' '), from.at].filter(Boolean).join(', ');
  const text = offline
    ? 'No language model was involved.'
    : imported
      ? `Imported from a file; every ${w.item} it cites was checked against what was read.`
      : when;
  const question = data.question(from);
  return h(
    'li',
    h('b', offline ? 'Grouped by shared words' : `Answered by ${name}`),
    h('span', text),
    question &&
      more(
        offline ? 'The question a model would have been asked' : 'The question as it was sent',
        () => [
          !question.own &&
            h('p.hint', `The same wording for everybody; here with the ${w.items} of another one.`),
          question.messages.map((m) => [h('p.hint', m.role), h('pre', t(m.content))]),
        ],
      ),
    from.raw && more('The whole answer, as it came', () => h('pre', t(pretty(from.raw)))),
    more(`The whole answer: ${plural(from.answer.length, 'interest')}`, () => [
      h(
        'ul.plain',
        from.answer.map(([id, label, place]) => {
          const p = atlas.interests[place];
          const text = id === d.id ? h('strong', t(label)) : t(label);
          return h(
            'li',
            p && p.i !== d.i
              ? h('button.link.quiet', { type: 'button', onclick: () => actions.pick(p) }, text)
              : text,
          );
        }),
      ),
      imported &&
        !from.raw &&
        h('p.hint', 'The question and the raw text were not imported, so they cannot be shown.'),
    ]),
  );
}

function stored(d, from) {
  const about =
    from.kind === 'blend'
      ? `a blend of ${plural(from.members, w.person, w.people)}`
      : `${from.name ? `${w.person} ${from.name}` : `one ${w.person}`}`;
  const merged = d.merged
    ? ` ${plural(d.merged, 'other interest')} that ${d.merged === 1 ? 'says' : 'say'} the same stand${d.merged === 1 ? 's' : ''} under it.`
    : '';
  return h('li', h('b', 'Stored here'), h('span', `Interest ${d.id}, about ${about}.${merged}`));
}

const pretty = (raw) => {
  try {
    return JSON.stringify(JSON.parse(raw), null, 1);
  } catch {
    return raw;
  }
};
