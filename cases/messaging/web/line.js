// One line of a conversation.

import { h } from "./ui/dom.js";
import { hourMinute } from "./ui/format.js";
import { attachment } from "./media.js";

const events = {
  created: (who, users, title) => `${who} began ${title ? `“${title}”` : "this conversation"}`,
  added: (who, users) => `${who} added ${users}`,
  removed: (who, users) => `${who} removed ${users}`,
  left: (who) => `${who} left`,
};

const event = (line, names) => events[line.kind](names[user(line)] || "somebody", (line.users || []).map((u) => names[u] || "somebody").join(", "), line.title);

// user is the person of an address, "u….2".
export const user = (line) => line.sender.split(".")[0];

// summary is a line in a few words.
export function summary(line, names) {
  if (line.kind !== "posted") return event(line, names);
  const who = line.mine ? "You" : names[user(line)] || "…";
  if (line.deleted) return `${who}: deleted`;
  if (line.why && !line.state) return `${who}: can't be read here`;
  return `${who}: ${line.text || line.media?.name || ""}`;
}

const states = { sending: "sending…", failed: "not sent", sent: "sent", delivered: "delivered", read: "read" };

// element is a line with what can be done with it; where nothing may be written that
// is nothing, but for what wasn't sent.
export function element(line, names, me, act, mayPost) {
  if (line.kind !== "posted") return h("li", { class: "event" }, event(line, names));
  const who = line.mine ? "You" : names[user(line)] || "…";
  const li = h("li", { class: line.mine ? "line mine" : "line", "data-id": line.id, "data-state": line.state },
    h("p", { class: "by" }, h("b", {}, who), h("time", { datetime: line.at }, hourMinute(new Date(line.at))),
      line.edited && h("span", {}, "edited"), line.state && h("span", { class: "state" }, states[line.state])));
  if (line.reply) li.append(h("p", { class: "quote" }, h("b", {}, names[line.reply.sender] || "…"), " ", line.reply.deleted ? "deleted" : line.reply.text || (line.reply.seq ? "" : "a message that isn't on this device")));
  if (line.deleted) li.append(h("p", { class: "soft" }, "This message was deleted."));
  else if (line.why && !line.state) li.append(h("p", { class: "soft" }, `Can't be read here: ${line.why}.`));
  if (line.media && !line.deleted) li.append(attachment(line.media));
  if (line.text) li.append(h("p", { class: "text" }, ...mentions(line, names, me)));
  if (line.state === "failed") {
    li.append(h("p", { class: "complaint" }, line.why), h("p", { class: "actions" },
      line.held ? h("button", { type: "button", class: "button quiet", onclick: () => act("accept", line) }, "Compare and accept the new key")
        : h("button", { type: "button", class: "button quiet", onclick: () => act("retry", line) }, "Try again"),
      h("button", { type: "button", class: "button quiet", onclick: () => act("drop", line) }, "Drop")));
  }
  if (line.reactions) li.append(h("p", { class: "reactions" }, ...line.reactions.map((r) =>
    h("button", { type: "button", class: "badge", "aria-pressed": String(r.users.includes(me.user)), disabled: !mayPost, title: r.users.map((u) => names[u]).join(", "),
      onclick: () => act("react", line, r.users.includes(me.user) ? "" : r.emoji) }, `${r.emoji} ${r.users.length}`))));
  if (mayPost && line.seq && !line.deleted && !line.why) li.append(h("button", { type: "button", class: "more", "aria-label": `Answer, react, and more: ${who}, ${summary(line, names)}`, onclick: () => act("more", line) }, "⋯"));
  return li;
}

// mentions marks "@name" of those who are meant.
function mentions(line, names, me) {
  const meant = new Map((line.mentions || []).map((u) => [`@${names[u]}`, u]));
  if (meant.size === 0) return [line.text];
  return line.text.split(/(@[a-z0-9._-]+)/i).map((part) => {
    const u = meant.get(part.toLowerCase());
    return u ? h("mark", { class: u === me.user ? "me" : "" }, part) : part;
  });
}
