"""The few pages that a person sees: the consent of a maker, a refusal, and what this is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from sleepbalance.sandbox.people import Person

if TYPE_CHECKING:
    from sleepbalance.sandbox.parts import Part

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --go: #2f6fed; }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; padding: 1rem; }
main { max-width: 34rem; margin: 4vh auto; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
.note { background: var(--soft); border-left: .25rem solid var(--go); padding: .5rem .75rem; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: .75rem; }
legend { font-weight: 600; padding: 0 .35rem; }
label { display: flex; gap: .6rem; padding: .3rem 0; align-items: baseline; }
small { opacity: .75; overflow-wrap: anywhere; }
button { font: inherit; padding: .55rem 1.4rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: inherit; }
button[value=allow] { background: var(--go); border-color: var(--go); color: #fff; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--go);
  outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
code { font-size: .9em; overflow-wrap: anywhere; }
"""


def whole_page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def persons(people: Iterable[Person]) -> str:
    """One of them is to be chosen."""
    return "".join(
        f'<label><input type="radio" name="person" value="{escape(p.id)}"'
        f"{' checked' if p.id == '1' else ''}><span>{escape(p.name)} "
        f"<small>person {escape(p.id)}, {escape(p.zone)}</small></span></label>"
        for p in people
    )


def consent_page(
    maker: str,
    scopes: Mapping[str, str],
    asked: Mapping[str, str],
    people: Iterable[Person],
    unticked: Collection[str] = (),
) -> str:
    """Who signs in, and what the app may see. It posts to the address it came from."""
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(scope)}"'
        f"{'' if scope in unticked else ' checked'}>"
        f"<span>{escape(scopes[scope])}<br><small>{escape(scope)}</small></span></label>"
        for scope in dict.fromkeys(asked["scope"].split())
    )
    app = escape(asked["redirect_uri"])
    return whole_page(
        f"Sign in: {maker} (sandbox)",
        f"<h1>May an app read your {escape(maker)} data?</h1>"
        '<p class="note">This is the sandbox. Nobody here is real, and no maker hears of it.</p>'
        f"<p>Afterwards you go back to <code>{app}</code>.</p>"
        '<form method="post">'
        f"<fieldset><legend>Who are you?</legend>{persons(people)}</fieldset>"
        f"<fieldset><legend>What may it see?</legend>{boxes}</fieldset>"
        '<button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></form>',
    )


def error_page(maker: str, why: str) -> str:
    kind, _, words = why.partition(": ")
    return whole_page(
        "Access blocked",
        f"<h1>Access blocked: the request for {escape(maker)} is not valid</h1>"
        f"<p>{escape(words)}</p><p><small>Error 400: {escape(kind)}</small></p>",
    )


def front_page(address: str, people: Iterable[Person], parts: Iterable[Part]) -> str:
    rows = "".join(
        f"<tr><td>{escape(p.id)}</td><td>{escape(p.name)}</td><td>{escape(p.zone)}</td>"
        f"<td>{p.began}</td>"
        f'<td><a href="/-/people/{escape(p.id)}/nights">nights</a></td></tr>'
        for p in people
    )
    makers = "".join(
        f"<h2>{escape(part.name)}</h2><ul>"
        + "".join(f"<li><code>{escape(f'/{part.id}{path}')}</code></li>" for path in part.look_at)
        + "</ul>"
        for part in parts
    )
    links = "".join(
        f'<li><a href="/-/{name}"><code>/-/{name}</code></a> {words}</li>'
        for name, words in (
            ("clock", "what time it is here"),
            ("people", "who there is"),
            ("faults", "what goes wrong on purpose"),
            ("settings", "how the makers behave"),
            ("requests", "what was asked so far"),
        )
    )
    return whole_page(
        "SleepBalance sandbox",
        "<h1>The sandbox: makers of wearables, played on your computer</h1>"
        '<p class="note">Nobody here is real. Every night is made up, and the same seed makes the '
        "same nights.</p>"
        "<p>Point SleepBalance at it with "
        f"<code>SLEEPBALANCE_SANDBOX_URL={escape(address)}</code>; "
        "client id and secret are both <code>sandbox</code>.</p>"
        f"<table><tr><th>Id</th><th>Name</th><th>Zone</th><th>Since</th><th>Truth</th></tr>{rows}"
        f"</table>{makers}<h2>To look at and to change</h2><ul>{links}</ul>",
    )
