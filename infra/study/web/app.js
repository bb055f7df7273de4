// The page as a whole: what is open, the address that says so, the keyboard.

import { byId } from "./ui/dom.js";
import * as text from "./document.js";
import * as search from "./search.js";
import * as source from "./source.js";
import * as live from "./live.js";
import * as estimate from "./estimate.js";
import * as benches from "./benches.js";
import * as curveballs from "./curveballs.js";
import * as exercises from "./exercises.js";

const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
const panels = { live, estimate, benches, curveballs, exercises };
const started = new Set();
const ownDoc = document.body.dataset.doc;
const narrow = matchMedia("(max-width: 68rem)");
let panel = "live"; // the tab that is open beside the text

// show opens a tab. On a narrow screen it takes the text's place.
function show(name) {
  document.body.dataset.view = name === "read" ? "read" : "panel";
  if (name !== "read") panel = name;
  mark();
  if (name === "read") return;
  for (const section of document.querySelectorAll("#panels > section")) section.hidden = section.id !== `panel-${name}`;
  if (panels[name] && !started.has(name)) {
    started.add(name);
    panels[name].start();
  }
}

// mark says which tab is open: on a narrow screen the text is one of them.
function mark() {
  const selected = narrow.matches && document.body.dataset.view === "read" ? "read" : panel;
  for (const tab of tabs) {
    const on = tab.id === `tab-${selected}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    if (on && narrow.matches) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

// apply makes the page what an address says.
async function apply(url, words) {
  const q = url.searchParams;
  const doc = q.get("doc") || (q.has("source") || q.has("panel") ? document.body.dataset.doc : ownDoc);
  if (q.has("source")) {
    show("source");
    await source.open({ source: q.get("source"), symbol: q.get("symbol"), lines: q.get("lines") });
    if (!url.hash) return;
  } else if (q.has("panel")) {
    show(q.get("panel"));
  } else if (narrow.matches) show("read");
  await text.open(doc, decodeURIComponent(url.hash.slice(1)), words);
}

// go follows a link of this page without leaving it.
function go(link, words = []) {
  const url = new URL(link.href);
  const here = new URL(location.href);
  if (link.closest("#panel-exercises") && url.hash && !url.search) return;
  // What is open at the left stays in the address when something opens at the right.
  if (url.searchParams.has("source") && document.body.dataset.doc !== ownDoc) url.searchParams.set("doc", document.body.dataset.doc);
  if (!url.search && url.hash) url.search = here.searchParams.get("doc") ? `?doc=${encodeURIComponent(here.searchParams.get("doc"))}` : "";
  history.pushState(null, "", url);
  return apply(url, words);
}

document.addEventListener("click", (e) => {
  const link = e.target.closest("a[href]");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0 || e.defaultPrevented) return;
  if (link.target === "_blank" || link.origin !== location.origin || link.pathname !== location.pathname) return;
  if (link.classList.contains("skip") || link.closest(".source")) return;
  if (!link.search && !link.hash) return;
  e.preventDefault();
  go(link);
});

addEventListener("popstate", () => apply(new URL(location.href)));

for (const tab of tabs) {
  tab.addEventListener("click", () => {
    const name = tab.id.slice(4);
    show(name);
    scrollTo({ top: narrow.matches && name !== "read" ? 0 : scrollY });
  });
}
byId("tabs").addEventListener("keydown", (e) => {
  const seen = tabs.filter((t) => t.offsetParent);
  const at = seen.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: seen.length - 1 }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  e.stopPropagation();
  const tab = seen[(to + seen.length) % seen.length];
  tab.focus();
  tab.click();
});
narrow.addEventListener("change", () => {
  byId("contents").open = !narrow.matches;
  mark();
});

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  if (e.target.closest("input, select, textarea")) return;
  if (e.key.startsWith("Arrow") && e.target.closest(".wide, pre, .lines, #panels, [role=tablist]")) return; // they scroll, and choose a tab
  if (e.key === "/") search.open();
  else if (e.key === "j" || e.key === "ArrowRight") text.step(1);
  else if (e.key === "k" || e.key === "ArrowLeft") text.step(-1);
  else return;
  e.preventDefault();
});

// repaint draws anew what doesn't follow the stylesheet by itself.
function repaint() {
  text.redraw();
  for (const chart of document.querySelectorAll(".load, .law")) chart.dispatchEvent(new Event("repaint"));
}

// The theme: a click changes to the other one than what is seen.
const system = matchMedia("(prefers-color-scheme: dark)");
byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("study.theme", root.dataset.theme);
  repaint();
});
system.addEventListener("change", repaint);

text.start();
search.start(go);
const first = new URL(location.href);
show("live");
if (first.searchParams.has("panel") || first.searchParams.has("source")) apply(first);
else if (narrow.matches) show("read");
