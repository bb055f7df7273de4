// The search over all docs: "/" opens it, arrows go through what was found.

import { call } from "./ui/http.js";
import { byId, h, say } from "./ui/dom.js";

const dialog = byId("search");
const field = byId("query");
const hits = byId("hits");
let asked = 0;

export function start(go) {
  byId("search-open").addEventListener("click", open);
  field.addEventListener("input", find);
  dialog.addEventListener("keydown", (e) => {
    const links = [...hits.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (e.key === "ArrowDown") (links[at + 1] ?? links.at(-1))?.focus();
    else if (e.key === "ArrowUp") (at > 0 ? links[at - 1] : field).focus();
    else if (e.key === "Enter" && document.activeElement === field) links[0]?.click();
    else return;
    e.preventDefault();
  });
  dialog.addEventListener("click", (e) => {
    if (e.target === dialog) dialog.close();
    const link = e.target.closest("a");
    if (!link) return;
    e.preventDefault();
    dialog.close();
    go(link, words());
  });
}

export function open() {
  dialog.showModal();
  field.select();
}

const words = () => field.value.toLowerCase().split(/\s+/).filter(Boolean);

async function find() {
  const mine = ++asked;
  if (words().length === 0) {
    say(byId("found"), "");
    hits.replaceChildren();
    return;
  }
  let found;
  try {
    ({ body: found } = await call("GET", `/api/search?q=${encodeURIComponent(field.value)}`));
  } catch (failed) {
    say(byId("found"), failed.message);
    return;
  }
  if (mine !== asked) return; // a later one has been typed
  say(byId("found"), found.length === 0 ? "Nothing has all of these words." : found.length === 1 ? "1 place" : `${found.length} places`);
  hits.replaceChildren(...found.map(item));
}

function item(hit) {
  const href = `?doc=${encodeURIComponent(hit.path)}${hit.anchor ? `#${hit.anchor}` : ""}`;
  return h("li", {}, h("a", { href }, h("b", {}, hit.heading || hit.label), h("span", { class: "where" }, hit.label), h("span", { class: "text" }, ...marked(hit.text))));
}

// marked puts the words that were found into <mark>.
function marked(text) {
  const any = words().map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.split(new RegExp(`(${any})`, "i")).map((part, i) => (i % 2 ? h("mark", {}, part) : part));
}
