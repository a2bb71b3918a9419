// The mirror over HTTP: `cobalt-mirror web` at MIRROR_URL, with EVENTS_TOKEN as bearer token.

import { randomUUID } from "node:crypto";
import { readOutbox, removeFromOutbox } from "./database.mjs";

const AGAIN_MS = 2000;
const { MIRROR_URL, EVENTS_TOKEN } = process.env;

// What the mirror answered instead of what was asked for.
export class MirrorRefused extends Error {
  constructor(status, text) {
    super(`the mirror answered ${status}: ${text}`);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { authorization: `Bearer ${EVENTS_TOKEN}`, ...options.headers };
  const response = await fetch(`${MIRROR_URL}${path}`, { ...options, headers });
  if (!response.ok) throw new MirrorRefused(response.status, await response.text());
  return response.json();
}

// An event as CloudEvents has it. With its own id it may be sent again, and counts once.
export function eventOf(type, accountId, data = {}) {
  const attributes = { specversion: "1.0", id: randomUUID(), source: "exemplary", time: new Date().toISOString() };
  return { ...attributes, type, data: { linked_account_id: accountId, ...data } };
}

export function publish(event) {
  const headers = { "content-type": "application/cloudevents+json" };
  return ask("/events", { method: "POST", headers, body: JSON.stringify(event) });
}

const accountPath = (accountId) => `/accounts/${encodeURIComponent(accountId)}`;

// Every application as the customer sees it, once what was just published is carried out, or after two seconds.
export async function integrationsOf(accountId) {
  try {
    return await ask(`${accountPath(accountId)}/integrations?wait=2`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return { integrations: [], pending: 1 }; // the sign-up is not carried out yet
  }
}

export async function configOf(accountId, slug) {
  const { configs } = await ask(`${accountPath(accountId)}/configs?${new URLSearchParams({ slug })}`);
  return configs.find((each) => each.config_id === accountId && each.status === "installed") ?? null;
}

export const tokenOf = (accountId, anew) =>
  ask(`${accountPath(accountId)}/token?ensure=true&anew=${anew}`, { method: "POST" });

async function send({ number, event }) {
  try {
    await publish(JSON.parse(event));
  } catch (error) {
    if (![400, 409].includes(error.status)) throw error;
    console.error(`an event is refused for good, so it is dropped: ${error.message}`);
  }
  removeFromOutbox(number);
}

// Sends what waits in the outbox, in its order. What cannot be sent now is sent later.
let sending = Promise.resolve();

export function sendOutbox() {
  sending = sending.then(async () => {
    try {
      for (const waiting of readOutbox()) await send(waiting);
    } catch (error) {
      console.error(`events wait in the outbox: ${error.message}`);
    }
  });
  return sending;
}

setInterval(sendOutbox, AGAIN_MS);
