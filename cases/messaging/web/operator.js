// What operators see: looked at again every two seconds, as processes report.

import { byId, h, say } from "./ui/dom.js";
import { brief } from "./ui/format.js";
import { call } from "./ui/http.js";

let token = sessionStorage.getItem("operator") || "";

byId("enter").onsubmit = async (e) => {
  e.preventDefault();
  say(byId("secret-complaint"), "");
  try {
    const { body } = await call("POST", "/api/operator/session", { json: { secret: byId("secret").value } });
    token = body.token;
    sessionStorage.setItem("operator", token); // gone with the tab
    byId("secret").value = "";
    look();
  } catch (error) {
    say(byId("secret-complaint"), error.message);
    byId("secret").focus();
  }
};

async function look() {
  if (token === "") return;
  try {
    const { body } = await call("GET", "/api/operator", { headers: { Authorization: `Bearer ${token}` } });
    byId("trouble").hidden = true;
    byId("enter").hidden = true;
    byId("shown").hidden = false;
    draw(body);
  } catch (error) {
    if (error.status === 401 || error.status === 403) {
      token = "";
      sessionStorage.removeItem("operator");
      byId("enter").hidden = false;
      byId("shown").hidden = true;
      return;
    }
    byId("trouble").hidden = false;
    say(byId("trouble"), `${error.message} What is shown is of before.`);
  }
  setTimeout(look, 2000);
}

function draw({ gateways, chats, partitions }) {
  const rate = (n) => h("td", {}, n === undefined ? "–" : brief(Math.round(n * 10) / 10));
  byId("gateways").replaceChildren(...gateways.map(({ name, address, report }) => {
    const t = report?.gateway;
    return h("tr", {}, h("th", { scope: "row" }, name, h("span", { class: "hint" }, ` ${address}`), !t && h("span", { class: "badge bad" }, "silent")),
      rate(t?.connections), rate(t?.devices), ...["sent", "delivered", "acknowledged", "told", "refused"].map((k) => rate(t?.perSecond[k])));
  }));
  const colour = new Map(chats.map((c, i) => [c.name, i % 4]));
  byId("owners").replaceChildren(...partitions.map(({ partition, owner, behind }) =>
    h("li", { "data-owner": owner ? colour.get(owner) : "none" }, h("b", {}, String(partition)), h("span", {}, owner || "nobody"), h("span", { class: "hint" }, behind === undefined ? "" : `${brief(behind)} behind`))));
  const behind = partitions.reduce((sum, p) => sum + (p.behind || 0), 0);
  const orphans = partitions.filter((p) => !p.owner).length;
  say(byId("lag"), `${brief(behind)} messages behind in all${orphans ? `; ${orphans} partitions have no owner` : ""}.`);
}

look();
