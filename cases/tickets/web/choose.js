// Choosing seats: on the map, or so many of the best; then holding them.

import { byId, h, say } from "./ui/dom.js";
import { api } from "./session.js";
import { money, roughly } from "./words.js";
import { FREE } from "./seats.js";
import * as room from "./room.js";

// sets are the numbers that the map marks: chosen here, and held or bought.
export const sets = { picked: new Set(), mine: new Set() };

let event = null;
let seats = null;
let map = null;
let onHeld = () => {};
let onChosen = () => {};
let asking = false;

// start wires the card up. onHeld(hold) is told what was held, onChosen() that
// something was chosen on the map.
export function start(with_) {
  map = with_.map;
  onHeld = with_.onHeld;
  onChosen = with_.onChosen;
  byId("best").addEventListener("submit", (e) => {
    e.preventDefault();
    const best = { seats: Number(byId("best-count").value), together: byId("best-together").checked };
    if (byId("best-section").value) best.section = byId("best-section").value;
    hold({ best });
  });
  byId("wait").addEventListener("click", wait);
  byId("hold-picked").addEventListener("click", () => hold({ seats: [...sets.picked].map((n) => seats.id(n)) }));
}

// wait puts the fan on the list of an event that has nothing left.
async function wait() {
  try {
    const { body } = await api("POST", `/api/events/${encodeURIComponent(event.id)}/waitlist`, { json: { seats: Number(byId("best-count").value) } });
    say(byId("wait-words"), `You are number ${body.place} on the list, for ${byId("best-count").value}.`);
  } catch (error) {
    say(byId("wait-words"), error.message);
  }
}

// open begins with an event of which nothing is chosen.
export function open(of, its) {
  event = of;
  seats = its;
  sets.picked.clear();
  sets.mine.clear();
  complain("");
  say(byId("wait-words"), "");
  byId("best-count").replaceChildren(...Array.from({ length: event.perAccount }, (_, i) => h("option", { value: String(i + 1), selected: i === Math.min(1, event.perAccount - 1) }, String(i + 1))));
  byId("best-section").replaceChildren(h("option", { value: "" }, "Anywhere"),
    ...seats.sections.map((s) => h("option", { value: s.id }, `${s.name}, ${money(event.prices[s.tier], event.currency)}`)));
  draw();
}

// prefer sets where the best are looked for.
export function prefer(section) {
  byId("best-section").value = section;
}

// toggle chooses a seat, or takes that back.
export function toggle(n) {
  if (!byId("held").hidden) {
    tell("You hold seats already: pay, or let them go first.");
    return;
  }
  complain("");
  if (sets.picked.has(n)) sets.picked.delete(n);
  else if (seats.states[n] !== FREE || sets.mine.has(n)) {
    tell(map.words(n));
    return;
  } else if (sets.picked.size >= event.perAccount) {
    complain(`At most ${event.perAccount} for one account: take one back first.`);
    return;
  } else sets.picked.add(n);
  map.changed({ changed: [n] });
  tell(map.words(n));
  draw();
  onChosen();
}

// changed drops what somebody else has got meanwhile.
export function changed(numbers) {
  byId("sold-out").hidden = seats.free.some((n) => n > 0);
  if (asking) return; // it may be for this page itself
  const lost = numbers.filter((n) => sets.picked.has(n) && seats.states[n] !== FREE);
  if (lost.length === 0) return;
  for (const n of lost) sets.picked.delete(n);
  map.changed({ changed: lost });
  complain(`Somebody was faster: ${lost.map(name).join("; ")}.`);
  draw();
}

const name = (n) => `${seats.section(n).name}, row ${seats.row(n).name}, seat ${n - seats.row(n).first + 1}`;
const tell = (text) => say(byId("announce"), text);
const complain = (text) => say(byId("choose-complaint"), text);

function draw() {
  const chosen = [...sets.picked].sort((a, b) => a - b);
  const price = (n) => event.prices[seats.section(n).tier];
  byId("picked").replaceChildren(...chosen.map((n) => h("li", {},
    h("span", {}, name(n)), h("span", { class: "figure" }, money(price(n), event.currency)),
    h("button", { class: "button quiet", type: "button", "aria-label": `Take back ${name(n)}`, onclick: () => toggle(n) }, "×"))));
  const button = byId("hold-picked");
  button.hidden = chosen.length === 0;
  byId("or").hidden = chosen.length > 0;
  if (chosen.length) say(button, `Hold ${chosen.length === 1 ? "this seat" : `these ${chosen.length}`} for ${money(chosen.reduce((sum, n) => sum + price(n), 0), event.currency)}`);
}

async function hold(wish) {
  if (asking) return;
  asking = true;
  busy(true);
  complain("");
  try {
    const { body } = await room.withPass(event, (headers) => api("POST", `/api/events/${encodeURIComponent(event.id)}/holds`, { json: wish, headers }));
    const numbers = [...sets.picked];
    sets.picked.clear();
    map.changed({ changed: numbers });
    draw();
    onHeld(body);
  } catch (error) {
    complain(error.status === 429 ? `${error.message} You can go on in ${roughly(error.retryAfter)}.` : error.message);
  } finally {
    asking = false;
    busy(false);
    changed([...sets.picked]);
  }
}

function busy(is) {
  for (const id of ["best-submit", "hold-picked"]) byId(id).setAttribute("aria-disabled", String(is));
}
