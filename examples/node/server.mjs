// The app: sign-up, a session cookie, the page of integrations with what it asks for, and the notices.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Webhook } from "standardwebhooks";
import { addUser, deleteUser, findUserByEmail, keepNotice, listNotices } from "./database.mjs";
import { homePage } from "./home.mjs";
import { configOf, eventOf, integrationsOf, publish, sendOutbox, tokenOf } from "./mirror.mjs";
import { beginSession, endSession, findUserWithPassword, hashPassword, userOf } from "./sessions.mjs";

const LARGEST_BODY = 64 * 1024;
const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const webhook = new Webhook(process.env.NOTICES_SECRET);

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const reply = (body, type, status = 200) => ({ status, headers: { "content-type": type }, body });
const json = (value) => reply(JSON.stringify(value), "application/json");
const redirect = (location, cookie) => {
  return { status: 303, headers: { location, ...(cookie && { "set-cookie": cookie }) } };
};

const fileOf = (name) => readFileSync(new URL(`public/${name}`, import.meta.url), "utf-8");
// npm has the package as CommonJS, and a browser takes modules.
const sdk = readFileSync(createRequire(import.meta.url).resolve("@cobaltio/cobalt-js"), "utf-8");
const sdkModule = `const exports = {};\n${sdk}\nexport { Cobalt };\n`;

async function signUp({ form }) {
  const [company, email, password] = ["company", "email", "password"].map((name) => (form.get(name) ?? "").trim());
  const isText = (text) => text && text.length <= 200 && !/\p{Cc}/u.test(text);
  if (![company, email, password].every(isText)) throw new Refused(400, "Fill in the form.");
  if (findUserByEmail(email.toLowerCase())) return reply(homePage({ problem: "This address is taken." }), HTML, 409);
  const user = { id: randomUUID(), email: email.toLowerCase(), company, ...hashPassword(password) };
  addUser(user, eventOf("user_signed_up", user.id, { name: company, udf: { email: user.email } }));
  await sendOutbox();
  return redirect("/integrations", beginSession(user.id));
}

function signIn({ form }) {
  const [email, password] = ["email", "password"].map((name) => (form.get(name) ?? "").trim());
  const user = findUserWithPassword(email.toLowerCase(), password);
  if (!user) return reply(homePage({ problem: "Wrong address or password." }), HTML, 401);
  return redirect("/", beginSession(user.id));
}

async function leave({ user }) {
  if (user) deleteUser(user.id, eventOf("user_deleted", user.id));
  await sendOutbox();
  return redirect("/", endSession());
}

// Takes a notice from the mirror, and shows it to the customer the next time. A real app would now write to them.
function receiveNotice({ request, body }) {
  try {
    webhook.verify(body, request.headers);
  } catch (error) {
    throw new Refused(401, error.message);
  }
  keepNotice(JSON.parse(body));
  return { status: 204, headers: {} };
}

// Publishes what the customer did, and answers with what the mirror then says.
async function tell(type, user, data) {
  await publish(eventOf(type, user.id, data));
  return json(await integrationsOf(user.id));
}

const pages = {
  "GET /": ({ user }) => reply(homePage({ user, notices: user ? listNotices(user.id) : [] }), HTML),
  "POST /sign-up": signUp,
  "POST /sign-in": signIn,
  "POST /sign-out": () => redirect("/", endSession()),
  "POST /leave": leave,
  "POST /notices": receiveNotice,
  "GET /integrations": ({ user }) => (user ? reply(fileOf("integrations.html"), HTML) : redirect("/")),
  "GET /integrations.js": () => reply(fileOf("integrations.js"), SCRIPT),
  "GET /connecting.js": () => reply(fileOf("connecting.js"), SCRIPT),
  "GET /sdk.js": () => reply(sdkModule, SCRIPT),
};

// What the page of integrations asks for; only who is signed in may.
const api = {
  "GET /api/integrations": async ({ user }) => json(await integrationsOf(user.id)),
  "GET /api/settings": async ({ user, url }) => json(await configOf(user.id, url.searchParams.get("slug") ?? "")),
  "POST /api/token": async ({ user, sent }) => json(await tokenOf(user.id, sent.anew === true)),
  "POST /api/connected": ({ user, sent: { slug } }) => tell("connection_authorized", user, { slug }),
  "POST /api/settings": ({ user, sent: { slug, fields } }) => tell("config_changed", user, { slug, fields }),
  "POST /api/disconnect": ({ user, sent: { slug } }) => tell("connection_removed", user, { slug }),
};

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Refused(413, "This is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(body) {
  try {
    return Object(JSON.parse(body || "{}"));
  } catch {
    throw new Refused(400, "This is not JSON.");
  }
}

async function answer(request) {
  const url = new URL(request.url, "http://localhost");
  const name = `${request.method} ${url.pathname}`;
  const user = userOf(request);
  if (Object.hasOwn(api, name) && !user) throw new Refused(401, "Sign in first.");
  // Of what changes something, only the mirror's notices come from elsewhere; they are signed.
  const isForeign = request.method === "POST" && request.headers["sec-fetch-site"] !== "same-origin";
  if (isForeign && name !== "POST /notices") throw new Refused(403, "This came from another site.");
  const body = await bodyOf(request);
  if (Object.hasOwn(api, name)) return api[name]({ user, url, sent: parse(body) });
  if (Object.hasOwn(pages, name)) return pages[name]({ user, request, body, form: new URLSearchParams(body) });
  throw new Refused(404, "There is no such page.");
}

function refusalOf(error) {
  if (error instanceof Refused) return reply(error.message, "text/plain; charset=utf-8", error.status);
  console.error(error.message);
  return reply("This cannot be done now. Try again later.", "text/plain; charset=utf-8", 503);
}

createServer(async (request, response) => {
  const { status, headers, body } = await answer(request).catch(refusalOf);
  response.writeHead(status, { "cache-control": "no-store", ...headers }).end(body);
}).listen(Number(process.env.APP_PORT), "localhost");
