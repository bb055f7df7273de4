// The map: draws a plan once, and after that only what changes, once a frame.
// A seat is one path whose form says its state as well as its colour does.

import { h, say, svg } from "./ui/dom.js";
import { count } from "./ui/format.js";
import { FREE, HELD } from "./seats.js";
import { PITCH, plan } from "./plan.js";
import { View } from "./view.js";
import { walk } from "./keys.js";
import { money } from "./words.js";

const TOUCH = 22; // px of a seat that a finger finds
const CLICK = 6; // and a mouse

// The forms of a seat around its middle: whole, struck, a cross, ticked.
const box = (r) => `m${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`;
const tick = "m-3.6 .4l2.6 2.8l4.8-5.6l-1.1-1l-3.7 4.4l-1.5-1.7z";
const forms = {
  free: (at) => `M${at}${box(3.7)}`,
  held: (at) => `M${at}${box(3.3)}M${at}m-3.3 3.3l6.6-6.6`,
  sold: (at) => `M${at}m-2.2-2.2l4.4 4.4m0-4.4l-4.4 4.4`,
  picked: (at) => `M${at}${box(5)}M${at}${tick}`,
  mine: (at) => `M${at}${box(5)}M${at}${tick}`,
};
const states = { free: "available", held: "held by somebody", sold: "sold", picked: "chosen by you", mine: "yours" };
const chosen = (look) => look === "picked" || look === "mine";
const fixed = (look) => look === "held" || look === "sold" || look === "mine";

export class HallMap {
  #elements = new Map(); // seats or sections by number
  #spots = new Map(); // where they are, and what they are called
  #looks = new Map(); // how each seat was drawn last
  #counts = new Map(); // the text of each area
  #dirty = new Set();
  #frame = 0;
  #only = null; // the section that is shown alone

  // on.toggle(number) and on.open(index) tell what was chosen, on.whole() that all
  // sections are shown again, on.point(text) what is under the pointer.
  constructor(element, on) {
    this.on = on;
    this.group = svg("g", { role: "presentation" });
    this.svg = svg("svg", { class: "map" }, this.group);
    element.replaceChildren(this.svg);
    this.view = new View(this.svg, this.group);
    this.svg.addEventListener("click", (e) => this.#click(e));
    this.svg.addEventListener("pointerover", (e) => on.point(e.target.getAttribute("aria-label") || ""));
    this.keys = walk(this);
  }

  // show draws the seats of an event; mine and picked are sets of numbers.
  show(event, seats, { picked, mine }) {
    Object.assign(this, { event, seats, picked, mine });
    this.#only = null;
    this.#draw();
  }

  // alone shows one section, by its index; all of them without one.
  alone(index = null) {
    this.#only = index;
    this.#draw();
    this.keys.first();
  }

  get single() {
    return this.#only;
  }

  spot(n) {
    return this.#spots.get(n);
  }

  element(n) {
    return this.#elements.get(n);
  }

  #draw() {
    const { sections } = this.seats;
    this.plan = plan(this.#only === null ? sections : [sections[this.#only]]);
    if (this.#only !== null) this.plan.blocks[0].index = this.#only;
    this.#elements.clear();
    this.#spots.clear();
    this.#looks.clear();
    const whole = this.plan.kind === "sections";
    this.svg.setAttribute("role", whole ? "group" : "listbox");
    this.svg.setAttribute("aria-label", whole ? "Sections of the venue" : "Seats");
    this.svg.setAttribute("aria-describedby", "map-keys");
    if (whole) this.svg.removeAttribute("aria-multiselectable");
    else this.svg.setAttribute("aria-multiselectable", "true");
    const over = svg("g", { class: "over", "aria-hidden": "true" }); // words on areas, whose labels say it better
    this.group.replaceChildren(this.#stage(), ...this.plan.blocks.map((b) => (b.seats?.length ? this.#block(b) : this.#area(b, over))), over);
    this.view.show(this.plan);
    this.keys.reset(this.plan.lines);
    performance.mark("map drawn");
  }

  #stage() {
    const { x, y, width, depth } = this.plan.stage;
    const d = `M${x - width / 2} ${y}h${width}l-14 ${depth - 12}q${14 - width / 2} 14 ${28 - width} 0z`;
    return svg("g", { class: "stage", "aria-hidden": "true" }, svg("path", { d }), svg("text", { x, y: y + depth / 2 + 2, "font-size": this.plan.letters }, "Stage"));
  }

  // block draws the seats of a section.
  #block(b) {
    const { name, tier, id } = b.section;
    const label = svg("text", { class: "name", x: b.name.x, y: b.name.y, "font-size": this.plan.letters, "aria-hidden": "true" }, name);
    const rows = b.rows.map((r) => svg("text", { class: "row-name", x: r.x, y: r.y, "aria-hidden": "true" }, r.name));
    const seats = b.seats.map(({ n, x, y }) => {
      const el = svg("path", { role: "option", tabindex: "-1", "data-n": n });
      this.#elements.set(n, el);
      this.#spots.set(n, { x, y, at: `${x.toFixed(1)} ${y.toFixed(1)}`, name: this.#name(n) });
      this.#paint(n);
      return el;
    });
    return svg("g", { role: "group", "aria-label": name, "data-section": id, class: `block tier-${tier}` }, label, ...rows, ...seats);
  }

  // area draws a section as one form, and its words over all of them.
  #area(b, over) {
    const shape = b.path ? svg("path", { d: b.path }) : svg("rect", { ...b.area, rx: 8 });
    const middle = b.path ? b.name : { x: b.area.x + b.area.width / 2, y: b.area.y + b.area.height / 2 };
    const short = b.path ? b.section.name.match(/\d+$/)?.[0] || b.section.name : b.section.name;
    const el = svg("g", { role: this.plan.kind === "sections" ? "button" : "option", tabindex: "-1", "data-s": b.index }, shape);
    const free = svg("text", { class: "count", x: middle.x, y: middle.y + 9 });
    over.append(svg("text", { class: "short", x: middle.x, y: middle.y - 8 }, short), free);
    const key = this.plan.kind === "sections" ? b.index : `s${b.index}`;
    this.#elements.set(key, el);
    this.#spots.set(key, middle);
    this.#counts.set(b.index, free);
    this.#fill(b.index, el);
    return el;
  }

