// Stands for `@refoldai/refold-js` 10, which is not on npm: its class and calls as Cobalt's documentation has them.

class Refold {
  constructor({ token, baseUrl }) {
    Object.assign(this, { token, baseUrl });
  }

  async ask(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const answer = await fetch(`${this.baseUrl}${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw await answer.json();
    return answer.json();
  }

  getApp(slug) {
    return this.ask("GET", `/api/v2/f-sdk/application/${slug}`);
  }

  async connect({ slug, type, connectionId, payload }) {
    const body = { ...payload, ...(connectionId && { connection_id: connectionId }) };
    if (type === "keybased") return (await this.ask("POST", `/api/v2/app/${slug}/save`, body)).success;
    const marks = async () => new Set(
      (await this.getApp(slug)).connected_accounts.map((each) => `${each.connection_id} ${each.connectedAt}`),
    );
    const before = await marks();
    const { auth_url: address, connected } = await this.ask("POST", `/api/v1/${slug}/integrate`, body);
    if (!address) return connected;
    const opened = window.open(address);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if ([...(await marks())].some((each) => !before.has(each))) {
        opened.close();
        return true;
      }
      if (opened.closed) return false;
    }
  }

  config(payload) {
    return this.ask("POST", "/api/v2/f-sdk/config", payload);
  }
}

exports.Refold = Refold;
