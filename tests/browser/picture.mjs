// A picture with few colours as a small PNG: a palette instead of four bytes a pixel, a third of the size.
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS_MAX = 256;

/** All of a page as a PNG. */
export async function picture(page) {
  const taken = (await page.screenshot({ fullPage: true })).toString("base64");
  const { width, pixels } = await page.evaluate(async (data) => {
    const blob = new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type: "image/png" });
    const image = await createImageBitmap(blob);
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { width: image.width, pixels: btoa(text) };
  }, taken);
  return png(width, Buffer.from(pixels, "base64"));
}

/** The PNG of `rgba` (`width` pixels a line). The most frequent colours stay as they are, others become their nearest. */
function png(width, rgba) {
  const counts = new Map();
  const colours = new Uint32Array(rgba.length / 4);
  for (let at = 0; at < colours.length; at += 1) {
    colours[at] = (rgba[at * 4] << 16) | (rgba[at * 4 + 1] << 8) | rgba[at * 4 + 2];
    counts.set(colours[at], (counts.get(colours[at]) ?? 0) + 1);
  }
  const byCount = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || a - b);
  const palette = byCount.slice(0, COLOURS_MAX);
  const places = new Map(byCount.map((colour, place) => [colour, place < COLOURS_MAX ? place : nearest(palette, colour)]));
  const height = colours.length / width;
  const lines = Buffer.alloc(height * (width + 1)); // each line begins with its filter: none
  for (let at = 0; at < colours.length; at += 1) lines[at + Math.floor(at / width) + 1] = places.get(colours[at]);
  return file(width, height, palette, lines);
}

function nearest(palette, colour) {
  const parts = (of) => [of >> 16, (of >> 8) & 255, of & 255];
  const wanted = parts(colour);
  const distance = (of) => parts(of).reduce((sum, part, index) => sum + (part - wanted[index]) ** 2, 0);
  return palette.reduce((best, of, place) => (distance(of) < distance(palette[best]) ? place : best), 0);
}

function file(width, height, colours, lines) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // eight bits a pixel, by palette
  const palette = Buffer.from(colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const parts = [["IHDR", header], ["PLTE", palette], ["IDAT", deflateSync(lines, { level: 9 })], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([SIGNATURE, ...parts.map(([kind, data]) => chunk(kind, data))]);
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
