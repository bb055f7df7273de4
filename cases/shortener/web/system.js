// The state of the system: chips at the top, live figures beside the chart.
// Both are asked for every two seconds, and said in words.

import { byId, say } from "./ui/dom.js";
import { brief, milliseconds } from "./ui/format.js";
import { call, Unreachable } from "./ui/http.js";

const EVERY = 2000;
// A replica that has not answered for this long is called silent.
const SILENT = 15000;

const replicas = new Map(); // name → when it last answered

// start begins to ask, and goes on while the page is open.
export function start() {
  const ask = async () => {
    await Promise.all([system(), pipeline()]);
    setTimeout(ask, document.hidden ? EVERY * 5 : EVERY);
  };
  ask();
  addEventListener("offline", () => offline("You are offline. What is shown is what came last."));
}

// arrived marks the stages that a new sum went through, and times the click.
export function arrived({ freshness }) {
  if (freshness !== null) figure("here", `${milliseconds(freshness)} after your click`);
  const way = byId("way");
  way.classList.remove("moving");
  void way.offsetWidth; // begins the animation anew
  way.classList.add("moving");
}

function offline(text) {
  say(byId("offline"), text);
}

function chip(part, state, words) {
  const el = document.querySelector(`[data-part="${part}"]`);
  el.dataset.state = state;
  const name = el.dataset.name ??= el.textContent;
  say(el, words ? `${name} ${words}` : name);
}

function figure(stage, words, state = "up") {
  const el = document.querySelector(`[data-stage="${stage}"]`);
  el.dataset.state = state;
  say(el.querySelector(".figure"), words);
}

async function system() {
  try {
    const { body } = await call("GET", "/api/system", { timeout: 5000 });
    offline("");
    heard(body);
  } catch (error) {
    if (!(error instanceof Unreachable)) return; // it answered, so it is there
    offline(navigator.onLine ? error.message : "You are offline. What is shown is what came last.");
  }
}

async function pipeline() {
  let p;
  try {
    ({ body: p } = await call("GET", "/api/pipeline", { timeout: 5000 }));
  } catch {
    chip("flink", "joining", "joining…");
    figure("flink", "joining…", "joining");
    return;
  }
  const job = {
    running: ["up", "up"],
    starting: ["joining", "starting…"],
    away: ["joining", "joining…"],
    refused: ["down", "needs a person"],
  }[p.job] || ["down", p.job];
  chip("flink", ...job);
  document.querySelector('[data-part="flink"]').title = p.reason || "";
  figure("kafka", p.unread > 0 ? `${brief(p.unread)} waiting` : "nothing waiting");
  figure("flink", p.job === "running" ? (p.commitTookMs ? `commits in ${milliseconds(p.commitTookMs)}` : "running") : job[1], job[0]);
  figure("cassandra", p.store ? "away, sums wait" : `${brief(p.applied)} sums added`, p.store ? "degraded" : "up");
}

// heard shows what one replica says of itself and of its stores. Replicas take
// turns, so each is shown with when it last answered.
function heard(s) {
  const now = Date.now();
  replicas.set(s.replica, now);
  const names = [...replicas.keys()].sort();
  const silent = names.filter((name) => now - replicas.get(name) > SILENT);
  chip("replicas", silent.length ? "degraded" : "up", silent.length ? `${names.length - silent.length} of ${names.length}` : `${names.length} up`);
  figure("edge", `${names.length} behind it`);

  const open = s.redis.breaker === "open" || s.redis.breaker === "half-open";
  chip("redis", open ? "degraded" : s.redis.up ? "up" : "down", open ? `away, going on without (breaker ${s.redis.breaker})` : s.redis.up ? "up" : "down");
  chip("cassandra", s.cassandra.up ? "up" : "down", s.cassandra.up ? "up" : "down");
  const spooled = s.kafka.spooled || 0;
  chip("kafka", s.kafka.up ? "up" : "degraded", s.kafka.up ? "up" : `away, ${brief(spooled)} clicks kept on disk`);
  figure("replica", spooled ? `${brief(spooled)} on disk` : `${s.replica} answered`, spooled ? "degraded" : "up");
}
