// The interest map: one canvas, camera by d3-zoom, hits by d3-quadtree; beyond a few thousand
// interests the dots are drawn by the graphics card on a canvas of their own underneath.
import { easeCubicInOut } from 'd3-ease';
import { interpolateZoom } from 'd3-interpolate';
import { quadtree } from 'd3-quadtree';
import { select } from 'd3-selection';
import { zoom as d3zoom, zoomIdentity } from 'd3-zoom';
import { colour, rgba, scheme } from '../palette.js';
import { density } from './density.js';
import { dots, faded, ring } from './dots.js';
import { extent, pairs, within } from './geometry.js';
import { Labels } from './labels.js';
import { listen } from './pointing.js';
import { Sprites } from './sprites.js';

export const MANY = 5000; // from here on the graphics card draws the dots
const reduced = matchMedia('(prefers-reduced-motion: reduce)');

export class InterestMap {
  constructor(canvas, atlas, on) {
    Object.assign(this, { canvas, atlas, on, ctx: canvas.getContext('2d') });
    Object.assign(this, { transform: zoomIdentity, hover: null, pinned: null, near: [] });
    Object.assign(this, { focus: null, trail: null, lit: null, labels: new Labels() });
    // Widest first: the order of labels, and small dots on top of large ones.
    this.points = [...atlas.interests].sort((a, b) => b.people - a.people || a.i - b.i);
    for (const p of this.points) p.base = 1.5 + 1.25 * Math.log10(1 + p.people);
    // Only what has a dot has a place; the themes of a large store count more than is drawn.
    const drawn = (key) => new Set(atlas.interests.map((p) => p[key]));
    const [themes, parts] = [drawn('theme'), drawn('part')];
    this.themes = atlas.themes.filter((g) => themes.has(g.id)).sort((a, b) => b.people - a.people);
    this.parts = atlas.parts.filter((g) => parts.has(g.id));
    this.tree = quadtree(
      this.points,
      (p) => p.x,
      (p) => p.y,
    );
    this.shadows = density(this.points, atlas.height);
    this.sprites = this.points.length > MANY ? Sprites.on(canvas, this.points) : null;
    this.zoom = d3zoom()
      .clickDistance(6)
      .filter((e) => !this.lassoing && !e.button && !(e.shiftKey && e.type === 'mousedown'))
      .wheelDelta((e) => -e.deltaY * [0.0022, 0.05, 1][e.deltaMode] * (e.ctrlKey ? 5 : 1))
      .on('zoom', (e) => {
        this.transform = e.transform;
        this.draw();
      })
      .on('end', () => this.on.settled?.());
    select(canvas).call(this.zoom).on('dblclick.zoom', null);
    listen(this);
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
  }

