// Calls every public method of the vendor's browser SDK against a sandbox, and prints what each one returned as JSON.
// The environment has BASE_URL and TOKEN; the package is found through NODE_PATH. What a browser has beyond Node is a
// window: here it is a customer who consents. The SDK polls every 3 s; here it does so as fast as it can.

const { Cobalt } = require("@cobaltio/cobalt-js");

const wait = setInterval;
globalThis.setInterval = (poll) => wait(poll, 10);

function windowOf(decision) {
  return {
    open(address) {
      const page = { closed: false, close() { this.closed = true; } };
      const form = new URL(address).searchParams;
      form.set("decision", decision);
      fetch(new URL("/consent", address), { method: "POST", body: form }).then(() => {
        page.closed = decision === "deny";
      });
      return page;
    },
  };
}

async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    return error.message;
  }
  return null;
}

async function main() {
  const called = new Set();
  for (const name of Object.getOwnPropertyNames(Cobalt.prototype)) {
    const method = Cobalt.prototype[name];
    if (name !== "constructor") {
      Cobalt.prototype[name] = function (...given) {
        called.add(name);
        return method.apply(this, given);
      };
    }
  }
  const cobalt = new Cobalt({ baseUrl: process.env.BASE_URL, token: process.env.TOKEN });
  const workflow = { id: "slack_notify", enabled: true, fields: { template: "Hi" } };
  const results = {};

  results.account = await cobalt.getAccountDetails();
  results.applications = (await cobalt.getApp()).map((application) => application.slug);
  results.inputs = (await cobalt.getApp("stripe")).auth_input_map;
  globalThis.window = windowOf("deny");
  results.denied = await cobalt.connect("slack");
  globalThis.window = windowOf("allow");
  results.consented = await cobalt.connect("slack");
  results.consentedWithFields = await cobalt.connect("zendesk", { subdomain: "acme" });
  results.saved = await cobalt.connect("stripe", { secret_key: "s3cret" });
  results.connected = (await cobalt.getApp("slack")).connected;
  results.created = await cobalt.config({ slug: "slack", labels: [{ name: "Name", value: "name" }] });
  results.updated = await cobalt.updateConfig({ slug: "slack", fields: { channel: "general" }, workflows: [workflow] });
  results.read = await cobalt.getConfig("slack");
  await cobalt.config({ slug: "slack", config_id: "second" });
  results.second = (await cobalt.getConfig("slack", "second")).config_id;
  results.deletedSecond = await cobalt.deleteConfig("slack", "second");
  results.deleted = await cobalt.deleteConfig("slack");
  results.disconnected = (await cobalt.disconnect("zendesk")) === undefined;

  results.errors = {
    refusedKey: await errorOf(() => cobalt.connect("stripe", { secret_key: "invalid" })),
    absentConfig: await errorOf(() => cobalt.getConfig("slack")),
    unknownApplication: await errorOf(() => cobalt.getApp("nosuch")),
    wrongToken: await errorOf(() => new Cobalt({ baseUrl: process.env.BASE_URL, token: "x" }).getApp()),
  };
  results.called = [...called].sort();
  results.methods = Object.getOwnPropertyNames(Cobalt.prototype).filter((name) => name !== "constructor").sort();
  process.stdout.write(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
