// Runs the README's page with the package that its `npm install` gives, in Node. PAGE is the page's script; the host's
// handlers are made up: a token is refused unless it is minted anew. Prints what `connect` returned.

const wait = globalThis.setTimeout;
globalThis.setTimeout = (done, ms, ...given) => wait(done, ms === 2000 ? 0 : ms, ...given); // the page's, not Node's own
const ask = globalThis.fetch;
const minted = [];
globalThis.fetch = async (address, options) => {
  if (address.startsWith("/cobalt-token")) {
    minted.push(address);
    const token = address.endsWith("?anew=true") ? process.env.TOKEN : "revoked";
    return Response.json({ token, base_url: process.env.BASE_URL });
  }
  return address.startsWith("/connected/") ? new Response("") : ask(address, options);
};

async function main() {
  const { connect } = await import(process.env.PAGE);
  const connected = await connect("hubspot", { access_token: "k" }, "keybased");
  const refused = await connect("stripe", { secret_key: "invalid" }).catch((error) => error.message);
  process.stdout.write(JSON.stringify({ connected, refused, minted }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