  // --- geometry ---------------------------------------------------------------------------------
  resize() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    if (!box.width || !box.height || this.print) return;
    const camera = this.width ? this.camera() : null;
    this.width = box.width;
    this.height = box.height;
    this.ratio = Math.min(devicePixelRatio || 1, 2.5);
    this.fitCanvas(this.canvas);
    if (this.sprites) this.fitCanvas(this.sprites.canvas);
    const air = box.width < 560 ? 16 : 40;
    this.insets = { top: air, right: air, bottom: box.width < 560 ? 36 : air, left: air };
    this.home = null;
    this.home = this.fitting(this.points);
    this.zoom.scaleExtent([this.home.k * 0.7, this.home.k * 48]).translateExtent([
      [-600, -600],
      [1600, this.atlas.height + 600],
    ]);
    if (camera && Math.abs(camera[0] - 1) > 0.02) this.setCamera(camera, 0);
    else this.go(this.home, 0);
  }
  fitCanvas(canvas) {
    canvas.width = Math.round(this.width * this.ratio);
    canvas.height = Math.round(this.height * this.ratio);
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${this.height}px`;
  }
  fitting(points, pad = 0) {
    const [x0, x1, y0, y1] = extent(points);
    const { top, right, bottom, left } = this.insets;
    const w = Math.max(this.width - left - right - 2 * pad, 60);
    const tall = Math.max(this.height - top - bottom - 2 * pad, 60);
    const most = this.home ? this.home.k * 7 : 40;
    const k = Math.min(w / Math.max(x1 - x0, 30), tall / Math.max(y1 - y0, 30), most);
    return {
      k,
      x: left + pad + w / 2 - (k * (x0 + x1)) / 2,
      y: top + pad + tall / 2 - (k * (y0 + y1)) / 2,
    };
  }
  middle() {
    const { top, right, bottom, left } = this.insets;
    return [left + (this.width - left - right) / 2, top + (this.height - top - bottom) / 2];
  }
  at(k, cx, cy) {
    const [mx, my] = this.middle();
    return { k, x: mx - k * cx, y: my - k * cy };
  }
  centre(t = this.transform) {
    const [mx, my] = this.middle();
    return [(mx - t.x) / t.k, (my - t.y) / t.k];
  }
  camera() {
    return [this.transform.k / this.home.k, ...this.centre()];
  }
  setCamera([z, cx, cy], time = 500) {
    this.go(this.at(z * this.home.k, cx, cy), time);
  }
  go(target, time = 650) {
    cancelAnimationFrame(this.flight);
    const done = zoomIdentity.translate(target.x, target.y).scale(target.k);
    const move = (t) => select(this.canvas).call(this.zoom.transform, t);
    if (!time || reduced.matches) {
      move(done);
      return;
    }
    const size = this.width;
    const path = interpolateZoom(
      [...this.centre(), size / this.transform.k],
      [...this.centre(done), size / target.k],
    );
    const start = performance.now();
    const length = Math.min(time * 1.6, Math.max(time * 0.5, path.duration * 0.5));
    const step = (now) => {
      const u = Math.min((now - start) / length, 1);
      const [cx, cy, w] = path(easeCubicInOut(Math.max(u, 0)));
      const t = this.at(size / w, cx, cy);
      move(u < 1 ? zoomIdentity.translate(t.x, t.y).scale(t.k) : done);
      if (u < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }
  fit(time = 500) {
    this.go(this.home, time);
  }
  flyTo(points, pad = 60) {
    if (points.length)
      this.go(this.fitting(points, Math.min(pad, this.width / 6, this.height / 6)));
  }
  flyToPoint(p, z = 6) {
    this.go(this.at(Math.max(this.transform.k, this.home.k * z), p.x, p.y));
  }
  zoomBy(factor) {
    const middle = [this.width / 2, this.height / 2];
    select(this.canvas).call(this.zoom.scaleTo, this.transform.k * factor, middle);
    this.on.settled?.();
  }
  project({ x, y }) {
    return [this.transform.x + x * this.transform.k, this.transform.y + y * this.transform.k];
  }
  unproject([x, y]) {
    return [(x - this.transform.x) / this.transform.k, (y - this.transform.y) / this.transform.k];
  }
  radius(p) {
    return p.base * this.grow;
  }

  // --- what is shown ----------------------------------------------------------------------------
  filter({ themes, lasso, lit }) {
    this.focus = themes?.length ? new Set(themes) : null;
    this.trail = lasso ? pairs(lasso) : null;
    this.lit = lit || null;
    this.sprites?.mark((p) => this.isShown(p));
    this.draw();
  }
  isVisible(p) {
    return (
      (!this.focus || this.focus.has(p.theme)) && (!this.trail || within(this.trail, p.x, p.y))
    );
  }
  isShown(p) {
    return (!this.lit || this.lit.has(p.i)) && this.isVisible(p);
  }
  isInside(p) {
    const [x, y] = this.project(p);
    return x >= -20 && x <= this.width + 20 && y >= -20 && y <= this.height + 20;
  }
  pin(p, near = []) {
    this.pinned = p;
    this.near = near;
    this.draw();
  }
  keep(p) {
    const [x, y] = this.project(p);
    const margin = 60;
    if (x < margin || y < margin || x > this.width - margin || y > this.height - margin)
      this.go(this.at(this.transform.k, p.x, p.y), 250);
  }

  // --- drawing ----------------------------------------------------------------------------------
  draw() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.paint();
    });
  }
  colour(theme) {
    return colour(theme >= 0 ? this.atlas.themes[theme]?.hue : -1, this.mode);
  }
  get still() {
    return this.print || reduced.matches;
  }
  paint(now = performance.now()) {
    if (!this.width) return;
    const { ctx, ratio, transform: t } = this;
    this.mode = scheme() === 'dark' ? 'dark' : 'light';
    this.ink = this.print ? '#14161a' : css('--ink');
    const paper = this.print ? '#ffffff' : css('--map');
    const n = this.points.length;
    const size = n > 20000 ? 0.42 : n > MANY ? 0.62 : n < 60 ? 1.8 : 1;
    const dot = Math.min(1, Math.max(0.62, this.width / 900)) * size;
    this.grow = Math.min((t.k / this.home.k) ** 0.42, 3.4) * dot;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const sprites = this.print ? null : this.sprites;
    if (sprites) ctx.clearRect(0, 0, this.width, this.height);
    else {
      ctx.fillStyle = paper;
      ctx.fillRect(0, 0, this.width, this.height);
    }
    this.paintDensity();
    const shown = sprites ? this.paintSprites(sprites, paper) : this.paintDots(paper);
    this.paintMarks(paper);
    const moving = this.labels.place(this, now, shown);
    this.labels.paint(ctx, paper, this.lit);
    this.paintTrail();
    if (moving && !this.print) this.draw();
  }
  paintDensity() {
    const { ctx, transform: t } = this;
    const fade = Math.max(0.25, Math.min(1, 1.25 - Math.log2(t.k / this.home.k) / 5));
    const strength = this.mode === 'dark' ? 1.15 : 1.25;
    ctx.save();
    ctx.translate(t.x, t.y);
    ctx.scale(t.k, t.k);
    ctx.translate(-density.margin, -density.margin);
    for (const { theme, level, path } of this.shadows) {
      const dim = (this.focus && !this.focus.has(theme)) || this.lit;
      const hex = this.colour(theme);
      ctx.fillStyle = rgba(hex, (dim ? 0.022 : [0.055, 0.06, 0.07][level] * strength) * fade);
      ctx.fill(path);
      if (level || (this.focus && !this.focus.has(theme))) continue;
      ctx.strokeStyle = rgba(hex, this.lit ? 0.08 : 0.22);
      ctx.lineWidth = 1 / t.k;
      ctx.stroke(path);
    }
    ctx.restore();
  }
  // Faded dots first, so that what matters is never under what does not.
  paintDots(paper) {
    const back = [];
    const front = [];
    for (const p of this.points) if (this.isInside(p)) (this.isShown(p) ? front : back).push(p);
    const alpha = front.length > 8000 ? 0.6 : 0.88;
    dots(this, back, () => faded(this), 0.8);
    dots(this, front, (theme) => rgba(this.colour(theme), alpha), 1, paper);
    return front;
  }
  // The graphics card draws; here only the widest in view are found, to be labelled.
  paintSprites(sprites, paper) {
    sprites.paint(this, paper);
    const front = [];
    const { x, y, k } = this.transform;
    const [x0, x1, y0, y1] = [-x / k, (this.width - x) / k, -y / k, (this.height - y) / k];
    for (const p of this.points) {
      if (p.x < x0 || p.x > x1 || p.y < y0 || p.y > y1 || !this.isShown(p)) continue;
      front.push(p);
      if (front.length === 400) break;
    }
    return front;
  }
  paintMarks(paper) {
    const { ctx, pinned } = this;
    if (pinned) {
      const from = this.project(pinned);
      ctx.strokeStyle = rgba(this.colour(pinned.theme), 0.55);
      ctx.lineWidth = 1.2;
      for (const p of this.near) {
        ctx.beginPath();
        ctx.moveTo(...from);
        ctx.lineTo(...this.project(p));
        ctx.stroke();
      }
      for (const p of this.near) ring(this, p, paper, 2);
      ring(this, pinned, paper, 4.5, this.ink);
    }
    if (this.hover && this.hover !== pinned) ring(this, this.hover, paper, 3, this.ink);
  }
  paintTrail() {
    if (!this.trail?.length) return;
    const { ctx } = this;
    const accent = css('--accent');
    ctx.beginPath();
    this.trail.forEach(([x, y], i) => ctx[i ? 'lineTo' : 'moveTo'](...this.project({ x, y })));
    ctx.closePath();
    ctx.fillStyle = rgba(accent, 0.08);
    ctx.fill();
    ctx.setLineDash([5, 4]);
    ctx.lineWidth = 1.6;
    ctx.strokeStyle = accent;
    ctx.stroke();
    ctx.setLineDash([]);
  }

  // Would a label hide dots? Those lying under the label's own dot do not count.
  covers([x0, y0, x1, y1], self) {
    const { x, y, k } = this.transform;
    const [a, b, c, d] = [(x0 - x) / k, (y0 - y) / k, (x1 - x) / k, (y1 - y) / k];
    const near = 5 / k;
    let found = false;
    this.tree.visit((node, nx0, ny0, nx1, ny1) => {
      if (found) return true;
      if (!node.length)
        do {
          const p = node.data;
          const r = (this.radius(p) / k) * 0.7;
          const inside = p.x > a - r && p.x < c + r && p.y > b - r && p.y < d + r;
          if (!inside || p === self || !this.isShown(p)) continue;
          if (Math.hypot(p.x - self.x, p.y - self.y) <= near) continue;
          found = true;
          return true;
        } while ((node = node.next));
      return nx0 > c || nx1 < a || ny0 > d || ny1 < b;
    });
    return found;
  }

  // On paper: a light picture of the whole, at twice the size.
  picture() {
    const was = [this.camera(), document.documentElement.dataset.scheme];
    document.documentElement.dataset.scheme = 'light';
    Object.assign(this, { print: true, width: 1200, height: 800, ratio: 2 });
    this.canvas.width = 2400;
    this.canvas.height = 1600;
    this.labels = new Labels();
    this.home = null;
    this.home = this.fitting(this.points);
    this.transform = zoomIdentity.translate(this.home.x, this.home.y).scale(this.home.k);
    this.paint();
    const picture = this.canvas.toDataURL('image/png');
    if (was[1]) document.documentElement.dataset.scheme = was[1];
    else delete document.documentElement.dataset.scheme;
    Object.assign(this, { print: false, width: 0, labels: new Labels() });
    this.resize();
    this.setCamera(was[0], 0);
    return picture;
  }
}

const kept = { at: 0 };
function css(name) {
  const now = performance.now();
  if (now - kept.at > 250 || kept.mode !== scheme()) {
    kept.style = getComputedStyle(document.documentElement);
    Object.assign(kept, { at: now, mode: scheme(), values: {} });
  }
  return (kept.values[name] ??= kept.style.getPropertyValue(name).trim());
}
