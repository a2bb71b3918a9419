// The app's own page, as HTML.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (each) => ENTITIES[each]);

function noticeItem({ type, slug, reconnect_url: url }) {
  if (type === "connection.reauth_required") {
    const link = `<a href="${escape(url ?? "/integrations")}">reconnect</a>`;
    return `<li>${escape(slug)} has to be connected again: ${link}</li>`;
  }
  if (type === "connection.recovered") return `<li>${escape(slug)} works again.</li>`;
  return `<li>${escape(type)} ${escape(slug)}</li>`;
}

const signedIn = (user, notices) => `
<p>You are signed in as ${escape(user.email)} of ${escape(user.company)}.</p>
<p><a href="/integrations">Integrations</a></p>
<h2>Notices</h2>
<ul id="notices">${notices.map(noticeItem).join("\n") || "<li>There are none.</li>"}</ul>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<form method="post" action="/leave"><button>Delete my account</button></form>`;

const forms = `
<form method="post" action="/sign-up">
<h2>Sign up</h2>
<p><label>Company <input name="company" required maxlength="200" autocomplete="organization"></label></p>
<p><label>E-mail <input name="email" type="email" required maxlength="200" autocomplete="email"></label></p>
<p><label>Password <input name="password" type="password" required autocomplete="new-password"></label></p>
<button>Sign up</button>
</form>
<form method="post" action="/sign-in">
<h2>Sign in</h2>
<p><label>E-mail <input name="email" type="email" required autocomplete="email"></label></p>
<p><label>Password <input name="password" type="password" required autocomplete="current-password"></label></p>
<button>Sign in</button>
</form>`;

export const homePage = ({ user, notices = [], problem }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Exemplary</title>
</head>
<body>
<main>
<h1>Exemplary</h1>
${problem ? `<p role="alert">${escape(problem)}</p>` : ""}
${user ? signedIn(user, notices) : forms}
</main>
</body>
</html>
`;
