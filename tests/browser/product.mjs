// A product: its page on an origin of its own, and a server that signs tokens for whoever is signed in.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

const PAGE = (service) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Acme</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/app.css"><script src="/app.js"></script>
<script type="module" src="${service}/v1/inapp/outreach-inbox.js"></script></head>
<body><header><h1>Acme</h1><outreach-inbox api="${service}"></outreach-inbox></header>
<main><p>Your projects are here.</p><button id="some">Do something</button></main></body></html>`;

// It stands before the component: what is set on an element that is not defined yet must count.
const SCRIPT = `window.heard = [];
for (const type of ["message", "click", "dismiss", "counts", "error"]) {
  addEventListener("outreach:" + type, (event) => {
    const { message, url, code } = event.detail;
    window.heard.push({ type, title: message?.title, url, code });
    if (type === "click" && window.takesOver) event.preventDefault();
  });
}
addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective + " " + event.blockedURI));
addEventListener("DOMContentLoaded", () => {
  document.querySelector("outreach-inbox").getToken = async () => (await fetch("/token")).text();
});`;

const STYLE = `:root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif}
header{display:flex;align-items:center;justify-content:space-between;padding:8px 16px}h1{font-size:20px;margin:0}
main{padding:16px}button#some{font:inherit}`;

/** A JWT by the book: RFC 7519 with HS256, made without any library. */
export function sign(secret, user, seconds = 600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const text = `${part({ alg: "HS256", typ: "JWT", kid: "app" })}.${part({ sub: user, aud: "acme", exp })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** Starts the product. `seconds`: how long its tokens last; `asked`: how many it gave. `bad`: how many more are
 * none. */
export async function product({ service, secret }) {
  const state = { seconds: 600, asked: 0, bad: 0 };
  const policy = [
    "default-src 'none'", `script-src 'self' ${service}`, "style-src 'self'", `connect-src 'self' ${service}`, "base-uri 'none'", "form-action 'none'",
    "require-trusted-types-for 'script'", "trusted-types outreach-inbox",
  ].join("; ");
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://product");
    // A page without a policy, where whatever gets in runs.
    const headers = { ...(searchParams.has("lax") ? {} : { "content-security-policy": policy }), "cache-control": "no-store" };
    const say = (type, text, more) => response.writeHead(200, { ...headers, "content-type": `${type}; charset=utf-8`, ...more }).end(text);
    if (pathname === "/app.js") return say("text/javascript", SCRIPT);
    if (pathname === "/app.css") return say("text/css", STYLE);
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    if (pathname === "/token") {
      state.asked++;
      if (state.bad > 0) {
        state.bad--;
        return say("text/plain", sign("another secret", "mia"));
      }
      return say("text/plain", sign(secret, /user=(\w+)/.exec(request.headers.cookie)[1], state.seconds));
    }
    // Whoever comes as `?user=ada` is signed in as she.
    const user = searchParams.get("user");
    return say("text/html", PAGE(service), user && { "set-cookie": `user=${user}` });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.address = `http://127.0.0.1:${server.address().port}`;
  state.close = () => { server.closeAllConnections(); server.close(); };
  return state;
}
