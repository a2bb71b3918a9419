// What the page asks the app for, and connecting with Cobalt's package.

import { Cobalt } from "/sdk.js";

const TRIES = 3;
const AGAIN_MS = 2000;

export async function ask(path, sent) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`/api/${path}`, sent && { method: "POST", headers, body: JSON.stringify(sent) });
  if (!response.ok) throw new Error(response.status === 503 ? "Too Many Requests" : await response.text());
  return response.json();
}

// The window is opened by the click itself: browsers block one that the package opens after its first request.
function openWindow() {
  const opened = window.open("", "_blank", "popup,width=600,height=720");
  if (!opened) throw new Error("The browser blocked the window.");
  return opened;
}

// Calls the package with a session token: with a new one if Cobalt refuses it, and again after a while if it is busy.
async function withPackage(call) {
  for (let attempt = 1, anew = false; ; attempt += 1) {
    try {
      const { token, base_url: baseUrl } = await ask("token", { anew });
      return await call(new Cobalt({ token, baseUrl }));
    } catch (error) { // the package throws the text of the status, which HTTP/2 leaves empty
      if (attempt === TRIES || !["Unauthorized", "Too Many Requests", ""].includes(error.message)) throw error;
      anew = error.message !== "Too Many Requests";
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

// Returns whether the application is connected; false: the customer closed the window.
export async function connect(slug, type, answers) {
  const opened = type === "oauth2" ? openWindow() : null;
  const open = window.open;
  let isLed = false;
  window.open = (address) => {
    isLed = Boolean(address); // else it is a grant without a window
    if (isLed) opened.location.href = address;
    return opened;
  };
  try {
    return await withPackage((cobalt) => {
      const getApp = cobalt.getApp.bind(cobalt); // the package connects in the way that this names
      cobalt.getApp = async (name) => ({ ...(await getApp(name)), auth_type: type });
      return cobalt.connect(slug, answers);
    });
  } catch (error) {
    isLed = false;
    throw error;
  } finally {
    window.open = open;
    if (!isLed) opened?.close();
  }
}

// Has Cobalt make the settings of an application that has none yet.
export const makeSettings = (slug) => withPackage((cobalt) => cobalt.config({ slug }));
