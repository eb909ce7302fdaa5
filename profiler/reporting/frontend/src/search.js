// Search as you type: an ARIA combobox. Hits light up on the map; Enter flies to the chosen one.
import { words as split } from './atlas.js';
import { clear, h, t } from './dom.js';
import { num, plural } from './format.js';
import { dot } from './parts.js';
import { capital, words as w } from './words.js';

const SHOWN = 12;

export function search(input, box, data, actions) {
  const { atlas } = data;
  let options = [];
  let at = -1;
  let ticket = 0;
  let timer;

  const close = () => {
    box.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    at = -1;
  };
  const choose = (k) => {
    if (!options[k]) return;
    close();
    input.value = '';
    input.blur();
    actions.lit(null);
    options[k].open();
  };
  const move = (k) => {
    at = (k + options.length) % options.length;
    box.querySelectorAll('[role=option]').forEach((node, i) => {
      node.setAttribute('aria-selected', String(i === at));
      if (i !== at) return;
      node.scrollIntoView({ block: 'nearest' });
      input.setAttribute('aria-activedescendant', node.id);
    });
    if (options[at]?.point) actions.peek(options[at].point);
  };

  const group = (title, list, draw, open, point) => {
    if (!list.length) return null;
    const option = (it) => {
      const k = options.push({ open: () => open(it), point: point?.(it) }) - 1;
      const down = (e) => {
        e.preventDefault();
        choose(k);
      };
      return h(
        'li.opt',
        {
          role: 'option',
          id: `o${k}`,
          'aria-selected': 'false',
          onpointerdown: down,
          onpointermove: () => at !== k && move(k),
        },
        draw(it),
      );
    };
    return [h('li', { role: 'presentation' }, h('p.gtitle', title)), list.map(option)];
  };

  const show = (query, found) => {
    const asked = split(query);
    options = [];
    const region = (theme) => (r) => [
      dot(atlas, theme(r)),
      h('span.name', marked(r.name, asked)),
      h('span.n', num(r.people)),
    ];
    const { distinct, times } = once(found.interests);
    const groups = [
      group(
        'Themes',
        found.themes,
        region((r) => r.id),
        (r) => actions.theme(r.id),
      ),
      group(
        'Parts of themes',
        found.parts,
        region((r) => r.theme),
        (r) => actions.part(r.id),
      ),
      group(
        `Interests · ${num(found.interests.length)}`,
        distinct.slice(0, SHOWN),
        (p) => [
          dot(atlas, p.theme),
          h(
            'span.name',
            marked(p.label, asked),
            times.get(p) > 1 && h('span.dim', ` × ${times.get(p)}`),
            p.proof && h('small', 'shown by ', marked(p.proof, asked)),
          ),
          h('span.n', num(p.own)),
        ],
        (p) => actions.pick(atlas.interests[p.i], true),
        (p) => atlas.interests[p.i],
      ),
      group(
        capital(w.people),
        found.people,
        (p) => [h('span.name', t(p.id)), h('span.n', plural(p.events, w.event, w.events))],
        (p) => actions.person(p.id),
      ),
    ];
    clear(
      box,
      options.length
        ? h('ul', { role: 'listbox', 'aria-label': 'Results', id: 'results' }, groups)
        : h('p.none', h('b', `Nothing about “${query}”.`), ` Try a ${w.item} or a simpler word.`),
    );
    box.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    at = -1;
    const lit = found.interests.map((p) => p.i);
    actions.lit(lit.length ? new Set(lit) : null);
  };

  const run = async () => {
    const query = input.value.trim();
    const mine = (ticket += 1);
    if (query.length < 2) {
      close();
      actions.lit(null);
      return;
    }
    try {
      const found = await data.search(query);
      if (mine === ticket) show(query, found);
    } catch (e) {
      clear(box, h('p.none', `Search does not answer (${e.message}).`));
      box.hidden = false;
    }
  };

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(run, data.live ? 120 : 30);
  });
  input.addEventListener('focus', () => input.value.trim().length > 1 && run());
  input.addEventListener('keydown', (e) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      if (!options.length || box.hidden) return;
      e.preventDefault();
      move(at + (e.key === 'ArrowDown' ? 1 : -1));
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (!box.hidden) choose(at < 0 ? 0 : at);
    } else if (e.key === 'Escape') {
      e.stopPropagation();
      if (!box.hidden) close();
      else {
        input.value = '';
        input.blur();
      }
      actions.lit(null);
    }
  });
  input.addEventListener('blur', () =>
    setTimeout(() => {
      close();
      actions.lit(null);
      actions.peek(null);
    }, 120),
  );
}

// One line for a label, however many interests are called so.
function once(interests) {
  const first = new Map();
  const times = new Map();
  for (const p of interests) {
    const key = p.label.toLowerCase();
    if (!first.has(key)) first.set(key, p);
    times.set(first.get(key), (times.get(first.get(key)) || 0) + 1);
  }
  return { distinct: [...first.values()], times };
}

function marked(text, asked) {
  const low = text.toLowerCase();
  const found = asked
    .map((word) => [low.indexOf(word), word.length])
    .filter(([i]) => i >= 0)
    .sort((a, b) => a[0] - b[0]);
  const out = [];
  let from = 0;
  for (const [i, n] of found) {
    if (i < from) continue;
    out.push(text.slice(from, i), h('mark', text.slice(i, i + n)));
    from = i + n;
  }
  return h('bdi', out, text.slice(from));
}
