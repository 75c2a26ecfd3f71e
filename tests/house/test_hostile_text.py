"""Law H1: text of a server costs no more time than its length is worth, whatever stands in it.

Every compiled pattern of the package is found by walking its modules, and every function that reads text in one of
those ways that can be slow is found in the source; one that is not listed here fails a test.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import importlib
import inspect
import io
import json
import pkgutil
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

import aio_token
from aio_token import Credential, PublicClient, Token, TokenEndpoint
from aio_token._bound.calls import Proofs, blames_the_proof
from aio_token._bound.nonces import Nonces
from aio_token._bound.token import target
from aio_token._edge.challenge import Challenge, asks_for_renewal, parse
from aio_token._edge.demands import wish_in
from aio_token._edge.step_up import scope_in
from aio_token._sessions.scope import missing_scope
from aio_token._token import fingerprint
from aio_token.grants import IssuedBy
from aio_token.grants._callback import Callback
from aio_token.grants.web_sign_in import WebSignIn, _members
from aio_token.oauth import Dialect
from aio_token.oauth.answer import Answer
from aio_token.oauth.body import _Body
from aio_token.oauth.discovery import Sought, is_template
from aio_token.oauth.exchange import Reply
from aio_token.oauth.extra import bounded
from aio_token.oauth.lifetime import in_seconds, lifetime_of_jwt, seconds
from aio_token.oauth.private import is_private
from aio_token.oauth.reading import members_of, read_object
from aio_token.oauth.salvage import salvaged
from aio_token.oauth.secret import Revealed
from aio_token.oauth.server_text import quoted
from aio_token.oauth.skew import Skew
from aio_token.oauth.transport import DIRECT
from aio_token.oauth.url import origin_of, problem_with, sent_on
from aio_token.observe.request_log import bodies, chain, exchange
from aio_token.observe.request_log.curl import command
from aio_token.observe.request_log.plain import PlainPrinter
from aio_token.observe.request_log.redaction import Candour, Redactor
from aio_token.resources._metadata import SoughtResource, scope_from, servers_in
from aio_token.resources._registration import _Answer
from aio_token.resources._servers import Surroundings
from aio_token.stores.codec import PlainCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

RANKED, SMALL, LARGE = 16_384, 65_536, 1_048_576  # characters
MOST = 25.0  # times as much CPU time for sixteen times the text
NOTICEABLE = 0.1  # seconds; what is faster than this over a whole mebibyte stops no loop, whatever the ratio

PIECES = [
    *("a", " ", "1", ".", "-", "=", "&", ";", "/", ",", "#", "\\", '"', "'", "<", "[", "\n", "é", "\ud800", "\u202e"),
    *(
        "A1",
        "a.",
        "a,",
        "a:",
        "a: ",
        "a=",
        'a="',
        "a='",
        'a=\\"',
        '\\"',
        "a?",
        "1:",
        "- ",
        "\r\n",
        "%41",
        "%25",
        "a1-",
        "a: |\n ",
        " |\n b\n",
        "<token>",
        "token:{",
        "token:\n ",
        "--b\na:\n\n",
    ),
    *("<a ", "<a=", "<a b='", "<a:a ", "<a><![CDATA[", "://", "a://", "a://@", "a://a:"),
    *("eyJ", "eyJa", "eyJabcdef.", "ghp_", "xoxb-", "SG.", "1//", "ya29.", "sk-", "123456:"),
    *('password="', 'password=\\"', "key='x=", "token: ", "code/", "token/", 'name="otp" value='),
    *("bearer", "Bearer ", "bearer a", "Basic a=", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----"),
    *("Content-Disposition:\n", "content-disposition:a\n\n", '{"a":', "[1,", '["password",', '{"kty":[', "\x00"),
]
ENDS = ["", "!"]
WORST = 4  # of them are tried at full length: what grows faster than its text stands out long before that


def modules() -> Iterator[ModuleType]:
    """Return every module of the package."""
    for found in pkgutil.walk_packages(aio_token.__path__, "aio_token."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def patterns() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Return each pattern by its name, and the methods that its module calls it by."""
    found = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                used = re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module))
                found[f"{module.__name__}.{name}"] = value, frozenset(used)
    return found


PATTERNS = patterns()


