// Mouse, finger and keyboard on the map.
import { thin } from './geometry.js';

const coarse = matchMedia('(pointer: coarse)');
const TURNS = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function listen(map) {
  const { canvas } = map;
  const where = (e) => {
    const box = canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  };
  canvas.addEventListener('pointermove', (e) => {
    if (map.drawing) {
      map.trail.push(map.unproject(where(e)));
      map.draw();
      return;
    }
    if (e.buttons || e.pointerType === 'touch') return;
    const label = map.labels.at(where(e));
    const p = hit(map, where(e)) || label?.point || null;
    canvas.style.cursor =
      map.lassoing || e.shiftKey ? 'crosshair' : p || label ? 'pointer' : 'grab';
    hover(map, p);
  });
  canvas.addEventListener('pointerleave', () => hover(map, null));
  canvas.addEventListener('click', (e) => {
    if (map.justDrew) {
      map.justDrew = false;
      return;
    }
    const label = map.labels.at(where(e));
    const p = hit(map, where(e), coarse.matches) || label?.point;
    if (p) map.on.pick?.(p);
    else if (label) map.on.label?.(label);
    else map.on.empty?.();
  });
  canvas.addEventListener('dblclick', (e) =>
    map.go(map.at(map.transform.k * 2, ...map.unproject(where(e))), 300),
  );
  canvas.addEventListener('pointerdown', (e) => {
    if (!map.lassoing && !(e.shiftKey && e.button === 0)) return;
    e.preventDefault();
    canvas.setPointerCapture(e.pointerId);
    map.drawing = true;
    map.trail = [map.unproject(where(e))];
    map.draw();
  });
  canvas.addEventListener('pointerup', () => {
    if (!map.drawing) return;
    Object.assign(map, { drawing: false, lassoing: false, justDrew: true });
    setTimeout(() => {
      map.justDrew = false;
    }, 50);
    const trail = thin(map.trail);
    if (trail.length > 2) map.on.lasso?.(trail);
    else {
      map.trail = null;
      map.draw();
    }
  });
  canvas.addEventListener('keydown', (e) => {
    if (TURNS[e.key]) {
      e.preventDefault();
      walk(map, TURNS[e.key]);
    } else if ((e.key === 'Enter' || e.key === ' ') && map.hover) {
      e.preventDefault();
      map.on.pick?.(map.hover);
    } else if (e.key === '+' || e.key === '=') map.zoomBy(1.5);
    else if (e.key === '-') map.zoomBy(1 / 1.5);
    else if (e.key === '0') map.fit();
  });
}

function hover(map, p) {
  if (p === map.hover) return;
  map.hover = p;
  map.on.hover?.(p);
  map.draw();
}

// The dot under a point: the nearest within reach, a wider one under a finger.
function hit(map, xy, finger) {
  const [x, y] = map.unproject(xy);
  const { k } = map.transform;
  const reach = (finger ? 22 : 12) / k;
  let found = null;
  let best = Infinity;
  map.tree.visit((node, x0, y0, x1, y1) => {
    if (!node.length)
      do {
        const p = node.data;
        const far = Math.hypot(p.x - x, p.y - y) - (map.radius(p) / k) * 0.6;
        if (far < best && far < reach && map.isVisible(p)) [best, found] = [far, p];
      } while ((node = node.next));
    return x0 > x + reach || x1 < x - reach || y0 > y + reach || y1 < y - reach;
  });
  return found;
}

// Arrow keys walk from interest to interest; the walker is the hover, so it is labelled, described
// and announced.
function walk(map, [tx, ty]) {
  const from = map.hover || map.pinned;
  const [cx, cy] = from ? [from.x, from.y] : map.centre();
  let next = null;
  let best = Infinity;
  for (const p of map.points) {
    if (p === from || !map.isVisible(p)) continue;
    const [dx, dy] = [p.x - cx, p.y - cy];
    if (from && dx * tx + dy * ty <= 0) continue;
    const aside = from ? 2.2 * (Math.abs(dx * ty) + Math.abs(dy * tx)) : 0;
    const cost = Math.hypot(dx, dy) + aside;
    if (cost < best) [best, next] = [cost, p];
  }
  if (!next) return;
  map.hover = next;
  map.on.hover?.(next, true);
  map.keep(next);
  map.draw();
}
