// A law that the sheet calculates with, drawn beside what benches measured of it.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { h } from "./ui/dom.js";
import { colour } from "./ui/paint.js";

const HEIGHT = 280;
// Each line has a mark of its own beside its colour.
const marks = [{ token: "--accent", dash: [], border: "solid" }, { token: "--second", dash: [7, 4], border: "dashed" }, { token: "--bad", dash: [2, 3], border: "dotted" }];
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

// law is a heading, the chart, and the same as a table.
export function law(chart) {
  const element = h("figure", { class: "law" }, h("figcaption", { class: "small soft" }, `Lines: the sheet. Points: measured. Upwards: ${chart.y}; to the right: ${chart.x}.`));
  let plot = null;
  const fit = () => {
    if (element.clientWidth === 0) return;
    if (plot) plot.setSize({ width: element.clientWidth, height: HEIGHT });
    else plot = build(element, chart);
  };
  new ResizeObserver(() => requestAnimationFrame(fit)).observe(element); // it changes the size that is observed
  element.addEventListener("repaint", () => plot?.redraw());
  return [h("h2", {}, chart.title), element, h("details", { class: "band" }, h("summary", {}, "The same as a table"), table(chart))];
}

function table(chart) {
  return h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": chart.title }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Line"), ...[chart.x, "Sheet", "Measured"].map((t) => h("th", { scope: "col", class: "number" }, t)), h("th", { scope: "col" }, "Bench"))),
    h("tbody", {}, ...chart.lines.flatMap((line) => (line.measured ?? []).map((m) =>
      h("tr", {}, h("td", {}, line.name), ...[m.x, m.law, m.y].map((v) => h("td", { class: "number" }, number.format(v))), h("td", {}, h("span", { class: "why" }, m.bench))))))));
}

function build(host, chart) {
  const grid = { stroke: () => colour("--line"), width: 1 };
  const axis = { stroke: () => colour("--ink-soft"), font: "12px Geist", grid, ticks: grid };
  const mark = (i) => marks[i % marks.length];
  // The lines first and then their points, which lie above.
  const series = [
    ...chart.lines.map(({ name }, i) => ({ label: name, stroke: () => colour(mark(i).token), width: 2, dash: mark(i).dash, points: { show: false } })),
    ...chart.lines.map(({ name }, i) => ({ label: `${name}, measured`, class: "measured", stroke: () => colour(mark(i).token), width: 0, paths: () => null, points: { show: true, size: 9, width: 2, fill: () => colour("--surface"), stroke: () => colour(mark(i).token) } })),
  ];
  const columns = (points) => [points.map((p) => p.x), points.map((p) => p.y)];
  const data = uPlot.join([...chart.lines.map((l) => columns(l.law)), ...chart.lines.map((l) => columns(l.measured ?? []))]);
  const plot = new uPlot({
    width: host.clientWidth, height: HEIGHT, cursor: { drag: { x: false } },
    legend: { live: false, markers: { width: 2, stroke: (_, i) => `var(${mark((i - 1) % chart.lines.length).token})`, dash: (_, i) => (i > chart.lines.length ? "solid" : mark(i - 1).border) } },
    scales: { x: { time: false, range: (_, __, high) => [0, high] }, y: { range: (_, __, high) => [0, high * 1.05] } },
    axes: [{ ...axis, size: 32 }, axis], series: [{}, ...series],
  }, data, host);
  host.querySelector("canvas").setAttribute("aria-hidden", "true"); // the table says it
  return plot;
}
