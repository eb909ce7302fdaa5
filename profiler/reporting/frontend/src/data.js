// One interface, two sources: what is embedded in a report, or what `profiler serve` answers. The
// rest of the page does not know which it has.
import { Embedded } from './embedded.js';
import { Served } from './served.js';

export async function source() {
  const block = document.getElementById('data');
  return block?.textContent
    ? new Embedded(JSON.parse(block.textContent))
    : new Served('api/').open();
}
