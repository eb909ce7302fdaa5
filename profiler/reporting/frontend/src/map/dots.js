// Dots on the 2D canvas: a few thousand get a rim, many are one path for each colour.
import { rgba } from '../palette.js';

const RIMS = 4000;
const SQUARES = 1500; // so many of a colour are squares: each would be under 2 px

export function dots(map, list, fill, scale, rim) {
  const { ctx, transform: t } = map;
  if (rim && list.length < RIMS) {
    ctx.lineWidth = 0.9;
    ctx.strokeStyle = rim;
    for (const p of list) {
      ctx.fillStyle = fill(p.theme);
      ctx.beginPath();
      ctx.arc(t.x + p.x * t.k, t.y + p.y * t.k, map.radius(p) * scale, 0, 7);
      ctx.fill();
      ctx.stroke();
    }
    return;
  }
  const by = new Map();
  for (const p of list) {
    if (!by.has(p.theme)) by.set(p.theme, []);
    by.get(p.theme).push(p);
  }
  for (const [theme, own] of by) {
    ctx.fillStyle = fill(theme);
    if (own.length > SQUARES) {
      for (const p of own) {
        const r = map.radius(p) * scale * 0.9;
        ctx.fillRect(t.x + p.x * t.k - r, t.y + p.y * t.k - r, 2 * r, 2 * r);
      }
      continue;
    }
    ctx.beginPath();
    for (const p of own) {
      const [x, y] = map.project(p);
      const r = map.radius(p) * scale;
      ctx.moveTo(x + r, y);
      ctx.arc(x, y, r, 0, 7);
    }
    ctx.fill();
  }
}

// A dot that is pinned, hovered, or a neighbour of the pinned one.
export function ring(map, p, paper, gap, ink) {
  const { ctx } = map;
  const [x, y] = map.project(p);
  const r = map.radius(p);
  ctx.beginPath();
  ctx.arc(x, y, r + gap, 0, 7);
  ctx.fillStyle = paper;
  ctx.fill();
  ctx.lineWidth = ink ? 2 : 1.4;
  ctx.strokeStyle = ink || map.colour(p.theme);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 7);
  ctx.fillStyle = map.colour(p.theme);
  ctx.fill();
}

export const faded = (map) => rgba(map.colour(-1), map.mode === 'dark' ? 0.22 : 0.2);
