// Choosing seats: on the map, or so many of the best; then holding them. Where
// nothing is left, the waiting list.

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
let standing = null; // on the waiting list: {place, seats}
let looked = false; // whether the server was asked for that
let turn = 0; // of what is asked about the list; the last answer counts

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
  byId("leave-list").addEventListener("click", leaveList);
  byId("hold-picked").addEventListener("click", () => hold({ seats: [...sets.picked].map((n) => seats.id(n)) }));
}

// list does something with the fan's place on the event's waiting list, and shows
// the place that ask returns, or none.
async function list(method, ask, none = "") {
  const of = event;
  const mine = ++turn;
  const show = (where, words) => {
    if (event !== of || turn !== mine) return; // another is shown by now, or more was asked
    standing = where;
    say(byId("wait-words"), words);
    drawList();
  };
  try {
    const { body } = await api(method, `/api/events/${encodeURIComponent(of.id)}/waitlist`, ask ? { json: ask } : {});
    const where = body?.place ? { ...ask, ...body } : null;
    show(where, where ? `You are number ${where.place} on the list, for ${where.seats}.` : none);
  } catch (error) {
    if (error.type === "/problems/not-waiting") show(null, none);
    else show(standing, error.message);
  }
}

// wait puts the fan on the list, or changes how many seats the fan waits for.
const wait = () => list("POST", { seats: Number(byId("best-count").value) });

async function leaveList() {
  const of = event;
  await list("DELETE", null, "You have left the list.");
  if (event === of && !standing) byId(byId("wait").hidden ? "choose-title" : "wait").focus(); // the button is gone
}

// drawList shows the list to who finds nothing, and to who stands on it.
function drawList() {
  const full = seats.free.every((n) => n === 0);
  byId("sold-out").hidden = !full && !standing;
  byId("nothing-free").hidden = byId("wait").hidden = !full;
  byId("leave-list").hidden = !standing;
  say(byId("wait"), standing ? "Change how many I wait for" : "Put me on the waiting list");
  if (!full || looked) return;
  looked = true; // somebody may have come back
  list("GET");
}

// open begins with an event of which nothing is chosen.
export function open(of, its) {
  event = of;
  seats = its;
  sets.picked.clear();
  sets.mine.clear();
  standing = null;
  looked = false;
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
  drawList();
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
