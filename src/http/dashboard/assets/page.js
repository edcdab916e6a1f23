// What a page does beyond being there: ages that stay true, and the live page kept live. Nothing here is needed to read.

const ROWS_MAX = 150;
const ANNOUNCE_EVERY_MS = 10_000;
const AGE_EVERY_MS = 1_000;

// Ages. Each moment stands in its `datetime`; in full it is the title.

const units = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];

function age(seconds) {
  const length = Math.abs(seconds);
  if (length < 1) return "now";
  const [size, word] = units.find(([size]) => length >= size);
  const text = `${Math.floor(length / size)} ${word}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

// What the service's clock is ahead of this browser's: ages are by the service's, which says what it is.
let ahead = 0;

function itIs(moment) {
  ahead = Date.parse(moment) - Date.now() || 0;
}

/** Nothing in the row is still to come: where it seems so, the service's clock has gone on. */
function hasHappened(row) {
  for (const time of row.querySelectorAll("time[data-age]")) {
    if (Date.parse(time.dateTime) > Date.now() + ahead) itIs(time.dateTime);
  }
}

function keepAges(root) {
  const now = Date.now() + ahead;
  for (const time of root.querySelectorAll("time[data-age]")) {
    const text = age((now - Date.parse(time.dateTime)) / 1_000);
    if (time.textContent !== text) time.textContent = text;
  }
}

const strip = document.querySelector("#strip[data-now]");
if (strip) itIs(strip.dataset.now);
keepAges(document);
setInterval(() => keepAges(document), AGE_EVERY_MS);

// A list of rows: new ones go on top while its reader is at the top and elsewhere with the keyboard; else they wait.

class List {
  constructor(element, isPaused) {
    this.element = element;
    this.isPaused = isPaused;
    this.waiting = [];
    this.count = 0;
    this.button = document.querySelector(`[data-fresh="${element.id}"]`);
    this.button.addEventListener("click", () => {
      this.flush();
      element.scrollTop = 0;
      element.focus();
    });
    element.addEventListener("scroll", () => this.settle());
  }

  get isRead() {
    const focus = document.activeElement;
    const isInside = focus !== this.element && this.element.contains(focus);
    return this.element.scrollTop > 8 || isInside || this.element.querySelector("details[open]") !== null;
  }

  add(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const row = template.content.firstElementChild;
    if (!row) return;
    hasHappened(template.content);
    keepAges(template.content);
    // A decision whose message has moved takes the place of its row.
    const known = row.id && (document.getElementById(row.id) ?? this.waiting.find((one) => one.id === row.id));
    if (known) {
      if (known.querySelector("details[open]")) row.querySelector("details")?.setAttribute("open", "");
      if (known.isConnected) known.replaceWith(row);
      else this.waiting[this.waiting.indexOf(known)] = row;
      return;
    }
    this.count += 1;
    this.waiting.push(row);
    if (this.waiting.length > ROWS_MAX) this.waiting.shift();
    this.settle();
  }

  settle() {
    if (!this.isPaused() && !this.isRead) this.flush();
    this.button.hidden = this.waiting.length === 0;
    this.button.textContent = `${this.waiting.length} new`;
  }

  flush() {
    for (const row of this.waiting) row.classList.add("new");
    this.element.prepend(...this.waiting.reverse());
    this.waiting = [];
    while (this.element.childElementCount > ROWS_MAX) this.element.lastElementChild.remove();
    this.button.hidden = true;
  }
}

// The live page.

const live = document.querySelector("[data-stream]");
if (live) {
  let isPaused = false;
  const lists = { came: null, fell: null };
  for (const kind of Object.keys(lists)) {
    lists[kind] = new List(document.getElementById(kind), () => isPaused);
  }

  document.querySelector("[data-snapshot]").hidden = true;
  const pause = document.querySelector("[data-pause]");
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    for (const list of Object.values(lists)) list.settle();
    say();
  });

  const connection = document.querySelector("[data-connection]");
  connection.hidden = false;
  let isOpen = false;
  function say() {
    connection.textContent = isPaused ? "Paused" : isOpen ? "Up to date" : "Connecting…";
    connection.classList.toggle("is-live", isOpen && !isPaused);
  }
  say();

  // One sentence from time to time, in place of every row.
  const announce = document.querySelector("[data-announce]");
  setInterval(() => {
    const [events, decisions] = [lists.came.count, lists.fell.count];
    lists.came.count = lists.fell.count = 0;
    const of = (count, word) => `${count} new ${word}${count === 1 ? "" : "s"}`;
    announce.textContent = events + decisions > 0 ? `${of(decisions, "decision")}, ${of(events, "event")}` : "";
  }, ANNOUNCE_EVERY_MS);

  const stream = new EventSource(live.dataset.stream);
  const set = (open) => {
    isOpen = open;
    say();
  };
  stream.addEventListener("open", () => set(true));
  stream.addEventListener("error", () => set(false));
  stream.addEventListener("came", (event) => lists.came.add(event.data));
  stream.addEventListener("fell", (event) => lists.fell.add(event.data));
  stream.addEventListener("now", (event) => {
    itIs(event.data);
    keepAges(document);
  });
  stream.addEventListener("pulse", (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.data;
    const strip = template.content.firstElementChild;
    if (strip) document.getElementById("strip")?.replaceWith(strip);
    keepAges(document);
  });
  stream.addEventListener("more", () => {
    lists.came.element.dataset.more = "More came in than is shown.";
  });
  stream.addEventListener("stale", () => {
    stream.close();
    location.reload();
  });
  window.addEventListener("pagehide", () => stream.close());
  // Brought back from the browser's cache of pages.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
