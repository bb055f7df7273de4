// A ticket: its seat and its code.

import { h, say, byId } from "./ui/dom.js";
import { authorization, ensure } from "./session.js";
import { seatName } from "./words.js";

// ticketCard is one ticket as a list item; its code comes when the server has sent
// it.
export function ticketCard(ticket, sections) {
  const name = seatName(sections, ticket.seat);
  const code = h("div", { class: "code", role: "img", "aria-label": `QR code of ${name}` });
  const state = ticket.revoked ? "given back" : ticket.checkedIn ? "used" : "";
  const card = h("li", { class: `ticket${state && " spent"}${ticket.revoked ? " revoked" : ""}`, "data-serial": ticket.serial },
    code,
    h("div", { class: "ticket-words" },
      h("b", {}, name),
      h("span", { class: "mono small soft" }, ticket.serial),
      state && h("span", { class: "badge" }, state),
      !state && h("button", { class: "button quiet", type: "button", "aria-label": `Copy code of ${name}`, onclick: (e) => copy(e.currentTarget, ticket.serial) }, "Copy code")));
  if (ticket.revoked) code.hidden = true;
  else draw(code, ticket.serial);
  return card;
}

async function read(serial, kind) {
  await ensure();
  const answer = await fetch(`/api/tickets/${encodeURIComponent(serial)}.${kind}`, { headers: authorization(), signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.text();
}

async function draw(at, serial) {
  try {
    const picture = new DOMParser().parseFromString(await read(serial, "svg"), "image/svg+xml").documentElement;
    picture.setAttribute("aria-hidden", "true");
    at.replaceChildren(document.importNode(picture, true));
  } catch {
    at.replaceChildren(h("button", { class: "button quiet", type: "button", onclick: () => draw(at, serial) }, "Show the code"));
  }
}

async function copy(button, serial) {
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(await read(serial, "txt"));
  } catch {
    done = "Not possible";
  }
  say(button, done);
  say(byId("announce"), done);
  setTimeout(() => say(button, "Copy code"), 1600);
}
