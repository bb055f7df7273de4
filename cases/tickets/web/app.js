// The page: shows the view that the address names, and holds none of its work.

import { byId, say } from "./ui/dom.js";
import { ensure } from "./session.js";
import * as desk from "./desk.js";
import * as door from "./door.js";
import * as event from "./event.js";
import * as orders from "./orders.js";
import * as program from "./program.js";

const views = { "": ["program", program.show], event: ["event", event.show], orders: ["orders", orders.show], organiser: ["organiser", desk.show], door: ["door", door.show] };
let showing = { stop() {} };
let first = true;

async function route() {
  const [, name = "", argument = ""] = location.hash.split("/");
  const [view, show] = views[name] || views[""];
  showing.stop();
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  complain("");
  const mine = (showing = show(decodeURIComponent(argument)));
  if (!first) {
    scrollTo(0, 0);
    document.querySelector(`#view-${view} h1`).focus();
  }
  first = false;
  try {
    await mine.ready;
  } catch (error) {
    if (showing === mine) complain(error.message);
  }
}

function complain(text) {
  byId("trouble").hidden = text === "";
  say(byId("trouble"), text);
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#/") || location.hash === "") route();
});
ensure().catch(() => {}); // early, so that it has some age when it is needed; whoever needs it says what went wrong
route();
