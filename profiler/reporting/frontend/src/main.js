// The page: four views, one address, one source of data.
import { clear, h, icon, t } from './dom.js';
import { about } from './about.js';
import { source } from './data.js';
import { num, plural } from './format.js';
import { pairs, trimmed, within } from './map/geometry.js';
import { forgetWidths } from './map/text.js';
import { InterestMap } from './map/map.js';
import { tellLast } from './panel/curation.js';
import { Panel } from './panel/panel.js';
import { dot } from './parts.js';
import { People } from './people/people.js';
import { scheme } from './palette.js';
import { quality } from './quality.js';
import { search } from './search.js';
import { hash, onChange, set, start, state, VIEWS } from './state.js';
import { Table } from './table.js';
import { capital, speak, words as w } from './words.js';

const $ = (id) => document.getElementById(id);
const wide = () => innerWidth > 860;
const later = (f) => requestAnimationFrame(() => requestAnimationFrame(f));

class Page {
  constructor(data) {
    Object.assign(this, { data, atlas: data.atlas, map: null, lit: null, person: null });
    this.preview = null;
    this.actions = this.make();
    this.panel = new Panel($('panel'), data, this.actions);
    this.people = new People($('people'), data, this.actions);
    this.table = new Table($('list'), data, this.actions);
  }

  // --- what parts of the page may ask for -------------------------------------------------------
  make() {
    const { atlas } = this;
    const of = (key, id) => atlas.interests.filter((p) => p[key] === id);
    return {
      selected: () => this.selected(),
      pick: (p, fly) => {
        const elsewhere = state.v !== 'map';
        const themes = state.t.length && !state.t.includes(p.theme) ? [] : state.t;
        set({ v: 'map', i: p.id, p: null, off: [], l: null, t: themes, list: false });
        if (fly || elsewhere) later(() => this.map?.flyToPoint(p, 5));
        this.toPanel();
      },
      theme: (id) => {
        set({ v: 'map', i: null, p: null, off: [], l: null, t: [id] });
        later(() => this.map?.flyTo(of('theme', id), 40));
        this.toPanel();
      },
      part: (id) => {
        const own = of('part', id);
        set({ v: 'map', i: null, p: null, off: [], l: null, t: [atlas.parts[id].theme] });
        later(() => this.map?.flyTo(trimmed(own), 90));
        this.say(`${atlas.parts[id].name}: ${plural(own.length, 'interest')}`);
      },
      home: () => {
        this.person = null;
        set({ i: null, t: [], l: null, p: null });
        this.map?.fit();
      },
      preview: (id) => {
        this.preview = id;
        if (wide()) this.refresh();
      },
      peek: (p) => {
        if (!this.map) return;
        this.map.hover = p;
        this.hover(p);
        this.map.draw();
      },
      lit: (hits) => {
        this.lit = hits;
        this.refresh();
      },
      person: (id) => set({ v: 'people', p: id, off: [] }),
      showPerson: (p) => {
        this.person = new Set(p.interests.map((e) => e.i));
        set({ v: 'map', i: null, t: [], off: [], l: null, p: p.id });
        later(() => {
          this.refresh();
          this.map?.flyTo(
            [...this.person].map((i) => atlas.interests[i]),
            60,
          );
        });
      },
      copy: (button) => this.copy(button, location.href),
      copyText: (button, text) => this.copy(button, text),
      changed: () => this.draw(state, {}, false),
      say: (text) => this.say(text),
    };
  }

  say(text) {
    $('live').textContent = text;
  }

  selected() {
    const polygon = state.l && pairs(state.l);
    return this.atlas.interests.filter(
      (p) =>
        (!state.t.length || state.t.includes(p.theme)) && (!polygon || within(polygon, p.x, p.y)),
    );
  }

  refresh() {
    this.map?.filter({
      themes: this.preview === null ? state.t : [this.preview],
      lasso: state.l,
      lit: this.lit || this.person,
    });
  }

