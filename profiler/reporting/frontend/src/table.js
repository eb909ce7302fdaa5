// The map as a table: the same interests as text, sorted as one likes, for reading, for screen
// readers and for paper.
import { clear, h, t } from './dom.js';
import { num, plural } from './format.js';
import { dot } from './parts.js';
import { words as w } from './words.js';

const PAGE = 500;
const ON_PAPER = 120; // rows; the style sheet leaves out the others

export class Table {
  constructor(root, data, actions) {
    Object.assign(this, { root, atlas: data.atlas, actions, shown: PAGE });
    this.sort = { key: 'own', down: true };
  }

  columns() {
    const { themes, parts } = this.atlas;
    return [
      ['label', 'Interest', (p) => p.label.toLowerCase()],
      ['theme', 'Theme', (p) => themes[p.theme]?.name ?? ''],
      ['part', 'Part', (p) => parts[p.part]?.name ?? ''],
      ['own', `${w.people} who show it`, (p) => p.own],
      ['people', 'reaches', (p) => p.people],
    ];
  }

  show(themes) {
    const list = this.atlas.interests.filter((p) => !themes.length || themes.includes(p.theme));
    const [, , value] = this.columns().find(([key]) => key === this.sort.key);
    const sign = this.sort.down ? -1 : 1;
    const order = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.i - b.i);
    list.sort((a, b) => sign * order(a, b) || a.i - b.i);
    const rest = list.length - this.shown;
    clear(
      this.root,
      h(
        'div.page',
        h('h1', { tabindex: -1 }, plural(list.length, 'interest')),
        h(
          'p.lead',
          `Each once, with the number of ${w.people} whose own ${w.events} show it and of all it reaches.`,
        ),
        h(
          'table.interests',
          h('caption.sr', 'Interests'),
          h(
            'thead',
            h(
              'tr',
              this.columns().map((column) => this.head(column, themes)),
            ),
          ),
          h(
            'tbody',
            list.slice(0, this.shown).map((p) => this.row(p)),
          ),
        ),
        rest > 0 &&
          h(
            'button.ghost',
            {
              type: 'button',
              onclick: () => {
                this.shown += PAGE;
                this.show(themes);
              },
            },
            `Show ${num(Math.min(rest, PAGE))} more of ${num(rest)}`,
          ),
        list.length > ON_PAPER &&
          h('p.onpaper.hint', `and ${num(list.length - ON_PAPER)} more in the file itself`),
      ),
    );
  }

  head([key, title], themes) {
    const on = this.sort.key === key;
    const sort = on ? (this.sort.down ? 'descending' : 'ascending') : 'none';
    const number = key === 'own' || key === 'people';
    const turn = () => {
      this.sort = { key, down: on ? !this.sort.down : number };
      this.show(themes);
      this.root.querySelector(`th[data-key=${key}] button`)?.focus();
    };
    return h(
      `th${number ? '.r' : ''}`,
      { scope: 'col', 'aria-sort': sort, 'data-key': key },
      h('button', { type: 'button', onclick: turn }, title),
    );
  }

  row(p) {
    const { themes, parts } = this.atlas;
    return h(
      'tr',
      h(
        'th',
        { scope: 'row' },
        h(
          'button.rowtitle',
          { type: 'button', onclick: () => this.actions.pick(p, true) },
          t(p.label),
        ),
      ),
      h('td', dot(this.atlas, p.theme, 8), ' ', t(themes[p.theme]?.name ?? '')),
      h('td', t(parts[p.part]?.name ?? '')),
      h('td.r', num(p.own)),
      h('td.r', num(p.people)),
    );
  }
}
