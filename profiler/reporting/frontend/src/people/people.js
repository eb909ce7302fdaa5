// People: a list with a strip of colours each, and one person.
import { clear, h, icon, t } from '../dom.js';
import { join, lower, num, plural } from '../format.js';
import { changes } from '../panel/curation.js';
import { hueOf } from '../parts.js';
import { set, state } from '../state.js';
import { capital, words as w } from '../words.js';
import { compare } from './compare.js';
import { interests } from './interests.js';
import { recommended } from './recommended.js';
import { timeline } from './timeline.js';

export class People {
  constructor(root, data, actions) {
    Object.assign(this, { root, data, atlas: data.atlas, actions, numbers: false });
  }

  theme(i) {
    return i >= 0 ? this.atlas.interests[i].theme : -1;
  }
  hue(theme) {
    return hueOf(this.atlas, theme);
  }

  async show(before = {}) {
    const ticket = (this.ticket = {});
    if (!this.list) await this.frame();
    const id = state.p || this.first;
    for (const a of this.list.querySelectorAll('a')) {
      const on = a.dataset.id === id;
      a.setAttribute('aria-current', on ? 'true' : 'false');
      if (on && a.getBoundingClientRect().bottom > innerHeight)
        a.scrollIntoView({ block: 'nearest' });
    }
    this.root.classList.toggle('chosen', Boolean(state.p));
    const person = id && (await this.data.person(id));
    if (ticket !== this.ticket) return;
    const same = this.shown === person?.id && before.v === 'people';
    this.shown = person?.id;
    if (same && this.person) {
      await this.steer();
      return;
    }
    this.person = person;
    clear(this.detail, person ? this.describe(person) : this.nobody());
    this.detail.scrollTop = 0;
    if (person) await this.steer();
  }

  // Lists without the interests that are off; what is off is in the address.
  get off() {
    const has = (i) => i !== undefined && this.person.interests.some((e) => e.i === i);
    return state.off.map((id) => this.atlas.byId.get(id)?.i).filter(has);
  }
  toggle(i) {
    const { id } = this.atlas.interests[i];
    const off = state.off.includes(id) ? state.off.filter((o) => o !== id) : [...state.off, id];
    set({ p: this.person.id, off });
  }
  async steer() {
    const ticket = (this.steered = {});
    const { person, off } = this;
    if (!person.recommendations?.items.length) return;
    let list;
    try {
      list = await this.data.steer(person, off);
    } catch (e) {
      list = { items: person.recommendations.items, changed: false, error: e.message };
    }
    if (ticket !== this.steered) return;
    this.drawInterests?.(off);
    this.drawList?.(list, off);
  }

  nobody() {
    const text = state.p
      ? `Nobody called ${state.p} is ${this.data.live ? 'in this store' : 'in this report. Write it with more people, or open the explorer: profiler serve STORE'}.`
      : this.atlas.meta.users === 'none' || !this.atlas.counts.sampled
        ? `This report was written without ${w.people}.`
        : `No ${w.people} to show: build the store with interests first.`;
    return h('div.empty', h('h1', { tabindex: -1 }, capital(w.people)), h('p', text));
  }

  // --- the column -------------------------------------------------------------------------------
  async frame() {
    const everybody = await this.data.people();
    this.first = everybody[0]?.id;
    this.list = h('ul.plist', { 'aria-label': capital(w.people) });
    this.detail = h('article.person', { tabindex: -1, 'aria-label': capital(w.person) });
    const find = async (e) => this.fill(await this.data.people(e.target.value));
    const input = h('input.find', {
      type: 'search',
      placeholder: 'Find by id or interest',
      'aria-label': `Find ${w.people}`,
      oninput: find,
    });
    const total = num(this.atlas.counts.people);
    const title = this.data.live
      ? `All ${total} ${w.people}`
      : `${num(everybody.length)} of ${total} ${w.people}`;
    clear(
      this.root,
      h(
        'aside.pcol',
        { 'aria-label': `Choose a ${w.person}` },
        h('div.row', h('h2.small', title)),
        input,
        this.list,
        h('p.foot', this.note(everybody.length)),
      ),
      this.detail,
    );
    this.fill(everybody);
  }
  note(n) {
    if (this.data.live) return 'Type to search all of them.';
    if (!n) return '';
    const named =
      this.atlas.meta.users === 'ids'
        ? ''
        : ' Ids are pseudonyms; the ids of your data are not in this file.';
    return `Drawn by chance, in turn from every group.${named}`;
  }
  fill(list) {
    const row = (p) =>
      h(
        'li',
        h(
          'a',
          {
            href: `#v=people&p=${encodeURIComponent(p.id)}`,
            'data-id': p.id,
            'aria-current': p.id === (state.p || this.first) ? 'true' : 'false',
          },
          h('span.pid', t(p.id)),
          h('span.n', plural(p.events, w.event, w.events)),
          p.history && this.strip(p),
        ),
      );
    clear(this.list, list.length ? list.map(row) : h('li.empty', 'Nobody found.'));
  }
  strip(person) {
    const by = new Map();
    for (const [, i] of person.history) by.set(this.theme(i), (by.get(this.theme(i)) || 0) + 1);
    const order = [...by].sort((a, b) => (a[0] < 0) - (b[0] < 0) || b[1] - a[1]);
    return h(
      'span.strip',
      { 'aria-hidden': 'true' },
      order.map(([theme, n]) =>
        h('i', {
          css: { flex: `${n} 0 0`, background: theme < 0 ? 'var(--line)' : this.hue(theme) },
        }),
      ),
    );
  }

