// The form for the settings of an application: only what the customer changed is sent.

import { announce, cardOf, describe, get, post, settle, Told } from "./cards.js";
import { prepareSettings } from "./connecting.js";

async function formOf(slug, connectionId) {
  try {
    return await get("settings", { slug, connection_id: connectionId });
  } catch (error) {
    if (error.status !== 404) throw error;
    return null;
  }
}

export async function openSettings(slug, connectionId) {
  announce("Loading the settings…");
  let html = await formOf(slug, connectionId);
  if (html === null) {
    await prepareSettings(slug, connectionId);
    await settle(slug);
    html = await formOf(slug, connectionId);
  }
  if (html === null) throw new Told("The settings are not here yet. Try again in a moment.");
  const form = show(slug, html);
  form.querySelector("h3").focus();
  announce("");
}

function show(slug, html) {
  const place = cardOf(slug).querySelector(".settings");
  place.innerHTML = html; // made by our server, which escapes everything
  place.hidden = false;
  return place.firstElementChild;
}

export function closeSettings(card) {
  const place = card.querySelector(".settings");
  place.replaceChildren();
  place.hidden = true;
  (card.querySelector('[data-action="configure"]') ?? card.querySelector("h2")).focus();
}

function isChanged(control) {
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.tagName === "SELECT") return [...control.options].some((each) => each.selected !== each.defaultSelected);
  return control.value !== control.defaultValue;
}

// A select of which no option was chosen by the server shows the first one, which is the empty one.
function isUntouched(control) {
  const options = [...(control.options ?? [])];
  return options.length > 0 && !options.some((each) => each.defaultSelected) && control.value === "";
}

function valuesOf(controls) {
  return controls.filter((each) => each.type !== "checkbox" || each.checked).map((each) => each.value);
}

function answersOf(form) {
  const answers = [];
  for (const field of form.querySelectorAll("[data-field]")) {
    const controls = [...field.querySelectorAll("input, select, textarea")];
    if (controls.some((each) => isChanged(each) && !isUntouched(each))) {
      const { field: name, workflow = null } = field.dataset;
      answers.push({ workflow, field: name, values: valuesOf(controls) });
    }
  }
  return answers;
}

function enabledOf(form) {
  const changed = [...form.querySelectorAll("[data-enables]")].filter(isChanged);
  return Object.fromEntries(changed.map((each) => [each.dataset.enables, each.checked]));
}

export function clearErrors(form) {
  for (const each of form.querySelectorAll(".error")) each.textContent = "";
  for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

export function showError(field, message) {
  field.querySelector(".error").textContent = message;
  for (const each of field.querySelectorAll("input, select, textarea")) each.setAttribute("aria-invalid", "true");
}

export function focusFirstError(form) {
  form.querySelector("[aria-invalid]")?.focus();
}

function showErrors(form, errors) {
  const fields = [...form.querySelectorAll("[data-field]")];
  for (const { workflow, field, message } of errors) {
    const place = fields.find((each) => each.dataset.field === field && (each.dataset.workflow ?? null) === workflow);
    if (place) showError(place, message);
  }
  focusFirstError(form);
}

export async function saveSettings(form) {
  const card = form.closest(".card");
  const { slug, name } = card.dataset;
  const connectionId = form.dataset.connection;
  clearErrors(form);
  announce(`Saving the settings of ${name}…`);
  try {
    await post("settings", { slug, connection_id: connectionId, answers: answersOf(form), enabled: enabledOf(form) });
  } catch (error) {
    if (error.status !== 422) throw error;
    showErrors(form, error.errors);
    announce(`Nothing was saved: ${error.errors.length} of the settings cannot be saved.`);
    return;
  }
  await showSaved(slug, connectionId, await settle(slug));
}

async function showSaved(slug, connectionId, card) {
  if (!card || card.pending || card.problem) {
    announce(describe(card));
    return;
  }
  const html = await formOf(slug, connectionId);
  const form = html === null ? null : show(slug, html);
  if (form && Number(form.dataset.faults) > 0) {
    focusFirstError(form);
    announce(`Saved. ${form.dataset.faults} of the settings of ${card.name} have to be corrected.`);
    return;
  }
  closeSettings(cardOf(slug));
  announce(`The settings of ${card.name} are saved.`);
}
