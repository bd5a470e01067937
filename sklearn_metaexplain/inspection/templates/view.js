// What the reader has chosen, and the parts of the page brought in line with it.

const state = {
  output: source.has_classes ? (nOutputs === 2 ? 1 : PREDICTED) : 0,
  shows: columns.length ? "cells" : "attributions",
  predicted: "", truth: "", wrong: false, query: "",
  key: null, descending: false, page: 0, pageSize: 25,
  chosen: 0, allImportances: false, allOfRow: false, feature: 0,
};
let shownColumns = [];
let order = [];
let head = null;
let scattered = [];

const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const nameOf = (output) =>
  (output === PREDICTED ? "the predicted class" : source.outputs[output]);
const nPages = () => Math.max(1, Math.ceil(order.length / state.pageSize));

function refreshImportance() {
  const isAll = order.length === nRows;
  const rows = isAll ? source.n_total : order.length;
  const unit = UNITS[source.unit];
  const of = nOutputs > 1 ? ` of ${nameOf(state.output)}` : "";
  byId("importance-caption").textContent = order.length
    ? `Mean absolute attribution to the ${unit}${of}, over ` +
      `${isAll ? "all " : "the "}${count(rows, "row")}${isAll ? "" : " that match the filters"}.`
    : "No rows match the filters.";
  drawImportance(byId("importance-bars"), order.length ? order : { length: nRows }, state.output,
    state.allImportances);
  byId("importance-bars").hidden = !order.length;
  offerAll("importance-more", nFeatures > MOST_BARS, state.allImportances);
}

function offerAll(id, isNeeded, all) {
  byId(id).hidden = !isNeeded;
  byId(id).textContent = all ? `Show the ${MOST_BARS} largest` : `Show all ${nFeatures} columns`;
}

function refreshTable() {
  state.page = Math.min(state.page, nPages() - 1);
  const start = state.page * state.pageSize;
  const rows = order.slice(start, start + state.pageSize);
  const table = byId("table").querySelector("table");
  table.querySelector("tbody")?.remove();
  table.append(tableBody(rows, shownColumns, largestShown()));
  markChosen();
  const end = start + rows.length;
  byId("page").textContent = rows.length
    ? `${many.format(start + 1)}–${many.format(end)} of ${many.format(order.length)}` : "no rows";
  byId("previous-page").disabled = state.page === 0;
  byId("next-page").disabled = state.page >= nPages() - 1;
}

const largestShown = () => Math.max(
  ...(state.output === PREDICTED ? formats : [formats[state.output]]).map(({ largest }) => largest));

function rebuildTable() {
  shownColumns = tableColumns(state);
  head = tableHead(shownColumns, sortBy);
  byId("table").replaceChildren(element("table", {
    class: "grid", "aria-labelledby": "rows-heading",
  }, head));
  if (!shownColumns.some((column) => column.key === state.key) && state.key !== "row") {
    state.key = null;
  }
  refreshOrder();
}

function refreshOrder() {
  order = matchingRows(state);
  const column = shownColumns.find(({ key }) => key === state.key);
  const number = column ? column.number : (i) => orderOf(rowLabels, i);
  if (state.key) sortRows(order, number, state.descending);
  markSorted(head, state.key, state.descending);
  const parts = [order.length === nRows ? count(nRows, "row")
    : `${many.format(order.length)} of ${count(nRows, "row")} match`];
  if (nRows < source.n_total) parts.push(`evenly spaced from ${many.format(source.n_total)}`);
  const available = state.shows === "cells" ? columns.length : nFeatures;
  if (available > MOST_COLUMNS) {
    parts.push(`${MOST_COLUMNS} of ${many.format(available)} columns are shown`);
  }
  if (state.key) {
    const name = column ? column.name : rowLabels.name;
    parts.push(`ordered by ${name}, ${state.descending ? "descending" : "ascending"}`);
  }
  byId("count").textContent = `${parts.join("; ")}.`;
  refreshTable();
  refreshSteps();
}

// After another choice of rows or of the output: an order alone changes neither of these.
function refreshPictures() {
  refreshImportance();
  refreshScatter();
}

function sortBy(key) {
  state.descending = state.key === key && !state.descending;
  state.key = key;
  state.page = 0;
  refreshOrder();
}

function markChosen() {
  for (const row of byId("table").querySelectorAll("tbody tr")) {
    const isChosen = Number(row.dataset.row) === state.chosen;
    row.classList.toggle("chosen", isChosen);
    const button = row.querySelector("button");
    if (isChosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function refreshRow() {
  const { chosen: i, output } = state;
  byId("row-heading").replaceChildren("Row ", user(textOf(rowLabels, i)));
  const { prediction } = formatOf(i, output);
  const facts = [];
  if (source.has_classes) facts.push(["Predicted", source.outputs[predictedOutput[i]]]);
  if (truths.length) facts.push(["Actual", textOf(truthOf(source.has_classes ? 0 : output), i)]);
  if (nOutputs > 1) facts.push(["Shown", source.outputs[outputOf(i, output)]]);
  facts.push(["Base value", prediction(baseOf(i, output))]);
  facts.push(["Prediction", prediction(predictionOf(i, output))]);
  const unexplained = unexplainedOf(i, output);
  if (source.additive) {
    facts.push(["Not explained", unexplained ? minus(unexplained.toExponential(0)) : "0"]);
  }
  byId("row-facts").replaceChildren(...facts.map(([name, text]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, user(text)))));
  drawRow(byId("row-bars"), i, output, state.allOfRow);
  offerAll("row-more", nFeatures > MOST_BARS + 1, state.allOfRow);
  if (byId("row-details").open) drawCells(byId("row-cells"), i);
}

function choose(i, announce = true) {
  state.chosen = i;
  refreshRow();
  markChosen();
  refreshScatter();
  refreshSteps();
  if (!announce) return;
  const { value, prediction } = formatOf(i, state.output);
  const sizes = Float64Array.from({ length: nFeatures }, (_, f) => valueOf(f, i, state.output));
  const largest = byFalling(sizes).slice(0, 3)
    .map((f) => `${source.features[f]} ${signed(value(sizes[f]))}`);
  byId("announcement").textContent = `Row ${textOf(rowLabels, i)}: prediction ` +
    `${prediction(predictionOf(i, state.output))} for ` +
    `${source.outputs[outputOf(i, state.output)]}. Largest attributions: ${largest.join(", ")}.`;
}

function refreshSteps() {
  const at = order.indexOf(state.chosen);
  byId("previous-row").disabled = at === 0 || !order.length;
  byId("next-row").disabled = at === order.length - 1;
}

function step(by) {
  const at = order.indexOf(state.chosen);
  const next = at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + by));
  const page = Math.floor(next / state.pageSize);
  if (page !== state.page) {
    state.page = page;
    refreshTable();
  }
  choose(order[next]);
}

function refreshScatter() {
  if (byId("dependence").hidden) return;
  const canvas = byId("scatter");
  scattered = drawScatter(canvas, order, state.feature, state.output, state.chosen);
  const name = source.features[state.feature];
  const text = scatterText(scattered, state.feature, state.output);
  canvas.setAttribute("aria-label",
    `Attribution of ${name} against its value, ${count(scattered.length, "row")}. ${text}`);
  byId("scatter-caption").textContent =
    `Attribution of ${name} in ${count(scattered.length, "row")}. ${text}`;
}
