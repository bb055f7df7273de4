// The page of one device: lets in, shows the conversations, and one of them.

import { byId, say, complain } from "./ui/dom.js";
import { open } from "./device.js";
import * as list from "./list.js";
import * as thread from "./thread.js";
import * as details from "./details.js";

// Which of this browser's devices it is: "?as=laptop".
const name = new URLSearchParams(location.search).get("as") || "device";

let client;
let waiting = new Set();
let drawing = false;
let over = false; // this device never connects again

// changed gathers what has changed until the next frame: a page of history is a
// hundred changes.
function changed(conversation) {
  waiting.add(conversation);
  if (drawing) return;
  drawing = true;
  setTimeout(draw, 30);
}

async function draw() {
  drawing = false;
  const all = waiting;
  waiting = new Set();
  if (!client || byId("chat").hidden) return;
  const me = await client.me();
  say(byId("me"), me.name);
  const offline = over ? "" : me.gateway === "" ? "Not connected. What you write is kept, and sent as soon as a gateway answers." : me.current ? "" : "Catching up with what was said meanwhile…";
  byId("offline").hidden = offline === "";
  say(byId("offline"), offline);
  document.body.dataset.gateway = me.gateway;
  await Promise.all([list.draw(), thread.draw(all)]);
}

function trouble(error) {
  byId("loading").hidden = true;
  byId("trouble").hidden = false;
  say(byId("trouble"), error.message);
}

// enter shows the conversations, and stays connected.
async function enter() {
  byId("door").hidden = true;
  byId("chat").hidden = false;
  const me = await client.me();
  document.title = `${me.name} · Messaging`;
  list.start(client, (id) => thread.open(id));
  thread.start(client, me, () => list.choose(""));
  details.start(client, me);
  changed("");
  client.run().catch((error) => { // signed out, or the database has failed
    over = true;
    changed("");
    trouble(error);
  });
}

function enters(form, field, act) {
  byId(form).onsubmit = async (e) => {
    e.preventDefault();
    const input = byId(field);
    const button = e.target.querySelector("button");
    complain(input, "");
    button.disabled = true;
    try {
      await act(input.value);
      await enter();
    } catch (error) {
      complain(input, error.message);
      input.focus();
    } finally {
      button.disabled = false;
    }
  };
}

async function start() {
  client = await open(name, changed);
  byId("loading").hidden = true;
  if ((await client.me()).user) return enter();
  byId("door").hidden = false;
  enters("sign-up", "sign-up-name", (text) => client.signUp(text, name));
  enters("link", "link-code", (text) => client.link(text, name));
}

// The page that shows two people side by side sets its devices up through this.
globalThis.theDevice = {
  ready: start().then(() => client, (error) => { trouble(error); throw error; }),
  enter,
  open: (id) => list.choose(id),
};
globalThis.theDevice.ready.catch(() => {}); // it is shown
