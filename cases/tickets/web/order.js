// An order on its way: what the saga has done, and the tickets at its end.

import { byId, h, say } from "./ui/dom.js";
import { api } from "./session.js";
import { ticketCard } from "./ticket.js";

const FIRST = 250; // ms until it is asked again; then longer and longer
const LONGEST = 2000;

// The steps of an order that goes well, each with the state that it leads to.
const steps = [
  ["placed", "Order written down"],
  ["authorised", "Money reserved"],
  ["confirmed", "Seats yours for good"],
  ["captured", "Money taken"],
  ["ticketed", "Tickets made"],
  ["done", "You were told"],
];
const words = {
  placed: "Asking the payment provider…",
  authorised: "The money is reserved. Confirming your seats…",
  confirmed: "The seats are yours. Taking the money…",
  captured: "Paid. Making your tickets…",
  ticketed: "Here are your tickets.",
  done: "Here are your tickets.",
  voiding: "This can’t go on. Letting the reserved money go…",
  refunding: "Giving the money back…",
  releasing: "Freeing the seats…",
  cancelled: "There are no tickets, and no money was kept.",
  refunded: "Given back. The tickets are worth nothing now.",
};

let on = {};
let watching = 0; // counts what is followed, so that an answer of the last one is known as such

// start wires the card up. on.onShown() is called when an order is shown,
// on.onAgain() when more is to be bought.
export function start(handlers) {
  on = handlers;
  byId("more-seats").addEventListener("click", () => {
    leave();
    on.onAgain();
  });
}

// leave stops following.
export function leave() {
  watching++;
}

// follow shows an order until it has ended. Its refused() is called if it got no
// seats.
export async function follow(order) {
  const mine = ++watching;
  on.onShown();
  draw(order, order.sections);
  let wait = FIRST;
  for (let state = order; !state.ended; ) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (mine !== watching) return;
    wait = Math.min(LONGEST, wait * 1.2);
    try {
      const { body } = await api("GET", `/api/orders/${encodeURIComponent(order.id)}`);
      if (mine !== watching) return;
      if (body.state !== state.state) wait = FIRST;
      state = body;
      draw(state, order.sections);
      if (state.state === "cancelled") order.refused();
    } catch (error) {
      if (mine !== watching) return;
      say(byId("order-words"), `${error.message} Your order goes on without this page.`);
    }
  }
}

// stateWords says an order's state.
export const stateWords = (order) => (words[order.state] || order.state) + (order.reason ? ` (${order.reason})` : "");

function draw(order, sections) {
  byId("order").dataset.state = order.state;
  const reached = steps.findIndex(([state]) => state === order.state);
  const undone = reached < 0;
  byId("progress").hidden = undone && order.ended;
  byId("progress").replaceChildren(...steps.map(([state, text], i) => {
    const is = undone ? "off" : i <= reached ? "done" : i === reached + 1 ? "now" : "later";
    return h("li", { "data-is": is, "data-step": state }, text, is === "done" && h("span", { class: "unseen" }, ", done"));
  }));
  say(byId("order-words"), stateWords(order));
  byId("order-words").classList.toggle("bad", order.state === "cancelled");
  const list = byId("order-tickets");
  const serials = (order.tickets || []).map((t) => t.serial).join();
  if (list.dataset.serials === serials) return;
  list.dataset.serials = serials;
  list.replaceChildren(...(order.tickets || []).map((t) => ticketCard(t, sections)));
}
