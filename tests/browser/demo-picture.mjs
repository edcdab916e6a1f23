// Takes the picture of the demo for the README: `node demo-picture.mjs PAGES FILE`. What comes in and is decided on the
// left, the product with its message on the right: both as they are, in frames of one sheet.
import { writeFile } from "node:fs/promises";
import { launch, until } from "./people.mjs";
import { picture } from "./picture.mjs";

const [pages, file] = process.argv.slice(2);
const BYTES_MAX = 150_000;
const browser = await launch();
const open = async (path, width, height) => {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(pages + path);
  return page;
};

const live = await open("/", 1000, 760);
const product = await open("/product", 1000, 760);
// Whose third payment is about to fail.
await product.locator(".cast a").nth(1).click();
await product.getByRole("button", { name: "Fail a payment" }).click();
const banner = product.locator("outreach-inbox").getByText("Your payment did not go through").locator("visible=true").first();
await until("a message in the product", () => banner.waitFor({ timeout: 500 }).then(() => true, () => false), 90000);
await product.evaluate(async () => {
  scrollTo(0, 0);
  const root = document.querySelector("outreach-inbox").shadowRoot;
  await Promise.allSettled(root.getAnimations().map((animation) => animation.finished));
});
const taken = await Promise.all([live, product].map(async (page) => (await page.screenshot()).toString("base64")));

const sheet = await browser.newPage({ viewport: { width: 1240, height: 400 } });
await sheet.setContent(`<!doctype html><style>
  body { margin: 0; padding: 16px; background: #d9dde4; display: flex; gap: 16px; align-items: start }
  img { width: calc(50% - 8px); border-radius: 8px }
</style>${taken.map((data) => `<img src="data:image/png;base64,${data}">`).join("")}`);
const bytes = await picture(sheet);
if (bytes.length > BYTES_MAX) throw new Error(`${file} has ${bytes.length} bytes, expected at most ${BYTES_MAX}`);
await writeFile(file, bytes);
await browser.close();
