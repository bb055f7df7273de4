// The text at the left: the document, its chapters, and where the reader is.

import { call } from "./ui/http.js";
import { byId, h } from "./ui/dom.js";
import { drawAll } from "./diagrams.js";

const article = byId("article");
const list = byId("chapters");
let chapters = []; // headings
let current = null;

// start takes over the document that the server has put into the page.
export function start() {
  readChapters();
  addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
  drawAll(article);
  if (matchMedia("(max-width: 68rem)").matches) byId("contents").open = false;
}

// open shows another document, or a place in this one.
export async function open(path, anchor, words = []) {
  if (path !== document.body.dataset.doc) {
    const { body: doc } = await call("GET", `/api/doc?path=${encodeURIComponent(path)}`);
    article.innerHTML = doc.html; // rendered by our server, in which no raw HTML passes
    document.title = `${doc.title} · Design Kits`;
    document.body.dataset.doc = doc.path;
    readChapters();
    drawAll(article);
    scrollTo(0, 0);
  }
  if (anchor) byId(anchor)?.scrollIntoView();
  mark(words, anchor);
  follow();
}

export const redraw = () => drawAll(article, true);

// step goes some chapters on or back.
export function step(by) {
  const tops = chapters.filter((c) => c.tagName !== "H3");
  const line = header() + 32; // a heading that was gone to stands 24 px below the bar
  const positions = tops.map((c) => c.getBoundingClientRect().top);
  let to = by > 0 ? positions.findIndex((y) => y > line) : positions.findLastIndex((y) => y < line - 16);
  if (to < 0) to = by > 0 ? tops.length - 1 : 0;
  tops[to]?.scrollIntoView();
  follow();
}

const header = () => document.querySelector(".bar").getBoundingClientRect().bottom;

function readChapters() {
  chapters = [...article.querySelectorAll("h1[id], h2[id], h3[id]")];
  current = null;
  list.replaceChildren(
    ...chapters.map((c) =>
      h("li", { "data-level": c.tagName[1] }, h("a", { href: `#${c.id}` }, c.textContent)),
    ),
  );
  for (const link of document.querySelectorAll("#docs a")) {
    const path = new URLSearchParams(link.search).get("doc");
    if (path === document.body.dataset.doc) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  follow();
}

// follow marks the chapter that is being read.
function follow() {
  const line = header() + 64;
  const at = Math.max(0, chapters.findLastIndex((c) => c.getBoundingClientRect().top <= line));
  if (chapters[at] === current) return;
  current = chapters[at];
  [...list.children].forEach((item, i) => {
    const link = item.firstChild;
    if (i === at) {
      link.setAttribute("aria-current", "location");
      const box = list.closest("nav");
      if (link.offsetTop < box.scrollTop || link.offsetTop > box.scrollTop + box.clientHeight - 60) {
        box.scrollTop = link.offsetTop - box.clientHeight / 2;
      }
    } else link.removeAttribute("aria-current");
  });
}

// mark highlights the words that were searched for, and goes to the first
// behind the anchor.
function mark(words, anchor) {
  CSS.highlights?.delete("found");
  if (!words.length || !CSS.highlights) return;
  const from = anchor && byId(anchor);
  const ranges = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (const word of words) {
      for (let i = text.indexOf(word); i >= 0; i = text.indexOf(word, i + word.length)) {
        const range = new Range();
        range.setStart(node, i);
        range.setEnd(node, i + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
  const first = ranges.find((r) => !from || from.compareDocumentPosition(r.startContainer) & Node.DOCUMENT_POSITION_FOLLOWING);
  const box = first?.getBoundingClientRect();
  if (box && (box.bottom > innerHeight || box.top < header())) scrollBy(0, box.top - innerHeight / 3);
}
