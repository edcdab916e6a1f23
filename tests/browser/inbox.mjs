// A whole life of in-product messages in Chromium: `node inbox.mjs '{"service": "http://…", "key": …, "secret": …}'`.
// The product's page stands on an origin of its own, under a policy that allows no inline script or style and demands
// trusted types. Prints one line of JSON: what was checked. Ends with 1 at the first thing that is not so.
import assert from "node:assert/strict";
import { product, sign } from "./product.mjs";
import { ask, launch, looks, send, until } from "./people.mjs";

const { service, key, secret, pictures } = JSON.parse(process.argv[2]);
const done = [];
const shop = await product({ service, secret });
const browser = await launch();
const said = [];
const tell = (user, event, properties) => send(service, key, user, event, properties);

/** A page of `user` in a browser of its own; whatever it complains about is kept in `said`. */
async function visit(user, { width = 1280, scheme = "light", seconds = 600, query = "" } = {}) {
  shop.seconds = seconds;
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, reducedMotion: pictures ? "reduce" : "no-preference" });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A resource that is not to be had while the network is off is what offline means.
    if (["error", "warning"].includes(message.type()) && !/ERR_INTERNET_DISCONNECTED/.test(message.text())) said.push(`${user}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`${user}: ${error}`));
  page.on("dialog", (dialog) => { said.push(`${user}: a dialog says ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(`${shop.address}/?user=${user}${query}`);
  await page.waitForFunction(() => window.heard && document.querySelector("outreach-inbox").matches(":defined"));
  return page;
}

const bell = (page) => page.locator("outreach-inbox").getByRole("button", { name: /^Messages/ });
const panel = (page) => page.getByRole("dialog", { name: "Messages" });
const items = (page) => panel(page).getByRole("article");
const inbox = (user) => ask(service, "GET", "/v1/inapp/messages", sign(secret, user));
const named = async (user, title) => (await inbox(user)).messages.find((message) => message.title === title);
const step = async (name, work) => { await work(); assert.deepEqual(said, [], name); done.push(name); };
const focused = (page) => page.evaluate(() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute("aria-label") || at?.textContent?.trim() || at?.tagName;
});

const ada = await visit("ada");

await step("a message that comes is counted, and told to who listens", async () => {
  await tell("ada", "Card", { name: "One", note: "first" });
  await bell(ada).filter({ hasText: "1" }).waitFor();
  assert.equal(await bell(ada).getAttribute("aria-label"), "Messages, 1 new");
  const heard = await ada.evaluate(() => window.heard);
  assert.deepEqual(heard.map(({ type, title }) => [type, title]).filter(([type]) => type === "message"), [["message", "One"]]);
  assert.equal((await named("ada", "One")).seen_at, null, "what is behind the bell is not seen");
});

await step("the keyboard opens it, what is in view is seen, and Esc gives the focus back", async () => {
  await bell(ada).focus();
  await ada.keyboard.press("Enter");
  await items(ada).filter({ hasText: "first" }).waitFor();
  assert.equal(await focused(ada), "Messages");
  await until("seen", async () => (await named("ada", "One")).seen_at);
  await until("no badge", async () => (await bell(ada).getAttribute("aria-label")) === "Messages");
  await ada.keyboard.press("Escape");
  assert.equal(await panel(ada).isVisible(), false);
  assert.equal(await focused(ada), "Messages");
});

await step("an action that the page takes over is clicked and leads nowhere else", async () => {
  await bell(ada).click();
  await ada.evaluate(() => { window.takesOver = true; });
  await items(ada).getByRole("link", { name: "Go on" }).click();
  assert.ok(ada.url().endsWith("/?user=ada"), ada.url());
  const clicks = await ada.evaluate(() => window.heard.filter(({ type }) => type === "click"));
  assert.deepEqual(clicks.map(({ title, url }) => [title, new URL(url).pathname]), [["One", "/projects/new"]]);
  await until("clicked", async () => (await named("ada", "One")).clicked_at);
});

await step("a message that is put away by keyboard goes everywhere, and the focus to its neighbour", async () => {
  await tell("ada", "Card", { name: "Two", note: "second" });
  // Two that are decided at once may be kept in either order.
  await until("decided", () => named("ada", "Two"));
  await tell("ada", "Card", { name: "Three", note: "third" });
  const other = await visit("ada");
  await bell(other).click();
  await until("three on both pages", async () => (await items(ada).count()) === 3 && (await items(other).count()) === 3);
  await panel(ada).getByRole("button", { name: "Dismiss: Two" }).focus();
  await ada.keyboard.press("Enter");
  assert.equal(await focused(ada), "Dismiss: One");
  await until("gone on both pages", async () => (await items(ada).count()) === 2 && (await items(other).count()) === 2);
  assert.equal(await named("ada", "Two"), undefined);
  await other.context().close();
});

