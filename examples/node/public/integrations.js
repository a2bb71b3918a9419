// The page: a card for each application, and what its buttons and forms do.

import { ask, connect, makeSettings } from "/connecting.js";

const SETTLES_WITHIN_MS = 60_000;
const STATES = { connect: "is not connected.", connected: "is connected.", reconnect: "has to be connected again." };
// The field types for which there is an input here; the others stay as they are.
const FIELD_TYPES = ["text", "email", "url", "select"];
const cards = document.getElementById("cards");
const dialog = document.getElementById("confirm");

const pause = () => new Promise((resolve) => setTimeout(resolve, 250));
const say = (text) => { document.getElementById("status").textContent = text; };

// Makes an element. All texts are put in as texts, so nothing of Cobalt's is read as HTML.
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function button(text, label, action) {
  return make("button", { type: "button", ariaLabel: label, onclick: action }, text);
}

// One thing at a time, as there is one window.
async function act(action) {
  cards.inert = true;
  try {
    await action();
  } catch (error) {
    console.warn(error);
    say("This cannot be done now. Try again later.");
  } finally {
    cards.inert = false;
  }
}

// Waits until everything is carried out, or for a minute, and shows what the mirror then says.
async function settle(answer) {
  const ends = Date.now() + SETTLES_WITHIN_MS;
  while (answer.pending && Date.now() < ends) {
    await pause();
    answer = await ask("integrations");
  }
  cards.replaceChildren(...answer.integrations.map(cardOf));
  return answer;
}

async function settleAndSay(answer, { slug, name }) {
  const { integrations, pending } = await settle(answer);
  const now = integrations.find((each) => each.slug === slug);
  say(pending ? `${name} is still being updated.` : `${name} ${STATES[now?.state ?? "connect"]}`);
}

async function connectIn(way, application, answers) {
  const { slug, name } = application;
  say(`Connecting ${name}…`);
  const isConnected = await connect(slug, way.auth_type, answers).catch((error) => console.warn(error));
  if (!isConnected) {
    say(`${name} was not connected: the window was blocked or closed, or it did not accept this.`);
    return;
  }
  await settleAndSay(await ask("connected", { slug }), application);
}

async function disconnect(application) {
  document.getElementById("question").textContent = `Disconnect ${application.name}? Its settings are deleted.`;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "yes") return;
  say(`Disconnecting ${application.name}…`);
  await settleAndSay(await ask("disconnect", { slug: application.slug }), application);
}

function labelled(text, input) {
  return make("p", {}, make("label", {}, `${text} `, input));
}

// What the customer types in to connect, such as a key. It goes from the browser to Cobalt.
function keyForm(way, application, text) {
  const inputs = way.inputs.map(({ name, type, required }) => make("input", {
    name, type: type === "password" ? "password" : "text", required: required !== false, autocomplete: "off",
  }));
  const fields = inputs.map((input, index) => labelled(way.inputs[index].label ?? input.name, input));
  const form = make("form", { hidden: true }, ...fields, make("button", {}, text));
  form.onsubmit = (event) => {
    event.preventDefault();
    const answers = Object.fromEntries(inputs.filter((each) => each.value).map((each) => [each.name, each.value]));
    act(() => connectIn(way, application, answers));
  };
  return form;
}

function settingInput(field, value) {
  if (field.field_type !== "select") return make("input", { value: value ?? "" });
  const options = field.options.map((each) => new Option(each.name, each.value, false, each.value === value));
  return make("select", {}, new Option("", ""), ...options);
}

function settingsForm(application, { schema, fields: values }) {
  const shown = schema.fields.filter((each) => FIELD_TYPES.includes(each.field_type) && !each.multiple && !each.hidden);
  const inputs = shown.map((field) => settingInput(field, values[field.id]));
  const form = make("form", { className: "settings-form" });
  form.append(...inputs.map((input, index) => labelled(shown[index].name, input)), make("button", {}, "Save"));
  form.onsubmit = (event) => {
    event.preventDefault();
    const filled = inputs.map((input, index) => [shown[index].id, input.value.trim() || null]);
    const changed = filled.filter(([id, value]) => value !== (values[id] ?? null));
    act(() => saveSettings(application, Object.fromEntries(changed)));
  };
  return form;
}

async function openSettings(application, place) {
  const { slug } = application;
  const path = `settings?${new URLSearchParams({ slug })}`;
  let config = await ask(path);
  if (config === null) { // made by the package, and read by a worker
    await makeSettings(slug);
    await settle(await ask("settings", { slug, fields: {} }));
    config = await ask(path);
  }
  if (config === null) throw new Error("the settings are not here yet");
  document.getElementById(place).replaceChildren(settingsForm(application, config));
}

// A worker has Cobalt save them; they are saved if the mirror then has them.
async function saveSettings({ slug, name }, fields) {
  say(`Saving the settings of ${name}…`);
  const { pending } = await settle(await ask("settings", { slug, fields }));
  const config = await ask(`settings?${new URLSearchParams({ slug })}`);
  const isSaved = Object.entries(fields).every(([id, value]) => (config?.fields[id] ?? null) === value);
  if (isSaved) say(`The settings of ${name} are saved.`);
  else say(pending ? `${name} is still being updated.` : `The settings of ${name} could not be saved.`);
}

function waysOf(application) {
  const verb = application.state === "reconnect" ? "Reconnect" : "Connect";
  const isOneOfSeveral = application.auth_types.length > 1;
  return application.auth_types.flatMap((way) => {
    const means = way.auth_type === "oauth2" ? " by signing in" : " with a key";
    const how = isOneOfSeveral ? means : "";
    const label = `${verb} ${application.name}${how}`;
    if (!way.inputs?.length) return [button(verb + how, label, () => act(() => connectIn(way, application)))];
    const form = keyForm(way, application, verb);
    return [button(verb + how, label, () => { form.hidden = !form.hidden; }), form];
  });
}

function cardOf(application) {
  const { slug, name, state, icon } = application;
  const place = `settings-of-${slug}`;
  const card = make("li", { className: "card" }, make("h2", {}, name), make("p", {}, `${name} ${STATES[state]}`));
  Object.assign(card.dataset, { slug, state });
  if (icon) card.prepend(make("img", { src: icon, alt: "", width: 40, height: 40 }));
  if (state !== "connected") card.append(...waysOf(application));
  if (state === "connect") return card;
  card.append(
    button("Settings", `Settings of ${name}`, () => act(() => openSettings(application, place))), " ",
    button("Disconnect", `Disconnect ${name}`, () => act(() => disconnect(application))),
    make("div", { id: place }),
  );
  return card;
}

// The catalogue is there once the first customer is at Cobalt. Until then, or if the mirror does not answer, ask again.
say("The applications that you can connect will be here in a moment.");
for (let isThere = false; !isThere; await pause()) {
  try {
    isThere = (await settle(await ask("integrations"))).integrations.length > 0;
  } catch (error) {
    console.warn(error);
  }
}
say("");
