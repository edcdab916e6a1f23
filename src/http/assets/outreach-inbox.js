// <outreach-inbox>: messages inside a product. One file, no build step, nothing from elsewhere.
//
//   <script type="module" src="https://outreach.acme.example/v1/inapp/outreach-inbox.js"></script>
//   <outreach-inbox></outreach-inbox>
//   document.querySelector("outreach-inbox").getToken = async () => (await fetch("/outreach-token")).text();
//
// Attributes: `api` (default: where this file is from), `token` (where there is no getToken), `kinds` (of "card banner
// modal": what shows itself; card is the bell), `theme` (light | dark; default: the system's).
// Properties: getToken, labels, messages, counts. Methods: open(), close(), refresh(), dismiss(id).
// Events (bubbling): outreach:message, outreach:click (cancelable), outreach:dismiss, outreach:counts, outreach:error.
// Style: custom properties --outreach-accent, -on-accent, -surface, -text, -muted, -border, -radius, -font, -shadow,
// -z; and ::part(button badge panel message title body action close banner modal status).
//
// It needs no inline script or style (script-src 'self'; style-src 'self'; connect-src of the api is enough), and takes
// no HTML on trust: bodies are cleaned by the service, and built here once more from the few elements they may have.

const HOME = new URL(import.meta.url).origin;
const PAGE = 20;
const BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000, HIDDEN_MS = 30000, RENEW_MS = 30000;
const KINDS = ["card", "banner", "modal"];
const TAGS = new Set("a b blockquote br code em i li ol p s strong u ul".split(" "));
const LABELS = {
  messages: "Messages", unseen: (n) => (n === 1 ? "1 new" : `${n} new`), close: "Close", dismiss: "Dismiss",
  empty: "Nothing new. You are up to date.", older: "Show older", offline: "Offline. Trying again…",
  loading: "Loading…", arrived: (title) => `New message: ${title}`,
};