await step("an action leads on, and the click arrives although the page goes", async () => {
  await ada.evaluate(() => { window.takesOver = false; });
  await items(ada).filter({ hasText: "third" }).getByRole("link", { name: "Go on" }).click();
  await ada.waitForURL(/projects\/new/);
  await until("clicked", async () => (await named("ada", "Three")).clicked_at);
  await ada.goBack();
});

await step("a message whose time is over disappears while one looks", async () => {
  await bell(ada).click();
  await tell("ada", "Short", { name: "Brief", note: "soon gone" });
  await items(ada).filter({ hasText: "soon gone" }).waitFor();
  const announced = () => ada.evaluate(() => document.querySelector("outreach-inbox").shadowRoot.querySelector("[aria-live]").textContent);
  assert.equal(await announced(), "New message: Brief");
  await items(ada).filter({ hasText: "soon gone" }).waitFor({ state: "detached", timeout: 30000 });
  assert.equal(await named("ada", "Brief"), undefined);
  assert.equal(await announced(), "", "what is gone is announced no more");
});

await step("what comes while the network is off comes after, and what was done is told after", async () => {
  await ada.context().setOffline(true);
  await panel(ada).getByRole("status").filter({ hasText: "Offline" }).waitFor();
  await panel(ada).getByRole("button", { name: "Dismiss: Three" }).click();
  assert.equal(await items(ada).filter({ hasText: "third" }).count(), 0);
  await tell("ada", "Card", { name: "Four", note: "meanwhile" });
  await until("decided", () => named("ada", "Four"));
  assert.ok(await named("ada", "Three"), "nobody could tell the service yet");
  await ada.context().setOffline(false);
  await items(ada).filter({ hasText: "meanwhile" }).waitFor({ timeout: 30000 });
  await until("told", async () => !(await named("ada", "Three")));
  await panel(ada).getByRole("status").filter({ hasText: "Offline" }).waitFor({ state: "hidden" });
});

await step("a banner is shown, seen and put away", async () => {
  await tell("ada", "Banner", { name: "Maintenance", note: "on Sunday" });
  const banner = ada.getByRole("region", { name: "Maintenance" });
  await banner.waitFor();
  await until("seen", async () => (await named("ada", "Maintenance")).seen_at);
  await looks(ada, "banner");
  await banner.getByRole("button", { name: "Dismiss" }).click();
  await banner.waitFor({ state: "hidden" });
  await until("dismissed", async () => !(await named("ada", "Maintenance")));
});

await step("a modal holds the focus, and Esc puts it away and gives the focus back", async () => {
  await ada.keyboard.press("Escape");
  await ada.getByRole("button", { name: "Do something" }).focus();
  await tell("ada", "Modal", { name: "Terms", note: "have changed" });
  const modal = ada.getByRole("dialog", { name: "Terms" });
  await modal.waitFor();
  await looks(ada, "modal");
  for (let turn = 0; turn < 6; turn++) {
    await ada.keyboard.press("Tab");
    const inside = await ada.evaluate(() => {
      const root = document.querySelector("outreach-inbox").shadowRoot;
      const isElsewhere = document.activeElement !== document.body && document.activeElement.localName !== "outreach-inbox";
      return !isElsewhere && (!root.activeElement || root.querySelector("dialog").contains(root.activeElement));
    });
    assert.ok(inside, "the focus left the modal");
  }
  await ada.keyboard.press("Escape");
  await modal.waitFor({ state: "hidden" });
  assert.equal(await focused(ada), "Do something");
  await until("dismissed", async () => !(await named("ada", "Terms")));
});

await step("a token that is refused or over is asked for again, and the stream goes on", async () => {
  shop.bad = 1;
  const mia = await visit("mia", { seconds: 2 });
  await until("the refused one is asked for again", () => shop.bad === 0 && said.some((line) => /mia: .*status of 401/.test(line)));
  said.length = 0;
  const before = shop.asked;
  await until("a second token and a third", () => shop.asked >= before + 2, 60000);
  shop.seconds = 600;
  await tell("mia", "Card", { name: "Late", note: "still here" });
  await bell(mia).filter({ hasText: "1" }).waitFor({ timeout: 60000 });
  await mia.context().close();
});

