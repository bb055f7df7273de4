// What this browser has bought, with its tickets; giving seats back; and what the
// fan was told.

import { byId, h, say } from "./ui/dom.js";
import { ago, moment } from "./ui/format.js";
import { api } from "./session.js";
import { layout, money, seatName } from "./words.js";
import { stateWords } from "./order.js";
import { ticketCard } from "./ticket.js";
import { read } from "./program.js";

const EVERY = 1500; // ms, while an order is on its way

let showing = 0; // counts visits, so that an answer for the last one is known as such

// show lists the orders until it is stopped.
export function show() {
  const mine = ++showing;
  byId("orders").replaceChildren();
  byId("orders-empty").hidden = byId("messages-box").hidden = true;
  let timer = 0;
  const load = async () => {
    const [{ body }, told, events] = await Promise.all([api("GET", "/api/orders"), api("GET", "/api/messages"), read()]);
    if (mine !== showing) return;
    const known = new Map(events.map((e) => [e.id, e]));
    byId("orders-empty").hidden = body.orders.length > 0;
    for (const order of body.orders) await put(order, known.get(order.event), mine);
    messages(told.body.messages);
    if (mine === showing && body.orders.some((o) => !o.ended)) timer = setTimeout(() => load().catch(() => {}), EVERY);
  };
  reload = load;
  return {
    ready: load(),
    stop() {
      showing++;
      clearTimeout(timer);
    },
  };
}

let reload = async () => {};

// put shows an order in its place in the list, anew if it has changed. The event is
// undefined where the program doesn't have it.
async function put(summary, event, mine) {
  const list = byId("orders");
  const old = list.querySelector(`[data-order="${CSS.escape(summary.id)}"]`);
  const version = JSON.stringify(summary);
  if (old?.dataset.version === version && summary.ended) return;
  const [{ body: order }, where] = await Promise.all([api("GET", `/api/orders/${encodeURIComponent(summary.id)}`), layout(summary.event, event?.venue)]);
  if (mine !== showing) return;
  const item = card(order, event?.name || summary.event, where.sections);
  item.dataset.version = version;
  if (old) old.replaceWith(item);
  else list.append(item);
}

function card(order, event, sections) {
  const kept = order.lines.filter((line) => !line.refunded);
  const tickets = order.tickets || [];
  return h("li", { class: "card order-card", "data-order": order.id, "data-state": order.state },
    h("div", { class: "order-head" },
      h("div", {}, h("h2", {}, event), h("p", { class: "small soft" }, h("time", { datetime: order.placed, title: moment(new Date(order.placed)) }, `ordered ${ago(new Date(order.placed))}`), ` · ${money(order.total, order.currency)}`)),
      h("span", { class: `badge ${order.state === "cancelled" ? "bad" : order.ended ? "" : "warn"}` }, order.state)),
    order.state !== "done" && h("p", { class: "soft small" }, stateWords(order)),
    tickets.length > 0
      ? h("ul", { class: "tickets" }, ...tickets.map((t) => ticketCard(t, sections)))
      : h("ul", { class: "lines" }, ...order.lines.map((line) => h("li", {}, h("span", {}, seatName(sections, line.seat))))),
    order.state === "done" && kept.length > 0 && h("p", { class: "row" },
      h("button", { class: "button quiet danger", type: "button", "aria-label": `Give back… seats of ${event}`, onclick: () => refund(order, kept, sections) }, "Give back…")));
}

function messages(told) {
  byId("messages-box").hidden = told.length === 0;
  byId("messages").replaceChildren(...told.map((m) => h("li", {},
    h("b", {}, m.subject), h("span", { class: "soft small" }, ago(new Date(m.at))), h("p", {}, m.text))));
}

function refund(order, lines, sections) {
  const dialog = byId("refund");
  say(byId("refund-complaint"), "");
  byId("refund-seats").replaceChildren(...lines.map((line) => h("label", { class: "check" },
    h("input", { type: "checkbox", value: line.seat, checked: lines.length === 1 }),
    h("span", {}, `${seatName(sections, line.seat)}, ${money(line.price, order.currency)}`))));
  byId("refund-keep").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const seats = [...dialog.querySelectorAll("input:checked")].map((box) => box.value);
    if (seats.length === 0) {
      say(byId("refund-complaint"), "Choose what you give back.");
      return;
    }
    try {
      await api("POST", `/api/orders/${encodeURIComponent(order.id)}/refund`, { json: { seats } });
      dialog.close();
      say(byId("announce"), "It is being given back");
      await reload();
    } catch (error) {
      say(byId("refund-complaint"), error.message);
    }
  };
  dialog.showModal();
}