const DARK = `--s:var(--outreach-surface,#1b1f27);--t:var(--outreach-text,#eef1f6);--m:var(--outreach-muted,#a9b3c3);
--l:var(--outreach-border,#3a4150);--a:var(--outreach-accent,#9db9ff);--o:var(--outreach-on-accent,#10131a);
--h:var(--outreach-shadow,0 12px 40px #000a)`;
const CSS = `
:host{--s:var(--outreach-surface,#fff);--t:var(--outreach-text,#1b2130);--m:var(--outreach-muted,#596273);
--l:var(--outreach-border,#d9dee7);--a:var(--outreach-accent,#2251cc);--o:var(--outreach-on-accent,#fff);
--h:var(--outreach-shadow,0 12px 40px #1b213033);--r:var(--outreach-radius,12px);--z:var(--outreach-z,1000);
display:inline-block;position:relative;font:400 15px/1.5 var(--outreach-font,system-ui,sans-serif);color:var(--t);text-align:start}
@media(prefers-color-scheme:dark){:host(:not([theme=light])){${DARK}}}
:host([theme=dark]){${DARK}}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
button,a{font:inherit;color:inherit}
button{background:none;border:0;padding:0;cursor:pointer}
:focus{outline:none}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.bell{position:relative;display:grid;place-items:center;width:44px;height:44px;border-radius:var(--r)}
.bell:hover,.x:hover{background:color-mix(in srgb,var(--t) 10%,transparent)}
svg{width:22px;height:22px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.x svg{width:18px;height:18px}
.badge{position:absolute;top:3px;inset-inline-end:1px;min-width:19px;height:19px;padding:0 5px;border-radius:10px;
background:var(--a);color:var(--o);font-size:12px;font-weight:600;line-height:19px;text-align:center}
.panel{position:absolute;inset-block-start:calc(100% + 6px);inset-inline-end:0;z-index:calc(var(--z) + 1);width:min(24rem,calc(100vw - 1rem));
max-height:min(34rem,80vh);display:flex;flex-direction:column;overflow:hidden}
.panel,.banner,dialog{background:var(--s);color:var(--t);border:1px solid var(--l);border-radius:var(--r);box-shadow:var(--h)}
.head{display:flex;align-items:center;gap:8px;padding:8px 8px 8px 16px;border-bottom:1px solid var(--l)}
.head h2{flex:1;margin:0;font-size:16px;font-weight:650}
.x{flex:none;display:grid;place-items:center;width:36px;height:36px;border-radius:8px;color:var(--m)}
.scroll{overflow:auto;overscroll-behavior:contain}
ul.list{list-style:none;margin:0;padding:0}
.item{position:relative;padding:14px 16px;border-bottom:1px solid var(--l)}
li:last-child>.item{border-bottom:0}
.top{display:flex;align-items:flex-start;gap:8px}
h2:focus-visible{outline:none}
.in{flex:1;min-width:0}
.top .x{margin-block:-6px;margin-inline-end:-8px}
h3,.top h2,.in h2{flex:1;margin:0;font-size:15px;font-weight:650;overflow-wrap:anywhere}
.new h3::before{content:"";display:inline-block;width:8px;height:8px;margin-inline-end:8px;border-radius:50%;background:var(--a);vertical-align:1px}
time{display:block;color:var(--m);font-size:13px}
.body{overflow-wrap:anywhere;margin:4px 0 0}
.body>*{margin:0 0 6px}.body>:last-child{margin-bottom:0}
.body a[href]{color:var(--a)}
.body ul,.body ol{padding-inline-start:20px}
.act{display:inline-block;margin-top:10px;padding:7px 14px;border-radius:8px;background:var(--a);color:var(--o);font-weight:600;text-decoration:none}
.act:hover{filter:brightness(1.08)}
.note{margin:0;padding:20px 16px;color:var(--m);text-align:center}
.off{padding:6px 16px;border-top:1px solid var(--l);font-size:13px}
.more{display:block;width:100%;padding:12px;color:var(--a);font-weight:600}
.banner{position:fixed;inset-block-end:8px;inset-inline:8px;z-index:var(--z);max-width:52rem;margin-inline:auto;padding:12px 12px 12px 16px;border-inline-start:4px solid var(--a)}
.banner .act{margin-top:8px}
dialog{width:min(30rem,calc(100vw - 2rem));max-height:calc(100vh - 2rem);padding:20px 24px 24px;overflow:auto}
dialog .top h2{font-size:20px;line-height:1.3}
dialog .body{margin-top:10px}
dialog .act{margin-top:18px;padding:10px 18px}
dialog::backdrop{background:#0b0e14a6}
.say{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(max-width:32rem){.panel{position:fixed;inset:auto 8px 8px;width:auto}}
@media(min-width:40rem){.banner .in{display:flex;align-items:center;gap:16px}.banner .in>:first-child{flex:1}.banner .act{margin:0}}
@media(prefers-reduced-motion:no-preference){.panel,.banner,dialog[open]{animation:in .16s ease-out}
@keyframes in{from{opacity:0;translate:0 6px}}}
@media(forced-colors:active){.badge,.act{border:1px solid}.new h3::before{background:Highlight;forced-color-adjust:none}}
`;
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(CSS);

// Pages that demand trusted types must allow the policy "outreach-inbox"; without it bodies are shown as text.
let policy = { createHTML: (html) => html };
try {
  if (window.trustedTypes) policy = window.trustedTypes.createPolicy("outreach-inbox", policy);
} catch { policy = null; }

/** An element with properties, attributes (`aria-…`, `role`, `part`) and children. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key === "cls" ? "class" : key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}
const BELL = "M18 9a6 6 0 1 0-12 0c0 6-2 7-2 8h16c0-1-2-2-2-8M10 21h4";
const CROSS = "M6 6l12 12M18 6L6 18";

/** The address, if a person may be led there: by these schemes, or into the product itself. */
function safe(url, schemes) {
  try {
    const parsed = new URL(url, location.href);
    // A sandboxed page has the origin "null", and so have addresses that run scripts.
    const isOwn = parsed.origin !== "null" && parsed.origin === location.origin;
    return schemes.includes(parsed.protocol) || isOwn ? parsed.href : null;
  } catch { return null; }
}

/** What a body may hold, made anew: nothing else of it gets into the page. */
function copy(from, to) {
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) { to.append(child.data); continue; }
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    const tag = child.localName;
    if (!TAGS.has(tag)) continue;
    const made = document.createElement(tag);
    const href = tag === "a" && child.getAttribute("href");
    const led = href && safe(href, ["https:", "mailto:"]);
    if (led) { made.href = led; made.rel = "noopener noreferrer"; }
    copy(child, made);
    to.append(made);
  }
}

