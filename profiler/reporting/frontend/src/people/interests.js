// A person's interests as ranked bars with what shows them, each with a switch: off, and the list of
// recommendations is the one without it.
import { clear, h, t } from '../dom.js';
import { join, short } from '../format.js';
import { wrong } from '../panel/curation.js';
import { words as w } from '../words.js';

const FIRST = 6;

export function interests(view, p) {
  if (!p.interests.length) return h('p.empty', `No stored interest is shown by these ${w.events}.`);
  const list = h('ul.ilist');
  const rest = h('button.link', { type: 'button' }, `Show all ${p.interests.length} interests`);
  let all = p.interests.length <= FIRST + 1;
  rest.onclick = () => {
    all = true;
    rest.remove();
    view.drawInterests(view.off);
  };
  view.drawInterests = (off) => {
    const shown = all ? p.interests : p.interests.slice(0, FIRST);
    const held = list.contains(document.activeElement) && document.activeElement.dataset.i;
    clear(
      list,
      shown.map((e) => row(view, p, e, off)),
    );
    if (held) list.querySelector(`[data-i="${held}"]`)?.focus();
  };
  view.drawInterests([]);
  return [list, all ? null : rest];
}

function row(view, p, e, off) {
  const { atlas, data, actions } = view;
  const it = atlas.interests[e.i];
  const top = Math.max(...p.interests.map((one) => one.share), 0.01);
  const isOff = off.includes(e.i);
  const proof = join(e.items.slice(0, 2).map((n) => short(data.title(n), 46)));
  return h(
    `li.irow${isOff ? '.isoff' : ''}`,
    { css: { '--c': view.hue(it.theme), '--w': e.share / top } },
    h(
      'div.ihead',
      h('button.rowtitle', { type: 'button', onclick: () => actions.pick(it, true) }, t(it.label)),
      p.recommendations?.items.length > 0 && toggle(view, p, e, it, isOff, off),
      h('span.n', e.items.length),
    ),
    h('div.ibar', { 'aria-hidden': 'true' }),
    h('p.proof', t(proof), e.items.length > 2 && ` and ${e.items.length - 2} more`),
    data.edit && wrong(view, p, it),
  );
}

function toggle(view, p, e, it, isOff, off) {
  if (!view.data.canSwitch(p, e.i, off)) return null;
  return h(
    'button.steer',
    {
      type: 'button',
      role: 'switch',
      'aria-checked': String(!isOff),
      'data-i': e.i,
      title: isOff ? 'Count it again' : 'Recommend without it',
      'aria-label': `Recommend with ${it.label}`,
      onclick: () => view.toggle(e.i),
    },
    h('span.knob'),
  );
}
