// The data of the page: typed arrays over the base64 that Python wrote.

const source = JSON.parse(document.getElementById("data").textContent);
const TYPES = {
  f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array,
};

function decode(encoded) {
  if (!encoded) return null;
  const text = atob(encoded.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  encoded.data = null;
  return new TYPES[encoded.type](bytes.buffer);
}

const nRows = source.n_rows;
const nFeatures = source.features.length;
const nOutputs = source.outputs.length;
// The choice after the last output: of each row the class that is predicted for it.
const PREDICTED = nOutputs;

const values = decode(source.values);
const std = decode(source.std);
const base = decode(source.base);
const predictions = decode(source.predictions);
const residual = decode(source.residual);
const predictedOutput = decode(source.predicted);
const importance = decode(source.importance);
const importanceStd = decode(source.importance_std);
const isWrong = decode(source.is_wrong);

function asColumn(encoded) {
  return { name: encoded.name, labels: encoded.labels || null, cells: decode(encoded), texts: null };
}

const columns = source.columns.map(asColumn);
const rowLabels = asColumn(source.index);
const truths = source.truth.map(asColumn);

const outputOf = (i, output) => (output === PREDICTED ? predictedOutput[i] : output);
const offset = (f, i, output) => (outputOf(i, output) * nFeatures + f) * nRows + i;
const valueOf = (f, i, output) => values[offset(f, i, output)];
const stdOf = (f, i, output) => (std ? std[offset(f, i, output)] : 0);
const baseOf = (i, output) => base[outputOf(i, output) * nRows + i];
const predictionOf = (i, output) => predictions[outputOf(i, output) * nRows + i];
const residualOf = (i, output) => residual[outputOf(i, output) * nRows + i];
const truthOf = (output) => truths[truths.length > 1 ? output : 0];

function isMissing(column, i) {
  return column.labels ? column.cells[i] === 0 : Number.isNaN(column.cells[i]);
}

function textOf(column, i) {
  if (isMissing(column, i)) return "missing";
  return column.labels ? column.labels[column.cells[i] - 1] : cellText(column.cells[i]);
}

// What a search looks through: lower-case text of every cell, made when first needed.
function searchTexts(column) {
  if (!column.texts) {
    if (column.labels) {
      const labels = ["missing", ...column.labels].map((label) => label.toLowerCase());
      column.texts = { of: (i) => labels[column.cells[i]] };
    } else {
      const texts = Array.from(column.cells, (cell) =>
        Number.isNaN(cell) ? "missing" : `${cellText(cell)} ${cell}`);
      column.texts = { of: (i) => texts[i] };
    }
  }
  return column.texts;
}
