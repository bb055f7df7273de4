// The waiting room: a place in the lottery or in the queue, some work where the
// server asks for it, and the pass at the end.

import { byId, h, say } from "./ui/dom.js";
import { follow } from "./ui/events.js";
import { Problem } from "./ui/http.js";
import { count } from "./ui/format.js";
import { api, authorization } from "./session.js";
import { now, roughly, span } from "./words.js";

const MOST_WORK = 4; // challenges in a row, before somebody is told to come again

const passes = new Map(); // by event: {pass, until}
const path = (event, rest = "") => `/api/room/${encodeURIComponent(event.id)}${rest}`;
const form = byId("room-join");

// withPass does ask(headers), with the event's pass where it has a waiting room;
// once more with a new pass when the old one is over.
export async function withPass(event, ask) {
  if (!event.room) return ask({});
  const mine = passes.get(event.id);
  try {
    return await ask({ Pass: mine?.pass || "" });
  } catch (error) {
    if (!(error instanceof Problem) || !error.type.startsWith("/problems/pass-")) throw error;
    const { body } = await api("GET", path(event));
    if (!body.pass) throw error;
    passes.set(event.id, body);
    return ask({ Pass: body.pass });
  }
}

// enter shows the room. admitted is fulfilled once there is a pass.
export function enter(event) {
  const visit = { event, stop: () => {}, ended: false, place: null, ticking: 0, stopWork: () => {} };
  const end = () => {
    visit.ended = true;
    visit.stop();
    visit.stopWork();
    clearInterval(visit.ticking);
    form.onsubmit = byId("room-leave").onclick = null;
  };
  const admitted = new Promise((resolve) => {
    visit.admit = (pass) => {
      if (visit.ended) return;
      passes.set(event.id, pass);
      end();
      say(byId("announce"), "You are in");
      resolve();
    };
  });
  begin(visit).catch((error) => complain(error.message));
  return { admitted, stop: end };
}

const complain = (text) => say(byId("room-complaint"), text);

async function begin(visit) {
  complain("");
  byId("work").hidden = true;
  byId("room").hidden = true;
  form.onsubmit = (e) => {
    e.preventDefault();
    join(visit);
  };
  byId("room-leave").onclick = () => leave(visit).catch((error) => complain(error.message));
  visit.ticking = setInterval(() => draw(visit), 500);
  try {
    take(visit, (await api("GET", path(visit.event))).body);
  } catch (error) {
    if (error.status !== 404) throw error;
  } finally {
    if (!visit.ended) {
      byId("room").hidden = false;
      draw(visit);
    }
  }
}

// take takes in where the fan stands.
function take(visit, place) {
  if (visit.ended) return;
  if (place.pass) {
    visit.admit(place);
    return;
  }
  const before = visit.place;
  visit.place = place;
  draw(visit);
  if (!before) watch(visit);
}

function watch(visit) {
  visit.stop();
  visit.stop = follow(path(visit.event, "/live"), {
    headers: authorization,
    onEvent(name, data) {
      if (name === "place") take(visit, data);
      if (name === "pass") visit.admit(data);
      if (name === "end" && data.reason !== "stopping") out(visit);
    },
    onState: (now) => complain(now === "open" ? "" : "The connection is away. Your place is kept, and this page goes on trying."),
  });
}

function out(visit) {
  visit.stop();
  visit.place = null;
  draw(visit);
}

async function leave(visit) {
  await api("DELETE", path(visit.event));
  out(visit);
}

async function join(visit) {
  const button = byId("room-submit");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  complain("");
  try {
    let proof;
    for (let times = 0; !visit.ended; times++) {
      const json = { website: byId("website").value };
      if (proof) json.proof = proof;
      try {
        take(visit, (await api("POST", path(visit.event), { json })).body);
        return;
      } catch (error) {
        if (error.status !== 428 || times === MOST_WORK) throw error;
        proof = await solve(visit, error.body.challenge);
      }
    }
  } catch (error) {
    complain(error.retryAfter ? `${error.message} Try again in ${roughly(error.retryAfter)}.` : error.message);
  } finally {
    button.setAttribute("aria-disabled", "false");
    byId("work").hidden = true;
  }
}

// solve finds the solution of a challenge in a worker, so that the page goes on.
// How long it takes is luck: the bar shows how likely it was to be done by now.
function solve(visit, { token, bits }) {
  byId("work").hidden = false;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./work.js", import.meta.url), { type: "module" });
    visit.stopWork = () => worker.terminate();
    worker.onerror = () => {
      worker.terminate();
      reject(new Error("Your browser could not do the work that is asked for. Load the page again, or use another browser."));
    };
    worker.onmessage = ({ data: { solution, tries } }) => {
      byId("work-done").value = 1 - Math.exp(-tries / 2 ** bits);
      say(byId("work-words"), `${count(tries)} of about ${count(2 ** bits)} sums. This page works on; it makes it dear to be a thousand at once.`);
      if (solution === undefined) return;
      worker.terminate();
      resolve({ token, solution });
    };
    worker.postMessage({ token, bits });
  });
}

function draw(visit) {
  const { event, place } = visit;
  const left = Date.parse(event.onSale) - now();
  const status = place?.status;
  byId("room-submit").hidden = Boolean(place);
  byId("room-leave").hidden = !place;
  byId("room").dataset.status = status || "outside";
  let words = "This sale goes through a waiting room, so that everybody gets through it.";
  if (!place && left > 0) words += " All who come before it begins take part in a lottery: it makes no difference when you came.";
  if (!place && left <= 0) words += " The sale has begun: who comes now stands behind.";
  if (status === "early") words = "You take part in the lottery. When the sale begins, places are drawn among all who came before; coming earlier is worth nothing, and neither is loading this page again.";
  if (status === "waiting") words = "You have a place in the queue. It is kept if you load this page again or come back to it later; this page goes on by itself when it is your turn.";
  if (status === "waiting" && place.soldOut) words = "Every seat is sold. You keep your place: if somebody gives a seat back, the queue goes on, and this page by itself.";
  if (status === "admitted") words = "It is your turn…";
  if (place?.stale) words += " The servers of the room are away at the moment; your place is kept.";
  const body = byId("room-body");
  if (body.textContent !== words) body.replaceChildren(h("p", {}, words));
  figures(place, left);
}

function figures(place, left) {
  const rows = [];
  if (left > 0) rows.push(["The sale begins in", span(left)]);
  if (place?.status === "waiting") {
    rows.push(["Before you", count(place.ahead ?? 0)]);
    rows.push(["Estimated wait", place.soldOut ? "until a seat comes back" : place.waitSeconds === undefined ? "not known yet" : roughly(place.waitSeconds)]);
  }
  const box = byId("room-figures");
  rows.forEach(([name, value], i) => {
    const row = box.children[i] || box.appendChild(h("p", {}, h("span", { class: "soft small" }), h("b", { class: "figure" })));
    say(row.firstChild, name);
    say(row.lastChild, value);
  });
  while (box.children.length > rows.length) box.lastChild.remove();
}
