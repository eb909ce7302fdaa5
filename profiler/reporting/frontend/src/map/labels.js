// Labels in three layers: themes, their parts, interests. Candidates stand in order of importance;
// each takes its first free place or waits, so no two labels ever collide and none hides a dot. What
// was shown in the last frame goes first within its layer: labels do not flicker while the camera
// moves.
import { channels, colour } from '../palette.js';
import { width, wrap } from './text.js';

const LINE = 1.16;
const FEW = 40; // as few interests are all labelled
const TRIED = 300; // interests looked at for a free place in one frame
const FADE = 160; // milliseconds
export const FONT = (weight, size) => `${weight} ${size}px Inter, system-ui, sans-serif`;

// Ink of a theme's label: its colour moved towards the text colour, for 4.5:1 on the map.
const inks = new Map();
export function ink(hue, mode) {
  const key = `${hue}${mode}`;
  if (!inks.has(key)) {
    const [target, share] = mode === 'dark' ? [[255, 255, 255], 0.28] : [[10, 12, 20], 0.34];
    const mixed = channels(colour(hue, mode)).map((c, i) =>
      Math.round(c * (1 - share) + target[i] * share),
    );
    inks.set(key, `rgb(${mixed.join(',')})`);
  }
  return inks.get(key);
}

export class Labels {
  placed = [];
  memory = new Map();

  // Decide which labels stand where; returns whether some are still fading.
  place(map, now, shown) {
    this.map = map;
    this.taken = [];
    this.next = [];
    const narrow = map.width < 560;
    const zoom = map.transform.k / map.home.k;
    const forced = [map.pinned, map.hover !== map.pinned && map.hover].filter(Boolean);
    for (const p of forced) this.strong(p);
    if (map.atlas.themes.length > 1) this.regions(zoom, narrow);
    this.interests(zoom, narrow, shown, forced);
    return this.fade(now);
  }

  strong(p) {
    const sides = this.sides(p).map(([dx, dy, a]) => [dx + Math.sign(dx) * 4, dy, a]);
    this.put(`p${p.i}`, wrap(p.label, 30), 13, 650, this.map.ink, this.map.project(p), sides, {
      point: p,
      strong: true,
    });
  }

  regions(zoom, narrow) {
    const { map } = this;
    const active = (theme) => !map.focus || map.focus.has(theme);
    const size = narrow ? 13.5 : Math.min(19, 12 + map.width / 130);
    if (zoom < 3.6)
      for (const g of map.themes) {
        if (!active(g.id)) continue;
        const around = [
          [0, 0, 'c'],
          [0, -size * 2, 'c'],
          [0, size * 2, 'c'],
          [size * 3, 0, 'c'],
          [-size * 3, 0, 'c'],
        ];
        const name = wrap(g.name, narrow ? 14 : 18);
        this.put(`t${g.id}`, name, size, 700, ink(g.hue, map.mode), map.project(g), around, {
          theme: g.id,
          pad: 6,
        });
      }
    if (zoom > (narrow ? 1.7 : 1.28) && zoom < 14) {
      const parts = map.parts.filter((g) => active(g.theme));
      parts.sort((a, b) => this.was(`s${b.id}`) - this.was(`s${a.id}`) || b.people - a.people);
      const around = [
        [0, 0, 'c'],
        [0, -16, 'c'],
        [0, 16, 'c'],
      ];
      for (const g of parts)
        this.put(
          `s${g.id}`,
          wrap(g.name, 20),
          narrow ? 11.5 : 13,
          620,
          ink(g.hue, map.mode),
          map.project(g),
          around,
          { part: g.id, theme: g.theme },
        );
    }
  }

  interests(zoom, narrow, shown, forced) {
    const { map } = this;
    const few = map.points.length <= FEW;
    const crowd = shown.length;
    if (!few && zoom <= 2.6 && !map.lit && crowd >= FEW) return;
    const by_zoom = Math.round(Math.min(70, Math.max(0, (zoom - 2.2) * 9)) * (narrow ? 0.35 : 1));
    const most = few ? FEW : map.lit ? 16 : by_zoom + (crowd < FEW ? 24 : 0);
    const kept = this.placed.filter((l) => l.point && !l.strong).map((l) => l.point);
    const again = new Set(kept.filter((p) => map.isShown(p) && map.isInside(p)));
    let n = 0;
    for (const p of [...again, ...shown.slice(0, TRIED).filter((p) => !again.has(p))]) {
      if (n >= most) break;
      if (forced.includes(p)) continue;
      const size = narrow ? 11 : 12;
      const at = map.project(p);
      const extra = { point: p, clear: true };
      if (this.put(`p${p.i}`, wrap(p.label, 26), size, 480, map.ink, at, this.sides(p), extra))
        n += 1;
    }
  }

