// What came of an experiment: the verdict, the figures beside their bands, the
// control's, and how far off the predictions were.

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
