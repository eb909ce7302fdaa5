// Where interests lie close: nested outlines for each theme.
import { contourDensity } from 'd3-contour';

const MARGIN = 200;
const LEVELS = [0.06, 0.22, 0.5]; // of a theme's peak

export function density(points, height) {
  const by = Map.groupBy
    ? Map.groupBy(points, (p) => p.theme)
    : points.reduce((m, p) => m.set(p.theme, [...(m.get(p.theme) || []), p]), new Map());
  const bandwidth = Math.min(34, Math.max(9, 572 / Math.sqrt(Math.max(points.length, 1))));
  const field = () =>
    contourDensity()
      .x((p) => p.x + MARGIN)
      .y((p) => p.y + MARGIN)
      .size([1000 + 2 * MARGIN, height + 2 * MARGIN])
      .cellSize(4)
      .bandwidth(bandwidth)
      .weight((p) => 1 + Math.log10(1 + p.people));
  return [...by]
    .filter(([theme, own]) => theme >= 0 && own.length > 2)
    .flatMap(([theme, own]) => {
      const peak = Math.max(...field()(own).map((c) => c.value), 0);
      const levels = field().thresholds(LEVELS.map((f) => f * peak))(own);
      return levels.map((c, level) => ({ theme, level, path: smooth(c.coordinates) }));
    });
}
density.margin = MARGIN;

// The outline through the middles of a contour's edges: its corners are those of the grid.
function smooth(polygons) {
  const path = new Path2D();
  for (const ring of polygons.flat()) {
    const n = ring.length - 1;
    if (n < 3) continue;
    const middle = (i) => [
      (ring[i % n][0] + ring[(i + 1) % n][0]) / 2,
      (ring[i % n][1] + ring[(i + 1) % n][1]) / 2,
    ];
    path.moveTo(...middle(0));
    for (let i = 1; i <= n; i += 1) path.quadraticCurveTo(...ring[i % n], ...middle(i));
    path.closePath();
  }
  return path;
}
