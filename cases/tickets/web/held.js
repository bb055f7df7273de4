// Seats that are held for this fan: the time that is left, more of it, letting
// them go, and paying.

import { byId, complain as complainAt, h, say } from "./ui/dom.js";
import { api } from "./session.js";
import { money, now, roughly, seatName, span } from "./words.js";
import { sets } from "./choose.js";

// The payment provider's sources, by what they do.
const sources = [
  ["tok_ok", "A card that works"],
  ["tok_declined", "A card that is declined"],
  ["tok_slow", "A bank that takes seconds"],
  ["tok_late", "A bank that decides too late"],
  ["tok_timeout", "A card whose answer gets lost"],
];
const SPOKEN = [60, 30, 10]; // s left, at which it is said

let map = null;
let on = {};
let event = null;
let seats = null;
let hold = null;
let ticking = 0;
let spoken = Infinity;

const stored = () => `tickets.hold.${event.id}`;
const path = (rest = "") => `/api/events/${encodeURIComponent(event.id)}/holds/${encodeURIComponent(hold.hold)}${rest}`;
const complain = (text) => say(byId("held-complaint"), text);

// start wires the card up. on.onShown() is called when there is a hold, on.onOver()
// when there is none any more, on.onPlaced(order) when it was ordered.
export function start(handlers) {
  on = handlers;
  map = handlers.map;
  byId("sources").replaceChildren(...sources.map(([token, words], i) =>
    h("label", { class: "check" }, h("input", { type: "radio", name: "source", value: token, checked: i === 0 }), h("span", {}, words))));
  byId("extend").addEventListener("click", () => extend().catch(refused));
  byId("release").addEventListener("click", () => release().catch(refused));
  byId("checkout").addEventListener("submit", (e) => {
    e.preventDefault();
    pay().catch(refused);
  });
}

// resume shows what was held before the page was loaded again.
export function resume(of, its) {
  event = of;
  seats = its;
  const before = JSON.parse(sessionStorage.getItem(stored()) || "null");
  if (before && Date.parse(before.until) > now()) show(before);
}

// leave stops the clock.
export function leave() {
  clearInterval(ticking);
  hold = null;
}

// show shows a hold.
export function show(it) {
  hold = it;
  spoken = Infinity;
  sessionStorage.setItem(stored(), JSON.stringify(hold));
  mark(hold.seats, true);
  byId("held-lines").replaceChildren(...hold.seats.map((line) => h("li", {},
    h("span", {}, seatName(seats.sections, line.seat)), h("span", { class: "figure" }, money(line.price, hold.currency)))));
  say(byId("held-total"), money(hold.total, hold.currency));
  say(byId("pay"), `Pay ${money(hold.total, hold.currency)}`);
  complain("");
  complainAt(byId("voucher"), "");
  clearInterval(ticking);
  ticking = setInterval(tick, 250);
  tick();
  on.onShown();
}

// mark has the map show seats as this fan's, or not.
function mark(lines, mine) {
  const changed = lines.map((line) => seats.number(line.seat)).filter((n) => n >= 0);
  for (const n of changed) sets.mine[mine ? "add" : "delete"](n);
  map.changed({ changed });
}

function tick() {
  const left = Date.parse(hold.until) - now();
  if (left <= 0) {
    over("The time is over, and the seats are free again.");
    return;
  }
  say(byId("left"), span(left));
  byId("left-bar").value = left / (event.holdFor * 1000);
  byId("held").classList.toggle("soon", left < 30000);
  byId("extend").hidden = Date.parse(hold.latest) - Date.parse(hold.until) < 1000;
  const due = SPOKEN.find((s) => left / 1000 <= s && s < spoken && left / 1000 > s - 5);
  if (spoken === Infinity) say(byId("left-words"), `Held for ${roughly(left / 1000)}`);
  else if (due) say(byId("left-words"), `${due} seconds left`);
  spoken = due || Math.min(spoken, left / 1000 + 1);
}

function forget() {
  clearInterval(ticking);
  sessionStorage.removeItem(stored());
  mark(hold.seats, false);
  hold = null;
}

function over(words) {
  forget();
  on.onOver();
  say(byId("choose-complaint"), words);
}

async function extend() {
  const { body } = await api("POST", path("/extend"));
  show(body);
  say(byId("announce"), `Held for ${span(Date.parse(hold.until) - now())} from now`);
}

async function release() {
  await api("DELETE", path());
  forget();
  on.onOver();
  say(byId("announce"), "The seats are free again");
}

async function pay() {
  const button = byId("pay");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  complain("");
  complainAt(byId("voucher"), "");
  try {
    const json = { hold: hold.hold, source: document.querySelector("[name=source]:checked").value, voucher: byId("voucher").value.trim() };
    const { body } = await api("POST", `/api/events/${encodeURIComponent(event.id)}/orders`, { json });
    clearInterval(ticking);
    sessionStorage.removeItem(stored());
    hold = null;
    on.onPlaced({ ...body, sections: seats.sections, refused: () => mark(body.lines, false) });
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
}

function refused(error) {
  if (error.field === "voucher") {
    complainAt(byId("voucher"), error.message);
    byId("voucher").focus();
  } else if (hold && (error.status === 410 || error.type === "/problems/no-such-hold")) over(error.message);
  else complain(error.message);
}
