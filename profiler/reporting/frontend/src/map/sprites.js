// Tens of thousands of dots by the graphics card (WebGL), on a canvas under the map's own: one
// buffer, one draw call, so that a frame costs the script next to nothing.
import { channels, colour } from '../palette.js';

const VERTEX = `
attribute vec2 place; attribute float base; attribute float hue; attribute float shown;
uniform vec3 camera; uniform vec2 size; uniform float ratio; uniform float grow; uniform float pass;
uniform vec3 colours[10];
varying vec3 ink; varying float radius;
void main() {
  vec2 at = (camera.xy + place * camera.z) / size * 2.0 - 1.0;
  float part = abs(shown - pass) < 0.5 ? 1.0 : 0.0;
  gl_Position = vec4(at.x, -at.y, part < 0.5 ? 2.0 : 0.0, 1.0);
  radius = max(base * grow * (pass > 0.5 ? 1.0 : 0.8) * ratio, 0.9);
  gl_PointSize = 2.0 * radius + 2.0;
  ink = colours[int(hue)];
}`;
const FRAGMENT = `
precision mediump float;
varying vec3 ink; varying float radius; uniform float alpha;
void main() {
  float far = length(gl_PointCoord - 0.5) * (2.0 * radius + 2.0);
  float cover = clamp(radius - far + 0.5, 0.0, 1.0) * alpha;
  gl_FragColor = vec4(ink * cover, cover);
}`;

export class Sprites {
  // A layer under the canvas, or null where the browser has no WebGL.
  static on(canvas, points) {
    const layer = document.createElement('canvas');
    layer.className = 'sprites';
    layer.setAttribute('aria-hidden', 'true');
    const gl = layer.getContext('webgl', { antialias: false, premultipliedAlpha: true });
    if (!gl) return null;
    canvas.before(layer);
    return new Sprites(layer, gl, points);
  }

  constructor(canvas, gl, points) {
    Object.assign(this, { canvas, gl, points });
    this.shown = new Float32Array(points.length).fill(1);
    canvas.addEventListener('webglcontextlost', (e) => e.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => this.prepare());
    this.prepare();
  }

  prepare() {
    const { gl, points } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.program = program;
    this.places = {};
    // From the narrowest to the widest: small dots are drawn last, on top.
    const column = (name, width, values, usage = gl.STATIC_DRAW) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, values, usage);
      const at = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, width, gl.FLOAT, false, 0, 0);
      return buffer;
    };
    column('place', 2, new Float32Array(points.flatMap((p) => [p.x, p.y])));
    column(
      'base',
      1,
      Float32Array.from(points, (p) => p.base),
    );
    this.hues = new Float32Array(points.length);
    this.hueBuffer = column('hue', 1, this.hues, gl.DYNAMIC_DRAW);
    this.shownBuffer = column('shown', 1, this.shown, gl.DYNAMIC_DRAW);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.coloured = false;
  }

  uniform(name) {
    return (this.places[name] ??= this.gl.getUniformLocation(this.program, name));
  }

  mark(isShown) {
    this.points.forEach((p, row) => {
      this.shown[row] = isShown(p) ? 1 : 0;
    });
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.shownBuffer);
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, this.shown);
    this.dimmed = this.shown.includes(0);
  }

  colour(map) {
    const hue = (theme) => map.atlas.themes[theme]?.hue ?? 9;
    this.points.forEach((p, row) => {
      this.hues[row] = hue(p.theme);
    });
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.hueBuffer);
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, this.hues);
    this.coloured = true;
  }

  paint(map, paper) {
    const { gl } = this;
    if (!this.coloured) this.colour(map);
    const { x, y, k } = map.transform;
    const inks = (of) =>
      new Float32Array(
        Array.from({ length: 10 }, (_, hue) => channels(of(hue)).map((c) => c / 255)).flat(),
      );
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    const [r, g, b] = channels(paper).map((c) => c / 255);
    gl.clearColor(r, g, b, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform3f(this.uniform('camera'), x, y, k);
    gl.uniform2f(this.uniform('size'), map.width, map.height);
    gl.uniform1f(this.uniform('ratio'), map.ratio);
    gl.uniform1f(this.uniform('grow'), map.grow);
    const draw = (pass, alpha, of) => {
      gl.uniform1f(this.uniform('pass'), pass);
      gl.uniform1f(this.uniform('alpha'), alpha);
      gl.uniform3fv(this.uniform('colours'), inks(of));
      gl.drawArrays(gl.POINTS, 0, this.points.length);
    };
    if (this.dimmed) draw(0, map.mode === 'dark' ? 0.22 : 0.2, () => colour(-1, map.mode));
    draw(1, this.dimmed ? 0.88 : 0.62, (hue) => colour(hue > 8 ? -1 : hue, map.mode));
  }
}
