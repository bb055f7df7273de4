// Who asks. A fan's session is made on the first visit and kept in local storage;
// the organiser's and the door's are kept until the tab is closed. Each request
// carries its token itself, so that one browser can be all three.

import { call, Problem } from "./ui/http.js";

const STORED = "tickets.session";
const RETRIES = 3;

const staff = { organiser: "", door: "" };
let fan = localStorage.getItem(STORED) || "";
let making = null; // one request for a session at a time, whoever asks

async function make() {
  const { body } = await call("POST", "/api/session");
  fan = body.token;
  localStorage.setItem(STORED, fan);
}

// ensure makes a fan's session unless there is one other than a refused one.
export function ensure(refused) {
  if (fan && fan !== refused) return Promise.resolve();
  making ??= make().finally(() => {
    making = null;
  });
  return making;
}

// enter opens a session of a role that has a secret.
export async function enter(role, secret) {
  const { body } = await call("POST", "/api/session", { json: { role, secret } });
  staff[role] = body.token;
}

export const authorization = () => (fan ? { Authorization: `Bearer ${fan}` } : {});

// api is call() as a fan, or as "organiser" or "door". A POST gets an idempotency
// key, and is sent again with the same one where its answer was lost.
export async function api(method, path, { as = "fan", headers = {}, ...options } = {}) {
  if (as === "fan") await ensure();
  const key = method === "POST" ? { "Idempotency-Key": crypto.randomUUID() } : {};
  for (let tries = 1; ; tries++) {
    const used = as === "fan" ? fan : staff[as];
    try {
      return await call(method, path, { ...options, headers: { ...headers, ...key, Authorization: `Bearer ${used}` } });
    } catch (error) {
      const refused = error instanceof Problem;
      if (refused && error.status === 401 && as === "fan" && tries === 1) {
        await ensure(used);
      } else if (tries < RETRIES && (!refused || error.status === 503)) {
        await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter || tries)));
      } else throw error;
    }
  }
}
