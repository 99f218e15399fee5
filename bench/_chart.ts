export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Drawn thick, in the first colour. */
  readonly isMain: boolean;
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
}

/** Colours that colour-blind eyes tell apart (Okabe & Ito), dark enough for text on white. */
const MAIN = '#d1410c';
const COLOURS = ['#0072b2', '#00805c', '#a8458c', '#8a6d00', '#2b8fc4', '#555555', '#7a5230', '#5b4fa8'];

const WIDTH = 860;
const HEIGHT = 460;
const PLOT = { left: 70, right: 660, top: 50, bottom: 400 };
/** Least distance between the baselines of two labels. */
const LABEL = 17;
/** Worse scores than so many times the best are above the picture. */
const CEILING = 1.5;

/** An SVG of curves over a logarithmic x; the name of each stands at its end. */
export function chart({ title, x, y, curves }: Chart): string {
  const shown = curves
    .map((curve) => ({ ...curve, points: curve.points.toSorted((a, b) => a.x - b.x) }))
    .filter(({ points }) => points.length > 0);
  const xs = shown.flatMap(({ points }) => points.map((point) => point.x));
  const ys = shown.flatMap(({ points }) => points.map((point) => point.y));
  const [least, most] = [Math.min(...xs) / 1.15, Math.max(...xs) * 1.05];
  const low = Math.min(...ys);
  const high = Math.min(Math.max(...ys), low * CEILING);
  const bottom = low - 0.05 * (high - low || 1);
  const atX = (value: number) =>
    PLOT.left + ((PLOT.right - PLOT.left) * Math.log(value / least)) / Math.log(most / least);
  const atY = (value: number) => PLOT.bottom - ((PLOT.bottom - PLOT.top) * (value - bottom)) / (high - bottom);

  const parts: string[] = [];
  const text = (at: readonly [number, number], content: string, attributes = '') =>
    parts.push(`<text x="${fixed(at[0])}" y="${fixed(at[1])}" ${attributes}>${escaped(content)}</text>`);
  const line = (x1: number, y1: number, x2: number, y2: number, stroke: string) =>
    parts.push(
      `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${stroke}" stroke-width="1"/>`,
    );

  for (const tick of linearTicks(bottom, high)) {
    line(PLOT.left, atY(tick), PLOT.right, atY(tick), '#e4e4e4');
    text([PLOT.left - 8, atY(tick) + 4], tick.toLocaleString('en'), 'text-anchor="end" fill="#444"');
  }
  for (const tick of logTicks(least, most)) {
    line(atX(tick), PLOT.top, atX(tick), PLOT.bottom, '#e4e4e4');
    text([atX(tick), PLOT.bottom + 18], `${tick}`, 'text-anchor="middle" fill="#444"');
  }
  line(PLOT.left, PLOT.bottom, PLOT.right, PLOT.bottom, '#888');
  text([PLOT.left, 28], title, 'font-size="15" font-weight="bold" fill="#222"');
  text([(PLOT.left + PLOT.right) / 2, PLOT.bottom + 42], x, 'text-anchor="middle" fill="#444"');
  const middle = (PLOT.top + PLOT.bottom) / 2;
  text([18, middle], y, `text-anchor="middle" fill="#444" transform="rotate(-90 18 ${middle})"`);

  let colour = 0;
  const labels = shown.map(({ name, points, isMain }) => {
    const stroke = isMain ? MAIN : COLOURS[colour++ % COLOURS.length]!;
    const width = isMain ? 3.5 : 1.8;
    const path = points.map((point) => `${fixed(atX(point.x))},${fixed(atY(point.y))}`).join(' ');
    const dots = points
      .filter((point) => point.y <= high)
      .map((point) => `<circle cx="${fixed(atX(point.x))}" cy="${fixed(atY(point.y))}" r="${isMain ? 4 : 2.8}"/>`)
      .join('');
    const clip = 'clip-path="url(#plot)"';
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linejoin="round" ${clip}/>`,
      `<g fill="${stroke}">${dots}</g>`,
    );
    const end = points.at(-1)!;
    const best = Math.min(...points.map((point) => point.y));
    return {
      from: [atX(end.x), atY(Math.min(end.y, high))] as const,
      content: `${name} ${Math.round(best).toLocaleString('en')}`,
      stroke,
      isMain,
    };
  });
  const places = spread(
    labels.map(({ from }) => from[1]),
    LABEL,
    PLOT.top,
    PLOT.bottom,
  );
  labels.forEach(({ from, content, stroke, isMain }, i) => {
    const at = places[i]!;
    parts.push(
      `<path d="M${fixed(from[0] + 5)},${fixed(from[1])} L${PLOT.right + 2},${fixed(at)} H${PLOT.right + 12}" fill="none" stroke="${stroke}" stroke-opacity=".45" stroke-dasharray="2 3"/>`,
    );
    text([PLOT.right + 16, at + 4], content, `fill="${stroke}"${isMain ? ' font-weight="bold"' : ''}`);
  });
  text([PLOT.right + 16, PLOT.bottom + 42], 'beside a name: its best', 'fill="#777" font-size="11"');

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13">
<clipPath id="plot"><rect x="${PLOT.left}" y="${PLOT.top - 2}" width="${PLOT.right - PLOT.left + 4}" height="${PLOT.bottom - PLOT.top + 4}"/></clipPath>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

/** Places near the wanted ones, in their order, at least `gap` apart, between `top` and `bottom`. */
export function spread(wanted: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const places = [...wanted];
  let least = top;
  for (const i of order) {
    places[i] = Math.max(places[i]!, least);
    least = places[i]! + gap;
  }
  let most = bottom;
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i]!, most);
    most = places[i]! - gap;
  }
  return places;
}

/** Round numbers between two: multiples of 1, 2 or 5 times a power of ten, about five. */
function linearTicks(from: number, to: number): number[] {
  const power = 10 ** Math.floor(Math.log10((to - from) / 5 || 1));
  const step = power * [1, 2, 5, 10].find((factor) => (to - from) / (factor * power) <= 7)!;
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) ticks.push(i * step);
  return ticks;
}

/** 1, 2 and 5 times the powers of ten between two numbers. */
function logTicks(from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    for (const factor of [1, 2, 5]) {
      const tick = Number((factor * 10 ** power).toPrecision(1));
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}

function fixed(x: number): string {
  return String(Math.round(10 * x) / 10);
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
}
