// Keeps parts of the demo's pages true, and stays where one is when a button is pressed. Without it every form reloads.

const LOOK_EVERY_MS = 700;

// Parts that are asked for again and again: `data-keep` says where.

async function keep(part) {
  // Whoever stands inside with the keyboard keeps their place.
  if (part.contains(document.activeElement) && document.activeElement !== part) return;
  let text;
  try {
    const answer = await fetch(part.dataset.keep, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // The demo was stopped, or is busy.
  }
  if (part.dataset.last === text) return;
  part.dataset.last = text;
  part.innerHTML = text;
}

async function keepAll() {
  await Promise.all([...document.querySelectorAll("[data-keep]")].map(keep));
}

async function follow() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (!document.hidden) await keepAll();
  }
}
follow();

// Buttons: `data-said` is what was done, in words.

for (const form of document.querySelectorAll("form[data-stay]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    const filled = new URLSearchParams(new FormData(form, button));
    const status = document.querySelector(".said");
    const say = (text) => {
      if (status && text) status.textContent = text;
    };
    try {
      const answer = await fetch(form.action, { method: "POST", body: filled });
      say(answer.ok ? (button?.dataset.said ?? form.dataset.said) : "That did not work.");
    } catch {
      say("The demo does not answer: was it stopped?");
    }
    await keepAll();
  });
}

// The inbox of the sample product: its token is given by the product's server, which the demo plays.

for (const inbox of document.querySelectorAll("outreach-inbox[data-token]")) {
  inbox.getToken = async () => (await fetch(inbox.dataset.token)).text();
  // What a message leads to is not built in a sample product.
  inbox.addEventListener("outreach:click", (event) => {
    event.preventDefault();
    const status = document.querySelector(".said");
    if (status) status.textContent = `The message leads to ${event.detail.url} of the product.`;
  });
}