  // --- one person -------------------------------------------------------------------------------
  describe(p) {
    const known = p.history.filter(([, , hidden]) => !hidden);
    const by = new Map();
    for (const [, i] of known) {
      const theme = this.theme(i);
      if (theme >= 0) by.set(theme, (by.get(theme) || 0) + 1);
    }
    const ranked = [...by].sort((a, b) => b[1] - a[1]);
    const numbers = (e) => {
      this.numbers = e.target.checked;
      this.detail.classList.toggle('numbers', this.numbers);
    };
    return [
      this.head(p),
      h('p.lead.big', this.sentence(p, known, ranked)),
      h(
        'div.two',
        h(
          'section',
          h('h2', 'Interests'),
          h('p.hint', `Bars show the share of ${p.id}’s ${w.events} that show the interest.`),
          interests(this, p),
          this.data.edit && this.changes(p),
        ),
        h(
          'section.listing',
          h(
            'div.row',
            h('h2', 'Recommended next'),
            p.recommendations &&
              h(
                'label.switch',
                h('input', { type: 'checkbox', checked: this.numbers, onchange: numbers }),
                h('span', 'Show numbers'),
              ),
          ),
          recommended(this, p),
        ),
      ),
      timeline(this, p, ranked),
      p.origin && compare(this, p, by),
    ];
  }

  changes(p) {
    const root = h('div.changes');
    changes(this.data, `person=${encodeURIComponent(p.id)}`, root);
    return root;
  }

  head(p) {
    const show = () => this.actions.showPerson(p);
    const copy = (e) => this.actions.copy(e.currentTarget);
    return h(
      'div.phead',
      h(
        'button.back.only-narrow',
        { type: 'button', onclick: () => set({ p: null, off: [] }) },
        icon('back'),
        `All ${w.people}`,
      ),
      h('div', h('p.eyebrow', capital(w.person)), h('h1', { tabindex: -1 }, t(p.id))),
      h(
        'div.acts',
        h('button.ghost.sm', { type: 'button', onclick: show }, icon('map'), 'Show on map'),
        h('button.ghost.sm', { type: 'button', onclick: copy }, icon('link'), 'Copy link'),
      ),
    );
  }

  sentence(p, known, ranked) {
    const { atlas } = this;
    const most = ranked
      .slice(0, 2)
      .map(([theme, n]) => `${lower(atlas.themes[theme].name)} (${n})`);
    const said = [
      plural(known.length, w.event, w.events),
      most.length ? `, mostly ${join(most)}. ` : '. ',
    ];
    if (!p.origin || p.close === null) return said;
    const name = p.origin.name || `the ${w.person}`;
    if (p.origin.name === p.id)
      return [
        ...said,
        'Was asked about, and stands for ',
        plural(p.origin.members, w.person, w.people),
        '.',
      ];
    const how = p.close >= 0.7 ? 'Much' : p.close >= 0.5 ? 'Somewhat' : 'Little';
    const theirs = new Map(p.their_themes);
    const alone = ranked.filter(([theme, n]) => n >= 2 && !theirs.get(theme)).slice(0, 2);
    const also = join(alone.map(([theme]) => lower(atlas.themes[theme].name)));
    return [
      ...said,
      `${how} like ${name}, who was asked about in their place`,
      alone.length ? `, but unlike ${name} also ${also}.` : '.',
    ];
  }
}
