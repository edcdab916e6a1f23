// The demo's pages in Chromium: `node demo.mjs '{"pages": "http://127.0.0.1:8088", "smtp": 1025}'`. Prints one line of
// JSON: what was checked. Ends with 1 at the first thing that is not so.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { payloads } from "./payloads.mjs";
import { launch, looks, until } from "./people.mjs";

const { pages, smtp, picture } = JSON.parse(process.argv[2]);
const done = [];
let said = [];
const browser = await launch();

async function visit(path, { width = 1280, scheme = "light", script = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, javaScriptEnabled: script });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`${path}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`${path}: ${error}`));
  page.on("dialog", (dialog) => { said.push(`${path}: a dialog says ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(pages + path);
  return page;
}

const close = (page) => page.context().close();
const step = async (name, work) => { await work(); assert.deepEqual(said, [], name); done.push(name); };
const text = async (path) => (await fetch(pages + path)).text();
const knows = (page) => page.locator(".knows").innerText();
const clock = async () => Date.parse(/datetime="([^"]+)"/.exec(await text("/demo/clock"))[1]);

/** The ids of those whom a visitor may play, in order. */
const cast = [...(await text("/product")).matchAll(/\/product\?person=([^"&]+)" *(?:aria-current="true")?>/g)].map((found) => found[1]);
assert.equal(cast.length, 4, "four people to be");

/** Presses a button by the keyboard. */
async function press(page, name) {
  await page.getByRole("button", { name, exact: true }).focus();
  await page.keyboard.press("Enter");
}

async function passes(page, button, hours) {
  const before = await clock();
  await press(page, button);
  await until(`${hours} hours pass`, async () => (await clock()) - before >= hours * 3_600_000);
}

/** Gives the demo's catcher a mail, as any mail server would. */
function deliver(to, mail) {
  return new Promise((resolve, reject) => {
    const commands = ["HELO test", "MAIL FROM:<a@mail.test>", `RCPT TO:<${to}>`, "DATA", `${mail}\r\n.`, "QUIT"];
    const socket = connect(smtp, "127.0.0.1");
    socket.on("data", () => { const next = commands.shift(); if (next) socket.write(`${next}\r\n`); });
    socket.on("close", () => (commands.length === 0 ? resolve() : reject(new Error(`not taken: ${commands[0]}`))));
    socket.on("error", reject);
  });
}

await until("the first mail", async () => (await text("/mail/list")).includes("Welcome to Acme"), 10000);

await step("every page at both widths, light and dark, has nothing that axe finds and nothing that is too wide", async () => {
  // What a recipient sees behind the link in a mail's foot is a page, too.
  const [unsubscribe] = /http:[^\s"<>]*\/u\/[^\s"<>]+/.exec(await text("/mail/1?part=text"));
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [360, "light"], [360, "dark"]]) {
    const page = await visit("/demo", { width, scheme });
    for (const path of [unsubscribe, "/demo", "/mail", "/mail/1", "/mail/1?part=text", "/mail/1?part=source", "/product", "/mail/99999"]) {
      if (path === "/mail/99999") said = said.filter((line) => !line.includes("404"));
      await page.goto(new URL(path, pages).href);
      await looks(page, `${path} ${width} ${scheme}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${path} is ${over} px too wide at ${width}`);
    }
    said = said.filter((line) => !line.includes("404"));
    await close(page);
  }
});

await step("time stops when told to, and goes on", async () => {
  const page = await visit("/demo");
  await press(page, "Stop time");
  await page.getByText("Time goes as it does outside.").waitFor();
  const before = await clock();
  await until("a second", async () => (await clock()) - before >= 1000);
  assert.ok((await clock()) - before < 60_000, "no leaps");
  await close(page);
});

await step("a project made in time ends the wait, and no mail comes", async () => {
  const page = await visit(`/product?person=${cast[0]}`);
  await page.locator(".knows").getByText("stalled-onboarding").waitFor();
  await press(page, "Create a project");
  await until("the wait is over", async () => !(await knows(page)).includes("stalled-onboarding"));
  await page.locator(".acme-projects li").first().waitFor();
  await passes(page, "three days", 72);
  const mails = await text("/mail/list");
  const theirs = mails.split("<li>").filter((row) => row.includes(`${cast[0].replaceAll("-", ".")}@`));
  assert.deepEqual(theirs.filter((row) => row.includes("first project")), []);
  await close(page);
});

