// The conversations, newest first; the search in what this device has; new ones.

import { byId, h, say } from "./ui/dom.js";
import { hourMinute } from "./ui/format.js";
import { arrange } from "./arrange.js";
import { ask } from "./dialog.js";
import { summary } from "./line.js";

let client;
let chosen = () => {};
let current = "";

export function start(of, choose) {
  client = of;
  chosen = choose;
  byId("search").oninput = search;
  byId("new-chat").onclick = () => ask("New chat", [["name", "Whom do you want to write to?"]], async ({ name }) => choose_(await client.begin(name)));
  byId("new-group").onclick = () => begin("group", "Who is in it? Names, with commas.");
  byId("new-channel").onclick = () => begin("channel", "You alone write in it. Who reads it? Names, with commas; you can add others later.");
}

const choose_ = (id) => choose(id);

const begin = (kind, who) =>
  ask(`New ${kind}`, [["title", "What is it called? The server sees this."], ["names", who]], async ({ title, names }) =>
    choose_(await client.beginGroup(kind, title, names.split(",").map((n) => n.trim()).filter(Boolean))));

// choose opens a conversation; "" none.
export function choose(id) {
  current = id;
  document.body.dataset.open = id;
  for (const b of document.querySelectorAll("#talks button")) {
    if (b.dataset.id === id) b.setAttribute("aria-current", "true");
    else b.removeAttribute("aria-current");
  }
  return chosen(id);
}

export async function draw() {
  const talks = await client.talks();
  byId("none").hidden = talks.length > 0;
  arrange(byId("talks"), keep(byId("talks"), talks), (was) => document.querySelector(`#talks [data-id="${CSS.escape(was.dataset.id)}"]`));
  if (!byId("found").hidden) await search();
}

// keep makes the items, and takes those as they are that say the same: one that has
// the focus keeps it.
function keep(ul, talks) {
  const before = new Map([...ul.children].map((li) => [li.says, li]));
  return talks.map((t) => {
    const line = t.lines.at(-1);
    const says = JSON.stringify([t.id, t.title, t.unread, t.mentioned, line?.id, line?.text, line?.deleted, line?.state, t.members.map((m) => m.name + m.typing)]);
    return before.get(says) || item(t, line, says);
  });
}

function item(t, line, says) {
  const names = Object.fromEntries(t.members.map((m) => [m.user, m.name]));
  const button = h("button", { type: "button", "data-id": t.id, onclick: () => choose(t.id), "aria-current": t.id === current ? "true" : undefined },
    h("b", {}, t.title || "…", t.kind === "channel" && h("span", { class: "hint" }, " channel")),
    line && h("time", { datetime: line.at }, hourMinute(new Date(line.at))),
    h("span", { class: "soft" }, line ? summary(line, names) : ""),
    t.unread ? h("span", { class: t.mentioned ? "badge warn" : "badge" }, t.mentioned ? `@ ${t.unread} unread` : `${t.unread} unread`) : null);
  return Object.assign(h("li", {}, button), { says });
}

async function search() {
  const text = byId("search").value.trim();
  byId("found").hidden = text === "";
  byId("talks").hidden = text !== "";
  if (text === "") return;
  const found = await client.search(text);
  if (byId("search").value.trim() !== text) return; // typed on meanwhile
  const items = found.map(({ conversation, title, line }) =>
    h("li", {}, h("button", { type: "button", "data-line": line.id, onclick: () => choose(conversation) },
      h("b", {}, title), h("time", { datetime: line.at }, hourMinute(new Date(line.at))), h("span", { class: "soft" }, line.text || line.media?.name))));
  if (items.length === 0) items.push(h("li", { class: "hint" }, "Nothing on this device says that."));
  arrange(byId("found"), items, (was) => document.querySelector(`#found [data-line="${CSS.escape(was.dataset.line)}"]`));
}
