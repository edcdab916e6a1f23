// Takes the pictures of docs/images/: `node screenshots.mjs MAILS IMAGES`. MAILS holds NAME.html of each template, as
// `outreach preview` made it. Each mail at the width of a phone and of a desk, light and dark; then all on one sheet.
import { chromium } from "playwright-core";
import { readdir, readFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tooFaint } from "./contrast.mjs";
import { picture } from "./picture.mjs";

const [mails, images] = process.argv.slice(2);
/** In the order in which a customer gets them. */
const NAMES = ["welcome", "stalled-onboarding", "trial-ending", "third-failed-payment", "inactive-user"];
const WIDTHS = [360, 800];
const SCHEMES = ["light", "dark"];
/** A repository is no place for large pictures. */
const BYTES_MAX = 80_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
await mkdir(images, { recursive: true });
const found = (await readdir(mails)).map((file) => file.replace(/\.html$/, "")).sort();
if (found.join() !== [...NAMES].sort().join()) throw new Error(`expected the mails ${NAMES}, found ${found}`);

for (const colorScheme of SCHEMES) {
  for (const width of WIDTHS) {
    const page = await browser.newPage({ viewport: { width, height: 400 }, colorScheme });
    // A mail that asked for anything from elsewhere would tell somebody that it was opened.
    await page.route(/^(?!data:|about:)/, (route) => Promise.reject(new Error(`asked for ${route.request().url()}`)));
    for (const name of NAMES) {
      await page.setContent(await readFile(join(mails, `${name}.html`), "utf8"));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      const faint = await page.evaluate(tooFaint);
      if (faint.length > 0) throw new Error(`${name}, ${colorScheme}: too faint: ${faint.join(", ")}`);
      if (overflow > 0) throw new Error(`${name} is ${overflow} px too wide at ${width}`);
      await shoot(page, `mail-${name}-${width}-${colorScheme}.png`);
    }
    await page.close();
  }
}
await sheet();
await browser.close();

async function shoot(page, file) {
  const bytes = await picture(page);
  if (bytes.length > BYTES_MAX) throw new Error(`${file} has ${bytes.length} bytes, expected at most ${BYTES_MAX}`);
  await writeFile(join(images, file), bytes);
}

/** All five side by side, as a phone shows them, light and dark in turn. */
async function sheet() {
  const page = await browser.newPage({ viewport: { width: 1000, height: 400 } });
  const shown = async (name, at) => {
    const file = join(images, `mail-${name}-360-${SCHEMES[at % SCHEMES.length]}.png`);
    return `<img src="data:image/png;base64,${(await readFile(file)).toString("base64")}">`;
  };
  const pictures = await Promise.all(NAMES.map(shown));
  await page.setContent(`<!doctype html><style>
    body { margin: 0; padding: 16px; background: #d9d6cf; display: flex; gap: 12px; align-items: start }
    img { width: calc(20% - 9.6px); border-radius: 8px }
  </style>${pictures.join("")}`);
  await shoot(page, "mails.png");
}
