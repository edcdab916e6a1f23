// The page for operators in Chromium: `node dashboard.mjs '{"service": "http://…", "admin": "http://…", "key": …, "token": …}'`.
// Prints one line of JSON: what was checked. Ends with 1 at the first thing that is not so.
import assert from "node:assert/strict";
import { payloads } from "./payloads.mjs";
import { launch, looks, send, until } from "./people.mjs";

const { service, admin, key, token, pictures } = JSON.parse(process.argv[2]);
const done = [];
const said = [];
const browser = await launch();
const ROWS_MAX = 150;

/** A page in a browser of its own; whatever it complains about is kept in `said`. */
async function visit(path, { width = 1280, scheme = "light", motion = "no-preference", script = true, headers } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 800 }, colorScheme: scheme, reducedMotion: motion, javaScriptEnabled: script, extraHTTPHeaders: headers,
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`${path}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`${path}: ${error}`));
  page.on("dialog", (dialog) => { said.push(`${path}: a dialog says ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(admin + path);
  return page;
}

const close = (page) => page.context().close();
const step = async (name, work) => { await work(); assert.deepEqual(said, [], name); done.push(name); };
const isLive = (page) => page.locator("[data-connection]").filter({ hasText: "Up to date" }).waitFor();
const person = (id) => `/people/${encodeURIComponent(`user:${id}`)}`;

