// The chart: clicks by people, and bots stacked on top, a bar a bucket. It
// moves with the clock, so the current minute is always the last bar.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { byId, h, say } from "./ui/dom.js";
import { count, hourMinute } from "./ui/format.js";
import { colour, token } from "./ui/paint.js";
import { bucket, range, spans } from "./spans.js";

const box = byId("chart");
const reading = byId("reading");
const dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

let plot = null;
let granularity = "minute";
let points = new Map(); // bucket start in seconds → counts

// start draws the empty chart and keeps it moving.
export function start() {
  build();
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  setInterval(draw, 1000);
}

// show replaces everything that is drawn. Counts are {clicks, bots, visitors}.
export function show(newGranularity, series) {
  granularity = newGranularity;
  points = series;
  draw();
}

function build() {
  plot?.destroy();
  const ink = colour("--ink-faint");
  const line = colour("--line");
  const font = `12px ${token("--text")}`;
  const axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  const bars = uPlot.paths.bars({ size: [0.72, 36], align: 1, radius: 0.12 });
  const series = (name) => ({ fill: colour(name), stroke: colour(name), width: 0, paths: bars, points: { show: false } });
  plot = new uPlot({
    width: box.clientWidth || 300,
    height: box.clientHeight || 240,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [12, 18, 0, 0],
    scales: { x: { time: true, range: () => range(granularity) }, y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.12))] } },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 64, values: (_, ticks) => ticks.map(label) },
      { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000], values: (_, ticks) => ticks.map(count) },
    ],
    series: [{}, series("--second"), series("--accent")],
    hooks: { setCursor: [read] },
  }, [[], [], []], box);
  box.querySelector("canvas")?.setAttribute("aria-hidden", "true");
  draw();
}

function label(seconds) {
  return granularity === "day" ? dayMonth.format(seconds * 1000) : hourMinute(seconds * 1000);
}

function draw() {
  const [from, to] = range(granularity);
  const starts = [];
  for (let at = from; at < to; at += spans[granularity].seconds) starts.push(at);
  const people = starts.map((at) => points.get(at)?.clicks || 0);
  const all = starts.map((at, i) => people[i] + (points.get(at)?.bots || 0));
  plot.setData([starts, all, people]);
  read(plot);
}

// read says what is under the pointer, or what the current bucket holds.
function read(u) {
  const i = u.cursor.idx;
  const now = bucket(granularity, Date.now() / 1000);
  const at = i === null || i === undefined ? now : u.data[0][i];
  const { clicks = 0, bots = 0 } = points.get(at) || {};
  const when = at === now ? spans[granularity].words : label(at);
  say(reading, `${when[0].toUpperCase()}${when.slice(1)}: ${count(clicks)} ${clicks === 1 ? "person" : "people"}, ${count(bots)} ${bots === 1 ? "bot" : "bots"}`);
}

// describe gives the chart its words: the label of the picture and the table.
export function describe(series, total) {
  box.setAttribute("aria-label", `Clicks over time: ${count(total.clicks)} by people and ${count(total.bots)} by bots in the last ${spans[granularity].buckets} ${granularity}s`);
  const rows = [...series].sort((a, b) => b[0] - a[0]).map(([at, c]) => h("tr", {},
    h("td", {}, label(at)), h("td", { class: "figure" }, count(c.clicks)), h("td", { class: "figure" }, count(c.bots)), h("td", { class: "figure" }, count(c.visitors))));
  byId("figures").replaceChildren(...(rows.length ? rows : [h("tr", {}, h("td", { colspan: "4", class: "soft" }, "No clicks in this span."))]));
}
