// The explorer: the map once (points, names, findings), everything else when it is asked for.
import { named, unfold } from './atlas.js';

const KEPT = 300;

export class Served {
  live = true;

  constructor(base) {
    this.base = base;
    this.answers = new Map();
    this.titles = new Map();
  }

  async get(path) {
    if (!this.answers.has(path)) {
      const answer = fetch(this.base + path).then(async (r) => {
        const body = await r.json().catch(() => ({}));
        if (!r.ok) throw new Error(body.detail || `${r.status}`);
        return body;
      });
      answer.catch(() => this.answers.delete(path));
      this.answers.set(path, answer);
    }
    if (this.answers.size > KEPT) this.answers.delete(this.answers.keys().next().value);
    return this.answers.get(path);
  }

  async post(path, body) {
    const r = await fetch(this.base + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const said = await r.json().catch(() => ({}));
    if (!r.ok) throw new Error(typeof said.detail === 'string' ? said.detail : `${r.status}`);
    this.answers.clear();
    return said;
  }

  async open() {
    this.atlas = unfold(await this.get('atlas'));
    this.edit = this.atlas.edit;
    this.by = this.atlas.by;
    return this;
  }

  keep(titles) {
    for (const [n, title] of Object.entries(titles)) this.titles.set(Number(n), title);
  }

  title(n) {
    return this.titles.get(n) ?? `${n}`;
  }

  async interest(i) {
    const found = await this.get(`interests/${this.atlas.interests[i].id}`);
    this.keep(found.titles);
    return { ...this.atlas.interests[i], ...found, from: found.traced };
  }

  question(origin) {
    return origin.messages && { messages: origin.messages, own: true };
  }

  async people(query = '') {
    return (await this.get(`people?q=${encodeURIComponent(query)}`)).people;
  }

  async person(id) {
    let found;
    try {
      found = await this.get(`people/${encodeURIComponent(id)}`);
    } catch {
      return undefined;
    }
    this.keep(found.titles);
    return { ...found.person, origin: found.origin };
  }

  async steer(person, off) {
    if (!off.length) return { items: person.recommendations.items, changed: false };
    const ids = off.map((i) => this.atlas.interests[i].id).join(',');
    const found = await this.get(`people/${encodeURIComponent(person.id)}/list?without=${ids}`);
    this.keep(found.titles);
    const known = person.recommendations.reasons;
    const items = found.reasons.map((reason) => {
      const at = known.findIndex((one) => one.item === reason.item);
      return at >= 0 ? at : known.push(reason) - 1;
    });
    return { items, changed: found.changed };
  }
  canSwitch() {
    return true;
  }

  async search(query) {
    const found = await this.get(`search?q=${encodeURIComponent(query)}`);
    return {
      themes: named(this.atlas.themes, query),
      parts: named(this.atlas.parts, query),
      interests: found.interests.map((hit) => ({
        ...this.atlas.interests[hit.i],
        proof: hit.proof,
      })),
      people: found.people,
    };
  }
}
