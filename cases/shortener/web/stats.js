// The clicks of one link: history from the stats API, then each new sum as it
// arrives over the live stream. What the stream adds is shown at once and
// checked against the stats API soon after, so nothing can drift.

import { byId, h, say, svg } from "./ui/dom.js";
import { brief, count, milliseconds } from "./ui/format.js";
import { follow } from "./ui/events.js";
import { api, authorization } from "./session.js";
import { bucket, range } from "./spans.js";
import * as chart from "./chart.js";

const CHECK_AFTER = 1500; // ms after the last increment
const ROWS = 6;
const QUIET = 5000; // ms without a click, after which the next one is the person's own

let granularity = "minute";
let link = null;
let stop = () => {};
let checking = 0;
let series = new Map();
let total = nothing();
let by = {};
let openedAt = 0; // when the person last followed the link, to time the click
let arrivedAt = -Infinity; // when the last new sum came
let hear = () => {};

function nothing() {
  return { clicks: 0, bots: 0, visitors: 0, late: 0 };
}

function add(to, more) {
  for (const k of Object.keys(to)) to[k] += more[k] || 0;
}

// start wires the span buttons; onArrival({freshness}) is told of each new sum.
export function start({ onArrival }) {
  hear = onArrival;
  chart.start();
  draw();
  for (const button of document.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => {
      granularity = button.dataset.span;
      for (const b of document.querySelectorAll("[data-span]")) b.setAttribute("aria-pressed", String(b === button));
      if (link) load();
      else chart.show(granularity, series);
    });
  }
}

// opened notes that the person follows the link now. Where others click too,
// nobody can tell whose click a new sum holds: then it isn't timed.
export function opened(which) {
  const now = performance.now();
  if (link?.code === which.code && now - arrivedAt > QUIET) openedAt = now;
}

// watched is the code whose clicks are shown, or "".
export const watched = () => link?.code || "";

// watch shows the clicks of a link from now on; null shows none.
export function watch(which) {
  stop();
  clearTimeout(checking);
  link = which;
  openedAt = 0;
  arrivedAt = -Infinity;
  series = new Map();
  total = nothing();
  by = {};
  draw();
  if (!link) {
    stop = () => {};
    say(byId("watching"), "No link yet. Shorten an address and open it.");
    state("joining", "waits for a link");
    return;
  }
  byId("watching").replaceChildren("of ", h("b", { class: "mono" }, link.short.replace(/^https?:\/\//, "")));
  state("joining", "connecting…");
  load();
  stop = follow(`/api/links/${encodeURIComponent(link.code)}/live`, {
    headers: authorization,
    onEvent(name, data) {
      if (name === "increment") apply(data);
    },
    onState(now) {
      if (now === "open") {
        state("up", "live");
        load(); // whatever happened while nobody listened
      } else state("joining", "reconnecting…");
    },
  });
}

function state(is, words) {
  byId("live").dataset.state = is;
  say(byId("live"), words);
}

async function load() {
  clearTimeout(checking);
  const asked = { code: link.code, granularity };
  const [from, to] = range(granularity);
  const query = new URLSearchParams({ from: iso(from), to: iso(to), granularity });
  try {
    const { body } = await api("GET", `/api/links/${encodeURIComponent(link.code)}/stats?${query}`);
    if (link?.code !== asked.code || granularity !== asked.granularity) return; // another was chosen meanwhile
    series = new Map(body.series.map((p) => [Date.parse(p.start) / 1000, p]));
    total = { ...nothing(), ...body.total };
    by = body.by || {};
    draw();
  } catch (error) {
    if (link?.code !== asked.code) return;
    state("down", error.status === 404 ? "no such link" : "figures can’t be read");
    checking = setTimeout(load, 5000);
  }
}

const iso = (seconds) => new Date(seconds * 1000).toISOString();

function apply(increment) {
  const at = bucket(granularity, Date.parse(increment.minute) / 1000);
  if (!series.has(at)) series.set(at, nothing());
  add(series.get(at), increment);
  add(total, increment);
  for (const [dimension, values] of Object.entries(increment.by || {})) {
    for (const [value, counts] of Object.entries(values)) {
      by[dimension] ??= {};
      by[dimension][value] ??= nothing();
      add(by[dimension][value], counts);
    }
  }
  draw();
  arrivedAt = performance.now();
  let freshness = null;
  if (openedAt && increment.clicks > 0) {
    freshness = performance.now() - openedAt;
    openedAt = 0;
    say(byId("announce"), `Your click arrived after ${milliseconds(freshness)}`);
  }
  hear({ freshness });
  clearTimeout(checking);
  checking = setTimeout(load, CHECK_AFTER);
}

function draw() {
  say(byId("total-people"), count(total.clicks));
  say(byId("total-bots"), count(total.bots));
  say(byId("total-visitors"), count(total.visitors));
  say(byId("total-late"), count(total.late));
  chart.show(granularity, series);
  chart.describe(series, total);
  for (const dimension of ["referrer", "device", "browser", "country"]) breakdown(dimension, by[dimension] || {});
}

const regions = new Intl.DisplayNames("en", { type: "region" });

function named(dimension, value) {
  if (dimension === "referrer") return value || "typed in or unknown";
  if (dimension === "country") return /^[A-Z]{2}$/.test(value) ? regions.of(value) : "unknown";
  return value || "other";
}

function breakdown(dimension, values) {
  const all = (c) => c.clicks + c.bots;
  const sorted = Object.entries(values).sort((a, b) => all(b[1]) - all(a[1]) || (a[0] < b[0] ? -1 : 1));
  const shown = sorted.slice(0, ROWS);
  const rest = nothing();
  for (const [, c] of sorted.slice(ROWS)) add(rest, c);
  const rows = shown.map(([value, c]) => [named(dimension, value), c]);
  if (sorted.length > ROWS) rows.push([`${sorted.length - ROWS} more`, rest]);
  const most = Math.max(1, ...rows.map(([, c]) => all(c)));
  byId(`by-${dimension}`).replaceChildren(...rows.map(([name, c]) => bar(name, c, most)));
  if (!rows.length) byId(`by-${dimension}`).append(h("li", { class: "soft" }, "Nothing yet"));
}

function bar(name, c, most) {
  const wide = (n) => `${(100 * n) / most}%`;
  return h("li", {}, h("span", { class: "name", title: name }, name),
    h("span", { class: "figure" }, brief(c.clicks + c.bots), h("span", { class: "unseen" }, ` clicks, ${c.bots} of them by bots`)),
    svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" },
      svg("rect", { class: "people", width: wide(c.clicks), height: "4" }),
      svg("rect", { class: "bots", x: wide(c.clicks), width: wide(c.bots), height: "4" })));
}