def applied(pattern: re.Pattern[Any], methods: frozenset[str]) -> Callable[[str], object]:
    """Return what the package does with the pattern."""

    def apply(text: str) -> None:
        given: Any = text.encode(errors="replace") if isinstance(pattern.pattern, bytes) else text
        for method in methods:
            if method in {"match", "fullmatch", "search"}:
                getattr(pattern, method)(given)
            else:
                for _ in pattern.finditer(given):
                    pass

    return apply


def answered(text: str) -> None:
    """Have a token endpoint say the text wherever it can."""
    told = {"error": text, "error_description": text, "refresh_token": text}
    answer = Answer(to="it", address=text, status=400, headers={"Retry-After": text}, body=b"{}", asked_at=0.0, now=0.0)
    object.__setattr__(answer, "_members", told)
    answer.failure()
    object.__setattr__(answer, "_status", 200)
    answer.credential(Credential())


def in_a_dialect(text: str) -> None:
    """Have a server with ways of its own say the text wherever it can."""
    told = {"error": {"code": text, "message": text}, "data": {"access_token": text, "scope": text, text[:99]: text}}
    dialect = Dialect(
        places={"access_token": "data.access_token", "id_token": "data.b.c.d"},
        scope_separator="a",
        errors={"word": "invalid_grant", "a" * 2_000: "server_error"},
        read=lambda members, _reply: members,
    )
    for status in (200, 400):
        answer = Answer(
            to="it",
            address="https://it",
            status=status,
            headers={},
            body=json.dumps(told if status != 200 else {**told, "error": None}).encode(),
            asked_at=0.0,
            now=0.0,
            dialect=dialect,
        )
        with contextlib.suppress(aio_token.TokenError):
            answer.credential(Credential())


def in_a_scope(text: str) -> None:
    """Have a server grant the text where two words were asked for."""
    issued_by = IssuedBy(token_endpoint="e", client_id="c", scope="read email")
    missing_scope(Credential(token=Token(access_token="a", scope=text), issued_by=issued_by))


