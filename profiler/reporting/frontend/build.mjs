// node build.mjs [FOLDER]: writes the page that `profiler report` fills and `profiler serve` serves.
// One file: script, style, typeface and licences inside; the content security policy allows exactly
// this script and this style by their digests, and no request.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] || join(here, '..', 'assets');
const modules = join(here, 'node_modules');
const read = (...path) => readFileSync(join(here, ...path), 'utf8');

const bundle = await build({
  entryPoints: [join(here, 'src', 'main.js')],
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  metafile: true,
});
const script = bundle.outputFiles[0].text.replaceAll('</script', '<\\/script').trimEnd();
const typeface = join(modules, '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2');
const minified = await transform(read('src', 'styles.css'), { loader: 'css', minify: true });
const style = minified.code
  .trimEnd()
  .replace('%FONT%', `data:font/woff2;base64,${readFileSync(typeface).toString('base64')}`);

// Every package whose code is in the bundle, and the typeface, with the licence it came with.
const inputs = Object.keys(Object.values(bundle.metafile.outputs)[0].inputs);
const used = new Set(inputs.map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]));
used.delete(undefined);
used.add('@fontsource-variable/inter');
const licences = [...used]
  .sort()
  .map((name) => {
    const { version, license } = JSON.parse(read('node_modules', name, 'package.json'));
    const file = name === 'minisearch' ? 'LICENSE.txt' : 'LICENSE';
    return `${name} ${version} (${license})\n\n${read('node_modules', name, file).trim()}\n`;
  })
  .join('\n----\n\n');

const digest = (text) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
const policy = [
  "default-src 'none'",
  `script-src ${digest(script)}`,
  `style-src ${digest(style)}`,
  'font-src data:',
  'img-src data:',
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
let page = read('src', 'index.html');
for (const [place, text] of [
  ['%CSP%', policy],
  ['%CSS%', style],
  ['%LICENCES%', licences.replaceAll('</', '<\\/')],
  ['%JS%', script],
])
  page = page.split(place).join(text);
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'page.html'), page);

const bytes = {};
for (const [path, { bytesInOutput }] of Object.entries(
  Object.values(bundle.metafile.outputs)[0].inputs,
)) {
  const name = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? 'own code';
  bytes[name] = (bytes[name] || 0) + bytesInOutput;
}
console.log(`page.html ${(Buffer.byteLength(page) / 1e3).toFixed(0)} kB`, bytes);
