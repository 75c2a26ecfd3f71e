"""The page of servers: what each section says is what makes it work, with a stub that answers as that server does."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tests.support.certificates import write_certificate
from tests.support.document import API, ID, blocks
from tests.support.document_run import ROOT, run
from tests.support.odd_servers import HOSTS, servers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
FIRST = 'os.environ["REFRESH_TOKEN"]'
SIGN_IN = "await tokens.sign_in(person)\n"
IN_A_BROWSER = """
from aio_token.grants import WebSignIn

web_sign_in = WebSignIn(endpoint, "https://app.example/registered")
begun = await web_sign_in.begin()
async with ClientSession() as browser, browser.get(begun.address, allow_redirects=False) as sent_back:
    query = sent_back.headers["Location"].partition("?")[2]
assert "client_id=ca_app" in begun.address
await tokens.sign_in(await web_sign_in.finish(query, begun.state))
"""
ENDS_ALL = ", revocation_ends_grant=True"

AT_ONCE, LATER, PERSON, API_SAYS_NO = "ConfigurationError", "ServerUnavailable", "SignInRequired", "AssertionError"

# What makes it work, what stands there without, and how it fails then. GitHub, Spotify and Discord need nothing but
# their addresses.
VALUES = {
    "Entra ID": [
        (", audience=provider.token_endpoint_url", "", AT_ONCE),
        (", certificate=certificate", "", AT_ONCE),
        (".default", "User.Read", AT_ONCE),
    ],
    "Google": [('"access_type": "offline", ', "", PERSON)],
    "Auth0": [(', audience="https://orders.example"', "", AT_ONCE), ("auth0.com/", "auth0.com", AT_ONCE)],
    "Okta": [
        (", audience=provider.token_endpoint_url", "", AT_ONCE),
        (', scope="okta.users.read"', "", AT_ONCE),
    ],
    "Cognito": [(', dialect=Dialect(places={"access_token": "id_token"})', "", API_SAYS_NO)],
    "Slack": [
        ('bearer_types=["bot", "user"],', "", AT_ONCE),
        (", renew_on=is_dead", "", API_SAYS_NO),
    ],
    "Salesforce": [('(await tokens.token()).extra["instance_url"]', '"https://login.salesforce.com"', API_SAYS_NO)],
    "Zoom": [
        ('dialect=Dialect(grant_types={"client_credentials": "account_credentials"}),', "", AT_ONCE),
        ('"account_id"', '"id"', AT_ONCE),
    ],
    "Reddit": [
        ("transport=Transport(headers=headers),", "", LATER),
        ("headers=headers, middlewares", "middlewares", API_SAYS_NO),
    ],
    "Stripe Apps": [(", renew_on={401}", "", API_SAYS_NO), ("{self.key}:", "{self.client_id}:", AT_ONCE)],
    "Shopify": [('header="X-Shopify-Access-Token", ', "", API_SAYS_NO), (', prefix=""', "", API_SAYS_NO)],
}


def sections() -> dict[str, str]:
    """Return the first block of each section, by its heading."""
    found = (section.partition("\n") for section in PAGE.split("\n## ")[1:])
    return {heading: next(blocks(text, "python"))[2] for heading, _, text in found}


def ends_with(error: str, block: str, of: str) -> str:
    """Return a block that ends with this error, or fails."""
    return (
        "```python\nfrom aio_token import ConfigurationError, ServerUnavailable, SignInRequired\n"
        f"try:\n{textwrap.indent(block, '    ')}"
        f"except {error}:\n    pass\nelse:\n    raise SystemExit({f'{of}: it works'!r})\n```\n"
    )


def outcome(directory: Path, *parts: str) -> str:
    """Run a document of these parts; return what it says, "" if nothing failed."""
    document = directory / "parts.md"
    document.write_text("\n".join(parts), encoding="utf-8")
    certificates = write_certificate(directory, ID, API, *HOSTS)
    done = run(document, certificates, directory)
    return done.stderr if done.returncode else ""


def changed(block: str, changes: Mapping[str, str]) -> str:
    """Return a block with other texts in it, each of which it has had."""
    for old, new in changes.items():
        assert old in block
        block = block.replace(old, new)
    return block


def test_every_server_of_the_page_has_a_stub() -> None:
    """No section runs against what does not answer as its server; Keycloak's is the kit's, and a real one elsewhere."""
    assert list(sections()) == ["Keycloak", *servers()]
    assert set(VALUES) | {"GitHub", "Spotify", "Discord"} == set(servers())


def test_without_its_value_no_section_works(tmp_path: Path) -> None:
    """What a section says is needed: the stub refuses what the server would refuse without it."""
    page = sections()
    for turn in range(max(map(len, VALUES.values()))):  # a stub's first refresh token is good for one of them
        parts = [
            ends_with(error, changed(page[of], {old: new}), f"{of} without {old}")
            for of, values in VALUES.items()
            for old, new, error in values[turn : turn + 1]
        ]
        assert outcome(tmp_path, *parts) == ""


def test_a_value_that_is_not_needed_is_noticed(tmp_path: Path) -> None:
    """The measure itself: a section that works, or ends in another way, counts as a failure."""
    github = sections()["GitHub"]
    assert "GitHub: it works" in outcome(tmp_path, ends_with(PERSON, github, "GitHub"))
    over = changed(github, {FIRST: '"over"'})
    assert "GrantRefused" in outcome(tmp_path, ends_with(AT_ONCE, over, "GitHub"))


def test_each_end_of_a_session_is_understood(tmp_path: Path) -> None:
    """However a server says that a refresh token is dead: a person has to sign in."""
    over = {of: changed(block, {FIRST: '"over"'}) for of, block in sections().items() if FIRST in block}
    assert {"GitHub", "Slack", "Reddit", "Salesforce", "Stripe Apps"} < set(over)
    assert outcome(tmp_path, *(ends_with(PERSON, block, of) for of, block in over.items())) == ""


def test_a_second_sign_in_survives_where_one_revocation_ends_all(tmp_path: Path) -> None:
    """A person who signs in again at Google keeps the new session; without the value it ends with the old one."""
    twice = changed(sections()["Google"], {SIGN_IN: SIGN_IN * 2})
    assert outcome(tmp_path, f"```python\n{twice}```\n") == ""
    without = changed(twice, {ENDS_ALL: ""})
    assert outcome(tmp_path, ends_with(PERSON, without, "Google")) == ""


def test_a_code_of_stripe_is_redeemed_with_what_is_documented(tmp_path: Path) -> None:
    """Stripe refuses parameters that it does not know, so those of the standard are left out."""
    stripe = sections()["Stripe Apps"] + IN_A_BROWSER
    assert outcome(tmp_path, f"```python\n{stripe}```\n") == ""
    for left_out in ("pkce=False, ", 'names={"redirect_uri": None}, '):
        assert outcome(tmp_path, ends_with(AT_ONCE, changed(stripe, {left_out: ""}), "Stripe Apps")) == ""
