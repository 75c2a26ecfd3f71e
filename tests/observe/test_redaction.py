"""What a person is shown of a request: everything but its secrets."""

from __future__ import annotations

import base64
import json
import string
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aio_token._token import fingerprint
from aio_token.observe.request_log.redaction import Candour, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-7f3a"
SECRETS = st.text(string.ascii_letters + string.digits + "-_.~+/ äß\"'\\&=;,", min_size=6, max_size=40).map(
    lambda text: f"Zq{text}Xj"
)
NAMES = [
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "accessToken",
    "client_secret",
    "client-secret",
    "password",
    "new_password",
    "passwd",
    "api_key",
    "apiKey",
    "X-Api-Key",
    "APIKey",
    "code_verifier",
    "device_code",
    "client_assertion",
    "sig",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "sessionid",
    "sid",
    "otp",
    "csrf_token",
    "private_key",
]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer canary-7f3a", f"Bearer *** ({fingerprint(CANARY)})"),
        ("authorization", "Basic Ym90OmNhbmFyeQ==", "Basic ***"),
        ("Proxy-Authorization", "Basic not base64 canary", "Basic ***"),
        ("Authorization", "canary-7f3a", "***"),
        ("Authorization", "DPoP canary-7f3a", f"DPoP *** ({fingerprint(CANARY)})"),
        ("DPoP", "canary-7f3a", "***"),
        ("Authorization", "canary-7f3a and more", "***"),
        ("Cookie", "a=canary; b=canary-2; canary", "a=***; b=***; ***"),
        ("Set-Cookie", "id=canary; Path=/; HttpOnly; canary=1", "id=***; Path=/; HttpOnly"),
        ("X-Api-Key", "canary", "***"),
        ("X-Auth-Token", "canary", "***"),
        ("Location", "https://a.example/cb?code=canary&state=open", "https://a.example/cb?code=***&state=open"),
        ("Location", "/cb#access_token=canary&token_type=Bearer", "/cb#access_token=***&token_type=Bearer"),
        (
            "Link",
            '<https://a.example/?page=2&token=canary>; rel="next"',
            '<https://a.example/?page=2&token=***>; rel="next"',
        ),
        ("WWW-Authenticate", 'Bearer error="invalid_token"', 'Bearer error="invalid_token"'),
        ("Accept", "application/json", "application/json"),
        ("X-Api-Key", "", ""),
    ],
)
def test_headers_show_no_secret(name: str, value: str, shown: str) -> None:
    """Credentials are hidden, and what is told about them stays."""
    assert Redactor().header(name, value) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:canary@a.example/x", "https://***@a.example/x"),
        ("https://a.example/x?access_token=canary&page=2", "https://a.example/x?access_token=***&page=2"),
        ("https://a.example/x?access%5Ftoken=canary", "https://a.example/x?access%5Ftoken=***"),
        ("https://a.example/x?key=canary&q=a+b", "https://a.example/x?key=***&q=a+b"),
        ("https://a.example/x?q=1#id_token=canary", "https://a.example/x?q=1#id_token=***"),
        (
            "https://a.example/?to=https%3A%2F%2Fb.example%2F%3Fcode%3Dcanary",
            "https://a.example/?to=https://b.example/?code%3D***",
        ),
        ("https://a.example/bot123456789:canary-canary-canary-canary-12/send", "https://a.example/bot***/send"),
        ("https://a.example/x?canary=password%3Dcanary-2", "https://a.example/x?canary=password%3D***"),
        ("https://a.example/x?password=", "https://a.example/x?password="),
        ("https://a.example/x?password%3Dcanary", "https://a.example/x?password%3D***"),
        ("https://a.example/orders/17?state=open", "https://a.example/orders/17?state=open"),
    ],
)
def test_addresses_show_no_secret(url: str, shown: str) -> None:
    """User, password and secret parameters are hidden, in the fragment and in addresses within addresses too."""
    assert Redactor().url(url) == shown