def in_a_body(text: str) -> None:
    """Have an API send the text as a body, and as the body's type."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", text):
        body = bodies.Taken(data=text.encode(errors="replace"), content_type=kind, charset="utf-8")
        bodies.shown(body, Redactor(), 4_000)


def demanded(text: str) -> None:
    """Have an API demand the text of the next token."""
    for error in ("insufficient_claims", "insufficient_user_authentication"):
        wish_in([Challenge("bearer", {"error": error, "claims": text, "acr_values": text, "max_age": text})])
    scope_in([Challenge("bearer", {"error": "insufficient_scope", "scope": text})])


def named(text: str) -> None:
    """Have an issuer give itself the text as its name, or a name that the text is a part of."""
    sought = Sought("https://id.example/a/b", None, plain_http=False)
    for name in (text, f"https://id.example/{text}", f"https://id.example/{{{text}}}/b"):
        sought.name_in({"issuer": name})
        is_template(name)
        sought._of_another(name, "https://id.example/a/b")


def described(text: str) -> None:
    """Have a resource and its server say the text wherever they can."""
    sought = SoughtResource("https://api.example/a", plain_http=False)
    for name in (text, f"https://api.example/{text}"):
        sought._judged({"resource": name}, "https://api.example")
        with contextlib.suppress(aio_token.TokenError):
            sought.demand_own(name)
    around = Surroundings(sought, DIRECT, plain_http=False)
    metadata = {"authorization_servers": [text, f"https://{text[:2_000]}"] * 100, "scopes_supported": [text] * 100}
    scope_from(metadata, text)
    for server in servers_in(metadata):
        around.problem_with(server)
    members = dict.fromkeys(("client_id", "client_secret", "error", "error_description", "redirect_uris"), text)
    answer = _Answer(Reply(status=201, headers={}, body=json.dumps(members).encode()), "https://id", "https://id/r")
    answer.text("client_id")
    answer.failure()
    is_private(text)


def compressed(text: str) -> None:
    """Have a server send the text as what it is not, and compressed, damaged at its end."""
    given = text.encode(errors="replace")
    for data in (given, b"\x1f\x8b" + given, gzip.compress(given, 1)[:-1]):
        body = _Body(is_deflated=True)
        body.feed(data)
        body.decoded()


def called_with(text: str) -> None:
    """Have a library say the text as the headers of an answer."""
    proofs = Proofs(Nonces(), time.time)
    proofs.begin("https://api.example", None, None)
    answer = SimpleNamespace(headers={"WWW-Authenticate": text, "DPoP-Nonce": text, text: text}, response=None)
    proofs.are_wanted_again(answer)
    blames_the_proof(answer)


def brought_back(text: str) -> None:
    """Have a browser bring the text back to a web application, and keep it as the state of its sign-in."""
    endpoint = TokenEndpoint("https://id.example/token", PublicClient("app"), issuer="https://id.example")
    for answer in (text, f"iss={text}", {"code": text, text: text}, {"error": text, "error_description": text}):
        callback = Callback(_members(answer))
        bounded(callback.extra)
        with contextlib.suppress(aio_token.TokenError):
            callback.judge(endpoint)
    for codec in (None, PlainCodec()):
        web = WebSignIn(endpoint, "https://app.example/back", codec=codec)
        with contextlib.suppress(StopIteration, RuntimeError):
            web._unsealed(Revealed(text)).send(None)


READERS: dict[str, Callable[[str], object]] = {
    "a challenge": lambda text: asks_for_renewal(list(parse([text]))),
    "a challenge's demands": demanded,
    "a fingerprint": fingerprint,
    "a granted scope": in_a_scope,
    "a token": lambda text: Token(access_token=text),
    "an address": lambda text: (problem_with(text, plain_http=True), origin_of(text)),
    "an address's host": lambda text: (problem_with(f"https://{text}", plain_http=True), origin_of(f"https://{text}")),
    "an answer": answered,
    "an answer's other members": lambda text: bounded(
        {"text": text, "list": [text[:8]] * (len(text) // 8), text: None}
    ),
    "an answer's body, in pieces": lambda text: (
        salvaged(text.encode(errors="replace")),
        salvaged(f"{{{text}".encode(errors="replace")),
    ),
    "an answer's body, as a form": lambda text: members_of(f"a={text}".encode(errors="replace")),
    "an answer in a dialect": in_a_dialect,
    "a moment": lambda text: in_seconds(text, "moment", 0.0),
    "an answer's body, compressed": compressed,
    "an answer's headers, as a library has them": called_with,
    "an answer's body": lambda text: read_object(text.encode(errors="replace")),
    "an issuer's name": named,
    "an authorization response": brought_back,
    "a proof's address": lambda text: target(f"https://api.example/{text}"),
    "a resource's metadata": described,
    "a redirect": lambda text: sent_on("https://id.example/a", text),
    "a JWT": lambda text: lifetime_of_jwt(f"a.{text}.b"),
    "a nonce": lambda text: Nonces().learn("https://api.example", text, used=None),
    "a number of seconds": seconds,
    "a date": lambda text: Skew().learn(text, asked_at=0.0, now=0.0),
    "a server's words": quoted,
    "a server's words, with secrets": lambda text: quoted(text, ("secret", "a" * 2_000, text[:50])),
    "the log: a body": in_a_body,
    "the log: a charset": lambda text: bodies.shown(bodies.Taken(data=b"a", charset=text), Redactor(), 10),
    "the log: a command line": lambda text: command("GET", text, [(text, text)], exchange.Body(text=text)),
    "the log: a cookie": lambda text: Redactor().header("Set-Cookie", text),
    "the log: a form": lambda text: Redactor().form(text),
    "the log: a header": lambda text: (Redactor().header("X-Debug", text), Redactor().header(text, text)),
    "the log: a line": lambda text: PlainPrinter(io.StringIO())._print(text),
    "the log: a location": lambda text: Redactor().header("Location", text),
    "the log: a redirect": lambda text: chain._target(URL("https://api.example"), text),
    "the log: an address": lambda text: Redactor().url(text),
    "the log: an authorization": lambda text: Redactor().header("Authorization", f"Basic {text}"),
    "the log: everything": lambda text: (Candour().text(text), Candour().url(text), Candour().form(text)),
    "the log: JSON": lambda text: (Redactor().json(text), Candour().json(text)),
    "the log: on one line": exchange.one_line,
    "the log: text": lambda text: Redactor().text(text),
}

SLOW = {  # calls by which text is read, and that may cost more than it is long
    *("b64decode", "decode", "findall", "finditer", "fromisoformat", "fullmatch", "loads", "match", "parse_qs"),
    *("parse_qsl", "parsedate_to_datetime", "raw_decode", "search", "split", "sub", "unquote", "unquote_plus"),
    *("urlsafe_b64decode", "URL"),
}
OF_THE_USER = ("cli", "stores", "_disk", "testing")  # what these read was written by this user or by this package
COVERED = {  # each function that does so, and which of the above shows that it is quick
    "_bound.nonces.Nonces.learn": "a nonce",
    "_bound.token._origin_of": "a proof's address",
    "_bound.token.target": "a proof's address",
    "_edge.challenge.parse": "a challenge",
    "_edge.demands._claims": "a challenge's demands",
    "_edge.demands.wish_in": "a challenge's demands",
    "_edge.step_up._words": "a challenge's demands",
    "_token.Token.__post_init__": "a token",
    "oauth.dates.moment_of": "a date",
    "oauth.answer.Answer._scope": "an answer in a dialect",
    "oauth.hearing._read": "an answer in a dialect",
    "oauth.lifetime._moment": "a moment",
    "oauth.reading._form": "an answer's body, as a form",
    "oauth.reading._json": "an answer's body",
    "oauth.reading.read_object": "an answer's body",
    "oauth.certificate_middleware._origin": "",  # the user's
    "oauth.exchange.Exchange.__init__": "",
    "oauth.lifetime._after_issue": "a JWT",
    "oauth.salvage._text": "an answer's body, in pieces",
    "oauth.salvage.salvaged": "an answer's body, in pieces",
    "oauth.server_text.quoted": "a server's words",
    "oauth.server_text._without_tokens": "a server's words",
    "oauth.discovery.fits": "an issuer's name",
    "oauth.discovery.is_template": "an issuer's name",
    "resources._metadata.scope_from": "a resource's metadata",
    "resources._registration._Answer.text": "a resource's metadata",
    "oauth.url.origin_of": "an address",
    "oauth.url.sent_on": "a redirect",
    "oauth.url._parts": "an address",
    "oauth.url.without_query": "",
    "grants.web_sign_in.WebSignIn._sealed": "",
    "grants.web_sign_in.WebSignIn._unsealed": "an authorization response",
    "grants.web_sign_in._members": "an authorization response",
    "grants.web_sign_in._read": "an authorization response",
    "observe.request_log.bodies._text": "the log: a body",
    "observe.request_log.chain._target": "the log: a redirect",
    "observe.request_log.exchange.visible": "the log: on one line",
    "observe.request_log.redacted_json._container": "the log: JSON",
    "observe.request_log.plain.PlainPrinter._print": "the log: a line",
    "observe.request_log.redacted_json._Printer._object": "the log: JSON",
    "observe.request_log.structured._without_content": "the log: text",
    "observe.request_log.structured.end_of_brackets": "the log: text",
    "observe.request_log.structured.without_elements": "the log: text",
    "observe.request_log.structured.without_parts": "the log: text",
    "observe.request_log.texts.Texts._encoded": "the log: text",
    "observe.request_log.texts.Texts._leads_to_a_secret": "the log: an address",
    "observe.request_log.texts.Texts._lines": "the log: text",
    "observe.request_log.texts.Texts._pairs": "the log: text",
    "observe.request_log.texts.Texts._parameter": "the log: a form",
    "observe.request_log.texts.Texts._parameters": "the log: a form",
    "observe.request_log.texts.Texts._path": "the log: an address",
    "observe.request_log.redaction.Redactor._redaction_of_header": "the log: a cookie",
    "observe.request_log.redaction.Redactor._set_cookie": "the log: a cookie",
    "observe.request_log.texts.Texts._names_a_secret": "the log: text",
    "observe.request_log.texts.Texts._tag": "the log: text",
    "observe.request_log.texts.Texts._text": "the log: text",
    "observe.request_log.texts.Texts._url": "the log: an address",
    "observe.request_log.redaction._password": "the log: an authorization",
    "observe.request_log.secret_names.SecretNames.sure": "the log: a header",
    "observe.request_log.secret_names._words": "the log: a header",
    "observe.request_log.secret_names.looks_like_a_code": "the log: text",
    "observe.request_log.secret_names.looks_like_a_token": "the log: text",
    "observe.request_log.secret_names.squashed": "the log: a header",
    "observe.request_log.shapes.without_keys": "the log: text",
    "observe.request_log.shapes.without_shapes": "the log: text",
    # What the user configured, and what this package wrote:
    "_bound.key._part": "",
    "_credential.Credential.from_json": "",
    "_sessions.beside.StoreBeside.written": "",
    "_credential.IssuedBy.covers": "",
    "_lineage.asked": "",
    "_ground.record.Members.of": "",
    "_narrowing.narrowed.wish_for": "",
    "_narrowing.narrowed._as_entry": "",
    "_edge.origins._parsed": "",
    "_edge.step_up.StepUp.__init__": "",
    "_edge.placement.header_named": "",
    "_edge.placement.value_after": "",
    "_sessions.scope.missing_scope": "a granted scope",
    "grants._neighbours.is_foreign": "",  # and what the system says
    "oauth.authlib_half.in_utf_8": "",
    "oauth.authlib_half.prepared": "",
    "oauth.dialect.Dialect._value": "",
    "oauth.dialect.Dialect._pairs": "",
    "oauth.dialect._check_place": "",
    "oauth.places.way_to": "",
    "oauth.signer._named_once": "",
    "oauth.signing_key._thumbprints": "",
    "oauth.signing_key.private_key": "",
    "oauth.signing_key.revealed_certificate": "",
    "oauth.transport.Transport.proxy_for": "",
    "oauth.transport._checked_headers": "",
    "oauth.transport._is_http_proxy": "",
}


def readers() -> set[str]:
    """Return the names of all functions of the package that read text in a way that may be slow."""
    package = Path(str(aio_token.__file__)).parent
    found: set[str] = set()

    def look(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}"
            if isinstance(child, ast.Call):
                called = child.func
                if (getattr(called, "attr", None) or getattr(called, "id", None)) in SLOW:
                    found.add(name)
            look(child, inner)

    for file in package.rglob("*.py"):
        parts = file.relative_to(package).with_suffix("").parts
        if parts[0] not in OF_THE_USER:
            look(ast.parse(file.read_text(encoding="utf-8")), ".".join(parts))
    return found


def cost(function: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of this thread."""
    began = time.thread_time()
    with contextlib.suppress(ValueError, TypeError, aio_token.TokenError):  # it may well be refused
        function(text)
    return time.thread_time() - began


