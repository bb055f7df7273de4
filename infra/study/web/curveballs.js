// Curveballs: a question, your prediction, then the experiment as it happens.

import { call } from "./ui/http.js";
import { byId, h, say } from "./ui/dom.js";
import { api, attend, begin, caseName, end, running } from "./jobs.js";
import { loads } from "./load.js";
import { report } from "./report.js";

const panel = byId("panel-curveballs");

export async function start() {
  panel.replaceChildren(h("p", { class: "empty" }, "Reading the list …"));
  let list;
  try {
    ({ body: list } = await call("GET", api("curveballs"), { timeout: 120000 }));
  } catch (failed) {
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "The curveballs can't be listed"), h("p", { class: "said" }, failed.message)));
    return;
  }
  if (list.length === 0) {
    panel.replaceChildren(h("div", { class: "start" }, h("h2", {}, "No curveballs yet"), h("p", {}, "This case has none.")));
    return;
  }
  const items = new Map(list.map((c) => [c.name, item(c)]));
  panel.replaceChildren(
    h("p", { class: "lead" }, "And what if …? Predict, run it on the real servers, and see how far off you were. Each experiment also runs on a naive variant, which must fail."),
    h("ul", { class: "questions" }, ...[...items.values()].map((i) => i.element)));
  for (const job of await running("curveball")) items.get(job.name)?.follow((handlers) => attend(job.id, handlers));
}

// answer leads to the question's chapter in the doc, where there is one.
function answer(c) {
  const chapter = [...document.querySelectorAll("#article h3")].find((heading) => heading.textContent === c.question);
  return chapter && h("p", { class: "hint" }, h("a", { href: `#${chapter.id}` }, "The answer in the doc"));
}

function item(c) {
  const asked = { name: c.predict, unit: c.unit ?? "" };
  const guess = field(`guess-${c.name}`, `Your prediction: ${asked.name}`, asked.unit);
  const naive = c.control && field(`guess-${c.name}-naive`, `And ${c.control}`, asked.unit);
  const run = h("button", { class: "button primary", type: "button" }, "Run");
  const stop = h("button", { class: "button", type: "button", hidden: true }, "Stop");
  const out = h("div", { class: "outcome" });
  const element = h("li", {}, h("details", { class: "question", "data-name": c.name },
    h("summary", {}, h("span", {}, c.question)),
    h("div", { class: "guess" }, guess.element, naive?.element, run, stop),
    h("details", { class: "band" }, h("summary", {}, "What the design expects"), h("p", {}, c.hypothesis), h("ul", {}, ...c.expected.map((e) => h("li", {}, e)))),
    answer(c),
    h("p", { class: "hint" }, "The same by hand: ", h("code", {}, `go run ./infra/kit curveball ${caseName} ${c.name}`)),
    out));

  async function follow(attach) {
    element.firstChild.open = true;
    run.disabled = true;
    for (const f of [guess, naive]) f?.hold(true);
    const view = timeline(out);
    let job;
    try {
      job = await attach({
        onStart: (started) => {
          view.clear(started.command);
          stop.hidden = false;
          stop.onclick = () => end(started.id);
        },
        onLine: (line) => view.line(line),
      });
    } catch (failed) {
      out.replaceChildren(h("p", { class: "notice bad" }, failed.message));
    }
    run.disabled = false;
    for (const f of [guess, naive]) f?.hold(false);
    stop.hidden = true;
    say(run, "Run again");
    if (job) view.end(job, asked, { built: guess.number(), naive: naive?.number() ?? null });
  }
  run.addEventListener("click", () => follow((handlers) => begin("curveball", c.name, handlers)));
  return { element, follow };
}

// field is a number to fill in, which may be left empty.
function field(id, label, unit) {
  const input = h("input", { id, class: "input number", type: "number", step: "any" });
  return {
    element: h("div", { class: "field" }, h("label", { for: id }, label), h("span", { class: "with-unit" }, input, h("span", { class: "unit" }, unit))),
    hold(on) {
      input.readOnly = on;
    },
    number: () => (input.value === "" ? null : input.valueAsNumber),
  };
}

// timeline shows a run as it goes on, the design first and then its control: the
// load as a chart, and what happens as a list; and the report in the end.
function timeline(out) {
  let parts; // by variant
  let list; // the one that is written on
  let said;
  let done;
  const section = (...above) => {
    list = h("ol", { class: "timeline" });
    out.append(h("section", { class: "variant" }, ...above, h("div", { role: "log", "aria-label": "What happens" }, list)));
  };
  const part = (variant = "") => {
    if (!parts.has(variant)) {
      parts.set(variant, loads());
      section(h("h3", {}, variant ? `Control: ${variant}` : "As it is built"), parts.get(variant).element);
    }
    return parts.get(variant);
  };
  return {
    clear(command) {
      parts = new Map();
      said = [];
      done = null;
      out.replaceChildren(h("p", { class: "hint mono" }, `$ ${command}`));
      section();
    },
    line(text) {
      let line = null;
      try {
        line = JSON.parse(text);
      } catch {
        // A word for a person: a backend that starts, an error.
      }
      if (line?.report) done = line.report;
      else if (line?.sample) part(line.variant).put(line.sample);
      else if (line?.event) {
        const e = line.event;
        part(line.variant).mark(e);
        list.append(h("li", { "data-kind": e.kind }, h("span", { class: "at figure" }, `${e.at.toFixed(1)} s`), e.text));
      } else {
        said.push(text);
        list.append(h("li", { class: "said" }, text));
      }
    },
    end(job, asked, guessed) {
      if (!done) {
        for (const load of parts.values()) load.finish();
        out.append(h("p", { class: "notice bad" }, job.exit === -1 ? "Stopped before it came to an end." : `It ended without a report: ${said.at(-1) ?? `exit status ${job.exit}`}`));
        return;
      }
      parts.get("")?.finish(done.load, done.timeline);
      if (done.control?.name) parts.get(done.control.name)?.finish(done.control.load, done.control.timeline);
      out.append(report(done, asked, guessed));
    },
  };
}
