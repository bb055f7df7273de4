// The page: puts the parts together and holds none of their work.

import { byId, say } from "./ui/dom.js";
import { whenRenewed } from "./session.js";
import * as links from "./links.js";
import * as shorten from "./shorten.js";
import * as stats from "./stats.js";
import * as system from "./system.js";

function choose(link) {
  stats.watch(link);
  links.choose(link ? link.code : "");
}

whenRenewed(() => {
  const notice = byId("mine-notice");
  notice.hidden = false;
  say(notice, "The server no longer knows this browser’s key, so it was given a new one. Links made with the old key are not listed.");
});

stats.start({ onArrival: system.arrived });
system.start();
shorten.start({
  onMade(link) {
    links.add(link);
    choose(link);
  },
  onOpen: stats.opened,
});
links.start({
  choose(link) {
    choose(link);
    byId("clicks-title").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  },
  gone(code) {
    if (stats.watched() === code) choose(links.first());
  },
  open: stats.opened,
});

try {
  const first = await links.reload();
  if (first.length && !stats.watched()) choose(first[0]);
} catch (error) {
  links.complainOf(error);
}