def growth(function: Callable[[str], object], piece: str, end: str) -> float:
    """Return how many times the CPU time of 64 kB 1 MiB takes: the best of three tries, 0 if it is nothing at all."""
    best = float("inf")
    for _ in range(3):
        small, large = (cost(function, text_of(piece, end, size)) for size in (SMALL, LARGE))
        best = min(best, 0.0 if large < NOTICEABLE else large / max(small, 1e-6))
        if best <= MOST:
            break
    return best


def text_of(piece: str, end: str, size: int) -> str:
    """Return a text of about that size."""
    return piece * (size // len(piece)) + end


def check(function: Callable[[str], object]) -> None:
    """Feed everything that is known to hurt, and more of what hurts most."""
    tried = [(piece, end) for piece in PIECES for end in ENDS]
    tried.sort(key=lambda each: cost(function, text_of(each[0], each[1], RANKED)), reverse=True)
    for piece, end in tried[:WORST]:
        assert growth(function, piece, end) <= MOST, (piece, end)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_grows_faster_than_its_text(name: str) -> None:
    """Law H1: each compiled pattern, used as its module uses it, costs time that grows as the text does."""
    pattern, methods = PATTERNS[name]
    assert methods, "it is not used"
    check(applied(pattern, methods))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", READERS)
def test_no_reader_of_a_server_s_text_grows_faster_than_it(name: str) -> None:
    """Law H1: nor does any function that is given text of a server."""
    check(READERS[name])


def test_every_function_that_reads_text_is_listed() -> None:
    """Law H1: a new one is either tried here, or reads what the user wrote."""
    assert readers() - COVERED.keys() == set()
    assert {reader for reader in COVERED.values() if reader} <= READERS.keys()


def test_no_pattern_is_compiled_where_it_is_not_found() -> None:
    """Law H1: patterns are compiled at the top of their modules, where the test above finds them."""
    for module in modules():
        if module.__name__.split(".")[1] in OF_THE_USER:
            continue
        tree = ast.parse(inspect.getsource(module))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                assert not {call for call in calls if call.startswith("re.")}, f"{module.__name__}.{function.name}"


def test_quadratic_patterns_would_be_found() -> None:
    """The measure itself: a pattern that looks at each letter again and again fails it."""
    slow = re.compile(r"a+!")
    small, large = (cost(applied(slow, frozenset({"sub"})), "a" * size) for size in (1_024, 16_384))
    assert large > MOST * small
