// The organiser's view: what was sold, what is held, what it brings, and what was
// given back.

import { byId, h, say } from "./ui/dom.js";
import { brief, count, hourMinute } from "./ui/format.js";
import { api, enter } from "./session.js";
import { money } from "./words.js";
import { read } from "./program.js";
import * as chart from "./chart.js";

const EVERY = 2000; // ms
const LATEST = 30; // orders

let open = false; // whether there is a session
let currency = "EUR";

// show shows the desk until it is stopped.
export function show() {
  const visit = { ended: false, timer: 0 };
  byId("organiser-open").hidden = open;
  byId("desk").hidden = !open;
  byId("organiser-open").onsubmit = async (e) => {
    e.preventDefault();
    say(byId("organiser-complaint"), "");
    try {
      await enter("organiser", byId("organiser-secret").value);
    } catch (error) {
      say(byId("organiser-complaint"), error.message);
      byId("organiser-secret").focus();
      return;
    }
    byId("organiser-secret").value = "";
    open = true;
    byId("organiser-open").hidden = true;
    byId("desk").hidden = false;
    begin(visit).catch(lost);
  };
  return {
    ready: open ? begin(visit) : null,
    stop() {
      visit.ended = true;
      clearTimeout(visit.timer);
    },
  };
}

async function begin(visit) {
  const choice = byId("desk-event");
  const events = await read();
  const before = choice.value;
  choice.replaceChildren(...events.map((e) => h("option", { value: e.id, selected: e.id === before }, e.name)));
  choice.onchange = () => {
    clearTimeout(visit.timer);
    chart.clear();
    load(visit).catch(lost);
  };
  moves(visit);
  chart.clear();
  await load(visit);
}

// moves asks for an event to be moved, and says how far it is.
function moves(visit) {
  byId("move").onsubmit = async (e) => {
    e.preventDefault();
    say(byId("move-complaint"), "");
    const event = byId("desk-event").value;
    const path = `/api/events/${encodeURIComponent(event)}/move`;
    try {
      let { body: move } = await api("POST", path, { as: "organiser", json: { venue: byId("move-venue").value.trim() } });
      while (!move.ended && !visit.ended && byId("desk-event").value === event) {
        say(byId("move-words"), "It waits for the orders on their way.");
        await new Promise((resolve) => setTimeout(resolve, 500));
        ({ body: move } = await api("GET", path, { as: "organiser" }));
      }
      if (move.ended) say(byId("move-words"), move.reason ? `It stays: ${move.reason}.` : `It is in the ${move.to}: ${count(move.seated)} orders have other seats, ${count(move.refunded)} are refunded.`);
    } catch (error) {
      say(byId("move-complaint"), error.message);
    }
  };
}

function lost(error) {
  if (error.status === 401) {
    open = false;
    byId("organiser-open").hidden = false;
    byId("desk").hidden = true;
    say(byId("organiser-complaint"), "The session is over: give the secret again.");
  }
}

async function load(visit) {
  const event = byId("desk-event").value;
  const path = `/api/events/${encodeURIComponent(event)}`;
  try {
    const [{ body: sums }, { body: list }] = await Promise.all([api("GET", `${path}/figures`, { as: "organiser" }), api("GET", `${path}/orders`, { as: "organiser" })]);
    if (visit.ended || byId("desk-event").value !== event) return;
    currency = sums.currency;
    figures(sums);
    chart.add({ sold: sums.sold, held: sums.held + sums.onTheWay, refunded: sums.refunded });
    latest(list.orders.slice(0, LATEST));
  } finally {
    if (!visit.ended) visit.timer = setTimeout(() => load(visit).catch(lost), EVERY);
  }
}

function figures(sums) {
  const rows = [
    ["Sold", count(sums.sold), `of ${count(sums.seats)}`],
    ["Held", count(sums.held), sums.onTheWay ? `${count(sums.onTheWay)} being paid` : "in baskets"],
    ["Revenue", money(sums.revenue, currency), `${count(sums.orders)} orders`],
    ["Rate", brief(sums.lastMinute), "tickets in the last minute"],
    ["Given back", count(sums.refunded), money(sums.refunds, currency)],
  ];
  const list = byId("desk-figures");
  if (!list.children.length) list.append(...rows.map(() => h("div", {}, h("dt"), h("dd", { class: "figure" }), h("dd", { class: "small soft" }))));
  rows.forEach((row, i) => row.forEach((text, j) => say(list.children[i].children[j], text)));
}

function latest(orders) {
  byId("latest").replaceChildren(...orders.map((o) => h("tr", {},
    h("td", {}, hourMinute(new Date(o.placed))),
    h("td", {}, o.lines.map((line) => line.seat).join(", ")),
    h("td", { class: "figure" }, money(o.total, o.currency)),
    h("td", {}, h("span", { class: `badge ${o.state === "cancelled" ? "bad" : o.ended ? "" : "warn"}` }, o.state)))));
  if (!orders.length) byId("latest").append(h("tr", {}, h("td", { colspan: "4", class: "soft" }, "No orders yet.")));
}
