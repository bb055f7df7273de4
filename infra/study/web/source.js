// The source view: a file with the linked lines marked, or the names in a
// folder.

import { call } from "./ui/http.js";
import { byId, h } from "./ui/dom.js";

const panel = byId("panel-source");

export async function open({ source, symbol, lines }) {
  const query = new URLSearchParams({ path: source });
  if (symbol) query.set("symbol", symbol);
  if (lines) query.set("lines", lines);
  let file;
  try {
    ({ body: file } = await call("GET", `/api/source?${query}`));
  } catch (failed) {
    panel.replaceChildren(h("p", { class: "notice bad" }, failed.message));
    return;
  }
  const head = h("header", { class: "source-head" }, h("h2", { class: "path" }, ...crumbs(file.path)));
  if (file.marks) {
    const { from, to } = file.marks;
    const which = from === to ? `line ${from}` : `lines ${from} to ${to}`;
    head.append(h("p", { class: "hint" }, symbol ? `${symbol}: ${which}` : which));
  }
  if (file.note) head.append(h("p", { class: "hint" }, file.note));
  if (file.names) {
    const names = file.names.map((name) => h("li", {}, h("a", { href: link(`${file.path}/${name}`) }, name)));
    panel.replaceChildren(head, h("ul", { class: "folder" }, ...names));
    return;
  }
  const code = h("div", { class: "source" });
  code.innerHTML = file.html; // highlighted by our server, which escapes the text
  panel.replaceChildren(head, code);
  const marked = code.querySelector(".hl");
  if (marked) marked.scrollIntoView({ block: "center" });
  else byId("panels").scrollTop = 0;
}

function link(path) {
  path = path.replace(/\/$/, "");
  return path.endsWith(".md") ? `?doc=${encodeURIComponent(path)}` : `?source=${encodeURIComponent(path)}`;
}

// crumbs are the folders on the way, each a link.
function crumbs(path) {
  const parts = path.split("/");
  return parts.flatMap((part, i) => {
    if (i === parts.length - 1) return [part];
    return [h("a", { href: link(parts.slice(0, i + 1).join("/")) }, part), "/\u200b"];
  });
}
