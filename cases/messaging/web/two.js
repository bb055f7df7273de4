// Two people side by side, one of them with two devices, and a group: three frames,
// each the page of one device. This page only signs them up, as a person would.

import { byId, say } from "./ui/dom.js";

// device waits until a frame has its client.
async function device(id) {
  const frame = byId(id);
  while (!frame.contentWindow?.theDevice) await new Promise((resolve) => setTimeout(resolve, 50));
  const page = frame.contentWindow.theDevice;
  return { page, client: await page.ready };
}

// signUp takes the name, or one beside it where another browser has it already.
async function signUp(client, name) {
  try {
    await client.signUp(name, "phone");
  } catch (error) {
    if (error.type !== "/problems/taken") throw error;
    await client.signUp(`${name}-${Math.floor(Math.random() * 1e6)}`, "phone");
  }
}

async function enter({ page, client }, act) {
  if ((await client.me()).user) return false;
  await act(client);
  await page.enter();
  return true;
}

async function until(holds, what) {
  const end = Date.now() + 60000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function start() {
  const [phone, laptop, other] = await Promise.all(["ana-phone", "ana-laptop", "bo-phone"].map(device));
  const made = await enter(phone, (c) => signUp(c, "ana"));
  await enter(other, (c) => signUp(c, "bo"));
  await enter(laptop, async (c) => c.link(await phone.client.linkCode(), "laptop"));
  const bo = (await other.client.me()).name;
  for (const d of [phone, laptop, other]) await until(async () => (await d.client.me()).current, "a device connects");
  if (made) {
    await phone.client.begin(bo);
    await phone.client.beginGroup("group", "Weekend walks", [bo]);
  }
  const talk = await phone.client.begin(bo);
  for (const d of [phone, laptop, other]) {
    await until(async () => (await d.client.talks()).some((t) => t.id === talk), "the conversation is there");
    await d.page.open(talk);
  }
  say(byId("told"), "Write in one of them. Then kill a gateway: go run ./infra/kit kill messaging/gateway-1");
  document.body.dataset.ready = "yes";
}

start().catch((error) => say(byId("told"), `The devices can't be set up: ${error.message}`));
