/** ISO 639-1 codes, and what else people write, of the ISO 639-3 codes used here. */
// biome-ignore format: a table
const THREE_LETTERS: Readonly<Record<string, string>> = {
  af: 'afr', ar: 'ara', bg: 'bul', bn: 'ben', br: 'bre', ca: 'cat', cs: 'ces', cze: 'ces', da: 'dan', de: 'deu',
  ger: 'deu', el: 'ell', gre: 'ell', en: 'eng', eo: 'epo', es: 'spa', et: 'est', eu: 'eus', baq: 'eus', fa: 'fas',
  per: 'fas', fi: 'fin', fr: 'fra', fre: 'fra', ga: 'gle', gl: 'glg', gu: 'guj', ha: 'hau', he: 'heb', hi: 'hin',
  hr: 'hrv', hu: 'hun', hy: 'hye', arm: 'hye', id: 'ind', it: 'ita', ja: 'jpn', km: 'khm', ko: 'kor', ku: 'kur',
  la: 'lat', lo: 'lao', lt: 'lit', lv: 'lav', mr: 'mar', ms: 'msa', may: 'msa', my: 'mya', bur: 'mya', nl: 'nld',
  dut: 'nld', nn: 'nno', no: 'nob', nb: 'nob', nor: 'nob', pa: 'pan', pl: 'pol', pt: 'por', 'pt-br': 'por-br',
  ro: 'ron', rum: 'ron', ru: 'rus', sk: 'slk', slo: 'slk', sl: 'slv', so: 'som', st: 'sot', sv: 'swe', sw: 'swa',
  th: 'tha', tl: 'tgl', tr: 'tur', uk: 'ukr', ur: 'urd', vi: 'vie', yo: 'yor', zh: 'zho', chi: 'zho', zu: 'zul',
  az: 'aze',
};

const TWO_LETTERS = new Map<string, string>();
for (const [short, long] of Object.entries(THREE_LETTERS)) if (!TWO_LETTERS.has(long)) TWO_LETTERS.set(long, short);

/** The ISO 639-3 code of a language written `de`, `DE`, `deu` or `ger`. An unknown word is handed back. */
export function languageCode(written: string): string {
  const code = written.toLowerCase().replace('_', '-');
  return Object.hasOwn(THREE_LETTERS, code) ? THREE_LETTERS[code]! : code;
}

/** The shortest way to write a language: `de` for `deu`, `lgg` for itself. */
export function shortCode(code: string): string {
  return TWO_LETTERS.get(code) ?? code;
}
