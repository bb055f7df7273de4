// One event: its waiting room where it has one, then the map as it changes, and
// what a fan does from choosing to tickets.

import { byId, say } from "./ui/dom.js";
import { follow } from "./ui/events.js";
import { api } from "./session.js";
import { layout, money, now, setClock, span, when } from "./words.js";
import { HallMap, legend } from "./map.js";
import { Seats } from "./seats.js";
import * as choose from "./choose.js";
import * as held from "./held.js";
import * as order from "./order.js";
import * as room from "./room.js";

const map = new HallMap(byId("map-box"), {
  toggle: choose.toggle,
  open,
  whole,
  point: (text) => text && say(byId("pointed"), text),
});
const sides = { choose: byId("choose"), held: byId("held"), order: byId("order") };

let event = null;
let seats = null;

byId("zoom-in").addEventListener("click", () => map.view.zoom(1.5));
byId("zoom-out").addEventListener("click", () => map.view.zoom(1 / 1.5));
byId("zoom-all").addEventListener("click", () => map.view.fit());
byId("map-back").addEventListener("click", whole);

choose.start({ map, onHeld: (hold) => held.show(hold), onChosen: () => side("choose", false) });
held.start({ map, onOver: () => side("choose"), onShown: () => side("held"), onPlaced: (placed) => order.follow(placed) });
order.start({ onShown: () => side("order"), onAgain: () => side("choose") });

// side shows one of the cards beside the map, and goes there unless somebody is
// at the map.
function side(name, go = true) {
  if (!sides[name].hidden) return;
  for (const [other, card] of Object.entries(sides)) card.hidden = other !== name;
  if (go) byId(`${name}-title`).focus({ preventScroll: matchMedia("(min-width: 64rem)").matches });
}

// show shows an event until it is stopped.
export function show(id) {
  const stops = [];
  let ended = false;
  const still = () => !ended;
  return {
    ready: run(id, stops, still),
    stop() {
      ended = true;
      for (const stop of stops) stop();
    },
  };
}

async function run(id, stops, still) {
  byId("sale").hidden = byId("room").hidden = true;
  state("joining", "…");
  say(byId("event-name"), "…");
  say(byId("event-facts"), "");
  const { body } = await api("GET", `/api/events/${encodeURIComponent(id)}`);
  if (!still()) return;
  event = body;
  setClock(event.now);
  say(byId("event-name"), event.name);
  const prices = [...new Set(Object.values(event.prices))].sort((a, b) => b - a).map((p) => money(p, event.currency));
  say(byId("event-facts"), `${when(new Date(event.starts))} · ${prices.join(", ")} · at most ${event.perAccount} for one account`);
  if (event.room) {
    state("joining", "in the waiting room");
    const waiting = room.enter(event);
    stops.push(waiting.stop);
    await waiting.admitted;
  } else await begun(stops);
  if (!still()) return;
  if (event.moving) {
    state("degraded", "moving to another hall");
    stops.push(later(anew));
    return;
  }
  const where = await layout(id, event.venue);
  if (still()) openSale(where, stops);
}

// anew shows the view once more, as if one had just come to it.
const anew = () => dispatchEvent(new Event("hashchange"));

// later does something in a while, unless it is stopped before.
function later(act) {
  const timer = setTimeout(act, 3000);
  return () => clearTimeout(timer);
}

// begun waits for a sale without a waiting room to begin.
function begun(stops) {
  return new Promise((resolve) => {
    const look = () => {
      const left = Date.parse(event.onSale) - now();
      if (left <= 0) resolve();
      else state("joining", `the sale begins in ${span(left)}`);
    };
    const ticking = setInterval(look, 500);
    stops.push(() => clearInterval(ticking));
    look();
  });
}

function openSale(where, stops) {
  seats = new Seats(where);
  byId("room").hidden = true;
  byId("sale").hidden = false;
  byId("legend").replaceChildren(...legend(event, where.sections));
  choose.open(event, seats);
  side("choose", false);
  if (event.room) byId("event-name").focus(); // what had the focus is gone with the room
  let drawn = false;
  state("joining", "connecting…");
  const stop = follow(`/api/events/${encodeURIComponent(event.id)}/live`, {
    headers: () => (seats.version ? { "Last-Event-ID": seats.version } : {}),
    onEvent(name, data) {
      if (name === "seats" && !seats.fits(data)) {
        anew(); // the event has moved to another hall
        return;
      }
      const what = name === "seats" ? seats.whole(data) : name === "delta" ? seats.delta(data) : null;
      if (!what) return;
      if (drawn) {
        map.changed(what);
        choose.changed(what.changed);
        return;
      }
      drawn = true;
      map.show(event, seats, choose.sets);
      choose.changed([]);
      held.resume(event, seats);
    },
    onState(now) {
      byId("away").hidden = now === "open";
      if (now === "open") state("up", "live");
      else state("degraded", "reconnecting…");
    },
  });
  stops.push(stop, () => {
    byId("away").hidden = true;
    held.leave();
    order.leave();
  });
}

function state(is, words) {
  byId("live").dataset.state = is;
  say(byId("live"), words);
}

// open shows a section alone, or asks how many stand in it.
function open(index) {
  const section = seats.sections[index];
  choose.prefer(section.id);
  if (section.standing) {
    byId("best-count").focus();
    return;
  }
  map.alone(index);
  byId("map-back").hidden = false;
  say(byId("map-title"), section.name);
}

function whole() {
  byId("map-back").hidden = true;
  say(byId("map-title"), "Seats");
  map.alone();
}
