// The benches: what was measured, beside its baseline of the same run.

import { call } from "./ui/http.js";
import { byId, h, svg } from "./ui/dom.js";
import { api, caseName } from "./jobs.js";

const panel = byId("panel-benches");

export async function start() {
  let file;
  try {
    ({ body: file } = await call("GET", api("benches")));
  } catch (failed) {
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "No figures yet"), h("p", {}, failed.message)));
    return;
  }
  const compared = file.results.filter((r) => r.baseline);
  panel.replaceChildren(
    h("p", { class: "hint" }, `${file.machine} · ${file.date} · commit ${file.commit.slice(0, 10)}; a row of another day or machine says so`),
    compared.length > 0 && h("h2", {}, "Beside the baseline"),
    h("ul", { class: "compared" }, ...compared.map(pair)),
    h("h2", {}, "All figures"),
    h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "All figures" }, h("table", {},
      h("thead", {}, h("tr", {}, ...["Bench", "Figure", "Baseline", "Ratio", "Goal"].map((t, i) => h("th", { scope: "col", class: i > 0 && i < 4 ? "number" : "" }, t)))),
      h("tbody", {}, ...file.results.map(row)))),
    h("p", { class: "hint" }, "Measure on your machine: ", h("code", {}, `go run ./infra/kit bench ${caseName}`)));
}

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const figure = (value, unit) => `${number.format(value)}${unit ? ` ${unit}` : ""}`;

// pair is two bars on one scale.
function pair(r) {
  const most = Math.max(r.value, r.baseline);
  const bar = (what, value, kind) =>
    h("div", { class: `lane ${kind}` }, h("span", { class: "what" }, what),
      svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: Math.max(0.5, (100 * value) / most), height: 10, rx: 0.6 })),
      h("span", { class: "figure" }, figure(value, r.unit)));
  return h("li", {}, h("p", { class: "pair-name" }, r.name, h("span", { class: "figure soft" }, ` ×${number.format(r.ratio)}`)),
    bar("here", r.value, "candidate"), bar("baseline", r.baseline, "baseline"));
}

function row(r) {
  const goal = r.goal ? [h("span", { class: r.held ? "badge good" : "badge bad" }, r.held ? "held" : "not held"), ` ${r.goal}`] : ["–"];
  const stamp = r.earlier && `${r.earlier.machine} · ${r.earlier.date} · commit ${r.earlier.commit.slice(0, 10)}`;
  return h("tr", {}, h("td", {}, r.name, r.note && h("span", { class: "why" }, r.note), stamp && h("span", { class: "why" }, stamp)), h("td", { class: "number" }, figure(r.value, r.unit)),
    h("td", { class: "number" }, r.baseline ? figure(r.baseline, r.unit) : "–"), h("td", { class: "number" }, r.ratio ? `×${number.format(r.ratio)}` : "–"), h("td", {}, ...goal));
}
