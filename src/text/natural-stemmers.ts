/**
 * The stemmers of the package `natural`, one file each: its main entry would load databases, print to stdout and read
 * `.env`. The build bundles this file, so that thema's users do not install natural's 80 packages. Left out: Farsi,
 * whose stemmer hands the word back, and Indonesian, whose stemmer writes global variables.
 */

import english from 'natural/lib/natural/stemmers/porter_stemmer.js';
import german from 'natural/lib/natural/stemmers/porter_stemmer_de.js';
import spanish from 'natural/lib/natural/stemmers/porter_stemmer_es.js';
import french from 'natural/lib/natural/stemmers/porter_stemmer_fr.js';
import italian from 'natural/lib/natural/stemmers/porter_stemmer_it.js';
import dutch from 'natural/lib/natural/stemmers/porter_stemmer_nl.js';
import norwegian from 'natural/lib/natural/stemmers/porter_stemmer_no.js';
import portuguese from 'natural/lib/natural/stemmers/porter_stemmer_pt.js';
import russian from 'natural/lib/natural/stemmers/porter_stemmer_ru.js';
import swedish from 'natural/lib/natural/stemmers/porter_stemmer_sv.js';
import ukrainian from 'natural/lib/natural/stemmers/porter_stemmer_uk.js';
import japanese from 'natural/lib/natural/stemmers/stemmer_ja.js';

/** Language (ISO 639-3) → the stem of a lower-case word. */
export const stemmers: Readonly<Record<string, (word: string) => string>> = {
  eng: (word) => english.stem(word),
  deu: (word) => german.stem(word),
  spa: (word) => spanish.stem(word),
  fra: (word) => french.stem(word),
  ita: (word) => italian.stem(word),
  jpn: (word) => japanese.stem(word),
  nld: (word) => dutch.stem(word),
  nob: (word) => norwegian.stem(word),
  por: (word) => portuguese.stem(word),
  rus: (word) => russian.stem(word),
  swe: (word) => swedish.stem(word),
  ukr: (word) => ukrainian.stem(word),
};
