// The page: what its buttons and forms do.

import { announce, describe, LATER, post, refresh, settle, Told } from "./cards.js";
import { connect, isRefold } from "./connecting.js";
import { clearErrors, closeSettings, focusFirstError, openSettings, saveSettings, showError } from "./settings.js";

const AGAIN_MS = 2000;
const list = document.getElementById("cards");
const dialog = document.getElementById("confirm");
let busyWith = null; // the name of the application that something is done with

// Runs one action at a time, as there is one window; `form` is where an error is shown.
async function act(card, action, form) {
  if (busyWith !== null) {
    announce(`Something is still being done with ${busyWith}. Wait until that is finished.`);
    return;
  }
  busyWith = card.dataset.name;
  card.setAttribute("aria-busy", "true");
  try {
    await action();
  } catch (error) {
    const text = error instanceof Told ? error.message : LATER;
    announce(form?.isConnected ? "" : text, { stays: true });
    if (form?.isConnected) form.querySelector(".form-error").textContent = text;
  } finally {
    busyWith = null;
    const now = [...list.children].find((each) => each.dataset.slug === card.dataset.slug);
    if (now && !now.querySelector(".pending")) now.removeAttribute("aria-busy");
  }
}

async function connectCard(card, control, { answers, form } = {}) {
  const { slug, name } = card.dataset;
  const authType = control.dataset.authType;
  const opensWindow = control.dataset.window === "yes";
  const connectionId = control.closest("[data-connection]")?.dataset.connection || undefined;
  announce(opensWindow ? `Go on in the window of ${name}. Close it to cancel.` : `Connecting ${name}…`, { stays: true });
  let isConnected = false;
  try {
    isConnected = await connect({ slug, authType, connectionId, answers, opensWindow });
  } catch (error) {
    if (!form || error instanceof Told) throw error;
    throw new Told(`${name} did not accept this. Check what you typed in, and try again.`);
  }
  if (!isConnected) {
    await refresh({ slug, inUse: true });
    announce(`${name} was not connected: the window was closed, or it did not accept this.`);
    return;
  }
  if (form) form.dataset.sent = "yes";
  await post("connected", { slug, auth_type: authType, connection_id: connectionId ?? "" });
  announce(describe(await settle(slug)));
}

function submitKeyForm(card, form) {
  clearErrors(form);
  const inputs = [...form.querySelectorAll("input")];
  for (const each of inputs) {
    if (each.required && !each.value.trim()) {
      showError(each.closest(".field"), `${form.querySelector(`label[for="${each.id}"]`).textContent} is required.`);
    }
  }
  if (form.querySelector("[aria-invalid]")) {
    focusFirstError(form);
    return;
  }
  const answers = Object.fromEntries(inputs.filter((each) => each.value).map((each) => [each.name, each.value]));
  act(card, () => connectCard(card, form, { answers, form }), form);
}

function isConfirmed(name) {
  dialog.querySelector("[data-name]").textContent = name;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

async function disconnect(card, connectionId) {
  const { slug, name } = card.dataset;
  if (!(await isConfirmed(name))) return;
  announce(`Disconnecting ${name}…`);
  await post("disconnect", { slug, connection_id: connectionId });
  if (card.querySelector(".settings").firstElementChild) closeSettings(card);
  announce(describe(await settle(slug)));
}

function toggleKeyForm(card, button) {
  const form = document.getElementById(button.getAttribute("aria-controls"));
  form.hidden = !form.hidden;
  button.setAttribute("aria-expanded", String(!form.hidden));
  if (!form.hidden) form.querySelector("input").focus();
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button) return;
  const card = button.closest(".card");
  const connectionId = button.closest("[data-connection]")?.dataset.connection ?? "";
  const actions = {
    connect: () => act(card, () => connectCard(card, button)),
    disconnect: () => act(card, () => disconnect(card, connectionId)),
    configure: () => act(card, () => openSettings(card.dataset.slug, connectionId)),
    "open-key-form": () => toggleKeyForm(card, button),
    "close-settings": () => closeSettings(card),
  };
  actions[button.dataset.action]();
});

list.addEventListener("submit", (event) => {
  event.preventDefault();
  const card = event.target.closest(".card");
  if (event.target.matches(".key-form")) submitKeyForm(card, event.target);
  else act(card, () => saveSettings(event.target), event.target);
});

// An icon that cannot be loaded is replaced by the first letter. The event does not bubble, so it is caught on its way.
function replaceIcon(image) {
  const letter = document.createElement("span");
  letter.className = "icon";
  letter.setAttribute("aria-hidden", "true");
  letter.textContent = image.closest(".card").dataset.name.slice(0, 1);
  image.replaceWith(letter);
}

list.addEventListener("error", (event) => {
  if (event.target.matches?.("img.icon")) replaceIcon(event.target);
}, true);
for (const image of list.querySelectorAll("img.icon")) {
  if (image.complete && image.naturalWidth === 0) image.src = image.src; // perhaps it failed before: load it again
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && busyWith === null) refresh().catch(() => {});
});

async function begin() {
  document.body.dataset.sdk = isRefold ? "refold" : "cobalt";
  while (list.children.length === 0) {
    await refresh({ wait: true });
    if (list.children.length === 0) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  for (const card of list.querySelectorAll("[aria-busy]")) settle(card.dataset.slug).catch(() => {});
}

begin().catch((error) => announce(error instanceof Told ? error.message : LATER));