async function identify(userId, traits) {
  const event = { type: "identify", userId, traits, messageId: `i-${userId}`, timestamp: new Date().toISOString() };
  const answer = await fetch(`${service}/v1/batch`, {
    method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body: JSON.stringify({ batch: [event] }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

await identify("ada", { email: "ada@mail.test", name: "Ada", plan: "trial" });
await send(service, key, "ada", "Signed Up", { plan: "trial" });
await send(service, key, "bob", "Signed Up", { plan: "team" });

await step("a decision comes to the page by itself, and moves on where it stands", async () => {
  const page = await visit("/");
  await isLive(page);
  await page.locator("#fell li", { hasText: "ada" }).filter({ hasText: "sent" }).waitFor();
  await page.locator("#fell li", { hasText: "bob" }).filter({ hasText: "but the person has no email address" }).waitFor();
  await send(service, key, "ada", "Page Closed", {});
  await page.locator("#came li").first().filter({ hasText: "Page Closed" }).waitFor();
  assert.equal(await page.locator("#fell li", { hasText: "ada" }).count(), 1, "one row a decision");
  await close(page);
});

await step("who reads is not disturbed: paused, scrolled, or inside a row", async () => {
  const page = await visit("/");
  await isLive(page);
  const first = () => page.locator("#came li").first().innerText();
  const fresh = page.locator('[data-fresh="came"]');
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await first();
  await send(service, key, "ada", "While Paused", {});
  await fresh.filter({ hasText: "1 new" }).waitFor();
  assert.match(await first(), new RegExp(before.split("\n")[1]));
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator("#came li").first().filter({ hasText: "While Paused" }).waitFor();
  // With the keyboard inside a row.
  await page.locator("#came li a").first().focus();
  await send(service, key, "ada", "While Inside", {});
  await fresh.filter({ hasText: "1 new" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.className), "person");
  await fresh.focus();
  await page.keyboard.press("Enter");
  await page.locator("#came li").first().filter({ hasText: "While Inside" }).waitFor();
  await close(page);
});

await step("however much comes, the page stays bounded", async () => {
  const page = await visit("/");
  await isLive(page);
  for (let at = 0; at < ROWS_MAX + 60; at += 1) await send(service, key, `many-${at % 7}`, "Many", { at });
  await until("the last is there", async () => (await page.locator("#came li").first().innerText()).includes(`at: ${ROWS_MAX + 59}`));
  assert.ok((await page.locator("#came li").count()) <= ROWS_MAX);
  await close(page);
});

await step("nobody's name runs, in a trait, a property, an event or an id", async () => {
  const ids = [];
  for (const [at, payload] of payloads.entries()) {
    const id = `${at}${payload}`;
    if (Buffer.byteLength(id) > 256) continue;
    ids.push(id);
    await identify(id, { email: `${payload}@mail.test`, name: payload, [payload]: payload });
    await send(service, key, id, payload, { [payload]: payload, note: payload });
    await send(service, key, id, "Signed Up", { plan: payload });
  }
  assert.ok(ids.length >= 30, "most payloads are ids as well");
  const ran = (page) => page.evaluate(() => [window.ran, document.querySelector("main img, main iframe, main script, main style, main object, main form:not([action])")?.outerHTML]);
  const live = await visit("/");
  await isLive(live);
  await live.locator("#fell li", { hasText: ids.at(-1).slice(0, 3) }).first().waitFor();
  await until("the newest came in", async () => (await live.locator("#came li").count()) > 60);
  assert.deepEqual(await ran(live), [undefined, undefined]);
  await close(live);
  const page = await visit("/people?q=mail.test");
  assert.deepEqual(await ran(page), [undefined, undefined]);
  for (const id of ids) {
    for (const path of [person(id), `/people?q=${encodeURIComponent(`x${id}`)}`]) {
      await page.goto(admin + path);
      assert.deepEqual(await ran(page), [undefined, undefined], path);
      for (const details of await page.locator("details").all()) await details.evaluate((one) => { one.open = true; });
    }
  }
  for (const path of ["/people", "/rules", "/rules/welcome"]) {
    await page.goto(admin + path);
    assert.deepEqual(await ran(page), [undefined, undefined], path);
  }
  await close(page);
});

await step("every page at both widths and in both schemes", async () => {
  const pages = { live: "/", people: "/people", found: "/people?q=mail.test", person: person("ada"), rules: "/rules", rule: "/rules/welcome", login: "/login" };
  for (const [name, path] of Object.entries(pages)) {
    for (const [width, scheme] of [[360, "light"], [360, "dark"], [1280, "light"], [1280, "dark"]]) {
      const page = await visit(path, { width, scheme, motion: "reduce" });
      if (name === "live") await isLive(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${name} at ${width} is ${over} px too wide`);
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0, "nothing moves for who wants that");
      await looks(page, `${name} ${width} ${scheme}`, pictures && `${pictures}/dashboard-${name}-${width}-${scheme}.png`);
      await close(page);
    }
  }
});

await step("the keyboard skips the menu, finds a person and opens why", async () => {
  const page = await visit("/people");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
  await page.keyboard.type("ADA@mail.test");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${person("ada")}`);
  await page.getByText("What it rests on").first().focus();
  await page.keyboard.press("Enter");
  await page.getByText("Signed Up at").first().waitFor();
  await close(page);
});

await step("a rule is held and let go by its button", async () => {
  const page = await visit("/rules/tip");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("paused", { exact: true }).waitFor();
  await send(service, key, "ada", "Tip Wanted", {});
  const live = await visit("/");
  await live.locator("#fell li", { hasText: "held: paused by an operator" }).waitFor();
  await close(live);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  await close(page);
});

await step("without scripts the page is what there was", async () => {
  const page = await visit("/", { script: false });
  assert.ok((await page.locator("#fell li").count()) > 0 && (await page.locator("#came li").count()) > 0);
  assert.equal(await page.getByRole("button", { name: "Pause" }).isVisible(), false);
  await page.getByText("This is a snapshot").waitFor();
  await close(page);
});

await step("from another machine the token opens the live page, and leaving closes it", async () => {
  const page = await visit("/rules", { headers: { "x-forwarded-for": "203.0.113.7" } });
  await page.waitForURL("**/login");
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await isLive(page);
  assert.equal(await page.evaluate(() => document.cookie), "", "no script can read the session");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("**/login");
  await page.goto(`${admin}/people`);
  await page.waitForURL("**/login");
  await close(page);
});

await browser.close();
console.log(JSON.stringify({ done }));
