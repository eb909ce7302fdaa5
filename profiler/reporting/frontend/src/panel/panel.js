// The side panel of the map: overview, one theme, one interest, or a selection. One at a time, with
// a way back.
import { clear, h, icon } from '../dom.js';
import { state } from '../state.js';
import { interest } from './interest.js';
import { overview } from './overview.js';
import { selection } from './selection.js';
import { theme } from './theme.js';

export class Panel {
  constructor(root, data, actions) {
    Object.assign(this, { root, data, atlas: data.atlas, actions });
  }

  async show() {
    const ticket = (this.ticket = {});
    const found = await this.body();
    if (ticket !== this.ticket) return;
    const focused = this.root.contains(document.activeElement);
    clear(this.root, found);
    this.root.scrollTop = 0;
    if (focused) this.root.querySelector('h1')?.focus({ preventScroll: true });
  }

  async body() {
    const { atlas } = this;
    const p = state.i !== null && atlas.byId.get(state.i);
    try {
      if (p) return [this.bar(), await interest(this, p.i)];
    } catch (e) {
      return [this.bar(), h('p.notice', `The explorer does not answer (${e.message}).`)];
    }
    if (state.l) return [this.bar(), selection(this)];
    if (state.t.length && atlas.themes[state.t[0]]) return [this.bar(), theme(this, state.t[0])];
    return overview(this);
  }

  bar() {
    const copy = (e) => this.actions.copy(e.currentTarget);
    return h(
      'div.backbar',
      h(
        'button.back',
        { type: 'button', onclick: () => this.actions.home() },
        icon('back'),
        'Overview',
      ),
      h('button.ghost.sm', { type: 'button', onclick: copy }, icon('link'), 'Copy link'),
    );
  }
}
