// Reads the rows of `thema elbo --format ndjson`: does what the fit ascends fall by no more than this fraction of its terms'
// sizes? Rows of collapsed updates, which ascend nothing, do not count.
import { readFileSync } from 'node:fs';

const tolerance = Number(process.argv[2]);
const rows = readFileSync(0, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ stage }) => stage !== 'collapsed');
const changes = rows.slice(1).map((row, i) => {
  const { iteration, stage, elbo, change, per_token, log_posterior, ...terms } = row;
  const size = Object.values(terms).reduce((sum, term) => sum + Math.abs(term), 0);
  return ((log_posterior ?? elbo) - (rows[i].log_posterior ?? rows[i].elbo)) / size;
});
const least = Math.min(...changes);
console.log(`${rows.length} iterations, least change ${least.toExponential(1)} of the terms' sizes`);
process.exitCode = rows.length > 2 && least >= -tolerance ? 0 : 1;
