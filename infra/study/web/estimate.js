// The capacity sheet: a slider for each input within its plausible range. The
// case's lab calculates; the page only asks.

import { call } from "./ui/http.js";
import { byId, h, say, svg } from "./ui/dom.js";
import { api, caseName } from "./jobs.js";
import { law } from "./law.js";

const panel = byId("panel-estimate");
const STEPS = 1000;
let base = []; // rows as the sheet has them
const set = new Map(); // changed inputs by name
let of = ""; // the row that is watched
let asking = false;
let again = false;

export async function start() {
  panel.replaceChildren(h("p", { class: "empty" }, "Building the sheet …"));
  let sheet;
  try {
    ({ body: sheet } = await call("GET", api("estimate"), { timeout: 120000 }));
  } catch (failed) {
    panel.replaceChildren(h("p", { class: "notice bad" }, failed.message));
    return;
  }
  base = sheet.rows;
  const derived = base.filter((r) => r.kind === "derived");
  of = (derived.find((r) => r.name === "cost") ?? derived.at(-1))?.name ?? "";
  const watch = h("select", { id: "watched", class: "input" }, ...derived.map((r) => h("option", { value: r.name, selected: r.name === of }, r.name)));
  watch.addEventListener("change", () => {
    of = watch.value;
    calculate();
  });
  panel.replaceChildren(
    h("div", { class: "watch" },
      h("div", { class: "field" }, h("label", { for: "watched" }, "Watch"), watch),
      h("p", { class: "answer", id: "answer", role: "status" }),
      h("button", { id: "reset", class: "button quiet", type: "button", onclick: reset }, "Reset")),
    h("section", { class: "moves" }, h("h2", {}, "What moves it most"), h("ul", { id: "effects", class: "bars" }),
      h("p", { class: "hint" }, "Percent of change for one percent of the input, and the factor between its lowest and highest plausible value.")),
    h("h2", {}, "Inputs"),
    h("div", { class: "inputs" }, ...base.filter((r) => r.kind === "input" || r.kind === "measured").map(input)),
    h("h2", {}, "What follows"),
    h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "What follows" }, h("table", { class: "rows" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Figure"), h("th", { scope: "col", class: "number" }, "Value"), h("th", { scope: "col", class: "number" }, "In the doc"))),
      h("tbody", { id: "rows" }))),
    ...(sheet.charts ?? []).flatMap(law),
    h("p", { class: "hint" }, "The same by hand: ", h("code", { id: "by-hand" })));
  calculate();
}

// A slider runs over magnitudes where the range spans more than one.
function scale({ low = 0, high = 0 }) {
  if (low > 0 && high / low >= 8) {
    return { at: (v) => (STEPS * Math.log(v / low)) / Math.log(high / low), value: (p) => low * (high / low) ** (p / STEPS) };
  }
  return { at: (v) => (STEPS * (v - low)) / (high - low), value: (p) => low + ((high - low) * p) / STEPS };
}

const rounded = (v) => Number(v.toPrecision(3));

function input(row, i) {
  const { at, value } = scale(row);
  const id = `input-${i}`;
  const number = h("input", { id, class: "input number", type: "number", step: "any", value: String(row.value) });
  const slider = h("input", { type: "range", min: "0", max: String(STEPS), step: "1", "aria-label": `${row.name}, slider`, "data-input": row.name });
  slider.value = at(row.value);
  const change = (v) => {
    if (!Number.isFinite(v)) return;
    if (v === row.value) set.delete(row.name);
    else set.set(row.name, v);
    slider.setAttribute("aria-valuetext", `${v} ${row.unit}`);
    calculate();
  };
  slider.addEventListener("input", () => {
    const v = Math.abs(slider.value - at(row.value)) < 1 ? row.value : rounded(value(Number(slider.value)));
    number.value = v;
    change(v);
  });
  number.addEventListener("input", () => {
    slider.value = at(number.valueAsNumber);
    change(number.valueAsNumber);
  });
  const field = h("div", { class: "knob" },
    h("label", { for: id }, row.name), h("span", { class: "with-unit" }, number, h("span", { class: "unit" }, row.unit)),
    slider, h("p", { class: "hint" }, row.source));
  field.addEventListener("reset-knob", () => {
    number.value = row.value;
    slider.value = at(row.value);
  });
  return field;
}

function reset() {
  set.clear();
  for (const knob of panel.querySelectorAll(".knob")) knob.dispatchEvent(new Event("reset-knob"));
  calculate();
}

// calculate asks for the sheet with what is set now; while one is under way the
// next waits, and only the newest is asked.
async function calculate() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    const query = new URLSearchParams([["of", of], ...[...set].map(([name, value]) => ["set", `${name}=${value}`])]);
    try {
      const { body } = await call("GET", `${api("estimate")}?${query}`, { timeout: 60000 }); // a machine that also measures
      show(body);
    } catch (failed) {
      say(byId("answer"), failed.message);
    }
  } while (again);
  asking = false;
}

function show(sheet) {
  const before = new Map(base.map((r) => [r.name, r]));
  const now = sheet.rows.find((r) => r.name === of);
  const was = before.get(of);
  byId("answer").replaceChildren(h("b", { class: "figure" }, now.text), changed(was, now) ? ` was ${was.text}, ${percent(now.value / was.value)}` : " as in the doc");
  byId("effects").replaceChildren(...(sheet.effects ?? []).slice(0, 5).map(effect));
  byId("rows").replaceChildren(
    ...sheet.rows.filter((r) => r.kind === "derived" || r.kind === "slip").map((r) => {
      const old = before.get(r.name);
      const name = r.kind === "slip" ? h("td", {}, h("s", {}, r.name), h("span", { class: "why" }, r.source)) : h("td", {}, r.name, h("span", { class: "why" }, r.formula));
      return h("tr", { class: changed(old, r) ? "moved" : "", "data-row": r.name }, name, h("td", { class: "number" }, r.text), h("td", { class: "number soft" }, old.text));
    }));
  say(byId("by-hand"), `go run ./infra/kit estimate ${caseName}${[...set].map(([n, v]) => ` --set '${n}=${v}'`).join("")} --of '${of}'`);
}

const changed = (was, now) => was.value !== now.value;
const percent = (ratio) => `${ratio >= 1 ? "+" : "−"}${Math.abs((ratio - 1) * 100).toPrecision(2)} %`;

function effect({ input: name, elasticity, swing }) {
  const width = Math.min(100, Math.abs(elasticity) * 100);
  return h("li", {}, h("span", { class: "name" }, name),
    h("span", { class: "figure" }, `${elasticity > 0 ? "+" : "−"}${Math.abs(elasticity).toFixed(2)} %  ${swing ? `×${Number(swing.toPrecision(3))}` : "from nothing"}`),
    svg("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: elasticity > 0 ? "people" : "bots", width, height: 4 })));
}
