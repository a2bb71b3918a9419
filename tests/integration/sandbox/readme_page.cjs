// Runs the README's page with the package that its `npm install` gives, in Node. PAGE is the page's script; the host's
// handlers are made up: a token is refused unless it is minted anew. The customer consents in the window of an OAuth
// application, and Cobalt answers the first question whether they have done so with 429. Prints what `connect` returned.

const wait = globalThis.setTimeout;
globalThis.setTimeout = (done, ms, ...given) => wait(done, ms === 2000 ? 0 : ms, ...given); // the page's, not Node's own
const repeat = globalThis.setInterval;
globalThis.setInterval = (ask) => repeat(ask, 10); // the package asks every 3 s
const ask = globalThis.fetch;
const opened = [];
let refusals = 1;
globalThis.window = {
  open(address) {
    opened.push(address);
    const form = new URLSearchParams({ ...Object.fromEntries(new URL(address).searchParams), decision: "allow" });
    ask(new URL("/consent", address), { method: "POST", body: form });
    return { closed: false, close() {} };
  },
};
const minted = [];
globalThis.fetch = async (address, options) => {
  if (address.startsWith("/cobalt-token")) {
    minted.push(address);
    const token = address.endsWith("?anew=true") ? process.env.TOKEN : "revoked";
    return Response.json({ token, base_url: process.env.BASE_URL });
  }
  if (opened.length && refusals && address.endsWith("/application/slack")) {
    refusals -= 1;
    return new Response("", { status: 429, statusText: "Too Many Requests" });
  }
  return address.startsWith("/connected/") ? new Response("") : ask(address, options);
};

async function main() {
  const { connect } = await import(process.env.PAGE);
  const connected = await connect("hubspot", { access_token: "k" }, "keybased");
  const refused = await connect("stripe", { secret_key: "invalid" }).catch((error) => error.message);
  const consented = await connect("slack");
  process.stdout.write(JSON.stringify({ connected, refused, consented, minted, refusals, windows: opened.length }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
