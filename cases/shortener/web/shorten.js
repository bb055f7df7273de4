// The form that makes a link, and the card that shows it.

import { Problem } from "./ui/http.js";
import { byId, complain, h, say } from "./ui/dom.js";
import { api } from "./session.js";

const form = byId("shorten");
const button = byId("submit");
const fields = { target: byId("target"), alias: byId("alias"), expires: byId("expires") };
const lifetime = byId("lifetime");

// For whoever has nothing to paste: pages worth reading after this one.
const examples = [
  "https://www.postgresql.org/docs/15/mvcc-intro.html",
  "https://go.dev/blog/context",
  "https://redis.io/commands/eval",
  "https://doc.rust-lang.org/1.95.0/book/ch04-01-what-is-ownership.html",
  "https://www.sqlite.org/lockingv3.html",
  "https://kafka.apache.org/41/javadoc/org/apache/kafka/clients/producer/KafkaProducer.html",
];

// start wires the form up; onMade(link) is told of each new link, onOpen(link)
// when the person follows one.
export function start({ onMade, onOpen }) {
  lifetime.addEventListener("change", () => {
    fields.expires.hidden = lifetime.value !== "at";
    if (!fields.expires.hidden) fields.expires.focus();
  });
  for (const field of Object.values(fields)) field.addEventListener("input", () => complain(field, ""));

  byId("example").addEventListener("click", () => {
    examples.push(examples.shift());
    fields.target.value = examples.at(-1);
    complain(fields.target, "");
    fields.target.focus();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    settle();
    busy(true);
    try {
      const { body } = await api("POST", "/api/links", { json: wanted() });
      show(body, onOpen);
      form.reset();
      fields.expires.hidden = true;
      byId("options").open = false;
      onMade(body);
    } catch (error) {
      refuse(error);
    } finally {
      busy(false);
    }
  });
}

function wanted() {
  const json = { target: complete(fields.target.value.trim()) };
  if (fields.alias.value.trim()) json.alias = fields.alias.value.trim();
  const expires = expiry();
  if (expires) json.expires = expires.toISOString();
  if (byId("permanent").checked) json.permanent = true;
  return json;
}

// complete adds the https:// that people leave out: "example.com/x" has a host
// with a dot and no scheme. Everything else is for the server to judge.
function complete(address) {
  return /^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+([/?#]|$)/u.test(address) ? `https://${address}` : address;
}

function expiry() {
  if (lifetime.value === "") return null;
  if (lifetime.value !== "at") return new Date(Date.now() + Number(lifetime.value) * 1000);
  const at = new Date(fields.expires.value);
  if (Number.isNaN(at.getTime())) throw new Problem(422, { field: "expires", detail: "Give a date and a time, or choose another expiry." });
  return at;
}

function settle() {
  for (const field of Object.values(fields)) complain(field, "");
  say(byId("form-complaint"), "");
}

function refuse(error) {
  const field = fields[error.field];
  if (!field) {
    say(byId("form-complaint"), error.message);
    return;
  }
  if (field !== fields.target) byId("options").open = true;
  complain(field, error.message);
  (field.hidden ? lifetime : field).focus();
}

function busy(is) {
  button.setAttribute("aria-disabled", String(is));
  say(button, is ? "Shortening…" : "Shorten");
}

function show(link, onOpen) {
  const bare = link.short.replace(/^https?:\/\//, "");
  byId("result").replaceChildren(
    h("img", { class: "qr", src: `/api/links/${encodeURIComponent(link.code)}/qr`, width: 132, height: 132, alt: `QR code for ${bare}` }),
    h("div", { class: "made" },
      h("a", { class: "short mono", id: "short", href: link.short, target: "_blank", rel: "noopener", onclick: () => onOpen(link) }, bare),
      h("p", { class: "leads small soft" }, link.target),
      h("p", { class: "actions" }, copyButton(link.short, "button primary"),
        h("a", { class: "button", href: link.short, target: "_blank", rel: "noopener", onclick: () => onOpen(link) }, "Open it"))),
  );
  byId("result").scrollIntoView({ block: "nearest" }); // on a phone it is below what was filled in
}

// copyButton copies an address and says so in its own label.
export function copyButton(address, kind) {
  const button = h("button", { class: kind, type: "button", "aria-label": `Copy ${address}` }, "Copy");
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      done = "Not allowed";
    }
    say(button, done);
    say(byId("announce"), done === "Copied" ? `Copied ${address}` : "The browser did not allow copying.");
    setTimeout(() => say(button, "Copy"), 1600);
  });
  return button;
}
