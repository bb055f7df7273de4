// The organiser's chart: lines over the time since the page was opened.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { byId } from "./ui/dom.js";
import { brief, count } from "./ui/format.js";
import { colour, token } from "./ui/paint.js";

const MOST = 1800; // points: an hour of them
const LEAST = 60; // s that are shown
const names = ["sold", "held", "refunded"];
const tokens = ["--accent", "--second", "--bad"];
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const box = byId("chart");
let plot = null;
let points = [[], [], [], []];

// build draws what there is; there must be something.
function build() {
  plot?.destroy();
  const axis = { stroke: colour("--ink-faint"), font: `12px ${token("--text")}`, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  plot = new uPlot({
    width: box.clientWidth || 300,
    height: box.clientHeight || 200,
    legend: { show: false },
    cursor: { show: false },
    padding: [12, 18, 0, 0],
    scales: { x: { time: true, range: () => [Math.min(points[0][0], points[0].at(-1) - LEAST), points[0].at(-1)] }, y: { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.12))] } },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 90, values: (_, ticks) => ticks.map((t) => clock.format(t * 1000)) },
      { ...axis, size: 54, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000], values: (_, ticks) => ticks.map(brief) },
    ],
    series: [{}, ...names.map((_, i) => ({ stroke: colour(tokens[i]), width: 2, dash: [[], [6, 4], [2, 3]][i], points: { show: (u) => u.data[0].length < 2, size: 5 }, paths: uPlot.paths.stepped({ align: 1 }) }))],
  }, points, box);
  box.querySelector("canvas")?.setAttribute("aria-hidden", "true");
}

// clear begins anew.
export function clear() {
  points = [[], [], [], []];
  plot?.destroy();
  plot = null;
}

// add draws one more point.
export function add(sums) {
  points[0].push(Date.now() / 1000);
  names.forEach((name, i) => points[i + 1].push(sums[name]));
  if (points[0].length > MOST) points.forEach((p) => p.shift());
  if (plot) plot.setData(points);
  else build();
  box.setAttribute("aria-label", `Seats over time: ${count(sums.sold)} sold, ${count(sums.held)} held or on the way, ${count(sums.refunded)} given back now`);
}

new ResizeObserver(() => plot?.setSize({ width: box.clientWidth || 300, height: box.clientHeight || 200 })).observe(box);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && build());