def test_addresses_within_addresses_have_an_end() -> None:
    """Beyond a few levels nothing is shown, and nothing runs for ever."""
    url = "https://a.example/?access_token=canary"
    for _ in range(8):
        url = f"https://a.example/?to={quote(url, safe='')}"
    assert "canary" not in Redactor().url(url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "canary", "a": [1]}', {"password": "***", "a": [1]}),
        ('{"tokens": {"canary": ["canary-2"]}, "n": null}', {"tokens": "***", "n": None}),
        ('{"usage": {"total_tokens": 12, "pin": 1234}}', {"usage": {"total_tokens": 12, "pin": "***"}}),
        ('{"code": "not_found", "key": "a/b.txt"}', {"code": "not_found", "key": "a/b.txt"}),
        ('{"code": "c4nary-c4nary-c4nary"}', {"code": "***"}),
        ('{"token_type": "Bearer", "expires_in": 60}', {"token_type": "Bearer", "expires_in": 60}),
        ('{"secret": true, "password": ""}', {"secret": True, "password": ""}),
        ('[{"name": "password", "value": "canary"}]', [{"name": "password", "value": "***"}]),
        ('{"inner": "{\\"password\\": \\"canary\\"}"}', {"inner": '{"password": "***"}'}),
        ('{"inner": "[not JSON, password=canary"}', {"inner": "[not JSON, password=***"}),
        ('{"see": "https://a.example/?user_code=canary"}', {"see": "https://a.example/?user_code=***"}),
    ],
)
def test_json_shows_no_secret(text: str, shown: object) -> None:
    """Members with the name of a secret are hidden with all that is below them, and the shape stays."""
    assert json.loads(Redactor().json(text)) == shown


@pytest.mark.parametrize("text", ['"canary"', "12", "canary", "[" * 100_000, '{"a": "b"', ""])
def test_what_is_no_json_is_refused_without_a_quotation(text: str) -> None:
    """The parser's own error would quote the text."""
    with pytest.raises(ValueError, match="it is no JSON object or array") as refusal:
        Redactor().json(text)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grant_type=password&password=canary&scope=a", "grant_type=password&password=***&scope=a"),
        ("password: canary of many words", "password: ***"),
        ("say password='canary, still' here", "say password='***' here"),
        ('login(password: "canary")', 'login(password: "***")'),
        ('{"password": "canary', '{"password": "***"'),
        ('\\"password\\": \\"canary\\"', '\\"password\\": \\"***\\"'),
        (
            "<a><ns:password kind='x'>canary</ns:password><b>c</b></a>",
            "<a><ns:password kind='x'>***</ns:password><b>c</b></a>",
        ),
        ("Authorization was Bearer canary-7f3a.", "Authorization was Bearer ***"),
        ("eyJhbGciOi.eyJzdWIi.c2ln and ghp_canary0123456789 and xoxb-canary-1", "*** and *** and ***"),
        ("Bearer authentication is required", "Bearer authentication is required"),
        ("exit code=5, sort key=name", "exit code=5, sort key=name"),
        ("see https://ada:canary@a.example/ there", "see https://***@a.example/ there"),
        ("password=", "password="),
    ],
)
def test_other_texts_show_no_secret(text: str, shown: str) -> None:
    """Whatever the format, a secret's name, a secret's shape or an address gives it away."""
    assert Redactor().text(text) == shown


