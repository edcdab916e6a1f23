// What tests in a browser do: start Chromium, send events, ask the service, wait for what must come, and look.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let sent = 0;

/** Debian's Chromium, which needs no sandbox of its own where a test runs as root. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

export async function send(service, key, userId, event, properties) {
  const body = JSON.stringify({ type: "track", userId, event, messageId: `browser-${process.pid}-${sent++}`, timestamp: new Date().toISOString(), properties });
  const answer = await fetch(`${service}/v1/track`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body });
  assert.equal(answer.status, 200, await answer.text());
}

export async function ask(service, method, path, token) {
  const answer = await fetch(service + path, { method, headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

/** Waits until `holds` gives something; a machine that is busy takes its time. The service answers one person ten times a second. */
export async function until(what, holds, within = 30000) {
  const end = Date.now() + within;
  for (;;) {
    const held = await holds();
    if (held) return held;
    assert.ok(Date.now() < end, `waited ${within} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** axe finds nothing; and a picture, where one is wanted. */
export async function looks(page, what, picture) {
  // Half way through an animation colours are others.
  await page.evaluate(() => {
    const roots = [document, ...[...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean)];
    return Promise.allSettled(roots.flatMap((root) => root.getAnimations()).map((animation) => animation.finished));
  });
  if (picture) await page.screenshot({ path: picture });
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.flat().join(" ")).join("; ")}`);
  assert.deepEqual(found, [], what);
}
