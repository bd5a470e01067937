// Bars as tables: a row for each column, its name, a bar to see and the number to read.

const MOST_BARS = 15;
const percent = (share) => `${(100 * share).toFixed(3)}%`;

function barCell(scale, parts) {
  const svg = drawn("svg", { class: "bar", "aria-hidden": "true", focusable: "false" });
  for (const { kind, from, to, low, high, at } of parts) {
    if (at !== undefined) {
      const x = percent(scale(at));
      svg.append(drawn("line", { class: kind, x1: x, x2: x, y1: "0%", y2: "100%" }));
    }
    if (from !== undefined) {
      const [left, right] = [scale(Math.min(from, to)), scale(Math.max(from, to))];
      svg.append(drawn("rect", {
        class: kind, x: percent(left), width: percent(Math.max(right - left, 0.002)),
        y: "18%", height: "64%",
      }));
    }
    if (low !== undefined) {
      const [left, right] = [percent(scale(low)), percent(scale(high))];
      svg.append(drawn("line", { class: "halo", x1: left, x2: right, y1: "50%", y2: "50%" }));
      svg.append(drawn("line", { class: kind, x1: left, x2: right, y1: "50%", y2: "50%" }));
      for (const x of [left, right]) {
        svg.append(drawn("line", { class: kind, x1: x, x2: x, y1: "35%", y2: "65%" }));
      }
    }
  }
  return element("td", {}, svg);
}

function barsTable(heading, amount, rows) {
  const head = element("tr", {},
    element("th", { scope: "col", class: "label" }, "Column"),
    element("th", { scope: "col" }, element("span", { class: "unseen" }, "Bar")),
    element("th", { scope: "col", class: "number amount" }, amount));
  return element("table", { class: "bars", "aria-labelledby": heading },
    element("thead", {}, head), element("tbody", {}, ...rows));
}

function barRow(label, bar, amount, className = "") {
  return element("tr", className ? { class: className } : {},
    element("th", { scope: "row", class: "label" }, label),
    bar, element("td", { class: "number amount" }, ...amount));
}

function barLabel(name, value = "") {
  return element("span", { class: "user pair", title: name + value },
    element("span", { class: "line" }, ...nameParts(name)),
    element("span", { class: "value" }, value));
}

// A spread that rounds to nothing keeps a digit: it is not zero.
function spreadText(spread, format) {
  const text = Number(format(spread)) === 0 ? cellText(Number(spread.toPrecision(1)))
    : format(spread);
  return element("span", { class: "spread" }, `± ${text}`);
}

// Importance of columns

function meansOver(rows, output) {
  if (rows.length === nRows) {
    const at = output * nFeatures;
    return {
      mean: importance.subarray(at, at + nFeatures),
      spread: importanceStd && importanceStd.subarray(at, at + nFeatures),
    };
  }
  const mean = new Float64Array(nFeatures);
  const spread = std && new Float64Array(nFeatures);
  for (let f = 0; f < nFeatures; f++) {
    for (const i of rows) {
      mean[f] += Math.abs(valueOf(f, i, output)) / rows.length;
      if (spread) spread[f] += stdOf(f, i, output) / rows.length;
    }
  }
  return { mean, spread };
}

const byFalling = (numbers) =>
  Array.from(numbers.keys()).sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]) || a - b);

function drawImportance(place, rows, output, showAll) {
  const { mean, spread } = meansOver(rows, output);
  const order = byFalling(mean).slice(0, showAll ? nFeatures : MOST_BARS);
  let furthest = 0;
  for (const f of order) furthest = Math.max(furthest, mean[f] + (spread ? spread[f] : 0));
  const scale = (x) => Math.max(0, x) / (furthest || 1);
  const format = formatFor(largestOf(mean));
  const shown = order.map((f) => {
    const parts = [{ kind: "level", at: 0 }, { kind: "neutral", from: 0, to: mean[f] }];
    const amount = [format(mean[f])];
    if (spread && spread[f] > 0) {
      parts.push({ kind: "whisker", low: mean[f] - spread[f], high: mean[f] + spread[f] });
      amount.push(" ", spreadText(spread[f], format));
    }
    return barRow(barLabel(source.features[f]), barCell(scale, parts), amount);
  });
  place.replaceChildren(barsTable("importance-heading", "Mean |attribution|", shown));
}