RANDOM = "q7Rk2mZp9XvB4tLs8WcN"
PEM = f"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG{RANDOM}\n-----END PRIVATE KEY-----"
TWICE = quote(quote(f"https://x.example/?access_token={RANDOM}", safe=""), safe="")


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("text", PEM),
        ("text", PEM[:60]),
        ("text", PEM.replace("PRIVATE", "RSA PRIVATE").replace("\n", "\\n")),
        ("json", json.dumps({"result": PEM})),
        ("json", json.dumps({"kty": "EC", "crv": "P-256", "x": "a", "d": RANDOM})),
        ("json", json.dumps({"keys": [{"kty": "oct", "k": RANDOM.lower()}]})),
        ("text", f'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n{RANDOM.lower()}\r\n--b--'),
        ("text", f'--b\nContent-Disposition: form-data; name="a"\nContent-Type: x\n\n{RANDOM.lower()}'),
        ("text", f"<password><![CDATA[<{RANDOM.lower()}>]]></password>"),
        ("text", f'<input type="hidden" name="csrf_token" value="{RANDOM.lower()}">'),
        ("text", f"<meta name='csrf-token' content={RANDOM.lower()} />"),
        ("json", json.dumps({"Name": "password", "Value": "hunter2"})),
        ("json", json.dumps({"id": "password", "default": "hunter2"})),
        ("json", json.dumps({"ParameterKey": "DbPassword", "Id": "x", "ParameterValue": "hunter2"})),
        ("json", json.dumps({"code": "WDJB-MJHT"})),
        ("text", 'the key {"kty": "oct", "k": "hunter2"} of "d": "x"'),
        ("text", '<textarea name="password">hunter2</textarea>'),
        ("text", "password: |\n  hunter2\n  hunter2\nuser: x"),
        ("json", json.dumps([["password", "hunter2"]])),
        ("json", json.dumps(["Accept", "a", "Authorization", "hunter2"])),
        ("json", json.dumps({"codes": ["493817", "493818"]})),
        ("json", json.dumps({"code": 493817})),
        ("json", json.dumps({"code": "aB3x9"})),
        ("json", json.dumps({"access": RANDOM, "refresh": RANDOM})),
        ("json", json.dumps({"session_state": "hunter2", "PHPSESSID": "hunter2", "user_code": "WDJB-MJHT"})),
        ("form", "passcode=493817"),
        ("url", "https://h.example/?mfa_code=493817"),
        ("url", f"https://h.example/cb;jsessionid={RANDOM}?x=1"),
        ("url", f"https://h.example/password-reset/{RANDOM.lower()}"),
        ("url", f"https://h.example/?next={TWICE}"),
        ("url", f"https://h.example/authorize?state={RANDOM}&client_id=c"),
        ("url", "https://h.example/?password%3Dhunter2=x"),
        ("text", quote(json.dumps({"password": "hunter2"}))),
        ("text", "a note: 'it is said that password=hunter2'"),
        ("text", "{:password => 'hunter2'}"),
        ("text", f"ya29.{RANDOM} glpat-{RANDOM} npm_{RANDOM} AIza{RANDOM} hf_{RANDOM} GOCSPX-{RANDOM}"),
        ("text", f"nothing says what {RANDOM}{RANDOM} is"),
        ("json", json.dumps({"type": "password", "value": "hunter2", "temporary": False})),  # Keycloak's reset
        ("json", json.dumps({"header": "X-Api-Key", "value": "hunter2"})),
        ("json", json.dumps({"name": "password", "values": ["hunter2"]})),
        ("json", json.dumps([{"op": "replace", "path": "/users/0/password", "value": "hunter2"}])),
        ("json", json.dumps({"kind": "Secret", "data": {"db": "hunter2"}, "stringData": {"a": "hunter2"}})),
        ("json", json.dumps({"kind": "SecretList", "items": [{"data": {"db": "hunter2"}}]})),
        ("json", json.dumps({"query": "{login(password: $p){ok}}", "variables": {"p": "hunter2"}})),
        ("json", json.dumps({"inner": ' \n{"credentials": {"a": "hunter2"}}'})),
        ("text", '<input type="password" name="f1" value="hunter2">'),
        ("text", "<table><tr><th>Password</th><td>hunter2</td></tr></table>"),
        ("text", "<password><?x?><!-- y -->hunter2</password>"),
        ("text", f"<password>\n{' ' * 20}<![CDATA[hunter2]]></password>"),
        ("text", 'password = """\nhunter2"""'),
        ("text", '<property name="password"><value>hunter2</value></property>'),
        ("text", '<span id="csrf-token">hunter2</span>'),
        ("text", "password: >2-\n    hunter\n\n    hunter2\nuser: x"),
        ("text", "password: correct\n  hunter2\nuser: x"),
        ("text", f"key: {RANDOM.lower()}\nuser: x"),
        ("text", 'data: {"credentials": {"a": "hunter2"'),
        ("text", "User(password=a,hunter2, name=b)"),
        ("url", "https://h.example/#access_token=hunter2?x=1"),
        ("url", "https://h.example/?a=1#b=2#token=hunter2"),
        ("url", "https://h.example/#/callback?access_token=hunter2"),
        ("url", "https://h.example/a%3Btoken=hunter2/b"),
        ("url", "https://h.example/Users(password='hunter2')"),
        ("url", "https://h.example/to/https%3A%2F%2Fada%3Ahunter2%40b.example%2F%3Ftoken%3Dhunter2"),
        ("url", f"https://h.example/confirm-email/{RANDOM.lower()}"),
        ("url", "https://h.example/?passkey=hunter2&psk=hunter2"),
    ],
)
def test_secrets_are_known_by_where_they_stand_and_what_they_look_like(method: str, text: str) -> None:
    """Law G4: keys, parts of forms, one-time codes, ids of sessions and tokens are hidden in whatever holds them."""
    shown = getattr(Redactor(), method)(text)
    for secret in (RANDOM, RANDOM.lower(), "hunter2", "493817", "493818", "aB3x9", "WDJB"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("json", json.dumps({"status_code": 1234, "postal_code": "10115", "code": 404, "id": 493817}, indent=2)),
        ("json", json.dumps({"code": "invalid_grant", "state": "open", "access": "public", "key": "value"}, indent=2)),
        ("json", json.dumps({"kty": "EC", "x": "a"}, indent=2)),
        ("json", json.dumps({"name": "colour", "value": "red", "empty": [], "none": {}}, indent=2)),
        ("url", "https://h.example/a;v=1/b?max_access=public&sort=name#top"),
        ("url", "https://h.example/?"),
        ("url", "https://h.example/sessions/open"),
        ("text", '<a href="/x" name="colour">red</a> 100% of 5 % and 50%25'),
        ("text", "https://a.example/?q=50%25"),
        ("form", "a%2Fb=c%20d"),
        ("json", json.dumps({"kind": "Pod", "data": {"a": "b"}, "op": "add", "path": "/a", "value": "c"}, indent=2)),
        ("json", json.dumps({"query": "{user(id: $p){ok}}", "variables": {"p": "ada"}}, indent=2)),
        ("json", json.dumps({"query": 1, "variables": {"p": "ada"}, "type": "text", "value": "a"}, indent=2)),
        ("text", '<form id="password-form"><p>Welcome</p></form>'),
        ("text", "<token/><a>b</a><password />\n<b>c</b><password> </password>"),
        ("text", "user: x\nkey: name\npassword:"),
        ("text", "--b\r\nContent-Type: text/plain\r\n\r\nword\r\n--b\r\nno head\r\n--b--"),
        ("url", "https://h.example/verify/now#/a?b=c"),
    ],
)
def test_what_is_no_secret_stays(method: str, text: str) -> None:
    """A log that hides everything is of no use."""
    assert getattr(Redactor(), method)(text) == text


