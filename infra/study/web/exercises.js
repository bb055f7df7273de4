// Exercises: the task, hints one at a time, and the check.

import { call } from "./ui/http.js";
import { byId, h, say } from "./ui/dom.js";
import { api, attend, begin, caseName, end, running } from "./jobs.js";
import { drawAll } from "./diagrams.js";

const panel = byId("panel-exercises");

export async function start() {
  panel.replaceChildren(h("p", { class: "empty" }, "Reading the list …"));
  let list;
  try {
    ({ body: list } = await call("GET", api("exercises"), { timeout: 60000 }));
  } catch (failed) {
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "The exercises can't be listed"), h("p", { class: "said" }, failed.message)));
    return;
  }
  if (list.length === 0) {
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "No exercises yet"), h("p", {}, "This case has none.")));
    return;
  }
  const items = new Map(list.map((e) => [e.id, item(e)]));
  panel.replaceChildren(
    h("p", { class: "lead" }),
    h("ul", { class: "questions" }, ...[...items.values()].map((i) => i.element)));
  sum(list);
  for (const what of ["start", "check", "hint"]) {
    for (const job of await running(what)) items.get(job.name)?.follow(what, (handlers) => attend(job.id, handlers));
  }
}

// sum says how many are done.
const sum = (list) => say(panel.querySelector(".lead"), `Extend the case itself. ${list.filter((e) => e.state === "passed").length} of ${list.length} done.`);

const time = (minutes) => (minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 30) / 2} h`);

function item(e) {
  const state = h("span");
  const mark = (name) => {
    say(state, name);
    state.className = name === "passed" ? "badge good" : name === "started" ? "badge warn" : "badge";
  };
  mark(e.state);
  const task = h("div", { class: "reading task" });
  const out = h("div", { class: "outcome" });
  const buttons = {};
  const act = (what, label, kind = "") => {
    buttons[what] = h("button", { class: `button ${kind}`, type: "button", onclick: () => follow(what, (handlers) => begin(what, e.id, handlers)) }, label);
    return buttons[what];
  };
  const stop = h("button", { class: "button", type: "button", hidden: true }, "Stop");
  const details = h("details", { class: "question", "data-name": e.id },
    h("summary", {}, h("span", {}, e.title), h("span", { class: "marks" }, h("span", { class: "soft small" }, time(e.minutes)), state)),
    h("div", { class: "acts" }, act("start", "Start"), act("hint", "Next hint"), act("check", "Check", "primary"), stop),
    h("p", { class: "hint" }, "The same by hand: ", h("code", {}, `go run ./infra/kit exercise check ${caseName}/${e.id}`)),
    out, task);
  details.addEventListener("toggle", async () => {
    if (!details.open || task.firstChild) return;
    try {
      const { body: doc } = await call("GET", api(`exercises/${e.id}`));
      task.innerHTML = doc.html; // rendered by our server, in which no raw HTML passes
      for (const heading of task.querySelectorAll("[id]")) heading.removeAttribute("id"); // the document at the left has its own
      drawAll(task);
    } catch (failed) {
      task.replaceChildren(h("p", { class: "notice bad" }, failed.message));
    }
  });

  let shown = ""; // which command's words stand there
  async function follow(what, attach) {
    details.open = true;
    for (const b of Object.values(buttons)) b.disabled = true;
    const lines = h("div", { class: "lines", role: "log", "aria-label": "What it says", tabindex: "0" });
    const command = h("p", { class: "hint mono" });
    if (what !== "hint" || shown !== "hint") out.replaceChildren(); // a further hint stands below the one before
    shown = what;
    out.append(command, lines);
    try {
      const job = await attach({
        onStart: (started) => {
          say(command, `$ ${started.command}`);
          lines.replaceChildren();
          stop.hidden = false;
          stop.onclick = () => end(started.id);
        },
        onLine: (line) => {
          lines.append(h("p", {}, line));
          lines.scrollTop = lines.scrollHeight;
        },
      });
      if (what === "check") out.append(h("p", { class: job.exit === 0 ? "notice good" : "notice bad" }, job.exit === 0 ? "It passes." : "It doesn't pass yet."));
      const { body: list } = await call("GET", api("exercises"), { timeout: 60000 });
      const now = list.find((other) => other.id === e.id);
      if (now) mark(now.state);
      sum(list);
    } catch (failed) {
      out.append(h("p", { class: "notice bad" }, failed.message));
    }
    stop.hidden = true;
    for (const b of Object.values(buttons)) b.disabled = false;
  }
  return { element: h("li", {}, details), follow };
}
