// The state of the system: chips at the top, live figures beside the chart.
// Both are asked for every two seconds, and said in words.

import { byId, say } from "./ui/dom.js";
import { brief, milliseconds } from "./ui/format.js";
import { call, Unreachable } from "./ui/http.js";

const EVERY = 2000;
// A replica that none of so many answers came from is called silent.
const SILENT = 16;
// One that has been silent for so many was taken away, or has a new name.
const FORGOTTEN = 160;

const replicas = new Map(); // name → what it last said, and as which answer
let answers = 0;

// start begins to ask, and goes on while the page is open.
export function start() {
  const ask = async () => {
    // The edge deals requests out in turn: three of them reach each of two
    // replicas in time, where two would always reach the same one.
    await system();
    await system();
    await pipeline();
    setTimeout(ask, document.hidden ? EVERY * 5 : EVERY);
  };
  ask();
  addEventListener("offline", () => offline("You are offline. What is shown is what came last."));
}

// arrived marks the stages that a new sum went through, and times the click.
export function arrived({ freshness }) {
  figure("here", freshness === null ? `last at ${new Date().toLocaleTimeString("en-GB")}` : `${milliseconds(freshness)} after your click`);
  const way = byId("way");
  way.classList.remove("moving");
  void way.offsetWidth; // begins the animation anew
  way.classList.add("moving");
}

function offline(text) {
  say(byId("offline"), text);
}

// chip says how a part is doing: briefly, and in full where the pointer rests
// and to screen readers.
function chip(part, state, words, full = words) {
  const el = document.querySelector(`[data-part="${part}"]`);
  el.dataset.state = state;
  el.title = full;
  say(el.querySelector(".words"), words);
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
  chip("flink", ...job, p.reason);
  figure("kafka", p.unread > 0 ? `${brief(p.unread)} waiting` : "nothing waiting");
  figure("flink", p.job === "running" ? (p.commitTookMs ? `commits in ${milliseconds(p.commitTookMs)}` : "running") : job[1], job[0]);
  figure("cassandra", p.store ? "away, sums wait" : `${brief(p.applied)} sums added`, p.store ? "degraded" : "up");
}

// heard shows what one replica says of itself and of its stores. Replicas take
// turns, so what each of them said last is kept.
function heard(s) {
  answers++;
  replicas.set(s.replica, { at: answers, spooled: s.kafka.spooled, breaker: s.redis.breaker });
  for (const [name, r] of replicas) if (answers - r.at > FORGOTTEN) replicas.delete(name);
  const known = [...replicas.values()];
  const answering = known.filter((r) => answers - r.at < SILENT);
  const silent = known.length - answering.length;
  chip("replicas", silent ? "degraded" : "up", silent ? `${answering.length} of ${known.length}` : `${known.length} up`);
  figure("edge", `${answering.length} ${answering.length === 1 ? "replica" : "replicas"} behind it`);

  const open = answering.map((r) => r.breaker).find((state) => state !== "closed");
  if (open) chip("redis", "degraded", `breaker ${open}`, "Redis is away or slow: redirects go on from Cassandra");
  else chip("redis", ...(s.redis.up ? ["up", "up"] : ["down", "away"]));
  chip("cassandra", ...(s.cassandra.up ? ["up", "up"] : ["down", "away"]));
  const spooled = answering.reduce((sum, r) => sum + r.spooled, 0);
  if (!s.kafka.up) chip("kafka", "degraded", "away", `Kafka is away: ${brief(spooled)} clicks are kept on disk until it is back`);
  else chip("kafka", ...(spooled ? ["degraded", "catching up"] : ["up", "up"]));
  const name = s.replica.replace(/^.*:(\d+)$/, "port $1");
  if (spooled) figure("replica", `${brief(spooled)} on disk`, "degraded");
  else if (open) figure("replica", "going on without Redis", "degraded");
  else figure("replica", `${name} answers`);
}
