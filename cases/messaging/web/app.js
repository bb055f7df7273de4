// The gateways that are there, looked at again every few seconds.
const list = document.getElementById("gateways");
const trouble = document.getElementById("trouble");

async function show() {
  try {
    const response = await fetch("/api/gateways");
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
    const { gateways } = await response.json();
    list.replaceChildren(...gateways.map(({ name, address }) => {
      const item = document.createElement("li");
      item.textContent = `${name} at ${address}`;
      return item;
    }));
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = `The gateways can't be listed: ${error.message}. This is tried again.`;
    trouble.hidden = false;
  }
  setTimeout(show, 3000);
}

show();