  // changed has what differs drawn in the next frame.
  changed({ changed = [], touched = [] }) {
    if (!this.plan) return;
    for (const n of changed) this.#dirty.add(n);
    for (const s of touched) this.#dirty.add(`s${s}`);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const began = performance.now();
      for (const n of this.#dirty) {
        if (typeof n === "string") {
          const el = this.#elements.get(this.plan.kind === "sections" ? Number(n.slice(1)) : n);
          if (el) this.#fill(Number(n.slice(1)), el);
        } else if (this.plan.kind === "seats" && this.#elements.has(n)) this.#paint(n);
      }
      performance.clearMeasures("seats changed");
      performance.measure("seats changed", { start: began, detail: this.#dirty.size });
      this.#dirty.clear();
    });
  }

  look(n) {
    if (this.mine.has(n)) return "mine";
    if (this.picked.has(n)) return "picked";
    const state = this.seats.states[n];
    return state === FREE ? "free" : state === HELD ? "held" : "sold";
  }

  // paint sets only what a seat's look changes: hundreds are painted in a frame.
  #paint(n) {
    const look = this.look(n);
    const was = this.#looks.get(n);
    if (was === look) return;
    this.#looks.set(n, look);
    const el = this.#elements.get(n);
    const spot = this.#spots.get(n);
    el.setAttribute("class", `seat ${look}`);
    el.setAttribute("d", forms[look](spot.at));
    el.setAttribute("aria-label", `${spot.name}, ${states[look]}`);
    if (!was || chosen(was) !== chosen(look)) el.setAttribute("aria-selected", String(chosen(look)));
    if (!was || fixed(was) !== fixed(look)) el.setAttribute("aria-disabled", String(fixed(look)));
  }

  // words says a seat: "Stalls, row C, seat 12, €64, available".
  words(n) {
    return `${this.#name(n)}, ${states[this.look(n)]}`;
  }

  #name(n) {
    const section = this.seats.section(n);
    const row = this.seats.row(n);
    return `${section.name}, row ${row.name}, seat ${n - row.first + 1}, ${this.#price(section)}`;
  }

  #price(section) {
    return money(this.event.prices[section.tier], this.event.currency);
  }

  #fill(index, el) {
    const section = this.seats.sections[index];
    const free = this.seats.free[index];
    const all = section.standing || section.rows.reduce((sum, r) => sum + r.seats, 0);
    el.setAttribute("class", `area tier-${section.tier} level-${free ? Math.ceil((4 * free) / all) : 0}`);
    el.setAttribute("aria-label", `${section.name}, ${this.#price(section)}, ${free ? `${count(free)} of ${count(all)} free` : "sold out"}`);
    if (el.getAttribute("role") === "option") el.setAttribute("aria-selected", "false");
    say(this.#counts.get(index), free ? count(free) : "–");
  }

  #click(event) {
    if (this.view.dragged) return;
    const seat = event.target.closest("[data-n]");
    const area = event.target.closest("[data-s]");
    if (area) this.choose(Number(area.dataset.s), true);
    else if (this.plan.kind === "seats" && this.view.scale * PITCH < (event.pointerType === "touch" ? TOUCH : CLICK)) {
      const { x, y } = this.view.at(event);
      this.view.closer(x, y, (TOUCH * 1.1) / PITCH);
    } else if (seat) {
      this.keys.go(Number(seat.dataset.n), false);
      this.choose(Number(seat.dataset.n));
    }
  }

  // choose is a click or Enter on a seat, or on a section.
  choose(n, area = this.plan.kind === "sections") {
    if (area) this.on.open(n);
    else this.on.toggle(n);
  }
}

// legend explains prices and forms.
export function legend(event, sections) {
  const tiers = [...new Set(sections.map((s) => s.tier))];
  const sample = (look) => svg("svg", { viewBox: "-7 -7 14 14", width: 16, height: 16, "aria-hidden": "true" }, svg("path", { class: `seat ${look}`, d: forms[look]("0 0") }));
  return [
    ...tiers.map((t) => h("li", { class: `tier-${t}` }, sample("free"), money(event.prices[t], event.currency))),
    ...["picked", "held", "sold"].map((look) => h("li", {}, sample(look), { picked: "yours", held: "held", sold: "sold" }[look])),
  ];
}