  sides(p) {
    const r = this.map.radius(p) + 5;
    return [
      [r, 0, 'l'],
      [-r, 0, 'r'],
      [0, -r - 5, 'c'],
      [0, r + 6, 'c'],
    ];
  }

  was(key) {
    return (this.memory.get(key)?.alpha ?? 0) > 0.3 ? 1 : 0;
  }

  put(key, lines, size, weight, fill, [x, y], places, extra = {}) {
    const { ctx } = this.map;
    ctx.font = FONT(weight, size);
    const w = Math.max(...lines.map((line) => width(ctx, line)));
    const tall = lines.length * size * LINE;
    const last = this.memory.get(key)?.spot ?? 0;
    for (const spot of [last, ...places.keys()]) {
      if (!places[spot]) continue;
      const [dx, dy, align] = places[spot];
      const left = align === 'l' ? x + dx : align === 'r' ? x + dx - w : x + dx - w / 2;
      const top = y + dy - tall / 2;
      const box = [left, top, left + w, top + tall];
      if (!this.free(box, extra.pad ?? 4)) continue;
      if (extra.clear && this.map.covers(box, extra.point)) continue;
      this.taken.push(box);
      this.next.push({ key, lines, size, weight, fill, box, top, w, spot, ...extra });
      return true;
    }
    return false;
  }

  free([x0, y0, x1, y1], pad) {
    const { width: w, height } = this.map;
    if (x0 < 2 || x1 > w - 2 || y0 < 2 || y1 > height - 2) return false;
    return !this.taken.some(
      (o) => x0 < o[2] + pad && x1 > o[0] - pad && y0 < o[3] + pad && y1 > o[1] - pad,
    );
  }

  fade(now) {
    const { memory } = this;
    const passed = Math.min(60, now - (this.last ?? now));
    const speed = this.map.still || !this.last ? 1 : passed / FADE || 0.1;
    let moving = false;
    const keys = new Set();
    for (const label of this.next) {
      const known = memory.get(label.key) || { alpha: 0 };
      known.alpha = Math.min(1, known.alpha + speed);
      known.spot = label.spot;
      memory.set(label.key, known);
      label.alpha = known.alpha;
      keys.add(label.key);
      moving ||= known.alpha < 1;
    }
    for (const [key, known] of memory) {
      if (keys.has(key)) continue;
      known.alpha -= speed * 2;
      if (known.alpha <= 0) memory.delete(key);
    }
    this.placed = this.next;
    this.last = now;
    return moving;
  }

  paint(ctx, paper, lit) {
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.textAlign = 'center';
    ctx.strokeStyle = paper;
    for (const label of [...this.placed].reverse()) {
      ctx.font = FONT(label.weight, label.size);
      ctx.globalAlpha = label.alpha * (lit && !label.point ? 0.5 : 1);
      ctx.lineWidth = label.point ? 3.6 : 4.5;
      ctx.fillStyle = label.fill;
      label.lines.forEach((line, i) => {
        const y = label.top + label.size * LINE * (i + 0.5);
        // Lines of a label beside a dot stand at the side of the dot.
        const align = label.point ? ['left', 'right', 'center', 'center'][label.spot] : 'center';
        ctx.textAlign = align;
        const x = { left: label.box[0], right: label.box[2] }[align] ?? label.box[0] + label.w / 2;
        ctx.strokeText(line, x, y);
        ctx.fillText(line, x, y);
      });
    }
    ctx.globalAlpha = 1;
  }

  at([x, y]) {
    return this.placed.find(
      ({ box }) => x > box[0] - 4 && x < box[2] + 4 && y > box[1] - 3 && y < box[3] + 3,
    );
  }
}