function drawImportanceTable(place) {
  const head = element("tr", {}, element("th", { scope: "col" }, element("span", {}, "Column")),
    ...source.outputs.map((name) =>
      element("th", { scope: "col", class: "number" }, user(name))));
  const order = byFalling(meansOver({ length: nRows }, nOutputs > 1 && source.has_classes
    ? PREDICTED : 0).mean);
  const perOutput = source.outputs.map((_, k) => meansOver({ length: nRows }, k).mean);
  const perFormat = perOutput.map((mean) => formatFor(largestOf(mean)));
  const body = order.map((f) => element("tr", {},
    element("th", { scope: "row" }, user(source.features[f])),
    ...perOutput.map((mean, k) => element("td", { class: "number" }, perFormat[k](mean[f])))));
  place.replaceChildren(element("table", {
    class: "grid", "aria-labelledby": "importance-heading",
  }, element("thead", {}, head), element("tbody", {}, ...body)));
}

// The chosen row: from the base value, column by column, to the prediction

function featureLabel(f, i) {
  const own = source.columns_of_feature[f];
  const name = source.features[f];
  const direct = own.length === 1;
  const texts = own.map((j) =>
    direct ? textOf(columns[j], i) : `${columns[j].name} = ${textOf(columns[j], i)}`);
  if (!texts.length) return barLabel(name);
  return barLabel(name, `${direct ? " = " : ": "}${texts.join(", ")}`);
}

function itemsOf(i, output, showAll) {
  const sizes = Float64Array.from({ length: nFeatures }, (_, f) => valueOf(f, i, output));
  const order = byFalling(sizes);
  const kept = showAll || nFeatures <= MOST_BARS + 1 ? order : order.slice(0, MOST_BARS);
  const items = kept.map((f) => ({
    label: featureLabel(f, i), size: sizes[f], spread: stdOf(f, i, output), className: "",
  }));
  const rest = order.slice(kept.length);
  if (rest.length) {
    let size = 0;
    for (const f of rest) size += sizes[f];
    items.push({
      label: `${rest.length} other columns`, size, spread: 0, className: "rest",
    });
  }
  const unexplained = unexplainedOf(i, output);
  if (source.additive && unexplained) {
    items.push({
      label: "not explained", size: unexplained, spread: 0, className: "rest",
      kind: "unexplained",
    });
  }
  return items;
}

function drawRow(place, i, output, showAll) {
  const items = itemsOf(i, output, showAll);
  const { value: format, prediction: formatTotal } = formatOf(i, output);
  const [start, end] = [baseOf(i, output), predictionOf(i, output)];
  // Where attributions do not add up, each bar starts from zero.
  let level = source.additive ? start : 0;
  let [least, most] = source.additive ? [Math.min(start, end), Math.max(start, end)] : [0, 0];
  for (const item of items) {
    item.from = level;
    item.to = level + item.size;
    if (source.additive) level = item.to;
    least = Math.min(least, item.from, item.to - item.spread);
    most = Math.max(most, item.from, item.to + item.spread);
  }
  const room = (most - least || 1) * 0.03;
  const scale = (x) => (x - least + room) / (most - least + 2 * room);
  const origin = source.additive ? start : 0;
  const rows = items.map((item) => {
    const parts = [
      { kind: "start", at: origin },
      { kind: item.kind || (item.size < 0 ? "less" : "more"), from: item.from, to: item.to },
    ];
    const amount = [signed(format(item.size))];
    if (item.spread > 0) {
      parts.push({ kind: "whisker", low: item.to - item.spread, high: item.to + item.spread });
      amount.push(" ", spreadText(item.spread, format));
    }
    return barRow(item.label, barCell(scale, parts), amount, item.className);
  });
  if (source.additive) {
    const total = (label, at) => barRow(label,
      barCell(scale, [{ kind: "start", at: origin }, { kind: "mark", at }]),
      [formatTotal(at)], "total");
    rows.unshift(total("base value", start));
    rows.push(total("prediction", end));
  }
  const key = element("p", { class: "key" },
    element("span", { class: "more" }, "raises"), element("span", { class: "less" }, "lowers"));
  place.replaceChildren(key, barsTable("row-heading", "Attribution", rows));
}

function drawCells(place, i) {
  const body = columns.map((column) => element("tr", {},
    element("th", { scope: "row" }, user(column.name)),
    element("td", {}, cellOf(column, i))));
  place.replaceChildren(element("table", {
    class: "cells", "aria-labelledby": "row-heading",
  }, element("tbody", {}, ...body)));
}