await step("who signs in while a token is on its way sees nothing of who was before", async () => {
  await tell("ada", "Card", { name: "Private", note: "for ada alone" });
  await until("decided", () => named("ada", "Private"));
  const page = await visit("ben");
  const shown = await page.evaluate(async ([ada, ben]) => {
    const inbox = document.querySelector("outreach-inbox");
    let give;
    await new Promise((asked) => { inbox.getToken = () => new Promise((resolve) => { give = resolve; asked(); }); });
    inbox.getToken = async () => ben;
    give(ada);
    await inbox.refresh();
    return inbox.messages.map(({ title }) => title);
  }, [sign(secret, "ada"), sign(secret, "ben")]);
  assert.deepEqual(shown, []);
  await page.context().close();
});

await step("a page says what shows itself, in which words and colours", async () => {
  const noa = await visit("noa");
  await noa.evaluate(() => {
    const inbox = document.querySelector("outreach-inbox");
    inbox.setAttribute("kinds", "card");
    inbox.setAttribute("theme", "dark");
    inbox.labels = { messages: "Berichten", unseen: (n) => `${n} nieuw` };
  });
  await tell("noa", "Banner", { name: "Quiet", note: "not on its own" });
  await noa.locator("outreach-inbox").getByRole("button", { name: "Berichten, 1 nieuw" }).click();
  await noa.getByRole("dialog", { name: "Berichten" }).getByRole("article").waitFor();
  assert.equal(await noa.getByRole("region", { name: "Quiet" }).count(), 0);
  await looks(noa, "dark on a light page");
  await noa.context().close();
});

await step("what events bring never runs", async () => {
  const { payloads } = await import("./payloads.mjs");
  const eve = await visit("eve", { query: "&lax" });
  for (const [number, payload] of payloads.entries()) await tell("eve", ["Card", "Banner", "Raw"][number % 3], { name: payload, note: payload });
  await until("all decided", async () => (await inbox("eve")).counts.total === payloads.length);
  await eve.reload();
  await bell(eve).click();
  for (let more = 0; (await items(eve).count()) < payloads.length; more++) {
    assert.ok(more < 20, `${await items(eve).count()} of ${payloads.length} are shown`);
    await panel(eve).getByRole("button", { name: "Show older" }).click();
    await eve.waitForTimeout(100);
  }
  await eve.mouse.move(200, 200);
  for (const link of await items(eve).locator("a").all()) {
    assert.match(await link.evaluate((a) => a.href || "https:"), /^(https?|mailto):/);
  }
  const found = await eve.evaluate(() => {
    const all = [...document.querySelector("outreach-inbox").shadowRoot.querySelectorAll("*")];
    const runs = all.filter((e) => /^(script|style|iframe|img|object|embed|link|form|base|meta)$/.test(e.localName) || e.getAttributeNames().some((name) => /^(on|style|srcdoc)/.test(name)));
    return { ran: window.ran ?? 0, runs: runs.map((e) => e.outerHTML) };
  });
  assert.deepEqual(found, { ran: 0, runs: [] });
  await eve.context().close();
});

await step("it looks well at both widths, light and dark, and axe finds nothing", async () => {
  for (const width of [360, 1280]) {
    for (const scheme of ["light", "dark"]) {
      const page = await visit("zoe", { width, scheme });
      if (width === 360 && scheme === "light") {
        for (const name of ["A project of your own", "Invite somebody", "Try the keyboard"]) await tell("zoe", "Card", { name, note: "It takes two minutes, and you can change all of it later." });
        await tell("zoe", "Banner", { name: "We will be away on Sunday", note: "From six to seven in the morning nothing can be saved." });
      }
      await page.getByRole("region", { name: "We will be away on Sunday" }).waitFor();
      await looks(page, `closed ${width} ${scheme}`, pictures && `${pictures}/inbox-closed-${width}-${scheme}.png`);
      await bell(page).click();
      await items(page).nth(3).waitFor();
      await looks(page, `open ${width} ${scheme}`, pictures && `${pictures}/inbox-open-${width}-${scheme}.png`);
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!isWide, `the page scrolls sideways at ${width}`);
      await page.context().close();
    }
  }
  await tell("zoe", "Modal", { name: "Your plan changes in March", note: "You keep all that you have. What is new is on the page of prices." });
  for (const [width, scheme] of [[360, "dark"], [1280, "light"]]) {
    const page = await visit("zoe", { width, scheme });
    await page.getByRole("dialog", { name: "Your plan changes in March" }).waitFor();
    await looks(page, `modal ${width} ${scheme}`, pictures && `${pictures}/inbox-modal-${width}-${scheme}.png`);
    await page.context().close();
  }
});

await browser.close();
shop.close();
console.log(JSON.stringify({ done }));
