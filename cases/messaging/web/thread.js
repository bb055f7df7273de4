// The conversation that is open: its lines, and what is written.

import { byId, h, say } from "./ui/dom.js";
import { ago } from "./ui/format.js";
import { arrange } from "./arrange.js";
import { element, user } from "./line.js";
import { close, show } from "./dialog.js";
import { about, verify } from "./details.js";
import { prepare, use } from "./media.js";

let client;
let me;
let current = "";
let view;
let most = 100; // lines
let context = null; // what is answered or edited: {how, line}
let people = ""; // who was watched last

export function start(of, who, leave) {
  client = of;
  me = who;
  use(of);
  byId("back").onclick = leave;
  byId("about").onclick = () => about(view, redraw);
  byId("earlier").onclick = () => { most += 200; redraw(); };
  byId("compose").onsubmit = (e) => { e.preventDefault(); send(); };
  byId("context-drop").onclick = () => about_("", null);
  byId("text").onkeydown = (e) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
    if (e.key === "Escape") about_("", null);
  };
  byId("text").oninput = typing;
  byId("file").onchange = attach;
  addEventListener("focus", seen);
  addEventListener("online", redraw);
  let ticks = 0;
  setInterval(() => {
    if (!current) return;
    redraw(); // typing ends, "last seen" grows
    if (++ticks % 5 === 0) client.look(current); // what was told while there was no connection
  }, 3000);
}

export async function open(id) {
  current = id;
  view = undefined;
  most = 100;
  people = "";
  byId("thread").hidden = id === "";
  about_("", null);
  byId("lines").replaceChildren();
  if (id === "") return;
  await redraw();
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
  // A page with several devices in frames isn't to go to one of them.
  byId(muted() ? "title" : "text").focus({ preventScroll: true });
}

const redraw = () => draw(new Set([current]));

export async function draw(changed) {
  if (!current || !(changed.has(current) || changed.has(""))) return;
  const now = await client.view(current, most);
  if (now.id !== current) return;
  view = now;
  const names = Object.fromEntries(view.members.map((m) => [m.user, m.name]));
  say(byId("title"), view.title || "…");
  say(byId("status"), status());
  byId("earlier").hidden = !view.more;
  if (muted() && byId("compose").contains(document.activeElement)) byId("title").focus();
  byId("compose").hidden = muted() !== "";
  byId("muted").hidden = muted() === "";
  say(byId("muted"), muted());
  const scroll = byId("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  place(names);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  const watch = view.members.map((m) => m.user).join();
  if (watch !== people) {
    people = watch;
    client.look(current);
  }
  seen();
}

// place puts the lines in their order, and leaves those alone that say the same.
function place(names) {
  const before = new Map([...byId("lines").children].map((li) => [li.says, li]));
  const known = JSON.stringify([names, muted()]);
  arrange(byId("lines"), view.lines.map((line) => {
    const says = JSON.stringify(line) + known;
    const li = before.get(says) || element(line, names, me, act, muted() === "");
    li.says = says;
    return li;
  }), (was) => document.querySelector(`#lines [data-id="${CSS.escape(was.closest(".line")?.dataset.id || "")}"] .more`));
}

// muted is why nothing can be written here; "" where it can.
function muted() {
  if (!view || view.members.length === 0 || view.mayPost) return "";
  if (!view.members.some((m) => m.user === me.user && m.here)) return `You aren't in this ${view.kind} any more. What was said until then stays here.`;
  return "You read this channel: only its admins write in it.";
}

function status() {
  const others = view.members.filter((m) => m.user !== me.user && m.here);
  const writing = others.filter((m) => m.typing).map((m) => m.name);
  if (writing.length) return `${writing.join(", ")} ${writing.length > 1 ? "are" : "is"} typing…`;
  const there = others.filter((m) => m.online);
  if (view.kind === "channel") return `channel, readers: ${view.members.filter((m) => m.here && !m.admin).length}`;
  if (view.kind !== "direct") return `${others.length + 1} members, ${there.length} others online`;
  if (there.length) return "online";
  return others[0]?.lastSeen ? `last seen ${ago(new Date(others[0].lastSeen))}` : "";
}

// seen says so only when somebody looks.
function seen() {
  if (current && view && view.unread > 0 && document.hasFocus()) client.seen(current);
}

let typed = 0;
function typing() {
  if (current && Date.now() - typed > 3000) {
    typed = Date.now();
    client.typing(current, true);
  }
}

// about_ says what is answered or edited.
function about_(how, line) {
  context = line && { how, line };
  byId("context").hidden = !line;
  say(byId("context-text"), line ? `${how === "edit" ? "Editing" : "Answering"}: ${line.text || line.media?.name || ""}` : "");
  if (how === "edit") byId("text").value = line.text;
  if (line) byId("text").focus();
}

const meant = (text) => view.members.filter((m) => m.name && text.toLowerCase().split(/[^@a-z0-9._-]+/).includes(`@${m.name}`)).map((m) => m.user);

async function doing(work) {
  say(byId("compose-complaint"), "");
  try {
    await work();
  } catch (error) {
    say(byId("compose-complaint"), error.message);
  }
}

function send() {
  const text = byId("text").value.trim();
  if (!text || !view) return;
  const { how, line } = context || {};
  byId("text").value = "";
  about_("", null);
  typed = 0;
  doing(() => (how === "edit" ? client.edit(current, line.id, text, meant(text)) : client.say(current, text, line?.id, meant(text))));
}

function attach() {
  const [file] = byId("file").files;
  const id = current;
  const reply = context?.how === "reply" ? context.line.id : "";
  const text = byId("text").value.trim();
  byId("file").value = "";
  if (!file) return;
  byId("text").value = "";
  about_("", null);
  say(byId("compose-complaint"), `${file.name} is being encrypted and sent…`);
  doing(async () => client.attach(id, await prepare(file), text, reply));
}

const emojis = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

function act(what, line, argument) {
  if (what === "react") return doing(() => client.react(current, line.id, argument));
  if (what === "retry" || what === "drop") return doing(() => client.retry(line.id, what === "drop"));
  if (what === "accept") return verify(view, redraw);
  const then = (work) => () => { close(); work(); };
  const button = (text, work, further = "") => h("button", { type: "button", class: `button ${further}`, onclick: then(work) }, text);
  return show("What to do with this message",
    h("p", { class: "choices-row" }, ...emojis.map((e) => button(e, () => act("react", line, e)))),
    h("p", { class: "choices-row" }, button("Answer", () => about_("reply", line)),
      line.mine && !line.media && button("Edit", () => about_("edit", line)),
      (line.mine || view.members.some((m) => m.user === me.user && m.admin && view.kind !== "direct")) && button("Delete for everyone", () => doing(() => client.delete(current, line.id)))),
    progress(line));
}

// progress is how far a message is on each device of the others.
function progress(line) {
  if (!line.mine) return null;
  const rows = view.members.filter((m) => m.user !== user(line)).flatMap((m) => (m.progress || []).map((r) =>
    h("li", {}, `${m.name}, device ${r.device.split(".")[1]}: ${(r.read || 0) >= line.seq ? "read" : (r.delivered || 0) >= line.seq ? "delivered" : "not there yet"}`)));
  return h("ul", { class: "progress" }, ...(rows.length ? rows : [h("li", {}, "Nobody has it yet.")]));
}
