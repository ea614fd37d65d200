"""The sign-in page of the demo: two fields, the demo accounts, no script."""

from html import escape
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, Response

from lib.core.settings import ROOT
from lib.demo.staff import ACCOUNTS, PASSWORD

# `form-action` holds for the redirects after the form too; they stay on this origin.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
ICON: Final = (ROOT / "lib" / "ui" / "assets" / "icon.svg").read_bytes()

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in · Better Together admin</title>
<link rel="icon" href="/idp/icon.svg">
<link rel="stylesheet" href="/idp/style.css">
</head>
<body>
<main>
<header><img src="/idp/icon.svg" alt="" width="40" height="40"><h1>Better Together admin</h1></header>
{problem}
<form method="post">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" value="{email}" autocomplete="username" required
 maxlength="254" {focus_email}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="200" {focus_password}>
<button type="submit">Sign in</button>
</form>
<section aria-labelledby="demo">
<h2 id="demo">Demo accounts</h2>
<p>This demo runs on this machine only. The password of every account is <code>{password}</code>.</p>
<ul>
{accounts}
</ul>
</section>
</main>
</body>
</html>
"""

STYLE: Final = """\
:root {
  color-scheme: light dark;
  --page: #f8f5f6; --card: #ffffff; --text: #2a2228; --soft: #6b5f67; --line: #d9cfd4; --accent: #ad2a55;
  --accent-strong: #8f1f44; --tint: #fbeef2; --problem: #9b1c1c; --problem-tint: #fdecec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #171417; --card: #211c20; --text: #ece6ea; --soft: #b9adb5; --line: #453b42; --accent: #cf3f70;
    --accent-strong: #b83361; --tint: #33232b; --problem: #ffb4b4; --problem-tint: #401f22;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main {
  width: 100%; max-width: 26rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem;
}
header { display: flex; align-items: center; gap: .75rem; margin-bottom: 1.25rem; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .25rem; }
form { display: grid; gap: .375rem; }
label { font-weight: 600; font-size: .9rem; }
input, button { font: inherit; padding: .6rem .75rem; border-radius: .5rem; width: 100%; }
input { background: var(--page); color: inherit; border: 1px solid var(--soft); margin-bottom: .625rem; }
button {
  background: var(--accent); color: #fff; border: 0; font-weight: 600; cursor: pointer; margin-top: .25rem;
}
button:hover { background: var(--accent-strong); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
section { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
section p { margin: 0 0 .75rem; font-size: .9rem; color: var(--soft); }
code {
  background: var(--tint); color: var(--text); padding: .1rem .35rem; border-radius: .25rem;
  white-space: nowrap;
}
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .375rem; }
li a {
  display: block; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  color: inherit; text-decoration: none;
}
li a:hover, li a[aria-current] { background: var(--tint); border-color: var(--accent); }
li strong { display: block; font-weight: 600; font-size: .95rem; }
li small { color: var(--soft); }
.problem {
  margin: 0 0 1rem; padding: .625rem .75rem; border-radius: .5rem;
  background: var(--problem-tint); color: var(--problem);
}
"""


def page(query: QueryParams, *, email: str = "", problem: str = "", status: int = 200) -> Response:
    """The page. A demo account is a link back to it with the address filled in (`login_hint`)."""
    known = email or query.get("login_hint", "")
    html = _PAGE.format(
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        email=escape(known),
        focus_email="" if known else "autofocus",
        focus_password="autofocus" if known else "",
        password=escape(PASSWORD),
        accounts="\n".join(_account(query, known, *line) for line in _lines()),
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


def _lines() -> list[tuple[str, str]]:
    return [(account.email, f"{account.name}: {account.purpose}") for account in ACCOUNTS]


def _account(query: QueryParams, known: str, email: str, what: str) -> str:
    address = escape(f"?{urlencode({**dict(query), 'login_hint': email})}")
    current = ' aria-current="true"' if email == known else ""
    words = f"<strong>{escape(email)}</strong><small>{escape(what)}</small>"
    return f'<li><a href="{address}"{current}>{words}</a></li>'