def test_only_what_is_named_is_shown() -> None:
    """Law G4: with a list of names, any other value is hidden, and so is text without names."""
    redactor = Redactor(only=["Content-Type", "id", "page", "list", "password"])
    assert redactor.header("content-type", "text/plain") == "text/plain"
    assert redactor.header("X-Other", "a") == "***"
    assert redactor.header("X-Other", "") == ""
    assert redactor.url("https://a.example/x?page=2&q=canary&canary&e=") == "https://a.example/x?page=2&q=***&***&e="
    assert redactor.text("anything") == "***"
    assert redactor.text("") == ""
    shown = json.loads(redactor.json('{"id": 7, "a": {"id": "x", "b": true}, "list": ["y", 1], "password": "canary"}'))
    assert shown == {"id": 7, "a": {"id": "x", "b": "***"}, "list": ["y", 1], "password": "***"}


@pytest.mark.parametrize("method", ["text", "form", "json"])
def test_what_is_long_is_cut(method: str) -> None:
    """Law H1: no more is made than is shown, and a mark says so."""
    text = json.dumps({"words": ["word"] * 5_000}) if method == "json" else "words and " * 9_000
    shown = getattr(Redactor(), method)(text, 50)
    assert len(shown) <= 51
    assert shown.endswith("…")
    assert getattr(Candour(), method)(text, 50) == shown


