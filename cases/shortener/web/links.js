// The list of this browser's links: paged, newest first, each with its actions.

import { byId, complain, h, say } from "./ui/dom.js";
import { ago, moment } from "./ui/format.js";
import { api } from "./session.js";
import { copyButton } from "./shorten.js";

const PAGE = 8;
const list = byId("links");
const older = byId("older");

const rows = new Map(); // by code: {link, element}
let cursor = "";
let chosen = "";
let on = {};

// start wires the list up. on.choose(link) is called when the person wants to
// see a link's clicks, on.gone(code) when one was deleted, on.open(link) when
// one is followed.
export function start(handlers) {
  on = handlers;
  older.addEventListener("click", () => more().catch(complainOf));
  setInterval(() => {
    for (const { link, element } of rows.values()) say(element.querySelector("time"), ago(new Date(link.created)));
  }, 30000);
  for (const dialog of [byId("edit"), byId("remove")]) {
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }
}

// reload reads the first page again and returns its links.
export async function reload() {
  cursor = "";
  const links = await read();
  rows.clear();
  list.replaceChildren();
  for (const link of links) append(link);
  tidy();
  return links;
}

async function read() {
  const { body } = await api("GET", `/api/links?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
  cursor = body.next || "";
  return body.links;
}

async function more() {
  const links = await read();
  for (const link of links) if (!rows.has(link.code)) append(link);
  tidy();
  if (links.length) rows.get(links[0].code)?.element.querySelector("button").focus();
}

// add puts a new link on top.
export function add(link) {
  const element = row(link);
  rows.set(link.code, { link, element });
  list.prepend(element);
  tidy();
}

// first returns the newest link that is listed, or null.
export function first() {
  const code = list.firstElementChild?.dataset.code;
  return code ? rows.get(code).link : null;
}

// choose marks the link whose clicks are shown.
export function choose(code) {
  chosen = code;
  for (const [other, { element }] of rows) mark(element, other);
}

function mark(element, code) {
  element.querySelector(".row-code").setAttribute("aria-pressed", String(code === chosen));
}

function append(link) {
  const element = row(link);
  rows.set(link.code, { link, element });
  list.append(element);
}

function replace(link) {
  const old = rows.get(link.code);
  const element = row(link);
  rows.set(link.code, { link, element });
  old?.element.replaceWith(element);
  return element;
}

function tidy() {
  byId("links-empty").hidden = rows.size > 0;
  older.hidden = cursor === "";
}

function row(link) {
  const expires = link.expires ? new Date(link.expires) : null;
  const over = expires && expires <= new Date();
  const element = h("li", { "data-code": link.code },
    h("div", { class: "row-main" },
      h("button", { class: "row-code mono", type: "button", "aria-label": `Show the clicks of ${link.code}`, onclick: () => on.choose(rows.get(link.code).link) }, link.code),
      h("p", { class: "row-target small soft", title: link.target }, link.target)),
    h("p", { class: "row-facts small soft" },
      h("time", { datetime: link.created, title: moment(new Date(link.created)) }, ago(new Date(link.created))),
      expires && h("span", { class: over ? "badge bad" : "badge", title: moment(expires) }, over ? "expired" : `expires ${ago(expires)}`),
      link.permanent && h("span", { class: "badge warn", title: "Browsers remember this redirect; later clicks of theirs are not counted." }, "301")),
    h("div", { class: "row-actions" },
      h("a", { class: "button quiet", href: link.short, target: "_blank", rel: "noopener", "aria-label": `Open ${link.code}`, onclick: () => on.open(link) }, "Open"),
      copyButton(link.short, "button quiet"),
      h("button", { class: "button quiet", type: "button", "aria-label": `Edit ${link.code}`, onclick: () => edit(rows.get(link.code).link) }, "Edit"),
      h("button", { class: "button quiet danger", type: "button", "aria-label": `Delete ${link.code}`, onclick: () => remove(rows.get(link.code).link) }, "Delete")));
  mark(element, link.code);
  return element;
}

// localTime is the form that datetime-local wants: no zone, to the minute.
function localTime(date) {
  return new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function edit(link) {
  const dialog = byId("edit");
  const target = byId("edit-target");
  const expires = byId("edit-expires");
  const before = link.expires ? localTime(new Date(link.expires)) : "";
  say(byId("edit-short"), link.short);
  target.value = link.target;
  expires.value = before;
  complain(target, "");
  complain(expires, "");
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    complain(target, "");
    complain(expires, "");
    const json = { target: target.value.trim() };
    if (expires.value !== before) json.expires = expires.value ? new Date(expires.value).toISOString() : null;
    try {
      const { body } = await api("PATCH", `/api/links/${encodeURIComponent(link.code)}`, { json });
      dialog.close();
      replace(body).querySelector(".row-code").focus();
      say(byId("announce"), `${link.code} now leads to ${body.target}`);
    } catch (error) {
      const field = error.field === "expires" ? expires : target;
      complain(field, error.message);
      field.focus();
    }
  };
  dialog.showModal();
}

function remove(link) {
  const dialog = byId("remove");
  say(byId("remove-short"), link.short);
  say(byId("remove-complaint"), "");
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      await api("DELETE", `/api/links/${encodeURIComponent(link.code)}`);
    } catch (error) {
      if (error.status !== 404) {
        say(byId("remove-complaint"), error.message);
        return;
      }
    }
    dialog.close();
    rows.get(link.code)?.element.remove();
    rows.delete(link.code);
    tidy();
    say(byId("announce"), `${link.code} was deleted`);
    byId("mine-title").focus();
    on.gone(link.code);
  };
  dialog.showModal();
}

// complainOf shows an error of the list as a whole.
export function complainOf(error) {
  const notice = byId("mine-notice");
  notice.hidden = false;
  say(notice, error.message);
}
