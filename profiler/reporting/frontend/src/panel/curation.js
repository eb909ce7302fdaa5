// Changes by hand, in the explorer alone and only where it was started for it. Whatever is changed,
// the page is read anew: the map follows the store.
import { clear, h, icon, t } from '../dom.js';
import { plural } from '../format.js';
import { words as w } from '../words.js';

const TOLD = 'told';

// What the last change did, said once the page is there again.
export function tellLast(say) {
  try {
    const told = sessionStorage.getItem(TOLD);
    sessionStorage.removeItem(TOLD);
    if (told) say(told);
  } catch {
    /* a page may not store */
  }
}

async function change(data, path, body, note, where) {
  try {
    const done = await data.post(path, body);
    try {
      sessionStorage.setItem(TOLD, done.undone_at ? `Taken back: ${done.words}` : done.words);
    } catch {
      /* a page may not store */
    }
    if (where) history.replaceState(null, '', where);
    location.reload();
  } catch (e) {
    note.textContent = e.message;
  }
}

const field = (label, input) => h('label.field', h('span', label), input);
const note = () => h('p.refused', { role: 'alert' });

function form(label, glyph, fields, onsubmit) {
  return h(
    'form.change',
    {
      onsubmit: (e) => {
        e.preventDefault();
        onsubmit();
      },
    },
    fields,
    h('button.ghost.sm', { type: 'submit' }, icon(glyph), label),
  );
}

// Rename, pin and merge one interest.
export function curation({ data, atlas }, d) {
  const refused = note();
  const send = (body, where) =>
    change(data, 'changes', { interest: d.id, ...body }, refused, where);
  const label = h('input', { type: 'text', value: d.label, maxlength: 200, required: true });
  const into = h('input', {
    type: 'text',
    inputmode: 'numeric',
    pattern: '[0-9]+',
    required: true,
    list: 'merge-into',
    placeholder: 'Number of an interest',
  });
  const near = d.near.map(([j]) => atlas.interests[j]);
  const history = h('div.changes');
  changes(data, `interest=${d.id}`, history);
  return h(
    'section.curation',
    { 'aria-label': 'Change this interest' },
    h('h2.sub', 'Change it'),
    h(
      'p.hint',
      `Recorded${data.by ? ` under the name ${data.by}` : ''}; everything can be undone.`,
    ),
    form('Rename', 'edit', field('Name', label), () =>
      send({ kind: 'rename', label: label.value }),
    ),
    form(
      'Merge',
      'merge',
      [
        field('Put it under', into),
        h(
          'datalist#merge-into',
          near.map((p) => h('option', { value: p.id }, p.label)),
        ),
      ],
      () => send({ kind: 'merge', into: Number(into.value) }, `#i=${into.value}`),
    ),
    form('Keep apart', 'pin', h('span.dim', 'Never merge it with what is near'), () =>
      send({ kind: 'pin' }),
    ),
    refused,
    history,
  );
}

// "Wrong for this person": a reason may be given.
export function wrong({ data }, person, it) {
  const refused = note();
  const why = h('input', { type: 'text', maxlength: 500, placeholder: 'Why (may be empty)' });
  const send = () =>
    change(
      data,
      'changes',
      { kind: 'dispute', interest: it.id, person: person.id, why: why.value },
      refused,
    );
  const body = h('div.wrong', { hidden: true });
  const toggle = (e) => {
    body.hidden = !body.hidden;
    e.currentTarget.setAttribute('aria-expanded', String(!body.hidden));
    if (!body.hidden) why.focus();
  };
  clear(body, form(`Wrong for this ${w.person}`, 'off', field('Reason', why), send), refused);
  return [
    h(
      'button.link.quiet.iswrong',
      {
        type: 'button',
        'aria-expanded': 'false',
        'aria-label': `${it.label} is wrong for this ${w.person}`,
        onclick: toggle,
      },
      'Wrong?',
    ),
    body,
  ];
}

// Changes by hand with who and when, each with its way back.
export async function changes(data, query, root) {
  let found;
  try {
    found = (await data.get(`changes?${query}`)).changes;
  } catch (e) {
    clear(root, h('p.refused', e.message));
    return;
  }
  if (!found.length) return;
  const refused = note();
  const one = (c) =>
    h(
      'li',
      { class: c.undone_at ? 'undone' : null, 'data-edit': c.edit },
      h('span', t(c.words)),
      h('span.dim', signed(c.made_by, c.made_at)),
      c.undone_at && h('span.dim', `taken back, ${signed(c.undone_by, c.undone_at)}`),
      c.can_undo &&
        h(
          'button.ghost.sm',
          {
            type: 'button',
            'aria-label': `Undo: ${c.words}`,
            onclick: () => change(data, `changes/${c.edit}/undo`, {}, refused),
          },
          icon('undo'),
          'Undo',
        ),
    );
  clear(
    root,
    h('h2.sub', plural(found.length, 'change by hand', 'changes by hand')),
    h('ul.plain.edits', found.map(one)),
    refused,
  );
}

const signed = (who, when) => [who, when.slice(0, 16).replace('T', ' ')].filter(Boolean).join(', ');
