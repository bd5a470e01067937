// Numbers as text, and small helpers that make elements. Text is never parsed as markup.

function cellText(number) {
  if (Number.isInteger(number)) return String(number);
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "-∞";
  // Before the point all digits count: 1234567.8 is not 1234570.
  const digits = Math.floor(Math.log10(Math.abs(number))) + 1;
  return String(Number(number.toPrecision(Math.max(6, digits))));
}

// Digits that suit the largest of some numbers, so that they stand under each other.
function formatFor(largest) {
  if (!(largest > 0) || !Number.isFinite(largest)) return (x) => minus(x.toFixed(3));
  const exponent = Math.ceil(Math.log10(largest));
  if (exponent > 9 || exponent < -4) return (x) => minus(x.toExponential(2));
  const digits = exponent <= 0 ? 3 - exponent : Math.max(0, 4 - exponent);
  return (x) => minus(x.toFixed(digits));
}

function minus(text) {
  const isZero = /^-0(\.0*)?$/.test(text);
  return isZero ? text.slice(1) : text.replace(/^-/, "−").replace("e-", "e−");
}

function signed(text) {
  return text.startsWith("−") || /^0(\.0*)?$/.test(text) ? text : `+${text}`;
}

function largestOf(numbers) {
  let largest = 0;
  for (const number of numbers) {
    const size = Math.abs(number);
    if (size > largest && size !== Infinity) largest = size;
  }
  return largest;
}

// What sums leave unexplained is rounding next to the numbers that are summed, in whatever unit.
const isRounding = (left, size) => Math.abs(left) <= 1e-6 * size;

function unexplainedOf(i, output) {
  let total = 0;
  for (let f = 0; f < nFeatures; f += 1) total += Math.abs(valueOf(f, i, output));
  const size = Math.max(total, Math.abs(predictionOf(i, output)), Math.abs(baseOf(i, output)));
  const left = residualOf(i, output);
  return isRounding(left, size) ? 0 : left;
}

const UNITS = { probability: "probability", log_odds: "log-odds", raw: "output" };

// One number of digits for all attributions to an output, one for its predictions.
const formats = Array.from({ length: nOutputs }, (_, k) => {
  const perOutput = (array, length) => array.subarray(k * length, (k + 1) * length);
  const largest = largestOf(perOutput(values, nFeatures * nRows));
  const predicted = Math.max(
    largestOf(perOutput(predictions, nRows)), largestOf(perOutput(base, nRows)));
  const left = largestOf(perOutput(residual, nRows));
  return {
    largest, value: formatFor(largest), prediction: formatFor(predicted),
    isExplained: !source.additive || isRounding(left, Math.max(largest, predicted)),
  };
});
const formatOf = (i, output) => formats[outputOf(i, output)];

const many = new Intl.NumberFormat("en");
const count = (n, noun) => `${many.format(n)} ${noun}${n === 1 ? "" : "s"}`;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);
const user = (text, className = "") =>
  element("span", { class: `user ${className}`.trim(), title: text }, text);

// Names take several lines. The longest are cut, and differ at their ends more often than at their
// beginnings: the middle is left out.
const LONGEST_WHOLE = 60;
function nameParts(name) {
  const characters = Array.from(name);
  if (characters.length <= LONGEST_WHOLE) {
    return [element("span", { class: characters.length > 20 ? "whole wide" : "whole" }, name)];
  }
  const last = characters.length > 6 ? Math.min(8, Math.floor(characters.length / 2)) : 0;
  const cut = characters.length - last;
  return [
    element("span", { class: last ? "first long" : "first" }, characters.slice(0, cut).join("")),
    element("span", { class: "last" }, characters.slice(cut).join("")),
  ];
}

function cellOf(column, i) {
  const missing = isMissing(column, i);
  return user(textOf(column, i), missing ? "missing" : "");
}
