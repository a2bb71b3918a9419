// Connects an application with the vendor's SDK: @cobaltio/cobalt-js 8 (class Cobalt) or @refoldai/refold-js 10 (Refold).

import * as sdk from "./sdk.js";
import { post, Told } from "./cards.js";

const TRIES = 3;
const AGAIN_MS = 2000;
export const isRefold = Boolean(sdk.Refold);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What Cobalt answered: Refold throws its body, Cobalt the text of the status, which HTTP/2 leaves empty.
function statusOf(error) {
  const codes = { Unauthorized: 401, "Too Many Requests": 429 };
  return error.status_code ?? error.status ?? codes[error.message] ?? (error.message === "" ? 0 : 500);
}

// Calls the SDK with a session token: with a new one if Cobalt refuses it, and once more after a while if it is busy.
export async function withSdk(call) {
  for (let attempt = 1, anew = false; ; attempt += 1) {
    try {
      const { token, base_url: baseUrl } = await post("token", { anew });
      return await call(new (sdk.Refold ?? sdk.Cobalt)({ token, baseUrl }));
    } catch (error) {
      const code = statusOf(error);
      if (attempt === TRIES || ![0, 401, 429, 503].includes(code)) throw error;
      anew = code === 401 || code === 0;
      if (code !== 401) await pause(AGAIN_MS);
    }
  }
}

// Cobalt's class asks for the application every 3 s, and gives up at the first error; and it connects in the one way
// that the answer names.
function asCobalt(client, authType) {
  const getApp = client.getApp.bind(client);
  client.getApp = async (slug) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { ...(await getApp(slug)), auth_type: authType };
      } catch (error) {
        if (attempt === TRIES || statusOf(error) === 401) throw error;
        await pause(AGAIN_MS);
      }
    }
  };
  return client;
}

function connectWith(client, { slug, authType, connectionId, answers }) {
  if (isRefold) return client.connect({ slug, type: authType, connectionId, payload: answers });
  return asCobalt(client, authType).connect(slug, answers);
}

// The window is opened by the click itself: one that the SDK opened after its first request would be blocked.
function openWindow() {
  const opened = window.open("", "_blank", "popup,width=600,height=720");
  if (!opened) throw new Told("The browser blocked the window. Allow pop-ups for this site, then try again.");
  return opened;
}

// Returns whether the application is connected; false: the customer closed the window.
export async function connect(wanted) {
  if (!wanted.opensWindow) return withSdk((client) => connectWith(client, wanted));
  const opened = openWindow();
  const open = window.open;
  let isLed = false;
  window.open = (address) => {
    isLed = Boolean(address);
    if (isLed) opened.location.href = address;
    else opened.close(); // a grant without a window
    return opened;
  };
  try {
    return await withSdk((client) => connectWith(client, wanted));
  } catch (error) {
    opened.close();
    throw error;
  } finally {
    window.open = open;
    if (!isLed) opened.close();
  }
}

// Has Cobalt make the settings of an application that was never set up, with their fields.
export async function prepareSettings(slug, connectionId) {
  await withSdk((client) => client.config({ slug, ...(connectionId && { connection_id: connectionId }) }));
  await post("prepared", { slug, connection_id: connectionId });
}