function bodyOf(message) {
  const body = el("div", { cls: "body", part: "body" });
  if (policy && message.body_html) {
    copy(new DOMParser().parseFromString(policy.createHTML(message.body_html), "text/html").body, body);
  } else body.textContent = message.body || "";
  return body;
}

/** When a token is over, in ms; never, where it does not say. */
function overAt(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp * 1000 || Infinity;
  } catch { return Infinity; }
}

class OutreachInbox extends HTMLElement {
  static observedAttributes = ["api", "token", "kinds"];

  #root; #getToken = null; #token = null; #fetching = null; #renewal = 0;
  #messages = new Map(); #counts = { total: 0, unseen: 0 }; #next = null; #position = ""; #labels = { ...LABELS };
  #live = null; #run = 0; #turn = 0; #attempts = 0; #timer = 0; #hiddenTimer = 0; #isLoaded = false; #isOffline = false;
  #unsent = new Map(); #reacted = new Map(); #isOpen = false; #watch = null; #shown = { banner: null, modal: null }; #told = null;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [SHEET];
  }

  connectedCallback() {
    // What a page set before this file was there.
    for (const name of ["getToken", "labels"]) {
      if (Object.hasOwn(this, name)) { const value = this[name]; delete this[name]; this[name] = value; }
    }
    this.#build();
    document.addEventListener("visibilitychange", this.#onVisibility);
    document.addEventListener("pointerdown", this.#onOutside, true);
    addEventListener("online", this.#onOnline);
    addEventListener("offline", this.#onOffline);
    addEventListener("pagehide", this.#onPageHide);
    addEventListener("pageshow", this.#onPageShow);
    this.#start();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    document.removeEventListener("pointerdown", this.#onOutside, true);
    removeEventListener("online", this.#onOnline);
    removeEventListener("offline", this.#onOffline);
    removeEventListener("pagehide", this.#onPageHide);
    removeEventListener("pageshow", this.#onPageShow);
    this.#stop();
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected || !this.#bell) return;
    if (name === "kinds") this.#render(); else { this.#token = null; this.#restart(); }
  }

  /** Gives a token of the signed-in user: asked for at the start, before one is over, and when one is refused. */
  get getToken() { return this.#getToken; }
  set getToken(callback) { this.#getToken = callback; this.#token = this.#fetching = null; if (this.#bell && this.isConnected) this.#restart(); }
  /** Words to show instead of the English ones. */
  get labels() { return this.#labels; }
  set labels(labels) { this.#labels = { ...LABELS, ...labels }; if (this.#bell) { this.#build(); this.#render(); } }
  get messages() { return [...this.#messages.values()].map((message) => ({ ...message })); }
  get counts() { return { ...this.#counts }; }
  get isOpen() { return this.#isOpen; }

  open() {
    if (this.#isOpen || !this.#bell) return;
    this.#isOpen = true;
    this.#render();
    this.#panel.querySelector("h2").focus();
  }

  close() {
    if (!this.#isOpen) return;
    const had = this.#panel.contains(this.#root.activeElement);
    this.#isOpen = false;
    this.#render();
    if (had) this.#bell.focus();
  }

  /** Fetches anew what is shown. */
  refresh() { return this.#load(this.#run); }

  dismiss(id) {
    const message = this.#messages.get(id);
    if (!message) return;
    this.#react(id, "dismissed");
    this.#messages.delete(id);
    this.#emit("dismiss", { message: { ...message } });
    this.#render();
  }

  // ---- the service --------------------------------------------------------------------------------------------------

  get #api() { return (this.getAttribute("api") || HOME).replace(/\/+$/, ""); }
  get #kinds() {
    const kinds = (this.getAttribute("kinds") || "").split(/[\s,]+/).filter((kind) => KINDS.includes(kind));
    return kinds.length ? kinds : KINDS;
  }

  async #tokenNow(isRefused) {
    if (isRefused) this.#token = null;
    if (this.#token && (!this.#getToken || overAt(this.#token) > Date.now())) return this.#token;
    if (!this.#getToken) return (isRefused ? null : this.getAttribute("token")) || null;
    // Several that need one at a time ask once.
    const asked = this.#getToken;
    const fetching = (this.#fetching ??= Promise.resolve().then(() => asked.call(this)));
    const token = await fetching.finally(() => { if (this.#fetching === fetching) this.#fetching = null; });
    // Somebody else has signed in meanwhile: it is not theirs.
    if (asked !== this.#getToken) return this.#tokenNow(false);
    this.#token = typeof token === "string" ? token.trim() : null;
    clearTimeout(this.#renewal);
    const left = this.#token ? overAt(this.#token) - Date.now() - RENEW_MS : Infinity;
    // A beacon cannot ask for one: a page that stays open has a good one at hand.
    if (left > RENEW_MS && left < 2 ** 31) this.#renewal = setTimeout(() => this.#tokenNow(true).catch(() => {}), left);
    return this.#token;
  }

  async #ask(path, method = "GET") {
    for (const isSecond of [false, true]) {
      const token = await this.#tokenNow(isSecond);
      if (!token) throw Object.assign(new Error("no token"), { code: "no-token", isFinal: true });
      const answer = await fetch(this.#api + path, {
        method, headers: { Authorization: `Bearer ${token}` }, credentials: "omit", cache: "no-store", keepalive: method === "POST",
      });
      if (answer.status === 401 && !isSecond) continue;
      if (answer.ok) return answer.status === 204 ? null : answer.json();
      const { code = "unavailable" } = await answer.json().catch(() => ({}));
      const isFinal = answer.status === 404 || answer.status === 400;
      throw Object.assign(new Error(code), { code, status: answer.status, isFinal, after: Number(answer.headers.get("Retry-After")) * 1000 || 0 });
    }
  }

  #start() {
    if (!this.#getToken && !this.getAttribute("token")) return;
    this.#connect();
  }

  #stop() {
    this.#run++;
    this.#pause();
    [this.#hiddenTimer, this.#renewal].forEach(clearTimeout);
    this.#watch?.disconnect();
  }

  #restart() {
    this.#stop();
    this.#messages.clear();
    this.#reacted.clear();
    this.#counts = { total: 0, unseen: 0 };
    this.#position = "";
    this.#isLoaded = false;
    this.#attempts = 0;
    this.#render();
    this.#start();
  }

  /** Lists once, then listens from there; after a break it goes on where it was, and lists anew where that takes long. */
  async #connect() {
    this.#pause();
    const turn = this.#turn, isOver = () => turn !== this.#turn;
    try {
      if (!this.#isLoaded || this.#attempts > 1) await this.#load(this.#run);
      if (isOver()) return;
      const { ticket } = await this.#ask("/v1/inapp/ticket", "POST");
      if (isOver()) return;
      const query = new URLSearchParams({ ticket, position: this.#position });
      const live = (this.#live = new EventSource(`${this.#api}/v1/inapp/stream?${query}`));
      live.addEventListener("ready", (event) => { this.#heard(event); this.#good(); });
      live.addEventListener("message", (event) => { const { message } = this.#heard(event); this.#good(); this.#take(message, true); });
      live.addEventListener("removed", (event) => { const { id } = this.#heard(event); this.#good(); this.#messages.delete(id); this.#render(); });
      live.onopen = () => this.#good();
      // A ticket opens one stream: the browser's own second try would fail.
      live.onerror = () => { live.close(); if (!isOver()) this.#again(); };
    } catch (error) {
      if (isOver()) return;
      this.#fail(error);
      this.#again(error.after);
    }
  }

  #again(after = 0) {
    if (this.#attempts++ > 0) { this.#isOffline = true; this.#render(); }
    const most = Math.min(BACKOFF_MS * 2 ** Math.min(this.#attempts - 1, 10), BACKOFF_MAX_MS);
    this.#timer = setTimeout(() => this.#connect(), Math.max(after, most * (0.5 + Math.random() / 2)));
  }

  #fail(error) { this.#emit("error", { code: error.code || "network", status: error.status || 0 }); }

  #good() {
    this.#attempts = 0;
    if (this.#isOffline) { this.#isOffline = false; this.#render(); }
    this.#flush();
  }

  #heard(event) {
    const data = JSON.parse(event.data);
    this.#position = event.lastEventId || this.#position;
    this.#count(data.counts);
    return data;
  }

  async #load(run) {
    const page = await this.#ask(`/v1/inapp/messages?limit=${PAGE}`);
    if (run !== this.#run) return;
    this.#messages = new Map(page.messages.map((message) => [message.id, this.#known(message)]));
    this.#next = page.next;
    this.#position = page.position;
    this.#isLoaded = true;
    this.#isOffline = false;
    this.#count(page.counts);
    this.#render();
  }

  async #older() {
    const run = this.#run;
    try {
      const page = await this.#ask(`/v1/inapp/messages?limit=${PAGE}&cursor=${encodeURIComponent(this.#next)}`);
      if (run !== this.#run) return;
      for (const message of page.messages) if (!this.#messages.has(message.id)) this.#messages.set(message.id, this.#known(message));
      this.#next = page.next;
    } catch (error) { this.#fail(error); }
    this.#render();
  }

  /** A message that is on its way here may not know yet what was done with it here. */
  #known(message) {
    const did = this.#reacted.get(message.id);
    return did ? { ...message, seen_at: message.seen_at ?? did.seen_at, clicked_at: message.clicked_at ?? did.clicked_at } : message;
  }

  #take(message, isNews) {
    if (this.#reacted.get(message.id)?.dismissed_at) return;
    const isNew = !this.#messages.has(message.id);
    const rest = [...this.#messages];
    message = this.#known(message);
    this.#messages = isNew ? new Map([[message.id, message], ...rest]) : this.#messages.set(message.id, message);
    if (isNew && isNews && !message.seen_at) {
      this.#emit("message", { message: { ...message } });
      this.#told = message.id;
      this.#say.textContent = this.#labels.arrived(message.title);
    }
    this.#render();
  }

  #count(counts) {
    const { total, unseen } = this.#counts;
    this.#counts = counts;
    if (total !== counts.total || unseen !== counts.unseen) this.#emit("counts", { ...counts });
    this.#renderBell();
  }

  // ---- what the person does -----------------------------------------------------------------------------------------

  /** The first time counts; what cannot be said now is said when the service is there again. */
  #react(id, what, isLeaving = false) {
    const did = this.#reacted.get(id) || {};
    if (did[`${what}_at`]) return;
    const at = new Date().toISOString();
    const message = this.#messages.get(id);
    const wasUnseen = message ? !message.seen_at : false;
    did[`${what}_at`] = at;
    did.seen_at ??= at;
    this.#reacted.set(id, did);
    if (message) this.#messages.set(id, this.#known(message));
    const gone = what === "dismissed" ? 1 : 0;
    if (wasUnseen || gone) {
      this.#count({ total: Math.max(0, this.#counts.total - gone), unseen: Math.max(0, this.#counts.unseen - (wasUnseen ? 1 : 0)) });
    }
    const path = `/v1/inapp/messages/${id}/${what}`;
    if (isLeaving && navigator.onLine && this.#beacon(path)) return;
    this.#unsent.set(path, true);
    this.#flush();
  }

  #beacon(path) {
    const token = this.#token || this.getAttribute("token");
    return Boolean(token && navigator.sendBeacon?.(this.#api + path, new Blob([JSON.stringify({ token })], { type: "text/plain" })));
  }

  async #flush() {
    for (const path of [...this.#unsent.keys()]) {
      this.#unsent.delete(path);
      try { await this.#ask(path, "POST"); } catch (error) { if (!error.isFinal) this.#unsent.set(path, true); }
    }
  }

  // A page may be kept, and come back: then it goes on from where it was.
  #onPageHide = () => {
    for (const path of this.#unsent.keys()) if (this.#beacon(path)) this.#unsent.delete(path);
    this.#pause();
  };
  #onPageShow = (event) => { if (event.persisted) this.#resume(); };
  #pause() { this.#turn++; this.#live?.close(); this.#live = null; clearTimeout(this.#timer); }
  #resume() { this.#attempts = 0; if (this.#getToken || this.getAttribute("token")) this.#connect(); }
  #onOnline = () => this.#resume();
  #onOffline = () => { this.#isOffline = true; this.#render(); };
  #onVisibility = () => {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      // A page that nobody looks at holds no connection; it goes on from where it was.
      this.#hiddenTimer = setTimeout(() => this.#pause(), HIDDEN_MS);
    } else {
      if (!this.#live && this.#bell) this.#resume();
      this.#render();
    }
  };
  #onOutside = (event) => { if (this.#isOpen && !event.composedPath().includes(this)) this.close(); };

  #onAction(event, message) {
    const url = event.currentTarget.href;
    const goes = this.#emit("click", { message: { ...message }, url }, true);
    if (!goes) event.preventDefault();
    this.#react(message.id, "clicked", true);
    this.#render();
  }

  // ---- what is shown ------------------------------------------------------------------------------------------------

  #bell; #badge; #panel; #list; #note; #status; #more; #say; #banner; #modal;

  #build() {
    const words = this.#labels;
    this.#badge = el("span", { cls: "badge", part: "badge", "aria-hidden": "true", hidden: true });
    this.#bell = el("button", {
      cls: "bell", part: "button", type: "button", "aria-expanded": "false", "aria-controls": "panel", "aria-haspopup": "dialog",
      onclick: () => (this.#isOpen ? this.close() : this.open()),
    }, icon(BELL), this.#badge);
    this.#list = el("ul", { cls: "list", role: "list" });
    this.#note = el("p", { cls: "note" });
    this.#status = el("p", { cls: "note off", part: "status", role: "status", hidden: true }, words.offline);
    this.#more = el("button", { cls: "more", type: "button", hidden: true, onclick: () => this.#older() }, words.older);
    this.#panel = el("section", {
      id: "panel", cls: "panel", part: "panel", role: "dialog", "aria-labelledby": "head", hidden: true,
      onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); this.close(); } },
    },
    el("div", { cls: "head" }, el("h2", { id: "head", tabindex: "-1" }, words.messages), this.#cross(words.close, () => this.close())),
    el("div", { cls: "scroll", tabindex: "0", role: "group", "aria-labelledby": "head" }, this.#list, this.#note, this.#more), this.#status);
    this.#say = el("div", { cls: "say", role: "status", "aria-live": "polite" });
    this.#banner = el("section", { cls: "banner", part: "banner", "aria-labelledby": "banner-title", hidden: true });
    this.#modal = el("dialog", { part: "modal", "aria-labelledby": "modal-title", "aria-modal": "true" });
    // Esc is the person's word as well.
    this.#modal.addEventListener("cancel", (event) => { event.preventDefault(); if (this.#shown.modal) this.dismiss(this.#shown.modal); });
    this.#shown = { banner: null, modal: null };
    this.#root.replaceChildren(this.#bell, this.#panel, this.#banner, this.#modal, this.#say);
    this.#watch?.disconnect();
    this.#watch = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting && this.#isOpen && !document.hidden) this.#see(entry.target.dataset.id);
    }, { threshold: 0.4 });
    this.#render();
  }

  #see(id) {
    const message = this.#messages.get(id);
    if (!message || message.seen_at) return;
    this.#react(id, "seen");
  }

  #cross(label, onclick) { return el("button", { cls: "x", part: "close", type: "button", "aria-label": label, title: label, onclick }, icon(CROSS)); }

  #action(message) {
    const url = message.action && safe(message.action.url, ["https:", "http:"]);
    return url && el("a", { cls: "act", part: "action", href: url, rel: "noopener", onclick: (event) => this.#onAction(event, message) }, message.action.label);
  }

  #item(message) {
    const words = this.#labels;
    return el("li", {}, el("article", { cls: message.seen_at ? "item" : "item new", part: "message", "data-id": message.id, "aria-labelledby": `t-${message.id}` },
      el("div", { cls: "top" }, el("h3", { id: `t-${message.id}`, part: "title" }, message.title),
        this.#cross(`${words.dismiss}: ${message.title}`, (event) => this.#dismissItem(event, message.id))),
      el("time", { datetime: message.sent_at }, this.#ago(message.sent_at)), bodyOf(message), this.#action(message)));
  }

  /** The focus goes to the neighbour, not away. */
  #dismissItem(event, id) {
    const item = event.currentTarget.closest("li");
    const near = item.nextElementSibling || item.previousElementSibling;
    const nearId = near?.firstChild.dataset.id;
    this.dismiss(id);
    const next = nearId && this.#list.querySelector(`[data-id="${nearId}"] .x`);
    (next || this.#panel.querySelector("h2")).focus();
  }

  #ago(time) {
    const seconds = Math.min(0, (Date.parse(time) - Date.now()) / 1000);
    const format = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (-seconds >= size) return format.format(Math.round(seconds / size), unit);
    }
    return format.format(0, "second");
  }

  #renderBell() {
    if (!this.#bell) return;
    const { unseen } = this.#counts, words = this.#labels;
    this.#bell.hidden = !this.#kinds.includes("card");
    this.#bell.setAttribute("aria-label", unseen ? `${words.messages}, ${words.unseen(unseen)}` : words.messages);
    this.#bell.setAttribute("aria-expanded", String(this.#isOpen));
    this.#badge.hidden = !unseen;
    this.#badge.textContent = unseen > 99 ? "99+" : unseen;
  }

  #render() {
    if (!this.#bell) return;
    // What is gone is not to be read out to who comes by later.
    if (!this.#messages.has(this.#told)) this.#say.textContent = "";
    this.#renderBell();
    this.#panel.hidden = !this.#isOpen;
    this.#status.hidden = !this.#isOffline;
    this.#renderList();
    this.#renderBanner();
    this.#renderModal();
  }

  /** An item that is unchanged stays the element that it is: the focus in it, too. */
  #renderList() {
    const kept = new Map([...this.#list.children].map((item) => [item.firstChild.dataset.id, item]));
    const items = [...this.#messages.values()].map((message) => {
      const key = JSON.stringify([message.title, message.body_html, message.action]);
      let item = kept.get(message.id);
      if (item?.firstChild.dataset.key !== key) {
        item = this.#item(message);
        item.firstChild.dataset.key = key;
        this.#watch.observe(item.firstChild);
      }
      item.firstChild.classList.toggle("new", !message.seen_at);
      return item;
    });
    const isSame = items.length === this.#list.children.length && items.every((item, at) => item === this.#list.children[at]);
    if (!isSame) this.#list.replaceChildren(...items);
    // What is in view already is seen when the panel opens.
    if (this.#isOpen) for (const item of items) { this.#watch.unobserve(item.firstChild); this.#watch.observe(item.firstChild); }
    this.#note.hidden = items.length > 0;
    this.#note.textContent = this.#isLoaded ? this.#labels.empty : this.#labels.loading;
    this.#more.hidden = !this.#next;
  }

  #first(kind) {
    if (!this.#kinds.includes(kind)) return null;
    return [...this.#messages.values()].find((message) => message.kind === kind && !message.clicked_at) || null;
  }

  #renderBanner() {
    const message = this.#first("banner");
    if (message?.id !== this.#shown.banner) {
      this.#shown.banner = message?.id ?? null;
      this.#banner.hidden = !message;
      this.#banner.replaceChildren(...(message ? [el("div", { cls: "top" },
        el("div", { cls: "in" }, el("div", {}, el("h2", { id: "banner-title", part: "title" }, message.title), bodyOf(message)), this.#action(message)),
        this.#cross(this.#labels.dismiss, () => this.dismiss(message.id)))] : []));
    }
    if (message && !document.hidden) this.#see(message.id);
  }

  #renderModal() {
    const message = this.#first("modal");
    if (message?.id !== this.#shown.modal) {
      this.#shown.modal = message?.id ?? null;
      if (this.#modal.open) this.#modal.close();
      this.#modal.replaceChildren(...(message ? [
        el("div", { cls: "top" }, el("h2", { id: "modal-title", part: "title", tabindex: "-1" }, message.title), this.#cross(this.#labels.dismiss, () => this.dismiss(message.id))),
        bodyOf(message), this.#action(message)] : []));
      // The browser holds the focus inside, and gives it back where it was.
      if (message) { this.#modal.showModal(); this.#modal.querySelector("h2").focus(); }
    }
    if (message && !document.hidden) this.#see(message.id);
  }

  #emit(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(`outreach:${name}`, { detail, bubbles: true, composed: true, cancelable }));
  }
}

if (!customElements.get("outreach-inbox")) customElements.define("outreach-inbox", OutreachInbox);
