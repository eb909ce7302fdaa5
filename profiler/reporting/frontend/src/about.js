// How it was made, the words used here and in the documentation, the run card, privacy, keys.
import { clear, h, t } from './dom.js';
import { num, plural } from './format.js';
import { capital, words as w } from './words.js';

const KEYS = [
  ['/', 'search'],
  ['1 2 3 4', 'map, people, quality, about'],
  ['arrow keys on the map', 'walk from interest to interest; Enter opens'],
  ['+ − 0', 'zoom in, out, whole map'],
  ['Shift and drag, or the lasso', 'select'],
  ['Esc', 'close, or back to the overview'],
];

const glossary = () => [
  [
    'Interest',
    'interest',
    `A short label and a description of something a ${w.person} cares about, with the ${w.items} that show it.`,
  ],
  [
    'Asked about, representative',
    'exemplar',
    `A ${w.person} whose history was read in place of all who ${w.resemble}.`,
  ],
  [
    'Blend',
    'synthetic user',
    `Several like-minded ${w.people} whose ${w.events} were read as one list.`,
  ],
  ['Shows it', 'evidence', `The ${w.items} an interest rests on. Always ones that were read.`],
  [
    `Own ${w.events} show it`,
    'assignment (catalogue)',
    `The ${w.person}’s own ${w.items} are close to the interest.`,
  ],
  [
    'Borrowed',
    'membership (exemplar)',
    `The interest comes from the representative, not from own ${w.events}.`,
  ],
  [
    'Close, fairly close, loosely related',
    'cosine ≥ .7, ≥ .5, ≥ .3',
    'Likeness of two texts or two histories.',
  ],
  [`Hidden ${w.event}`, 'held-out item', 'Kept from the model, to test it.'],
];

export function about(root, atlas) {
  const { counts: c, meta } = atlas;
  const source = Object.keys(meta.sources)[0] ?? '';
  const name = capital(source.replace(/^import:/, '').replaceAll('-', ' ')) || 'Nobody yet';
  const step = (title, text) => h('li', h('b', title), h('span', text));
  const asked = meta.offline
    ? step('Grouped by shared words', 'No language model was involved.')
    : step(t(name), `Asked what each history says; every ${w.item} it cites was checked.`);
  clear(
    root,
    h(
      'div.page',
      h('p.eyebrow', `About this ${atlas.live ? 'explorer' : 'report'}`),
      h('h1', { tabindex: -1 }, 'How it was made'),
      h(
        'ol.steps',
        step(
          plural(c.people, w.person, w.people),
          `${plural(c.events, w.event, w.events)}, ${plural(c.items, w.item, w.items)}.`,
        ),
        step(
          `${num(c.representatives + c.blends)} histories read`,
          `${plural(c.representatives, 'representative')} and ${plural(c.blends, 'blend')} of like-minded ${w.people}.`,
        ),
        asked,
        step(
          plural(c.written, 'interest'),
          `${num(c.interests)} after those that say the same were merged; matched to everybody whose own ${w.events} show them.`,
        ),
      ),
      h('h2', 'Words used here'),
      words(),
      h('h2', 'Run card'),
      h(
        'p.hint',
        `As of ${meta.as_of || 'unknown'}. Places on the map: ${meta.map_method}, seed ${meta.seed}. `,
        'Themes and parts: one tree of the words of merged interests (Ward), cut twice; the map does ',
        `not decide them. Split: ${meta.split}.`,
      ),
      atlas.run.map((section) =>
        h(
          'details.card',
          h('summary', section.title),
          pairs(section.rows, (k) => k),
        ),
      ),
      h('h2', 'Privacy'),
      h('p', privacy(atlas)),
      h('h2', 'Keys'),
      pairs(KEYS, (k) => h('kbd', k)),
      h('h2', 'Licences'),
      h(
        'details.card',
        h('summary', 'Libraries and typeface inside this page'),
        h('pre', document.getElementById('licences')?.textContent ?? ''),
      ),
    ),
  );
}

const words = () =>
  h(
    'table.glossary',
    h(
      'thead',
      h(
        'tr',
        ['Here', 'In the documentation', 'Meaning'].map((title) =>
          h('th', { scope: 'col' }, title),
        ),
      ),
    ),
    h(
      'tbody',
      glossary().map(([here, there, meaning]) =>
        h('tr', h('th', { scope: 'row' }, here), h('td', h('code', there)), h('td', meaning)),
      ),
    ),
  );

const pairs = (rows, draw) =>
  h(
    'table.kv',
    h(
      'tbody',
      rows.map(([k, v]) => h('tr', h('th', { scope: 'row' }, draw(k)), h('td', t(v)))),
    ),
  );

function privacy({ live, meta, counts }) {
  if (live)
    return `What is shown here is looked up in the store on this machine; nothing leaves it. ${
      meta.users === 'ids' ? 'Ids are those of your data.' : 'Ids are pseudonyms.'
    }`;
  if (meta.users === 'none')
    return `No ${w.person} is in this file: no id, no history, no question and no answer about one. Labels, descriptions and the ${w.items} that show an interest are. The page makes no request and can make none.`;
  const people = plural(counts.sampled, w.person, w.people);
  const named =
    meta.users === 'ids'
      ? 'Ids are those of your data: share this file like the data itself.'
      : 'Ids are pseudonyms, made from yours with a key that stays in the store.';
  return `${named} Histories of ${people}, and what was read of those who were asked about, are in the file; share it with that in mind. The page makes no request and can make none.`;
}
