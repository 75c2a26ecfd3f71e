"""How the house is built: floors, doors, sizes, and what may not stand in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "aio_token"

CORE = {"_token", "_credential", "_interfaces", "_single_flight", "_repository", "_keeper", "_middleware", "_errors"}

# Each third-party library, and the modules or packages that may import it when they run. What belongs to a library goes
# through its door: yarl and multidict are aiohttp's, joserfc is Authlib's.
DOORS = {
    "aiohttp": {
        "_edge",
        "_middleware",
        "cli._request_trouble",
        "cli.commands.request",
        "grants._loopback",
        "oauth.body",
        "oauth.departure",
        "oauth.exchange",
        "oauth.private",
        "oauth.sending",
        "oauth.transport",
        "oauth.trouble",
        "observe.request_log",
        "testing",
    },
    "yarl": {
        "_middleware",
        "_bound.token",
        "_edge.origins",
        "cli._destinations",
        "oauth.certificate_middleware",
        "oauth.exchange",
        "oauth.transport",
        "oauth.url",
        "observe.request_log",
        "testing",
    },
    "multidict": {"_edge.dpop", "_edge.placement", "_middleware", "oauth.exchange", "testing"},
    "authlib": {"oauth.authlib_half", "oauth.client_auth", "grants", "testing"},
    "joserfc": {"_bound.key", "oauth.signing_key", "testing"},
    "aiofiles": {"_disk.worker"},
    "filelock": {"_disk.lock"},
    "cryptography": {"oauth.certificate", "stores.encrypted", "testing"},
    "keyring": {"stores._os_keyring"},
    "psycopg": {"stores._psycopg"},
    "redis": {"stores._redis_clients", "cli._sentinels"},
    "rich": {"observe.request_log"},
    "click": {"cli"},
    "platformdirs": {"cli"},
    "segno": {"cli"},
    "opentelemetry": {"observe.otel"},
    "pytest": {"testing.fixtures"},
    "pytest_asyncio": {"testing.fixtures"},
}

CLOCKS = {"time.time", "time.monotonic", "formatdate", "datetime.now", "SYSTEM_CLOCK.time", "SYSTEM_CLOCK.monotonic"}

# Spelled in parts, so that this file does not hold what it looks for.
ADDRESSES = re.compile(
    "|".join(
        [
            r"\bpypi" + r"\.(?:org|python\.org)",
            r"files\.python" + r"hosted\.org",
            r"repo1?\.maven" + r"\.(?:org|apache\.org)",
            r"registry\.npm" + r"js\.org",
            r"deb\.debian" + r"\.org",
            r"(?<![\w.~-])/(?:ro" + r"ot|ho" + r"me|wo" + r"rk|Us" + r"ers)/\w",
        ]
    )
)


def modules() -> list[Path]:
    """Return every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def tracked() -> list[Path]:
    """Return every file under version control, or that is about to be; all files of a source distribution."""
    if not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def run_time_imports(tree: ast.AST) -> Iterator[str]:
    """Return the top-level names of what a module imports when it runs, now or later."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
        yield from run_time_imports(node)


def test_imports_go_straight_down() -> None:
    """The floors, the repository's independence and the absence of cycles are kept as pyproject.toml states them."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_library_has_its_door(module: Path) -> None:
    """Third-party libraries are imported only where their doors are, and none without a door at all."""
    *packages, name = module.relative_to(PACKAGE).with_suffix("").parts
    inside = {".".join((*packages, name)[: depth + 1]) for depth in range(len(packages) + 1)}
    imported = set(run_time_imports(ast.parse(module.read_text(encoding="utf-8"))))
    foreign = imported - sys.stdlib_module_names - {"aio_token"}
    assert {library for library in foreign if not inside & DOORS.get(library, set())} == set()


def test_importing_the_package_is_cheap() -> None:
    """Importing aio_token imports no other library, and a name is loaded with what it needs and no more."""
    heavy = "{'aiohttp', 'authlib', 'joserfc', 'cryptography', 'aiofiles', 'filelock'} & set(__import__('sys').modules)"
    source = f"import aio_token; assert not {heavy}; aio_token.Token, aio_token.TokenRepository; assert not {heavy}"
    subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=True)


def test_every_public_name_can_be_loaded() -> None:
    """Each name in `__all__` is an attribute, is listed by `dir`, and any other is an AttributeError."""
    import aio_token  # noqa: PLC0415  a fresh look

    assert [name for name in aio_token.__all__ if getattr(aio_token, name, None) is None] == []
    assert set(aio_token.__all__) <= set(dir(aio_token))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = aio_token.nothing


def test_files_are_small() -> None:
    """No module has more than 300 lines."""
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()
    }
    assert {name: size for name, size in sizes.items() if size > 300} == {}


def test_the_core_reads_in_one_sitting() -> None:
    """The core has fewer than 1,200 lines of code, counted without blank lines, comments and docstrings."""
    assert sum(_lines_of_code(PACKAGE / f"{name}.py") for name in CORE) < 1_200


def _lines_of_code(path: Path) -> int:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(
        1
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#") and number not in prose
    )


def test_no_address_and_no_path_of_a_machine_is_tracked() -> None:
    """No file names a registry's host, a download address or a path of the machine that it was written on."""
    found: dict[str, str] = {}
    for path in tracked():
        lines = path.read_text(encoding="utf-8", errors="ignore").splitlines()
        found |= {f"{path.relative_to(ROOT)}:{n}": line for n, line in enumerate(lines, 1) if ADDRESSES.search(line)}
    assert found == {}


def test_every_test_says_what_it_shows() -> None:
    """Each test has a docstring of one sentence."""
    silent = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                sentence = (ast.get_docstring(node) or "").strip()
                if not sentence.endswith("."):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_no_test_reads_a_clock_while_it_is_collected(path: Path) -> None:
    """It may run half an hour later, on a loaded machine: what is a time in a parameter has passed by then."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [ast.unparse(call) for call in _calls_on_import(tree) if ast.unparse(call.func) in CLOCKS] == []


def _calls_on_import(node: ast.AST) -> Iterator[ast.Call]:
    """Return the calls that importing a module makes: those in no function's body."""
    if isinstance(node, ast.Call):
        yield node
    inner: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = [*node.decorator_list, node.args]
    elif isinstance(node, ast.Lambda):
        inner = [node.args]
    for child in inner:
        yield from _calls_on_import(child)


def test_no_sum_is_read_before_a_wait_and_written_after_it() -> None:
    """`self.size += await ...` reads first: what others add meanwhile is lost. Local names are one task's own."""
    found = []
    for path in (
        path for room in ("aio_token", "benchmarks", "examples", "tests") for path in (ROOT / room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name):
                waits = any(isinstance(inner, ast.Await) for inner in ast.walk(node.value))
                found += [f"{path.relative_to(ROOT)}:{node.lineno}"] * waits
    assert found == []


def test_no_table_says_a_key_twice() -> None:
    """The later one wins without a word, and what the first one says is never read."""
    for module in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [ast.unparse(key) for key in node.keys if key is not None]
                assert len(keys) == len(set(keys)), (module, node.lineno)


def test_targets_are_one_line() -> None:
    """Every target of the Makefile is one line of recipe."""
    recipes = re.findall(r"^(\S+):.*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, recipe in recipes if recipe.count("\n") > 1} == set()
