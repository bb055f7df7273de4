// The live case: in a frame when it runs, with a button that starts it when it
// doesn't.

import { call } from "./ui/http.js";
import { byId, h, say } from "./ui/dom.js";
import { api, attend, begin, caseName, running } from "./jobs.js";

const panel = byId("panel-live");
const EVERY = 4000; // ms between two looks at the state
let shown = ""; // what the panel shows: "", "down", "starting", "job", "lost", or the page's address

export async function start() {
  await look();
  for (const what of ["up", "down"]) {
    for (const job of await running(what)) progress(what, (handlers) => attend(job.id, handlers));
  }
  setInterval(() => {
    if (!document.hidden && !panel.hidden && shown !== "job") look();
  }, EVERY);
}

async function look() {
  let live;
  try {
    ({ body: live } = await call("GET", api("live")));
  } catch (failed) {
    if (shown !== "lost") panel.replaceChildren(h("p", { class: "notice bad" }, `${failed.message} Is \`kit study\` still running?`));
    shown = "lost";
    return;
  }
  if (shown === "job") return;
  if (live.state === "up") showPage(live);
  else showDown(live);
}

function showPage(live) {
  if (shown !== live.page) {
    shown = live.page;
    const frame = h("iframe", { id: "live-page", src: live.page, title: "The live case" });
    panel.replaceChildren(
      h("div", { class: "live-head" },
        h("ul", { class: "chips", id: "parts", "aria-label": "What runs" }),
        h("div", { class: "live-actions" },
          h("a", { class: "button quiet", href: live.page, target: "_blank", rel: "noopener" }, "Open alone"),
          h("button", { class: "button quiet", type: "button", onclick: () => (frame.src = live.page) }, "Reload"),
          h("button", { class: "button quiet danger", type: "button", onclick: () => progress("down", (handlers) => begin("down", "", handlers)) }, "Stop"))),
      frame);
  }
  const states = { ready: "up", dead: "down", stopped: "down", paused: "degraded", starting: "joining", waiting: "joining", stopping: "joining" };
  const other = live.parts.filter((p) => p.state !== "ready");
  const up = live.parts.length - other.length;
  byId("parts").replaceChildren(
    h("li", { class: "chip", "data-state": "up", title: live.parts.map((p) => p.name).join(", ") }, `${up} of ${live.parts.length} parts up`),
    ...other.map((p) => h("li", { class: "chip", "data-state": states[p.state] ?? "" }, `${p.name} ${p.state}`)));
}

function showDown(live) {
  if (shown === live.state) return;
  shown = live.state;
  if (live.state === "starting") { // by a command somewhere else
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "The case is starting …"), h("p", {}, "It appears here as soon as it is up.")));
    return;
  }
  panel.replaceChildren(
    h("div", { class: "start" },
      h("h2", {}, "The case isn't running"),
      h("p", {}, "Start it to have it beside the text. The first time it fetches its servers, which takes a few minutes; later a few seconds. It goes on in the background until you stop it."),
      h("p", {}, h("button", { id: "start", class: "button primary", type: "button", onclick: () => progress("up", (handlers) => begin("up", "", handlers)) }, "Start the case")),
      h("p", { class: "hint" }, "The same by hand: ", h("code", {}, `go run ./infra/kit up ${caseName}`))));
}

// progress shows a job's lines until it ends.
async function progress(what, run) {
  shown = "job";
  const lines = h("div", { class: "lines", role: "log", "aria-label": "Progress", tabindex: "0" });
  const title = h("h2", {}, what === "up" ? "Starting …" : "Stopping …");
  const command = h("p", { class: "hint mono" });
  panel.replaceChildren(h("div", { class: "start" }, title, command, lines));
  try {
    const job = await run({
      onStart: (job) => {
        say(command, `$ ${job.command}`);
        lines.replaceChildren();
      },
      onLine: (line) => {
        lines.append(h("p", {}, line));
        lines.scrollTop = lines.scrollHeight;
      },
    });
    if (job.exit !== 0) {
      say(title, what === "up" ? "It didn't start" : "It didn't stop");
      panel.firstChild.append(h("p", {}, h("button", { class: "button", type: "button", onclick: again }, "Look again")));
      return;
    }
  } catch (failed) {
    lines.append(h("p", { class: "complaint" }, failed.message));
    say(title, "That didn't work");
    panel.firstChild.append(h("p", {}, h("button", { class: "button", type: "button", onclick: again }, "Look again")));
    return;
  }
  await again();
}

function again() {
  shown = "";
  return look();
}
