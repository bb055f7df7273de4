// Diagrams are drawn by Mermaid in a frame of its own, because it can't do
// without inline styles, which this page forbids. What comes back is put into a
// shadow root with its stylesheet as an adopted one.

import { byId, h } from "./ui/dom.js";

const frame = byId("drawing");

// ready resolves to the frame's window once it can draw.
const ready = new Promise((resolve) => {
  const loaded = () => resolve(frame.contentWindow);
  if (frame.contentWindow?.draw) loaded();
  else frame.addEventListener("load", loaded, { once: true });
});

let drawn = 0;

// drawAll draws every diagram below an element that isn't drawn yet, or all
// of them again in the colours of now.
export async function drawAll(root, again = false) {
  const { draw } = await ready;
  for (const figure of root.querySelectorAll("figure.diagram")) {
    if (figure.dataset.state === "drawn" && !again) continue;
    const source = figure.querySelector("pre");
    try {
      const svg = await draw(`diagram-${++drawn}`, source.textContent, colours(), isDark());
      show(figure, source, svg);
      figure.dataset.state = "drawn";
    } catch (failed) {
      figure.dataset.state = "failed";
      figure.querySelector(".complaint")?.remove();
      figure.append(h("p", { class: "complaint" }, `This diagram can't be drawn: ${failed.message}`));
    }
  }
}

function show(figure, source, text) {
  let host = figure.querySelector(".drawn");
  if (!host) {
    host = h("div", { class: "drawn", role: "img", "aria-label": "Diagram; its text stands below" });
    host.attachShadow({ mode: "open" });
    const words = h("details", {}, h("summary", {}, "The diagram as text"));
    const enlarge = h("button", { class: "button quiet enlarge", type: "button", onclick: () => enlarged(host) }, "Enlarge");
    figure.prepend(enlarge, host, words);
    words.append(source);
  }
  let css = "";
  const plain = text
    .replace(/<style[^>]*>([\s\S]*?)<\/style>/g, (_, rules) => ((css += rules), ""))
    .replaceAll(' style="', ' data-style="');
  const svg = document.importNode(new DOMParser().parseFromString(plain, "text/html").querySelector("svg"), true);
  for (const el of [svg, ...svg.querySelectorAll("[data-style]")]) {
    el.style.cssText = el.dataset.style || "";
  }
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`${css}\nsvg { display: block; margin: auto; height: auto; } p { margin: 0; }`);
  host.shadowRoot.adoptedStyleSheets = [sheet];
  host.shadowRoot.replaceChildren(svg);
}

// enlarged shows a drawn diagram over the page, as large as it was drawn or as
// the screen is wide.
function enlarged(host) {
  const copy = h("div", { class: "drawn", role: "img", "aria-label": host.getAttribute("aria-label") });
  copy.attachShadow({ mode: "open" }).adoptedStyleSheets = host.shadowRoot.adoptedStyleSheets;
  copy.shadowRoot.append(host.shadowRoot.querySelector("svg").cloneNode(true));
  const dialog = h("dialog", { class: "large", "aria-label": "Diagram", onclose: () => dialog.remove() },
    h("form", { method: "dialog" }, h("button", { class: "button quiet", type: "submit" }, "Close")), copy);
  document.body.append(dialog);
  dialog.showModal();
}

const isDark = () => getComputedStyle(document.body).getPropertyValue("color-scheme") === "dark" || tone("--ground") < 128;

function tone(token) {
  return Number(resolved(token).match(/\d+/g)?.[0] ?? 255);
}

// resolved is a token's colour as it is now: light-dark() is settled where it
// is used.
function resolved(token) {
  const probe = h("span", { hidden: true });
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function colours() {
  const [surface, sunken, line, ink, soft, accent, wash] = ["--surface", "--sunken", "--line-strong", "--ink", "--ink-soft", "--accent", "--accent-wash"].map(resolved);
  return {
    background: surface,
    primaryColor: wash,
    primaryBorderColor: accent,
    primaryTextColor: ink,
    secondaryColor: sunken,
    secondaryBorderColor: line,
    secondaryTextColor: ink,
    tertiaryColor: surface,
    tertiaryBorderColor: line,
    tertiaryTextColor: ink,
    lineColor: soft,
    textColor: ink,
    noteBkgColor: sunken,
    noteTextColor: ink,
    noteBorderColor: line,
    edgeLabelBackground: surface,
  };
}
