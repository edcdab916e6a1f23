// A page that loads a library by the lines of docs/sdks.md, in Chromium, whose clock is off by so many `hours`. `part` is
// what is said then. The page stays until every call was answered with 200; or, where `admin` names the port of operators,
// it is left at once, and the browser stays until the last call counted.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch, until } from "../browser/people.mjs";

const packages = new URL("../browser/node_modules/", import.meta.url);
const { snippet, user, part, admin, hours } = JSON.parse(process.argv[2]);

// What a bundler would do.
const SEGMENT = "/node_modules/@segment/analytics-next/dist/umd/index.js";
const imports = {
  "@segment/analytics-next": "/segment.js",
  "@rudderstack/analytics-js/bundled": "/node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/esm/index.mjs",
};
const PAGE = `<!doctype html><title>Acme</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
${snippet.includes("@segment/") ? `<script src="${SEGMENT}"></script>` : ""}
<script type="module">${snippet}
window.library = analytics;</script>`;
const server = createServer(async (request, response) => {
  const say = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
  if (request.url === "/") return say("text/html; charset=utf-8", PAGE);
  if (request.url === "/segment.js") return say("text/javascript", "export const { AnalyticsBrowser } = window.AnalyticsNext;");
  const file = await readFile(new URL(request.url.replace("/node_modules/", ""), packages)).catch(() => undefined);
  return file ? say("text/javascript", file) : response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await launch();
const page = await browser.newPage();
await page.addInitScript((hours) => {
  const RightDate = Date;
  const now = () => RightDate.now() + hours * 3_600_000;
  window.Date = class extends RightDate {
    constructor(...parts) {
      super(...(parts.length ? parts : [now()]));
    }
    static now = now;
  };
}, hours);
const said = [];
page.on("console", (message) => said.push(message.text()));
page.on("pageerror", (error) => said.push(String(error)));
const asked = new Set();
page.on("request", (request) => asked.add(new URL(request.url()).host));
const lost = new Promise((resolve) => { page.on("requestfailed", (request) => { if (request.method() === "POST") resolve(); }); });
const kept = new Set();
let wake = () => {};
page.on("response", async (response) => {
  const request = response.request();
  // What a beacon says is not shown.
  if (admin || request.method() !== "POST" || response.status() !== 200) return;
  const body = JSON.parse(request.postData());
  for (const call of body.batch ?? [body]) kept.add(call.messageId);
  wake();
});
const keptIs = (count) => new Promise((resolve, reject) => {
  const limit = setTimeout(() => reject(new Error(`${kept.size} of ${count} calls are kept: ${said.join("\n")}`)), 60_000);
  wake = () => { if (kept.size >= count) { clearTimeout(limit); resolve(); } };
  wake();
});

async function isDone() {
  const body = JSON.stringify({ command: "user", subject: user });
  const answer = await fetch(`http://127.0.0.1:${admin}/operate`, { method: "POST", headers: { "content-type": "application/json" }, body });
  return answer.ok && (await answer.json()).decisions.some(({ rule }) => rule === "done");
}

const parts = {
  async all() {
    await page.evaluate((user) => {
      const note = "a\u0000b";
      library.identify(user, { email: "ada@sdk.test", note });
      for (const n of [1, 2, 3, 4]) library.track("Order Placed", { n, note });
      library.page("Home");
      library.screen?.("Home");
      library.group("acme", { name: "Ac\u0000me" });
      library.alias(user, "before");
      library.track("Odd\u0000Name", { "ke\u0000y": [note, { note }] });
    }, user);
    if (admin) {
      await page.evaluate(() => { library.track("Done", { note: "a\u0000b" }); });
      await page.goto("about:blank");
      return until("the last call counts", isDone);
    }
    // With that of the lines themselves.
    const calls = snippet.includes("@segment/") ? 11 : 10;
    await keptIs(calls);
    await page.evaluate(() => { library.track("Done", { note: "a\u0000b" }); });
    await keptIs(calls + 1);
  },

  // "Started" is refused, "Converted" passes meanwhile.
  async order() {
    await page.evaluate((user) => {
      const hoursAgo = (hours) => {
        const at = new Date(Date.now() - hours * 3_600_000);
        return { timestamp: at, originalTimestamp: at.toISOString() };
      };
      library.identify(user);
      library.track("Started", {}, hoursAgo(2));
      library.track("Converted", {}, hoursAgo(1));
    }, user);
    await keptIs(4);
  },

  // Who signs in between a call that was taken without an answer, and its repetition.
  async late() {
    await lost;
    await page.evaluate((user) => { library.identify(user); }, user);
    await keptIs(2);
  },
};

try {
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => window.library, undefined, { timeout: 30_000 }).catch((error) => { throw new Error(`${error}: ${said.join("\n")}`); });
  // Who leaves before the library has asked where to send leaves nothing.
  if (admin) await page.evaluate(() => new Promise((resolve) => { library.ready(() => resolve()); }));
  await parts[part]();
  console.log(JSON.stringify({ kept: kept.size, asked: [...asked], said }));
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