  async copy(button, text) {
    const was = [...button.childNodes];
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const field = h('textarea', { css: { position: 'fixed', opacity: 0 }, value: text });
      document.body.append(field);
      field.select();
      done = document.execCommand('copy');
      field.remove();
    }
    clear(button, icon('check'), done ? 'Copied' : 'Copy failed');
    this.say(done ? 'Copied' : 'Copy failed');
    setTimeout(() => clear(button, was), 1400);
  }

  // On a phone the panel is a sheet under the map: bring it into view.
  toPanel() {
    if (wide()) return;
    later(() => {
      const top = $('panel').getBoundingClientRect().top + scrollY;
      const stage = $('stage').getBoundingClientRect().height;
      scrollTo({ top: Math.max(0, Math.min(top - stage - 52, scrollY)), behavior: 'instant' });
    });
  }

  hover(p, announce) {
    const card = $('hover');
    card.hidden = !p || this.map?.pinned === p;
    if (!p) return;
    const theme = this.atlas.themes[p.theme]?.name ?? '';
    const shown = `${num(p.own)} ${w.people} show it`;
    clear(
      card,
      h('p.eyebrow', dot(this.atlas, p.theme, 8), t(theme)),
      h('b', t(p.label)),
      h('span', `${shown} · ${num(p.people)} in all`),
    );
    if (announce) this.say(`${p.label}. ${theme}. ${shown}. Enter to open.`);
  }

  // --- the map ----------------------------------------------------------------------------------
  openMap() {
    $('mapempty').hidden = this.atlas.interests.length > 0;
    if (this.map || !this.atlas.interests.length) return;
    let settling;
    this.map = new InterestMap($('map'), this.atlas, {
      hover: (p, announce) => this.hover(p, announce),
      pick: (p) => this.actions.pick(p),
      label: (l) =>
        l.part === undefined ? this.actions.theme(l.theme) : this.actions.part(l.part),
      empty: () => state.i !== null && set({ i: null }),
      lasso: (trail) => {
        set({ v: 'map', i: null, l: trail.flat() });
        $('lasso').setAttribute('aria-pressed', 'false');
        this.toPanel();
      },
      settled: () => {
        clearTimeout(settling);
        settling = setTimeout(() => {
          const [z, x, y] = this.map.camera();
          const home = Math.abs(z - 1) < 0.02;
          const camera = [Number(z.toFixed(2)), Math.round(x), Math.round(y)];
          set({ z: home ? null : camera }, { push: false, quiet: true });
        }, 250);
      },
    });
    this.aim();
    window.interestMap = this.map;
    document.fonts?.ready.then(() => {
      forgetWidths();
      this.map.draw();
    });
  }
  aim() {
    const { map, atlas } = this;
    const p = state.i !== null && atlas.byId.get(state.i);
    if (state.z) map.setCamera(state.z, 0);
    else if (p) map.go(map.at(map.home.k * 5, p.x, p.y), 0);
    else if (state.t.length) map.go(map.fitting(this.selected(), 40), 0);
  }

  pill(now) {
    const theme = this.atlas.themes[now.t[0]];
    const what =
      now.p && this.person
        ? `Interests of ${now.p}`
        : now.l
          ? `Selection of ${num(this.selected().length)}`
          : theme?.name;
    $('pill').hidden = !what;
    if (!what) return;
    const clearAll = () => {
      this.person = null;
      set({ t: [], l: null, p: null });
      this.map?.fit();
    };
    clear(
      $('pill'),
      !now.p && theme ? dot(this.atlas, theme.id, 9) : null,
      t(what),
      h(
        'button',
        { type: 'button', 'aria-label': `Clear: ${what}`, onclick: clearAll },
        icon('close'),
      ),
    );
  }

  // --- everything that follows the address ------------------------------------------------------
  async draw(now, before, fromAddress) {
    for (const view of VIEWS) {
      $(`v-${view}`).hidden = now.v !== view;
      for (const a of document.querySelectorAll(`[data-view=${view}]`))
        a.setAttribute('aria-current', now.v === view ? 'page' : 'false');
    }
    document.body.dataset.view = now.v;
    if (now.v === 'map') await this.drawMap(now, before, fromAddress);
    if (now.v === 'people') await this.people.show(before);
    if (now.v === 'quality' && before.v !== 'quality') quality($('quality'), this.atlas);
    if (now.v === 'about' && before.v !== 'about') about($('about'), this.atlas);
    if (before.v && before.v !== now.v) {
      scrollTo(0, 0);
      $(`v-${now.v}`).querySelector('h1')?.focus({ preventScroll: true });
      this.say(capital(now.v));
    }
    const p = now.i !== null && this.atlas.byId.get(now.i);
    const head = now.v === 'people' && now.p ? now.p : now.v === 'map' && p ? p.label : '';
    document.title = [head, this.atlas.meta.title].filter(Boolean).join(' · ');
  }

  async drawMap(now, before, fromAddress) {
    $('v-map').classList.toggle('aslist', now.list);
    $('aslist').setAttribute('aria-pressed', String(now.list));
    this.openMap();
    if (now.list) this.table.show(now.t);
    if (!now.p) this.person = null;
    else if (!this.person) {
      const found = await this.data.person(now.p);
      if (found) this.person = new Set(found.interests.map((e) => e.i));
    }
    const p = (now.i !== null && this.atlas.byId.get(now.i)) || null;
    this.refresh();
    let near = [];
    if (p && this.map) {
      this.map.pin(p, []);
      near = await this.data.interest(p.i).then(
        (d) => d.near.map(([j]) => this.atlas.interests[j]),
        () => [],
      );
    }
    if (state.i === now.i) this.map?.pin(p, near);
    if (fromAddress && this.map) {
      if (now.z) this.map.setCamera(now.z);
      else if (p && before.i !== now.i) this.map.flyToPoint(p, 5);
      else if (hash({ ...now, i: null }) === '#') this.map.fit();
    }
    this.pill(now);
    await this.panel.show();
  }

  // --- bar, keys, paper -------------------------------------------------------------------------
  listen() {
    $('zin').onclick = () => this.map?.zoomBy(1.6);
    $('zout').onclick = () => this.map?.zoomBy(1 / 1.6);
    $('zfit').onclick = () => this.map?.fit();
    $('aslist').onclick = () => set({ list: !state.list });
    $('lasso').onclick = (e) => {
      const on = e.currentTarget.getAttribute('aria-pressed') !== 'true';
      e.currentTarget.setAttribute('aria-pressed', String(on));
      if (this.map) this.map.lassoing = on;
      $('map').style.cursor = on ? 'crosshair' : 'grab';
      this.say(on ? 'Draw around interests to select them' : '');
    };
    $('print').onclick = () => print();
    $('skip').onclick = (e) => {
      e.preventDefault();
      $('content').focus();
    };
    $('scheme').onclick = () => {
      const next = scheme() === 'dark' ? 'light' : 'dark';
      document.documentElement.dataset.scheme = next;
      try {
        localStorage.setItem('scheme', next);
      } catch {
        /* a file may not store */
      }
      this.map?.draw();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.map?.draw());
    addEventListener('keydown', (e) => this.key(e));
    addEventListener('beforeprint', () => this.paper());
    search($('q'), $('hits'), this.data, this.actions);
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (/INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName ?? '')) return;
    if (e.key === '/') {
      e.preventDefault();
      $('q').focus();
    } else if (e.key === 'Escape' && state.v === 'map') {
      if (state.list) set({ list: false });
      else this.actions.home();
    } else if (/^[1-4]$/.test(e.key)) set({ v: VIEWS[e.key - 1] });
  }

  // Every view after the other: the map as a picture of the whole, the interests as a table.
  paper() {
    this.table.show(state.t);
    quality($('quality'), this.atlas);
    about($('about'), this.atlas);
    if (this.map) $('shot').src = this.map.picture();
  }
}

async function main() {
  let data;
  try {
    data = await source();
  } catch (e) {
    const hint = `${e.message}. Is profiler serve still running?`;
    clear($('panel'), h('h1', 'The explorer does not answer'), h('p', hint));
    document.body.classList.add('ready');
    return;
  }
  const { meta } = data.atlas;
  speak(meta.words);
  $('name').textContent = meta.title;
  $('badge').hidden = !data.live;
  $('badge').textContent = data.edit ? 'live, editing' : 'live';
  $('tab-people').textContent = capital(w.people);
  $('q').placeholder = `Search interests and ${w.items}`;
  const page = new Page(data);
  start();
  onChange((now, before, fromAddress) => page.draw(now, before, fromAddress));
  page.listen();
  await page.draw(state, {}, false);
  document.body.classList.add('ready');
  if (data.edit) tellLast((text) => page.say(text));
}

try {
  const kept = localStorage.getItem('scheme');
  if (kept === 'light' || kept === 'dark') document.documentElement.dataset.scheme = kept;
} catch {
  /* a file may not store */
}
main();
