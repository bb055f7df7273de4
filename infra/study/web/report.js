// What came of an experiment: the verdict, the figures beside their bands, the
// control's, how far off the predictions were, and the load second by second.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { h } from "./ui/dom.js";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const written = (value, unit) => (value === null ? "no figure" : `${number.format(value)}${unit ? ` ${unit}` : ""}`);

export function report(r, asked, guessed) {
  const held = r.verdict === "held";
  const el = h("div", { class: "report" },
    h("p", { class: "verdict" }, h("span", { class: held ? "badge good" : "badge bad" }, r.verdict), r.reason && ` ${r.reason}`),
    prediction("", r.measured, asked, guessed.built),
    prediction(r.control?.name, r.control?.measured, asked, guessed.naive),
    outcomes("As it is built", r.measured));
  if (r.control?.name) el.append(outcomes(`Control: ${r.control.name}${r.control.failed ? ", which fails as it should" : ", which should fail and doesn't"}`, r.control.measured));
  else if (r.control?.none) el.append(h("p", { class: "hint" }, `No control: ${r.control.none}`));
  requestAnimationFrame(() => charts(el, r)); // once it is in the page and has a width
  return el;
}

function prediction(variant, measured, asked, guessed) {
  const first = measured?.find((o) => o.figure === asked.name) ?? measured?.[0];
  if (guessed === null || !first || first.value === null) return null;
  const off = Math.abs(guessed - first.value);
  let how = "exactly that";
  if (off > 0) {
    const factor = first.value && guessed ? Math.max(guessed / first.value, first.value / guessed) : 0;
    how = `off by ${written(off, first.unit)}${factor >= 1.05 ? `, a factor of ${number.format(Number(factor.toPrecision(2)))}` : ""}`;
  }
  return h("p", { class: "prediction" }, `You said ${written(guessed, first.unit)} for ${first.figure}${variant ? `, ${variant}` : ""}; it was ${written(first.value, first.unit)}: ${how}.`);
}

function outcomes(title, list) {
  return h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": title }, h("table", {}, h("caption", {}, title),
    h("thead", {}, h("tr", {}, ...["Figure", "Measured", "Expected", ""].map((t) => h(t ? "th" : "td", t ? { scope: "col" } : {}, t)))),
    h("tbody", {}, ...(list ?? []).map((o) => h("tr", {}, h("td", {}, o.figure), h("td", { class: "number" }, written(o.value, o.unit)), h("td", {}, o.band),
      h("td", {}, h("span", { class: o.held ? "badge good" : "badge bad" }, o.held ? "in the band" : "outside")))))));
}

// charts draws each load: answers, failures and the slowest answer by the second,
// with the faults.
function charts(el, r) {
  for (const [title, loads, events] of [["As it is built", r.load, r.timeline], [`Control: ${r.control?.name}`, r.control?.load, r.control?.timeline]]) {
    for (const load of loads ?? []) {
      if ((load.seconds ?? []).length < 2) continue;
      const host = h("figure", { class: "load" }, h("figcaption", { class: "small soft" }, `${title}: ${load.name}, requests a second, and the slowest of each`));
      el.append(host);
      draw(host, load, events ?? []);
    }
  }
}

const fromZero = (_, __, high) => [0, high * 1.08 || 1];

function draw(host, load, events) {
  const style = getComputedStyle(host);
  const colour = (name) => {
    host.style.color = `var(${name})`;
    return style.color;
  };
  const [ok, bad, axis, line, fault, ink] = ["--accent", "--bad", "--ink-soft", "--line", "--second", "--ink"].map(colour);
  host.style.color = "";
  const xs = load.seconds.map((_, i) => load.from + i);
  const side = { stroke: axis, font: "12px Geist", grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const marks = (u) => {
    for (const e of events) {
      if (e.kind !== "fault" && e.kind !== "mended") continue;
      const x = Math.round(u.valToPos(e.at, "x", true));
      u.ctx.save();
      u.ctx.strokeStyle = fault;
      u.ctx.setLineDash(e.kind === "fault" ? [] : [4, 4]);
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
      u.ctx.restore();
    }
  };
  new uPlot({
    width: Math.max(240, host.clientWidth), height: 180, legend: { show: true }, cursor: { drag: { x: false } },
    scales: { x: { time: false }, y: { range: fromZero }, ms: { range: fromZero } },
    axes: [{ ...side, values: (_, ticks) => ticks.map((t) => `${t} s`) }, side,
      { ...side, scale: "ms", side: 1, grid: { show: false }, size: 60, values: (_, ticks) => ticks.map((t) => `${t} ms`) }],
    series: [{ label: "second" }, { label: "answered", stroke: ok, width: 2 }, { label: "failed", stroke: bad, width: 2 },
      { label: "slowest, ms", scale: "ms", stroke: ink, width: 1, dash: [2, 3] }],
    hooks: { draw: [marks] },
  }, [xs, load.seconds.map((s) => s.ok), load.seconds.map((s) => s.failed), load.seconds.map((s) => s.worst / 1e6)], host);
}
