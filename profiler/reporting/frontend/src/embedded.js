// A report: everything is in the file.
import MiniSearch from 'minisearch';
import { named, unfold, words } from './atlas.js';

export class Embedded {
  live = false;
  edit = false;

  constructor(report) {
    this.columns = report.interests;
    this.items = report.items;
    this.atlas = unfold(report);
    this.persons = new Map(report.people.map((p) => [p.id, p]));
    this.reached = new Map();
    for (const person of report.people)
      for (const { i } of person.interests) {
        if (!this.reached.has(i)) this.reached.set(i, []);
        this.reached.get(i).push(person.id);
      }
  }

  async interest(i) {
    const c = this.columns;
    return {
      ...this.atlas.interests[i],
      description: c.description[i],
      evidence: c.evidence[i],
      near: c.near[i],
      first: c.first[i],
      last: c.last[i],
      from: this.atlas.origins[c.origin[i]],
      some: this.reached.get(i) || [],
    };
  }

  question(origin) {
    return (
      origin.question && {
        messages: this.atlas.questions[origin.question[0]],
        own: origin.question[1],
      }
    );
  }

  title(n) {
    return this.items[n];
  }

  async people(query = '') {
    const asked = query.trim().toLowerCase();
    const has = ({ i }) => this.atlas.interests[i].label.toLowerCase().includes(asked);
    return this.atlas.people.filter(
      (p) => !asked || p.id.toLowerCase().includes(asked) || p.interests.some(has),
    );
  }

  async person(id) {
    const found = this.persons.get(id);
    return found && { ...found, origin: this.atlas.origins[found.representative] };
  }

  // The list without the interests that are off: a file holds it for each one of the widest.
  async steer(person, off) {
    const { items, steered } = person.recommendations;
    const found = off.length === 1 && steered.find((s) => s.i === off[0]);
    return { items: found ? found.items : items, changed: Boolean(found?.changed) };
  }
  canSwitch(person, i, off) {
    const known = person.recommendations?.steered.some((s) => s.i === i);
    return known && (!off.length || off.includes(i));
  }

  index() {
    if (this.known) return this.known;
    this.known = new MiniSearch({
      fields: ['label', 'description', 'proof'],
      idField: 'i',
      searchOptions: {
        prefix: true,
        fuzzy: (term) => (term.length > 4 ? 0.18 : 0),
        boost: { label: 4, description: 1.5 },
        combineWith: 'AND',
      },
    });
    this.known.addAll(
      this.atlas.interests.map(({ i, label }) => ({
        i,
        label,
        description: this.columns.description[i],
        proof: this.proof(i).join(' · '),
      })),
    );
    return this.known;
  }
  proof(i) {
    return this.columns.evidence[i].map((n) => this.items[n]);
  }

  async search(query) {
    const asked = words(query);
    const hits = this.index().search(query, {
      boostDocument: (i) => 0.6 + Math.log10(1 + this.atlas.interests[i].own) / 1.6,
    });
    const shown = ({ id, match }) => {
      const fields = Object.values(match).flat();
      if (fields.includes('label') || fields.includes('description')) return null;
      return this.proof(id).find((title) => asked.some((w) => title.toLowerCase().includes(w)));
    };
    const called = (p) => p.id.toLowerCase().startsWith(asked[0]);
    return {
      themes: named(this.atlas.themes, query),
      parts: named(this.atlas.parts, query),
      interests: hits.map((hit) => ({ ...this.atlas.interests[hit.id], proof: shown(hit) })),
      people: asked.length === 1 ? this.atlas.people.filter(called).slice(0, 3) : [],
    };
  }
}
