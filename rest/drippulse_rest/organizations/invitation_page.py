"""The page that the link of an invitation leads to. The token stands behind the # of its address, so that only the
page's own script reads it."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from drippulse.organizations.members.invitations import PAGE as PATH

PUBLIC = {"public": True}
SCRIPT_PATH = f"{PATH}/accept.js"
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Invitation · DripPulse</title>
<link rel="icon" href="data:,">
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color: #1b1b1f }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box; font: inherit }}
input {{ margin: .25rem 0 1rem; padding: .5rem; border: 1px solid #6b7280; border-radius: .25rem }}
button {{ padding: .6rem; border: 0; border-radius: .25rem; background: #1a56db; color: #fff }}
[role=alert] {{ color: #b42318 }}
</style>
</head>
<body>
<main>
<h1>Join your team</h1>
<form id="form">
<label for="username">Username</label>
<input id="username" autocomplete="username" minlength="3" maxlength="100" required>
<label for="password">Password, 12 characters or more</label>
<input id="password" type="password" autocomplete="new-password" minlength="12" maxlength="1024" required>
<button>Accept the invitation</button>
</form>
<p id="problem" role="alert"></p>
<p id="done" role="status"></p>
<noscript><p>This page needs JavaScript. Without it, send the token behind the # of the link to
<code>POST /api/v1/team_members/accept</code> together with a username and a password.</p></noscript>
</main>
<script src="{SCRIPT_PATH}"></script>
</body>
</html>
"""
SCRIPT = """const field = (id) => document.getElementById(id);
const token = location.hash.slice(1);
if (!token) field("problem").textContent = "This link is incomplete; use it as it stands in the mail.";
field("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  field("problem").textContent = "";
  try {
    const response = await fetch("/api/v1/team_members/accept", {
      method: "POST",
      headers: {"content-type": "application/json"},
      body: JSON.stringify({token, username: field("username").value, password: field("password").value}),
    });
    const answer = await response.json();
    if (!response.ok) {
      field("problem").textContent = answer.message;
      return;
    }
    history.replaceState(null, "", location.pathname);
    field("form").hidden = true;
    field("done").textContent = `Welcome, ${answer.username}. You can log in now.`;
  } catch {
    field("problem").textContent = "The server cannot be reached right now; try again soon.";
  }
});
"""


@get(PATH, opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def invitation_page() -> Response[str]:
    """The same for everybody: it holds nothing of the invitation."""
    return Response(PAGE, media_type=MediaType.HTML, headers=HEADERS)


@get(SCRIPT_PATH, opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def invitation_script() -> Response[bytes]:
    return Response(SCRIPT.encode(), media_type="text/javascript; charset=utf-8", headers=HEADERS)


PAGES: Sequence[HTTPRouteHandler] = (invitation_page, invitation_script)
