// The cards: what the server says of each application, put into the page without losing focus or an open form.

const SETTLES_WITHIN_MS = 60_000;
const list = document.getElementById("cards");
const status = document.getElementById("status");
const shown = new Map(); // the HTML of each card, so that only a card that differs is replaced

export const LATER = "This cannot be done now. Try again later.";

// An error whose text is for the customer. What browsers and the vendor's package say of theirs is not.
export class Told extends Error {}

export class Refused extends Told {
  constructor(response, body) {
    super(body.error ?? LATER);
    this.status = response.status;
    this.errors = body.errors ?? [];
  }
}

async function answerOf(response) {
  const body = response.headers.get("content-type")?.startsWith("application/json")
    ? await response.json() : await response.text();
  if (!response.ok) throw new Refused(response, typeof body === "string" ? {} : body);
  return body;
}

// The mark says whose page this is, so that one that was left open does nothing for who has signed in since.
const marked = { "x-integrations-page": document.body.dataset.mark };

export async function get(path, parameters = {}) {
  return answerOf(await fetch(`${path}?${new URLSearchParams(parameters)}`, { headers: marked }));
}

export async function post(path, body) {
  const headers = { ...marked, "content-type": "application/json" };
  return answerOf(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

const SHOWN_MS = 15_000;
let clearing;

// Says something; what is still going on stays until the next thing is said.
export function announce(text, { stays = text.endsWith("…") } = {}) {
  clearTimeout(clearing);
  status.textContent = text;
  if (!stays) clearing = setTimeout(() => { status.textContent = ""; }, SHOWN_MS);
}

export function cardOf(slug) {
  return [...list.children].find((card) => card.dataset.slug === slug);
}

// Whether somebody is filling in a form of the card, which a new card would throw away.
function isInUse(card) {
  return [...card.querySelectorAll("form")].some((form) => form.checkVisibility() && !form.dataset.sent);
}

function elementOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function put({ slug, html }) {
  if (shown.get(slug) === html) return;
  const old = cardOf(slug);
  const card = elementOf(html);
  shown.set(slug, html);
  if (!old) {
    list.append(card);
    return;
  }
  const hadFocus = old.contains(document.activeElement);
  const action = document.activeElement?.dataset.action;
  const settings = old.querySelector(".settings");
  if (settings.firstElementChild) card.querySelector(".settings").replaceWith(settings);
  old.replaceWith(card);
  if (!hadFocus || card.contains(document.activeElement)) return;
  const same = action && card.querySelector(`[data-action="${action}"]`);
  (same || card.querySelector("h2")).focus();
}

export async function refresh({ slug, wait = false, inUse = false } = {}) {
  const { cards } = await get("cards", { ...(slug && { slug }), ...(wait && { wait: 1 }) });
  document.getElementById("empty").hidden = cards.length > 0 || list.children.length > 0;
  for (const card of cards) {
    const old = cardOf(card.slug);
    if (inUse || !old || !isInUse(old)) put(card);
  }
  return cards;
}

// Waits until nothing of an application is pending, or for a minute; returns what its card says then.
export async function settle(slug) {
  const ends = Date.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const [card] = await refresh({ slug, wait: true, inUse: true });
    if (!card || !card.pending || Date.now() > ends) return card;
  }
}

export function describe(card) {
  if (!card) return "This application cannot be connected any more.";
  if (card.pending) return `${card.name} is still being updated. You may leave this page.`;
  if (card.problem) return `${card.name}: the change could not be carried out. ${card.problem}`;
  if (card.state === "connected") return `${card.name} is connected.`;
  return card.state === "reconnect" ? `${card.name} has to be connected again.` : `${card.name} is not connected.`;
}
