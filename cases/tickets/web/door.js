// The door's view: a code comes in, typed, scanned or seen by the camera, and the
// answer is large: in, used already, or not valid.

import { byId, h, say } from "./ui/dom.js";
import { moment } from "./ui/format.js";
import { api, enter } from "./session.js";
import { layout, seatName } from "./words.js";
import { read } from "./program.js";

const KEPT = 20; // verdicts in the list

let open = false;
let asking = false;
let stopCamera = () => {};

byId("door-open").addEventListener("submit", async (e) => {
  e.preventDefault();
  say(byId("door-complaint"), "");
  try {
    await enter("door", byId("door-secret").value);
    byId("door-secret").value = "";
    open = true;
    await begin();
  } catch (error) {
    say(byId("door-complaint"), error.message);
    byId("door-secret").focus();
  }
});
byId("check-in").addEventListener("submit", (e) => {
  e.preventDefault();
  const code = byId("gate-code").value.trim();
  byId("gate-code").value = "";
  if (code) check(code);
});
byId("scan").addEventListener("click", () => camera().catch(() => verdict("bad", "The camera can’t be used: type the code.")));

// show shows the door until it is stopped.
export function show() {
  byId("door-open").hidden = open;
  byId("gate").hidden = !open;
  return { ready: open ? begin() : null, stop: () => stopCamera() };
}

async function begin() {
  const events = await read();
  const before = byId("gate-event").value;
  byId("gate-event").replaceChildren(...events.map((e) => h("option", { value: e.id, selected: e.id === before }, e.name)));
  byId("door-open").hidden = true;
  byId("gate").hidden = false;
  byId("scan").hidden = !("BarcodeDetector" in window);
  byId("gate-code").focus();
}

async function check(code) {
  if (asking) return;
  asking = true;
  const event = byId("gate-event").value;
  try {
    const { body } = await api("POST", "/api/door/check-in", { as: "door", json: { event, code, door: byId("gate-door").value.trim() } });
    const { sections } = await layout(event); // of the hall it stays in: once somebody has come in, it can't move
    verdict("good", "Come in", seatName(sections, body.seat));
  } catch (error) {
    if (error.status === 401) {
      open = false;
      byId("door-open").hidden = false;
      byId("gate").hidden = true;
      say(byId("door-complaint"), "The session is over: give the secret again.");
    } else if (error.type === "/problems/ticket-used") verdict("used", "Used already", error.message);
    else if (error.type === "/problems/ticket-revoked") verdict("bad", "Given back", error.message);
    else if (error.field === "door") verdict("bad", "Which door?", error.message);
    else if (error.status >= 400 && error.status < 500) verdict("bad", "Not valid", error.message);
    else verdict("unknown", "Not known", error.message);
  } finally {
    asking = false;
  }
}

const marks = { good: "✓", used: "↺", bad: "✕", unknown: "?" };

function verdict(is, words, detail = "") {
  const box = byId("verdict");
  box.dataset.is = is;
  box.replaceChildren(h("span", { "aria-hidden": "true", class: "mark" }, marks[is]), h("b", {}, words), h("span", { class: "small" }, detail));
  byId("entries").prepend(h("li", {}, h("span", { class: "soft" }, moment(new Date())), ` ${words}`, detail && `: ${detail}`));
  while (byId("entries").children.length > KEPT) byId("entries").lastChild.remove();
}

// camera looks for codes until it is asked again or the view is left.
async function camera() {
  const video = byId("camera");
  if (!video.hidden) {
    stopCamera();
    return;
  }
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  let seen = "";
  const looking = setInterval(async () => {
    const [found] = await detector.detect(video).catch(() => []);
    if (!found || found.rawValue === seen) return;
    seen = found.rawValue; // the same one in front of the camera is one guest
    check(seen);
  }, 300);
  stopCamera = () => {
    clearInterval(looking);
    stream.getTracks().forEach((track) => track.stop());
    video.hidden = true;
    say(byId("scan"), "Scan with the camera");
    stopCamera = () => {};
  };
  video.srcObject = stream;
  video.hidden = false;
  say(byId("scan"), "Stop the camera");
  await video.play();
}
