// The list of events.

import { byId, h } from "./ui/dom.js";
import { count } from "./ui/format.js";
import { api } from "./session.js";
import { money, now, setClock, span, when } from "./words.js";

const EVERY = 4000; // ms

// read returns all events.
export async function read() {
  const { body } = await api("GET", "/api/events");
  if (body.events.length) setClock(body.events[0].now);
  return body.events;
}

// show lists the events until the returned function is called.
export function show() {
  let ended = false;
  let timer = 0;
  let events = [];
  const load = async () => {
    try {
      events = await read();
      if (!ended) draw(events);
    } finally {
      if (!ended) timer = setTimeout(() => load().catch(() => {}), EVERY); // the list stays as it was
    }
  };
  const ticking = setInterval(() => events.forEach(tick), 1000);
  return {
    ready: load(),
    stop() {
      ended = true;
      clearTimeout(timer);
      clearInterval(ticking);
    },
  };
}

function draw(events) {
  const list = byId("program");
  for (const e of events) {
    let item = list.querySelector(`[data-event="${CSS.escape(e.id)}"]`);
    if (!item) list.append((item = entry(e)));
    item.querySelector(".free").textContent = e.free ? `${count(e.free)} of ${count(e.seats)} free` : "sold out";
    const bar = item.querySelector("rect");
    bar.setAttribute("width", `${(100 * (e.seats - e.free)) / e.seats}%`);
    tick(e);
  }
}

function entry(e) {
  const prices = Object.values(e.prices);
  const item = h("li", { "data-event": e.id },
    h("a", { class: "card evening", href: `#/event/${encodeURIComponent(e.id)}` },
      h("span", { class: "evening-name" }, e.name),
      h("span", { class: "soft" }, when(new Date(e.starts))),
      h("span", { class: "evening-price" }, `${money(Math.min(...prices), e.currency)} – ${money(Math.max(...prices), e.currency)}`),
      h("span", { class: "evening-state small" }, h("span", { class: "badge sale-state" }), h("span", { class: "free soft" }))));
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  bar.setAttribute("class", "gone");
  bar.setAttribute("aria-hidden", "true");
  bar.append(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
  item.firstChild.append(bar);
  return item;
}

function tick(e) {
  const badge = byId("program").querySelector(`[data-event="${CSS.escape(e.id)}"] .sale-state`);
  if (!badge) return;
  const left = Date.parse(e.onSale) - now();
  const words = left > 0 ? `sale begins in ${span(left)}` : e.room ? "on sale, through the waiting room" : "on sale";
  if (badge.textContent !== words) badge.textContent = words;
  badge.classList.toggle("warn", left > 0);
}
