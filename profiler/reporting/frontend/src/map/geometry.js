// Small geometry of the map.
export function within(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

export const pairs = (flat) => {
  const out = [];
  for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i], flat[i + 1]]);
  return out;
};

// A line drawn by hand as few corners, so that it fits an address.
export const thin = (trail, most = 28) => {
  const step = Math.max(1, trail.length / most);
  const out = [];
  for (let i = 0; i < trail.length; i += step)
    out.push(trail[Math.floor(i)].map((v) => Math.round(v)));
  return out;
};

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// Points without their farthest tenth, so that the camera does not zoom out for one stray.
export const trimmed = (points) => {
  if (points.length < 10) return points;
  const mx = median(points.map((p) => p.x));
  const my = median(points.map((p) => p.y));
  const far = (p) => Math.hypot(p.x - mx, p.y - my);
  return [...points].sort((a, b) => far(a) - far(b)).slice(0, Math.ceil(points.length * 0.9));
};

// Extent of many points; Math.min(...list) runs out of arguments.
export const extent = (points) => {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return points.length ? [x0, x1, y0, y1] : [0, 1000, 0, 700];
};