def test_a_secret_that_is_cut_in_two_is_not_shown_by_half() -> None:
    """Law H1: what is near the end of what was looked at may be the beginning of a secret."""
    redactor = Redactor()
    redactor.hide("a phrase of many words " * 10)
    for before in range(0, 1_300, 50):
        assert "phrase" not in redactor.text("x" * before + " " + "a phrase of many words " * 300, 100)


def test_json_has_a_depth() -> None:
    """Law H1: below 32 levels nothing is shown."""
    shown = Redactor().json("[" * 100 + "]" * 100)
    assert shown.endswith("[…")
    assert shown.count("[") == 33


def test_what_is_hidden_as_a_whole_is_known_in_its_parts() -> None:
    """As far as there are few of them."""
    redactor = Redactor()
    redactor.json(json.dumps({"secrets": {"a": ["canary-1", {"b": "canary-2"}], "n": 1234567}, "more": "x"}))
    assert redactor.text("canary-1 canary-2 1234567") == "*** *** ***"
    redactor.json(json.dumps({"secrets": [f"canary-{number}" for number in range(100)]}))
    assert "canary-99" not in redactor.text("canary-99")


def test_a_header_that_is_not_shown_teaches_its_secret() -> None:
    """A server may repeat it in the address that it redirects to."""
    redactor = Redactor()
    redactor.learn("Authorization", "Bearer canary-7f3a")
    redactor.learn("Accept", "canary of no interest")
    assert redactor.url("https://a.example/canary-7f3a") == "https://a.example/***"
    assert redactor.text("canary of no interest") == "canary of no interest"


def test_what_was_hidden_once_is_hidden_everywhere() -> None:
    """A server that repeats what it was sent shows no more than the request did."""
    redactor = Redactor()
    redactor.header("Authorization", "Basic " + base64.b64encode(b"ada:canary-of-basic").decode())
    redactor.header("Cookie", "session=canary-of-cookie")
    redactor.json('{"password": "canary-of-json"}')
    redactor.form("client_secret=canary+of%2Fform")
    echo = "we got canary-of-basic, canary-of-cookie, canary-of-json and canary of/form"
    assert "canary" not in redactor.text(echo)
    assert "canary" not in redactor.json(json.dumps({echo: [echo]}))
    assert "canary" not in redactor.url("https://a.example/canary-of-json/canary%20of/form")


def test_names_can_be_added() -> None:
    """What one API calls its secrets is for its user to say."""
    redactor = Redactor(["X-Tenant", "seed phrase"])
    assert redactor.header("x-tenant", "canary") == "***"
    assert json.loads(redactor.json('{"seedPhrase": "canary"}')) == {"seedPhrase": "***"}


def test_candour_hides_nothing() -> None:
    """It shows everything, JSON still indented."""
    candour = Candour()
    assert candour.header("Authorization", "Bearer x") == "Bearer x"
    assert candour.url("https://a.example/?token=x") == "https://a.example/?token=x"
    assert candour.form("token=x") == candour.text("token=x") == "token=x"
    assert candour.json('{"token":"x"}') == '{\n  "token": "x"\n}'
    assert repr(candour) == "<Candour>"


def test_a_redactor_does_not_show_what_it_knows() -> None:
    """Law G1: it remembers secrets, so its repr says nothing."""
    redactor = Redactor()
    redactor.form(f"password={CANARY}")
    assert CANARY not in repr(redactor)