await step("a third failed payment brings a mail at once, and later a message in the product", async () => {
  const page = await visit(`/product?person=${cast[3]}`);
  await press(page, "Start a trial");
  await page.getByText("“Signed Up” and “Trial Started” were sent").waitFor();
  for (const times of [1, 2, 3]) {
    await press(page, "Fail a payment");
    await page.locator(".acme-due").getByText(`${times} payment`).waitFor();
  }
  await page.locator(".decided").getByText("third-failed-payment").first().waitFor();
  await until("the mail", async () => (await text("/mail/list")).includes(`${cast[3].replaceAll("-", ".")}@`));
  // An hour later, or in the morning where they are.
  const banner = page.locator("outreach-inbox").getByText("Your payment did not go through").locator("visible=true");
  await until("a message", async () => {
    await passes(page, "an hour", 1);
    return banner.first().waitFor({ timeout: 700 }).then(() => true, () => false);
  }, 60000);
  if (picture) await page.screenshot({ path: picture });
  await looks(page, "a banner in the product");
  // Nothing is owed any more: the banner goes, though its journey is over.
  await press(page, "Pay");
  await page.locator("outreach-inbox #banner-title").waitFor({ state: "detached" });
  await close(page);
});

await step("a journey that waits for its next step is left, with a reason", async () => {
  const page = await visit(`/product?person=${cast[1]}`);
  for (let times = 0; times < 3; times += 1) await press(page, "Fail a payment");
  await page.locator(".decided").getByText("third-failed-payment").first().waitFor();
  // While the mail is on its way an exit ends the journey without a word: there is no next step yet.
  await until("the mail's outcome is known", async () => /third-failed-payment\s*:\s*due at/.test(await knows(page)));
  await press(page, "Pay");
  await page.locator(".decided").getByText("the person did what ends this rule's journey").waitFor();
  await close(page);
});

await step("without scripts the buttons work as well", async () => {
  const page = await visit(`/product?person=${cast[2]}`, { script: false });
  const before = await page.locator(".acme-projects li").count();
  await page.getByRole("button", { name: "Create a project" }).click();
  await page.waitForURL(`**/product?person=${cast[2]}`);
  assert.equal(await page.locator(".acme-projects li").count(), before + 1);
  await close(page);
});

await step("one click on a mail unsubscribes its recipient", async () => {
  const page = await visit("/mail/1");
  const to = (await page.locator(".pairs dd").nth(1).innerText()).split("@")[0].replaceAll(".", "-");
  await press(page, "Unsubscribe, as a mail program does");
  await page.getByText("Unsubscribed with one click").waitFor();
  await until("it is known", async () => (await text(`/people/user:${to}`)).includes("Wants no more of"));
  await close(page);
});

await step("a mail of anybody's making runs nothing, in its subject, its text or its HTML", async () => {
  const count = async () => ((await text("/mail/list")).match(/<li>/g) ?? []).length;
  const first = (await count()) + 1;
  for (const payload of payloads) {
    const plain = payload.replace(/[\r\n\0]/g, "");
    const mail = [`From: "${plain}" <a@mail.test>`, `Subject: ${plain}`, "Message-ID: <x@mail.test>", `Date: ${plain}`,
      `List-Unsubscribe: <${plain}>`, "Content-Type: text/html; charset=utf-8", "", `<p>${plain}</p>`];
    await deliver(`${plain.replace(/[<>]/g, "")}@mail.test`, mail.join("\r\n"));
  }
  const page = await visit("/mail");
  for (let at = first; at < first + payloads.length; at += 1) {
    for (const path of [`/mail/${at}`, `/mail/${at}?part=text`, `/mail/${at}?part=source`, `/mail/${at}/html`]) {
      await page.goto(pages + path);
      assert.equal(await page.evaluate(() => window.ran), undefined, path);
    }
  }
  await page.goto(`${pages}/mail`);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  // What a browser says of what it has blocked is as it should be; a dialog is not.
  said = said.filter((line) => line.includes("a dialog says"));
  await close(page);
});

await step("a mail's links open beside it, and one that would run does nothing", async () => {
  const number = ((await text("/mail/list")).match(/<li>/g) ?? []).length + 1;
  const links = `<a href="${pages}/demo">leads</a> <a href="javascript:window.ran=1">runs</a> <a href="javascript:alert(1)" target="_self">too</a>`;
  await deliver("links@mail.test", ["Subject: links", "Content-Type: text/html; charset=utf-8", "", `<!doctype html><p>${links}</p>`].join("\r\n"));
  const page = await visit(`/mail/${number}`);
  const link = (name) => page.frameLocator("iframe").getByRole("link", { name });
  const [opened] = await Promise.all([page.context().waitForEvent("page"), link("leads").click()]);
  await opened.waitForURL("**/demo");
  await link("runs").click();
  await link("too").click();
  await link("leads").waitFor();
  for (const each of page.context().pages()) assert.equal(await each.evaluate(() => window.ran), undefined, each.url());
  said = said.filter((line) => line.includes("a dialog says"));
  await close(page);
});

await browser.close();
console.log(JSON.stringify({ done }));
