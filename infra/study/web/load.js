// The load of one variant of an experiment, as it is measured: a chart for each
// load, all over the same time with the same faults across.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { h, say } from "./ui/dom.js";
import { count, milliseconds } from "./ui/format.js";
import { colour } from "./ui/paint.js";

const HEIGHT = 170;
const LEAST = 10; // seconds that are shown
const SAY = 15; // seconds between two summaries: they are read aloud

// Each has a mark of its own beside its colour.
const series = [
  { label: "answered", token: "--accent", width: 2 },
  { label: "failed", token: "--bad", width: 2, dash: [6, 4], border: "dashed" },
  { label: "slowest", token: "--ink-soft", width: 1.5, dash: [2, 3], border: "dotted", scale: "ms" },
];

const breaks = ({ kind }) => kind === "fault" || kind === "mended";

// loads has put(sample) and mark(event) for what happens, and finish(loads, events)
// for the end, with what the report says if there is one.
export function loads() {
  const charts = new Map(); // by load
  const marks = [];
  const time = { end: 0 };
  const summary = h("p", { class: "small soft", role: "status" });
  const key = h("p", { class: "hint", hidden: true }, "An upright line is a fault; a broken one, that it was undone.");
  const element = h("div", { class: "loads", hidden: true }, summary, key);
  let said = -SAY;
  let ended = false;
  let due = false;

  const of = (name, from) => {
    const id = `${from} ${name}`;
    if (!charts.has(id)) {
      const chart = strip({ name, from, seconds: [] }, marks, time);
      charts.set(id, chart);
      element.append(chart.element);
      element.hidden = false;
    }
    return charts.get(id).load;
  };
  // show draws once a frame, however much has come: a page that is opened in the
  // middle of a run is told all of it at once.
  const show = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      for (const { draw } of charts.values()) draw();
      key.hidden = marks.length === 0;
      if (charts.size === 0 || (!ended && time.end < said + SAY)) return;
      said = time.end;
      const all = [...charts.values()].map(({ load }) => told(load));
      say(summary, `${Math.round(time.end)} s${ended ? "" : " so far"}. ${all.join(" ")}`);
    });
  };
  return {
    element,
    put(sample) {
      of(sample.load, sample.from).seconds[sample.second] = sample;
      time.end = Math.max(time.end, sample.from + sample.second + 1);
      show();
    },
    mark(event) {
      time.end = Math.max(time.end, event.at);
      if (breaks(event)) marks.push(event);
      show();
    },
    finish(measured, events) {
      ended = true;
      if (events) marks.splice(0, marks.length, ...events.filter(breaks));
      for (const { name, from, seconds } of measured ?? []) {
        if (!seconds?.length) continue;
        of(name, from).seconds = seconds;
        time.end = Math.max(time.end, from + seconds.length);
      }
      show();
    },
  };
}

// told sums a load up.
function told({ name, seconds }) {
  const sum = (key) => seconds.reduce((all, s) => all + s[key], 0);
  const failed = sum("failed");
  const slowest = Math.max(...seconds.map((s) => s.worst)) / 1e6;
  return `${name}: ${count(sum("ok"))} answered, ${failed ? count(failed) : "none"} failed, the slowest took ${milliseconds(slowest)}.`;
}

// strip is the chart of one load, on scales of its own.
function strip(load, marks, time) {
  const element = h("figure", { class: "load", "data-load": load.name }, h("figcaption", { class: "small soft" }, `${load.name}: requests a second, and the slowest of each`));
  let plot = null;
  const width = () => Math.max(240, element.clientWidth);
  const draw = () => {
    element.dataset.seconds = load.seconds.length;
    const data = [load.seconds.map((_, i) => load.from + i + 0.5), load.seconds.map((s) => s.ok), load.seconds.map((s) => s.failed), load.seconds.map((s) => s.worst / 1e6)];
    if (plot) plot.setData(data);
    else plot = build(element, width(), data, marks, time);
  };
  const fit = () => element.clientWidth > 0 && plot?.setSize({ width: width(), height: HEIGHT });
  new ResizeObserver(() => requestAnimationFrame(fit)).observe(element); // it changes the size that is observed
  element.addEventListener("repaint", () => plot?.redraw());
  return { element, load, draw };
}

function build(host, width, data, marks, time) {
  const fromZero = (_, __, high) => [0, high * 1.08 || 1];
  const grid = { stroke: () => colour("--line"), width: 1 };
  const axis = { stroke: () => colour("--ink-soft"), font: "12px Geist", grid, ticks: grid };
  const plot = new uPlot({
    width, height: HEIGHT, cursor: { drag: { x: false } },
    legend: { markers: { stroke: (_, i) => `var(${series[i - 1].token})`, dash: (_, i) => series[i - 1].border ?? "solid" } },
    scales: { x: { time: false, range: () => [0, Math.max(LEAST, time.end)] }, y: { range: fromZero }, ms: { range: fromZero } },
    axes: [{ ...axis, size: 32, values: (_, ticks) => ticks.map((t) => `${t} s`) }, axis,
      { ...axis, scale: "ms", side: 1, grid: { show: false }, size: 64, values: (_, ticks) => ticks.map(brief) }],
    series: [{ label: "at", value: (_, at) => (at === null ? "–" : `${at.toFixed(1)} s`) },
      ...series.map(({ label, token, scale, width: line, dash }) => ({ label, scale: scale ?? "y", stroke: () => colour(token), width: line, dash, points: { size: 5, fill: () => colour(token) }, value: (_, v) => (v == null ? "–" : scale ? milliseconds(v) : count(v)) }))],
    hooks: { draw: [(u) => lines(u, marks)] },
  }, data, host);
  host.querySelector("canvas").setAttribute("aria-hidden", "true"); // the summary and the log say it
  return plot;
}

const brief = (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`);

// lines draws a line at each fault, and a broken one where it was undone.
function lines({ ctx, bbox, valToPos }, marks) {
  ctx.save();
  ctx.strokeStyle = colour("--second");
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const e of marks) {
    const x = Math.round(valToPos(e.at, "x", true));
    ctx.setLineDash(e.kind === "fault" ? [] : [4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
