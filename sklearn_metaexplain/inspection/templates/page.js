// What happens when the reader does something, and the first sight of the page.

function goTo(id) {
  byId(id).scrollIntoView({ behavior: reducedMotion.matches ? "auto" : "smooth" });
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
}

function listen(id, event, change) {
  byId(id).addEventListener(event, change);
}

function onFilter(id, name, read) {
  listen(id, "change", (event) => {
    state[name] = read(event.target);
    state.page = 0;
    refreshOrder();
    refreshPictures();
  });
}

function start() {
  byId("summary").textContent = [
    count(source.n_total, "row"), count(nFeatures, "column"),
    nOutputs > 1 ? count(nOutputs, "output") : "",
  ].filter(Boolean).join(", ") + ".";
  if (nOutputs > 1) {
    const options = source.outputs.map((name, k) => [k, name]);
    if (source.has_classes) options.unshift([PREDICTED, "the predicted class of each row"]);
    fill(byId("output"), options);
    byId("output").value = state.output;
    byId("output-choice").hidden = false;
  }
  if (source.has_classes) {
    fill(byId("predicted"), [["", "any"], ...source.outputs.map((name, k) => [k, name])]);
    byId("predicted-choice").hidden = false;
  }
  if (truths.length && source.has_classes) {
    const labels = truths[0].labels.map((label, k) => [k + 1, label]);
    if (truths[0].cells.includes(0)) labels.push([0, "missing"]);
    fill(byId("truth"), [["", "any"], ...labels]);
    byId("truth-choice").hidden = false;
    byId("wrong-choice").hidden = false;
  }
  byId("shows-choice").hidden = !columns.length;
  const plotted = byFalling(meansOver({ length: nRows }, state.output).mean)
    .filter((f) => source.columns_of_feature[f].length === 1);
  if (plotted.length) {
    state.feature = plotted[0];
    fill(byId("dependence-column"), plotted.map((f) => [f, source.features[f]]));
    byId("dependence").hidden = false;
  }
  byId("row-details").hidden = !columns.length;
  byId("importance-details").hidden = nOutputs === 1;
  wire();
  rebuildTable();
  refreshImportance();
  choose(0, false);
}

function wire() {
  listen("output", "change", (event) => {
    state.output = Number(event.target.value);
    rebuildTable();
    refreshPictures();
    refreshRow();
  });
  listen("shows", "change", (event) => {
    state.shows = event.target.value;
    rebuildTable();
  });
  onFilter("predicted", "predicted", (select) => select.value);
  onFilter("truth", "truth", (select) => select.value);
  onFilter("wrong", "wrong", (box) => box.checked);
  let waiting = 0;
  listen("query", "input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.query = event.target.value;
      state.page = 0;
      refreshOrder();
      refreshPictures();
    }, 120);
  });
  listen("filters", "submit", (event) => event.preventDefault());
  listen("filters", "reset", () => {
    Object.assign(state, { predicted: "", truth: "", wrong: false, query: "", page: 0 });
    refreshOrder();
    refreshPictures();
  });
  listen("page-size", "change", (event) => {
    state.pageSize = Number(event.target.value);
    state.page = 0;
    refreshTable();
  });
  listen("previous-page", "click", () => { state.page -= 1; refreshTable(); });
  listen("next-page", "click", () => { state.page += 1; refreshTable(); });
  listen("table", "click", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row) return;
    choose(Number(row.dataset.row));
    const { top, bottom } = byId("row").getBoundingClientRect();
    if (top > window.innerHeight - 80 || bottom < 80) goTo("row");
  });
  listen("table", "keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("tbody tr");
    if (!by || !row) return;
    event.preventDefault();
    const next = by > 0 ? row.nextElementSibling : row.previousElementSibling;
    next?.querySelector("button").focus();
  });
  listen("previous-row", "click", () => step(-1));
  listen("next-row", "click", () => step(1));
  listen("to-table", "click", () => {
    goTo("rows");
    byId("table").querySelector("[aria-current]")?.focus({ preventScroll: true });
  });
  listen("importance-more", "click", () => {
    state.allImportances = !state.allImportances;
    refreshImportance();
  });
  listen("row-more", "click", () => { state.allOfRow = !state.allOfRow; refreshRow(); });
  listen("importance-details", "toggle", () => drawImportanceTable(byId("importance-table")));
  listen("row-details", "toggle", () => drawCells(byId("row-cells"), state.chosen));
  listen("dependence-column", "change", (event) => {
    state.feature = Number(event.target.value);
    refreshScatter();
  });
  listen("scatter", "click", (event) => {
    const found = nearestRow(scattered, event.offsetX, event.offsetY);
    if (found !== null) choose(found);
  });
  new ResizeObserver(() => refreshScatter()).observe(byId("scatter"));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refreshScatter);
}

start();