@given(st.sampled_from(NAMES), SECRETS)
@example("password", "Zq*** ***Xj")
def test_a_named_secret_is_hidden_wherever_it_stands(name: str, secret: str) -> None:
    """Law G1: in a header, a query, a form and JSON, however it is written there."""
    plain = secret.strip()
    for shown in (
        Redactor().header(name, plain),
        Redactor().url(f"https://a.example/?{urlencode({name: secret})}"),
        Redactor().form(urlencode({"a": "b", name: secret})),
        Redactor().json(json.dumps({"data": [{name: {"x": secret}}]})) if name != "sid" else "",
        Redactor().text(json.dumps({name: secret})),
    ):
        assert "Zq" not in shown
        assert "Xj" not in shown


HEADERS = "X-A: b\n" * 12
IN_OTHER_TEXTS: dict[str, Callable[[str, str], str]] = {
    "JSON, a line each": lambda name, secret: json.dumps({name: {"x": [secret]}}) + "\n{}",
    "server-sent events": lambda name, secret: f"data: {json.dumps({'a': {name: [secret]}})}\n\n",
    "JSON behind a mark": lambda name, secret: "\ufeff" + json.dumps({name: {"x": secret}}),
    "JSON in a call": lambda name, secret: f"f({json.dumps([{name: {'x': secret}}])})",
    "JSON in an attribute": lambda name, secret: f'<div data-page="{escape(json.dumps({name: secret}))}">',
    "Python": lambda name, secret: f"{name}={secret.encode()!r}",
    "XML": lambda name, secret: f"<{name}><a><b>{escape(secret)}</b></a></{name}>",
    "XML-RPC": lambda name, secret: f"<name>{name}</name><value><string>{escape(secret)}</string></value>",
    "a list of properties": lambda name, secret: f"<key>{name}</key>\n<string>{escape(secret)}</string>",
    "YAML, a list": lambda name, secret: f"a:\n  {name}:\n  - {secret}\n  b: c\n",
    "YAML, quoted": lambda name, secret: f'"{name}": |\n\n  {secret}\nb: c\n',
    "a part": lambda name, secret: (
        f'--b\r\nContent-Disposition: form-data; filename="{"x" * 600}"; name="{name}"\r\nContent-Type: a/b\r\n\r\n'
        f"x\r\n--{secret}\r\n\r\n{secret}\r\n--b--"
    ),
    "a part among several": lambda name, secret: (
        f'preamble\n--b\nContent-Type: a\n{HEADERS}Content-Disposition: form-data; name="{name}"\n\n{secret}'
        f"\n--b\nContent-Type: a/b\n\nword\n--b--\n"
    ),
}


@pytest.mark.parametrize("form", IN_OTHER_TEXTS)
@given(st.sampled_from(NAMES), SECRETS)
@settings(max_examples=40)
def test_a_named_secret_is_hidden_in_other_texts(form: str, name: str, secret: str) -> None:
    """Law G4: whole, however much of the text it takes, and whatever stands in it."""
    shown = Redactor().text(IN_OTHER_TEXTS[form](name, secret.strip()))
    assert "Zq" not in shown
    assert "Xj" not in shown


@given(SECRETS)
def test_cookies_and_authorizations_are_hidden(secret: str) -> None:
    """Law G1: the headers that are secrets show none of it."""
    for name in ("Authorization", "Proxy-Authorization"):
        for scheme in ("Bearer ", "Basic ", "Digest ", ""):
            assert "Zq" not in Redactor().header(name, scheme + secret)
    assert "Zq" not in Redactor().header("Cookie", f"id={secret}")
    assert "Zq" not in Redactor().header("Set-Cookie", f"id={secret}; Path=/")


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    """Whatever a server says, nothing raises but the one error that says it is no JSON."""
    redactor = Redactor()
    for redact in (redactor.text, redactor.url, redactor.form):
        assert isinstance(redact(text), str)
    assert isinstance(redactor.header("Set-Cookie", text), str)
    assert json.loads(redactor.json(json.dumps([text])))
