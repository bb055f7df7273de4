// What there is to know of a conversation, and of one's own devices.

import { byId, h, say } from "./ui/dom.js";
import { moment } from "./ui/format.js";
import { ask, close, show } from "./dialog.js";

let client;
let me;

export function start(of, who) {
  client = of;
  me = who;
  byId("device").onclick = devices;
}

const button = (text, onclick, further = "quiet") => h("button", { type: "button", class: `button ${further}`, onclick }, text);

export function about(view, redraw) {
  const here = view.members.some((m) => m.user === me.user && m.here) && view.kind !== "direct";
  const admin = here && view.members.some((m) => m.user === me.user && m.admin);
  const complaint = h("p", { class: "complaint", role: "alert" });
  const tell = (error) => say(complaint, error.message);
  show(view.title,
    h("ul", { class: "people" }, ...view.members.filter((m) => m.here).map((m) => h("li", {},
      h("b", {}, m.name || "…"), h("span", { class: "hint" }, m.user === me.user ? "you" : m.admin ? "admin" : m.online ? "online" : ""),
      m.user !== me.user && button(`Safety number with ${m.name}`, () => verify({ ...view, members: [m] }, redraw)),
      admin && m.user !== me.user && button(`Remove ${m.name}`, () => client.remove(view.id, m.user).then(close, tell), "quiet danger")))),
    complaint,
    here && h("p", { class: "choices-row" },
      admin && button(view.kind === "channel" ? "Add readers" : "Add somebody", () => ask(`Add to the ${view.kind}`, [["names", "Who? Names, with commas."]], ({ names }) => client.add(view.id, names.split(",").map((n) => n.trim()))), ""),
      button(`Leave the ${view.kind}`, () => client.leave(view.id).then(close, tell), "")));
}

// verify shows the number that two people compare, and takes keys that have changed.
export async function verify(view, redraw) {
  const others = view.members.filter((m) => m.user !== me.user);
  const parts = await Promise.all(others.map(async (m) => {
    let number;
    try {
      number = await client.safetyNumber(m.user);
    } catch (error) {
      return h("p", { class: "complaint" }, `With ${m.name}: ${error.message}`);
    }
    return h("div", {}, h("p", {}, `Compare this with ${m.name}, in person or by phone. If it is the same there, nobody reads along. It changes with the devices of either of you.`),
      h("p", { class: "number" }, number),
      button(`It is the same: accept ${m.name}'s keys`, async () => { await client.accept(m.user); close(); redraw(); }, ""));
  }));
  show("Safety number", ...parts);
}

async function devices() {
  const complaint = h("p", { class: "complaint", role: "alert" });
  const code = h("p", { class: "number", "aria-live": "polite" });
  const list = h("ul", { class: "people" });
  const privacy = h("select", { id: "privacy", class: "input", onchange: () => client.show(privacy.value).catch((e) => say(complaint, e.message)) },
    h("option", { value: "contacts" }, "whom you share a conversation with"), h("option", { value: "everybody" }, "everybody"), h("option", { value: "nobody" }, "nobody"));
  show("Your devices", list, h("div", { class: "field" }, h("label", { for: "privacy" }, "Who sees whether you are online"), privacy), complaint, h("p", { class: "choices-row" }, button("Link another device", async () => {
    try {
      say(code, await client.linkCode());
    } catch (error) {
      say(complaint, error.message);
    }
  }, "")), code);
  try {
    const [all, to] = await Promise.all([client.devices(), client.privacy()]);
    privacy.value = to;
    list.replaceChildren(...all.map((d) => h("li", {}, h("b", {}, d.name), h("span", { class: "hint" }, d.this ? "this one" : `since ${moment(new Date(d.linked))}`),
      !d.this && button(`Sign ${d.name} out`, () => client.signOut(Number(d.device.split(".")[1])).then(devices, (e) => say(complaint, e.message)), "quiet danger"))));
  } catch (error) {
    say(complaint, error.message);
  }
}
