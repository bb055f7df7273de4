// The one dialog of the page: shows something, or asks for something.

import { byId, h, say } from "./ui/dom.js";

export function show(title, ...content) {
  say(byId("dialog-title"), title);
  byId("dialog-body").replaceChildren(...content.filter(Boolean));
  if (!byId("dialog").open) byId("dialog").showModal();
}

export const close = () => byId("dialog").close();

// ask shows fields, [name, label] each, and closes when act has taken them.
export function ask(title, fields, act) {
  const complaint = h("p", { id: "ask-complaint", class: "complaint", role: "alert" });
  const form = h("form", { class: "ask", novalidate: true },
    ...fields.map(([name, label]) => h("div", { class: "field" },
      h("label", { for: `ask-${name}` }, label),
      h("input", { id: `ask-${name}`, class: "input", name, autocomplete: "off", autocapitalize: "none", "aria-describedby": "ask-complaint" }))),
    complaint, h("button", { class: "button primary", type: "submit" }, "OK"));
  form.onsubmit = async (e) => {
    e.preventDefault();
    say(complaint, "");
    try {
      await act(Object.fromEntries(new FormData(form)));
      close();
    } catch (error) {
      say(complaint, error.message);
    }
  };
  show(title, form);
  form.querySelector("input").focus();
}
