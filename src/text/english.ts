/**
 * English function words: what the 108 of the package `stopword` leave out. Grammar only: articles, pronouns,
 * auxiliaries, prepositions, conjunctions, particles, adverbs of degree, time and place, quantifiers, small numerals,
 * and the pieces that broken apostrophes leave. No word that could name what a text is about.
 */
export const ENGLISH_FUNCTION_WORDS: readonly string[] = `
a an the

i me my myself we us our ours ourselves you your yours yourself yourselves thou thee thy thine ye
he him his himself she her hers herself it its itself they them their theirs themselves themself
who whom whose whoever whomever which whichever what whatever that this these those such
one ones oneself someone somebody something anyone anybody anything everyone everybody everything
nobody nothing none each other another others

am is are was were be been being
have has had having do does did done doing
will would shall should can could may might must ought cannot gonna gotta wanna
get gets got gotten getting let lets

aboard about above across after against along alongside amid amidst among amongst around as at atop
before behind below beneath beside besides between beyond but by concerning despite down during except excepting excluding
for from in including inside into like near next of off on onto out outside over per plus regarding
round since than through throughout till to toward towards under underneath unlike until unto up upon
versus via vs with within without whereby wherein whereof whereupon thereby therein thereof thereto thereupon
hereby herein hereof hereto heretofore hereafter thereafter hitherto

and or nor but yet so if then else because although though while whilst whereas unless whether lest
either neither both not no yes once provided

again ago all almost alone already also altogether always anyhow anymore anyway anywhere apart aside away back
else elsewhere enough especially even ever everywhere exactly far fairly farther forth forward further furthermore
generally hardly hence here how however indeed instead just largely later lately least less likely little
mainly many maybe meanwhile merely more moreover most mostly much namely nearly nevertheless never nonetheless
notwithstanding now nowadays nowhere often only otherwise particularly partly perhaps possibly probably quite rather
really recently respectively seldom shortly simply somehow sometime sometimes somewhat somewhere soon still
subsequently sure there therefore thereafter thus together too truly twice usually very well when whenever where
wherever whence wherefore why accordingly afterwards afterward beforehand consequently certainly clearly entirely
eventually finally formerly frequently fully greatly highly immediately increasingly initially obviously presumably
previously quickly similarly sufficiently thoroughly ultimately undoubtedly utterly

any every few fewer fewest several some various certain same own former latter last first second third
two three four five six seven eight nine ten eleven twelve hundred thousand
half lot lots plenty

said say says saying seem seemed seeming seems become becomes became becoming
make makes made making take takes took taken taking come comes came coming go goes went gone going
put puts keep keeps kept give gives gave given giving use used uses using
tend tends etc eg ie et al viz re

able unable due according accordingly thanks okay ok oh ah hey hi hello please
yeah yep nope mr mrs
thing things way ways

don doesn didn isn aren wasn weren hasn hadn couldn wouldn shouldn mustn needn mightn ain shan ll ve
dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt couldnt wouldnt shouldnt cant aint
im ive youre youve youll theyre theyve theyll thats whats theres heres hes shes itll
`
  .split(/\s+/)
  .filter((word) => word !== '');

/** `don't`, `we're`, `they'd've`: the tokens that keep an inner apostrophe. The form `'s` is gone by then. */
export const ENGLISH_CONTRACTIONS: readonly string[] = [
  ...[
    'do',
    'does',
    'did',
    'is',
    'are',
    'was',
    'were',
    'has',
    'have',
    'had',
    'could',
    'would',
    'should',
    'might',
    'must',
  ].map((verb) => `${verb}n't`),
  ...[
    "can't",
    "won't",
    "shan't",
    "needn't",
    "oughtn't",
    "mayn't",
    "ain't",
    "daren't",
    "y'all",
    "ma'am",
    "o'clock",
    "i'm",
  ],
  ...["'tis", "'twas", "'twill", "how'd", "where'd", "why'd", "let's", "could've", "would've", "should've", "might've"],
  ...["must've", "couldn't've", "wouldn't've", "shouldn't've", "i'd've", "you'd've", "we'd've", "they'd've"],
  ...['you', 'we', 'they', 'who', 'what', 'there', 'these', 'those'].map((word) => `${word}'re`),
  ...['i', 'you', 'we', 'they', 'who', 'there', 'that'].map((word) => `${word}'ve`),
  ...['i', 'you', 'he', 'she', 'it', 'we', 'they', 'who', 'that', 'there', 'this', 'what'].flatMap((word) => [
    `${word}'ll`,
    `${word}'d`,
  ]),
];
