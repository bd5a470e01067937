// The table of rows: which are shown, in what order, a page of them at a time.

const MOST_COLUMNS = 100;

// Of very many columns the most important are shown; a search still looks through all.
function columnsShown(own, mean) {
  const all = Array.from(own.keys());
  if (all.length <= MOST_COLUMNS) return all;
  const rank = new Map(byFalling(mean).map((f, at) => [f, at]));
  return all.sort((a, b) => rank.get(a) - rank.get(b)).slice(0, MOST_COLUMNS).sort((a, b) => a - b);
}

// What heads a column of the table, orders rows by it and fills its cells.
function tableColumns(state) {
  const { output, shows } = state;
  const format = (i) => formatOf(i, output);
  const made = [];
  if (source.has_classes) {
    made.push({
      key: "predicted", name: "predicted", number: (i) => predictedOutput[i],
      cell: (i) => user(source.outputs[predictedOutput[i]]),
    });
  }
  if (truths.length) {
    const column = truthOf(source.has_classes ? 0 : output);
    made.push({
      key: "truth", name: "actual", isNumber: !column.labels, number: (i) => orderOf(column, i),
      cell: (i) => cellOf(column, i),
    });
  }
  const unit = UNITS[source.unit];
  made.push({
    key: "prediction",
    name: output === PREDICTED ? unit : nOutputs > 1 ? `${unit} of ${source.outputs[output]}`
      : "prediction",
    isNumber: true, number: (i) => predictionOf(i, output),
    cell: (i) => format(i).prediction(predictionOf(i, output)),
  });
  if (!(output === PREDICTED ? formats : [formats[output]]).every((one) => one.isExplained)) {
    made.push({
      key: "residual", name: "not explained", isNumber: true,
      number: (i) => residualOf(i, output), cell: (i) => format(i).value(residualOf(i, output)),
    });
  }
  const mean = meansOver({ length: nRows }, output).mean;
  if (shows === "cells") {
    const own = columns.length === nFeatures ? mean : new Float64Array(columns.length);
    for (const j of columnsShown(columns, own)) {
      made.push({
        key: `cell ${j}`, name: columns[j].name, isNumber: !columns[j].labels,
        number: (i) => orderOf(columns[j], i), cell: (i) => cellOf(columns[j], i),
      });
    }
  } else {
    for (const f of columnsShown(source.features, mean)) {
      made.push({
        key: `attribution ${f}`, name: source.features[f], isNumber: true,
        number: (i) => valueOf(f, i, output),
        cell: (i) => signed(format(i).value(valueOf(f, i, output))),
        tint: (i) => valueOf(f, i, output),
      });
    }
  }
  return made;
}

// Missing cells come last, whichever way the others are ordered.
function orderOf(column, i) {
  const cell = column.cells[i];
  return column.labels && cell === 0 ? NaN : cell;
}

function matchingRows(state) {
  const query = state.query.trim().toLowerCase();
  const texts = query ? [rowLabels, ...columns, ...truths].map(searchTexts) : [];
  const wanted = truths.length && state.truth !== "" ? Number(state.truth) : null;
  const kept = [];
  for (let i = 0; i < nRows; i++) {
    if (state.predicted !== "" && predictedOutput[i] !== Number(state.predicted)) continue;
    if (wanted !== null && truths[0].cells[i] !== wanted) continue;
    if (state.wrong && !isWrong[i]) continue;
    if (query && !texts.some((text) => text.of(i).includes(query))) continue;
    kept.push(i);
  }
  return kept;
}

function sortRows(rows, number, descending) {
  const sign = descending ? -1 : 1;
  const numbers = new Float64Array(nRows);
  for (const i of rows) numbers[i] = number(i);
  return rows.sort((a, b) => {
    const [x, y] = [numbers[a], numbers[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return sign * (x - y) || a - b;
  });
}

function tableHead(shown, onSort) {
  const own = { key: "row", name: rowLabels.name };
  const cells = [own, ...shown].map((column) => {
    const button = element("button", { type: "button" },
      element("span", { class: "name user line", title: column.name }, ...nameParts(column.name)),
      element("span", { class: "arrow", "aria-hidden": "true" }));
    button.addEventListener("click", () => onSort(column.key));
    return element("th", {
      scope: "col", "aria-sort": "none", "data-key": column.key,
      ...(column.isNumber ? { class: "number" } : {}),
    }, button);
  });
  return element("thead", {}, element("tr", {}, ...cells));
}

function markSorted(head, key, descending) {
  for (const cell of head.querySelectorAll("th")) {
    const isKey = cell.dataset.key === key;
    cell.setAttribute("aria-sort", isKey ? (descending ? "descending" : "ascending") : "none");
    cell.querySelector(".arrow").textContent = isKey ? (descending ? "▼" : "▲") : "";
  }
}

function tableBody(rows, shown, largest) {
  const body = element("tbody");
  for (const i of rows) {
    const label = textOf(rowLabels, i);
    const row = element("tr", { "data-row": i }, element("th", { scope: "row" },
      element("button", {
        type: "button", class: "user", title: `Explain row ${label}`, "aria-controls": "row",
      }, label)));
    for (const column of shown) {
      const cell = element("td", column.isNumber ? { class: "number" } : {}, column.cell(i));
      if (column.tint) {
        const share = column.tint(i) / (largest || 1);
        const tint = share < 0 ? "--less-tint" : "--more-tint";
        cell.style.backgroundColor = `rgba(var(${tint}), ${(0.4 * Math.abs(share)).toFixed(3)})`;
      }
      row.append(cell);
    }
    body.append(row);
  }
  return body;
}
