// Attribution of a column against its value, a point a row.

const MARGIN = { left: 64, right: 14, top: 12, bottom: 46 };

function niceTicks(low, high, most) {
  const raw = (high - low) / Math.max(1, most) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) || 10);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    ticks.push(k * step);
  }
  return ticks;
}

function rangeOf(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const number of numbers) {
    if (Number.isFinite(number)) {
      low = Math.min(low, number);
      high = Math.max(high, number);
    }
  }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

// The same small shift for the same row each time, so that equal labels do not hide each other.
const shiftOf = (i) => (((i + 1) * 0.6180339887) % 1) - 0.5;

function points(rows, f, column, output) {
  const isText = Boolean(column.labels);
  return rows.map((i) => {
    const missing = isMissing(column, i);
    const x = isText ? column.cells[i] - 1 + 0.5 * shiftOf(i) : column.cells[i];
    return { i, missing, x: missing ? NaN : x, y: valueOf(f, i, output) };
  });
}

function drawScatter(canvas, rows, f, output, chosen) {
  const column = columns[source.columns_of_feature[f][0]];
  const shown = points(rows, f, column, output);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const paint = canvas.getContext("2d");
  paint.scale(density, density);
  paint.font = `12px ${getComputedStyle(document.body).fontFamily}`;

  const someMissing = shown.some((point) => point.missing);
  const lane = someMissing ? 84 : 0;
  const left = MARGIN.left + lane;
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const nLabels = column.labels ? column.labels.length : 0;
  const [xLow, xHigh] = nLabels ? [-0.6, nLabels - 0.4] : rangeOf(shown.map((point) => point.x));
  const [yLow, yHigh] = rangeOf([0, ...shown.map((point) => point.y)]);
  const toX = (x) => left + ((x - xLow) / (xHigh - xLow)) * (right - left);
  const toY = (y) => bottom - ((y - yLow) / (yHigh - yLow)) * (bottom - MARGIN.top);
  for (const point of shown) {
    point.left = point.missing ? MARGIN.left + lane * (0.42 + 0.5 * shiftOf(point.i)) : toX(point.x);
    point.top = toY(point.y);
  }

  const write = (text, x, y, align, room) => {
    paint.textAlign = align;
    let short = text;
    while (short.length > 1 && paint.measureText(short).width > room) {
      short = `${short.replace(/…$/, "").slice(0, -1)}…`;
    }
    paint.fillText(short, x, y);
  };
  paint.fillStyle = colour("--muted");
  paint.lineWidth = 1;
  paint.textBaseline = "middle";
  const tickText = (tick) => minus(cellText(Number(tick.toPrecision(10))));
  for (const tick of niceTicks(yLow, yHigh, 6)) {
    const y = Math.round(toY(tick)) + 0.5;
    paint.strokeStyle = colour(Math.abs(tick) < 1e-12 ? "--edge" : "--line");
    paint.beginPath();
    paint.moveTo(MARGIN.left, y);
    paint.lineTo(right, y);
    paint.stroke();
    write(tickText(tick), MARGIN.left - 6, y, "right", MARGIN.left - 8);
  }
  const middle = bottom + 14;
  if (nLabels) {
    const every = Math.ceil((nLabels * 70) / (right - left));
    for (let k = 0; k < nLabels; k += every) {
      write(column.labels[k], toX(k), middle, "center", Math.max(24, toX(every) - toX(0) - 6));
    }
  } else {
    for (const tick of niceTicks(xLow, xHigh, (right - left) / 75)) {
      write(tickText(tick), toX(tick), middle, "center", 75);
    }
  }
  if (someMissing) {
    write("missing", MARGIN.left + 0.42 * lane, middle, "center", lane);
    paint.strokeStyle = colour("--line");
    paint.beginPath();
    paint.moveTo(MARGIN.left + 0.84 * lane, MARGIN.top);
    paint.lineTo(MARGIN.left + 0.84 * lane, bottom);
    paint.stroke();
  }
  paint.fillStyle = colour("--ink");
  write(column.name, (left + right) / 2, height - 10, "center", right - left);

  const [more, less] = [colour("--more"), colour("--less")];
  paint.globalAlpha = shown.length > 2000 ? 0.3 : 0.6;
  const radius = shown.length > 2000 ? 2 : 3.2;
  for (const point of shown) {
    paint.fillStyle = point.y < 0 ? less : more;
    paint.beginPath();
    paint.arc(point.left, point.top, radius, 0, 2 * Math.PI);
    paint.fill();
  }
  paint.globalAlpha = 1;
  const own = shown.find((point) => point.i === chosen);
  if (own) {
    paint.fillStyle = colour("--chosen");
    paint.strokeStyle = colour("--ink");
    paint.lineWidth = 2;
    paint.beginPath();
    paint.arc(own.left, own.top, 6, 0, 2 * Math.PI);
    paint.fill();
    paint.stroke();
  }
  return shown;
}

function nearestRow(shown, x, y) {
  let [best, nearest] = [Infinity, null];
  for (const point of shown) {
    const distance = (point.left - x) ** 2 + (point.top - y) ** 2;
    if (distance < best) [best, nearest] = [distance, point.i];
  }
  return best < 400 ? nearest : null;
}

// The same in words, for those who do not see the points.
function scatterText(shown, f, output) {
  const column = columns[source.columns_of_feature[f][0]];
  if (!shown.length) return "No rows match.";
  const format = formats[output === PREDICTED ? 0 : output].value;
  const mean = (some) => some.reduce((sum, point) => sum + point.y, 0) / some.length;
  const present = shown.filter((point) => !point.missing);
  const missing = shown.filter((point) => point.missing);
  const sentences = [];
  if (column.labels) {
    const groups = new Map();
    for (const point of present) {
      const label = column.labels[column.cells[point.i] - 1];
      if (!groups.has(label)) groups.set(label, []);
      groups.get(label).push(point);
    }
    const means = [...groups].map(([label, some]) => [label, mean(some)])
      .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 6);
    sentences.push(`Mean attribution: ${means.map(([label, y]) =>
      `${label} ${signed(format(y))}`).join(", ")}.`);
  } else if (present.length > 3) {
    const ordered = [...present].sort((a, b) => a.x - b.x);
    const size = Math.ceil(ordered.length / 4);
    const [low, high] = [ordered.slice(0, size), ordered.slice(-size)];
    sentences.push(
      `Mean attribution of the quarter with the lowest values (up to ${cellText(low.at(-1).x)}): ` +
      `${signed(format(mean(low)))}; with the highest (from ${cellText(high[0].x)}): ` +
      `${signed(format(mean(high)))}.`);
  }
  if (missing.length) {
    sentences.push(`Missing in ${count(missing.length, "row")}: ${signed(format(mean(missing)))}.`);
  }
  return sentences.join(" ");
}
