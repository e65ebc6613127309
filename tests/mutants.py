"""Breaks the core in random places, and says how many of them the suite catches.

`python tests/mutants.py map` runs the tests once, and keeps which test reaches which line.
`python tests/mutants.py run --seed 17 --count 200` then makes that many mutants, each with one
operator, constant, condition or returned value changed, and gives each to the tests that reach its
line: those named after its module first, then the quickest, until one fails or their time is up.
What a run has judged is kept, so that it goes on where it was interrupted; `show` prints it again.

Nothing is changed in place: all happens in a copy of the tree under a temporary folder, with an
environment of its own beside that of the tree, so that processes that tests start are broken too.
`--root` names another tree, an older one for instance: the same seed then finds other places there,
but as many, and as random. Modules are drawn by their size, and places in them evenly.

A mutant is *caught* if a test fails, and fails again when it runs alone; a test that hangs fails.
It *survived* if all tests passed that were given, and is *unreached* if there were none to give.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import coverage
import pytest

CORE = Path("core/transship")
CACHE = ".mutants"
FIRST = 25
"""So many tests are given to a mutant in a first run: most fall there, and it collects little."""
BUDGET = 90.0
"""Seconds that the tests given to one mutant took, together, when the map was made."""
MEMORY = 6 << 30
"""Bytes of data that a process may hold: a mutant may ask for more without end."""
NOT_COPIED = (".git", ".venv*", CACHE, "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Mutant:
    """One change to one module."""

    file: str
    line: int
    kind: str
    before: str
    after: str
    lines: tuple[int, ...]
    """The lines that its place spans; the last one is that on which its statement begins."""
    on_import: bool
    """Whether the place is evaluated when the module is imported, and not by a call."""
    source: str = field(repr=False)
    """The whole module as it is then."""

    @property
    def room(self) -> str:
        """The package of the core that the module is in."""
        parts = Path(self.file).relative_to(CORE).parts
        return parts[0] if len(parts) > 1 else "(leaves)"


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant; `reached` counts the tests of its line, `given` those it ran."""

    outcome: str
    test: str
    reached: int
    given: int
    seconds: float


_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}


def changes(node: ast.AST) -> list[tuple[str, ast.AST]]:
    """All that a node can become, with the kind of the change; the node itself stays as it is."""
    return [(kind, changed) for kind, find in _KINDS.items() for changed in find(node)]


def _operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op, *rest]):
            yield _with(node, ops=[_COMPARED[type(op)](), *rest])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _CALCULATED:
            yield _with(node, op=_CALCULATED[type(op)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand


def _conditions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
            yield _with(node, test=ast.Constant(not isinstance(node, ast.While)))
        case ast.comprehension(ifs=[_, *rest]):
            yield _with(node, ifs=rest)


def _returns(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=None | ast.Constant(value=None)):
            return
        case ast.Return(value=value):
            yield _with(node, value=ast.Constant(None))
            if isinstance(value, ast.Compare | ast.BoolOp):
                yield _with(node, value=ast.UnaryOp(ast.Not(), value))


def _constants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if value and not any(map(str.isspace, value)):
            # Prose is left alone: a test of its every word would hold nothing.
            yield ast.Constant(f"{value}x")


_KINDS = {
    "operator": _operators,
    "condition": _conditions,
    "returned": _returns,
    "constant": _constants,
}


def _with(node: ast.AST, **parts: object) -> ast.AST:
    changed = copy.copy(node)
    for name, part in parts.items():
        setattr(changed, name, part)
    return changed


@dataclass(frozen=True)
class _Place:
    parent: ast.AST
    name: str
    index: int | None
    node: ast.AST
    statement: ast.stmt
    on_import: bool

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines of the place, then the first of its statement."""
        here: ast.expr | ast.stmt | ast.pattern = self.statement
        match self.node:
            case ast.If(test=test) | ast.While(test=test) | ast.comprehension(ifs=[test, *_]):
                here = test
            case ast.expr() | ast.stmt() | ast.pattern():
                here = self.node
        return (*range(here.lineno, (here.end_lineno or here.lineno) + 1), self.statement.lineno)


_HELD = {
    # What carries no behaviour (types, imports, names), or is checked by nothing but eyes.
    ast.FunctionDef: {"returns", "decorator_list"},
    ast.AsyncFunctionDef: {"returns", "decorator_list"},
    ast.arg: {"annotation"},
    ast.AnnAssign: {"annotation", "target"},
    ast.ClassDef: {"bases", "keywords", "decorator_list"},
    ast.Raise: {"cause"},
    ast.JoinedStr: {"values"},
}
_SKIPPED = (ast.Import, ast.ImportFrom, ast.Assert, ast.Global, ast.Nonlocal)


def places(tree: ast.Module) -> Iterator[_Place]:
    """All places of a module that could be changed, in the order of the source."""
    yield from _places(tree, None, on_import=True)


def _places(node: ast.AST, statement: ast.stmt | None, *, on_import: bool) -> Iterator[_Place]:
    for name, value in ast.iter_fields(node):
        if name in _HELD.get(type(node), ()):
            continue
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        later = on_import and not (inside and name == "body")
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _silent(child):
                continue
            within = child if isinstance(child, ast.stmt) else statement
            if within is not None:
                yield _Place(node, name, index, child, within, later)
            yield from _places(child, within, on_import=later)


def _silent(node: ast.AST) -> bool:
    """Whether a node does nothing when it runs: docstrings, imports, types, `__all__`."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Call(func=ast.Name(id="cast" | "TypeVar")):
            return True
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.FunctionDef(name="__repr__"):
            return True
    return isinstance(node, _SKIPPED)


def mutants(root: Path, seed: int) -> Iterator[Mutant]:
    """Mutants of the core of a tree without end, no place twice; those that change nothing not."""
    chance = random.Random(seed)
    sources = {path: path.read_text() for path in sorted((root / CORE).rglob("*.py"))}
    sizes = [text.count("\n") for text in sources.values()]
    taken: set[tuple[Path, int]] = set()
    while True:
        path = chance.choices(list(sources), sizes)[0]
        tree = ast.parse(sources[path])
        found = [place for place in places(tree) if changes(place.node)]
        if not found:
            continue
        number = chance.randrange(len(found))
        kind, changed = chance.choice(changes(found[number].node))
        if (path, number) in taken:
            continue
        taken.add((path, number))
        mutant = _mutant(tree, found[number], kind, changed, path.relative_to(root))
        if mutant is not None:
            yield mutant


def _mutant(
    tree: ast.Module, place: _Place, kind: str, changed: ast.AST, file: Path
) -> Mutant | None:
    """Put the change in its place; None if the module compiles to the same."""
    before = compile(ast.unparse(tree), "", "exec")
    shown = _shown(place.node), _shown(changed)
    if place.index is None:
        setattr(place.parent, place.name, changed)
    else:
        getattr(place.parent, place.name)[place.index] = changed
    source = ast.unparse(ast.fix_missing_locations(tree))
    if compile(source, "", "exec") == before:
        return None
    lines = place.lines
    return Mutant(str(file), lines[0], kind, *shown, lines, place.on_import, source)


def _shown(node: ast.AST) -> str:
    """One line of source: of a statement only its head."""
    lines = ast.unparse(node).splitlines()
    return lines[0] if isinstance(node, ast.stmt) else " ".join(line.strip() for line in lines)


class Scratch:
    """A copy of a tree in a temporary folder, and the tests that run in it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        shutil.copytree(root, self.tree, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
        self._python = _environment(root, self.tree)

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[None]:
        """Have one module of the copy broken."""
        path = self.tree / mutant.file
        whole = path.read_bytes()
        try:
            self._write(path, mutant.source.encode())
            yield
        finally:
            self._write(path, whole)

    def _write(self, path: Path, content: bytes) -> None:
        # What was compiled is told apart by size and second alone.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()
        path.write_bytes(content)

    def pytest(self, paths: list[str], told: dict[str, object], limit: float | None) -> int | None:
        """Run tests with this module as a plugin of pytest; None if time is up."""
        settings = self.folder / "told.json"
        settings.write_text(json.dumps(told))
        environment = {
            **os.environ,
            "MUTANTS_TOLD": str(settings),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPATH": "",
        }
        options = ["-q", "-pmutants", "-pno:cacheprovider", f"--basetemp={self.folder / 't'}"]
        with (self.folder / "log").open("w") as log:
            running = subprocess.Popen(
                [self._python, "-m", "pytest", *options, *paths],
                cwd=self.tree,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                return running.wait(limit)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGINT)
                return None
            finally:
                with suppress(subprocess.TimeoutExpired):
                    running.wait(20)
                self._end_all(settings)

    def _end_all(self, settings: Path) -> None:
        """End what the tests left running: it has the name of our settings in its environment."""
        mark = f"MUTANTS_TOLD={settings}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)


def _environment(root: Path, tree: Path) -> Path:
    """Make an environment that finds the copy first, and then what that of the tree has."""
    there = next((root / ".venv").glob("lib/python*/site-packages"))
    venv.create(tree / ".venv", symlinks=True)
    here = next((tree / ".venv").glob("lib/python*/site-packages"))
    # Paths alone: the file by which the tree is found would be read only if it were in `here`.
    found = "\n".join([str(tree / "core"), str(tree / "tui"), str(there)])
    measured = "'COVERAGE_PROCESS_START' in os.environ"
    hook = f"import os; {measured} and __import__('coverage').process_startup()"
    (here / "scratch.pth").write_text(f"{found}\n{hook}\n")
    shutil.copy(__file__, here / "mutants.py")
    python = tree / ".venv" / "bin" / "python"
    for script in (root / ".venv" / "bin").iterdir():
        copied = python.with_name(script.name)
        if script.is_file() and not copied.exists():
            first, newline, rest = script.read_bytes().partition(b"\n")
            ours = first.startswith(b"#!") and b"python" in first
            copied.write_bytes((f"#!{python}".encode() if ours else first) + newline + rest)
            copied.chmod(0o755)
    return python


def pytest_configure(config: pytest.Config) -> None:
    """Be the plugin that was asked for, if any."""
    path = os.environ.get("MUTANTS_TOLD")
    if path is None:
        return
    told = json.loads(Path(path).read_text())
    config.pluginmanager.register(_Mapping(told) if "map" in told else _Chosen(told))


class _Mapping:
    """Keeps which lines each test reaches, in its processes too, and how long it takes."""

    def __init__(self, told: dict[str, str]) -> None:
        self._kept = Path(told["map"])
        settings = self._kept / "coveragerc"
        core = Path.cwd() / CORE
        settings.write_text(
            f"[run]\nsource = {core}\ndata_file = {self._kept / 'lines'}\nparallel = true\n"
            "context = ${MUTANTS_TEST-}\n"
            "disable_warnings = no-data-collected,module-not-imported,module-not-measured\n"
        )
        self._settings = str(settings)
        self._coverage = coverage.Coverage(config_file=self._settings)
        self._coverage.set_option("run:context", "")
        self._coverage.start()
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        # Only now: workers of pytest are no processes of a test.
        os.environ |= {"COVERAGE_PROCESS_START": self._settings, "MUTANTS_TEST": item.nodeid}
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._spent[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_unconfigure(self) -> None:
        self._coverage.stop()
        self._coverage.save()
        passed = {test: spent for test, spent in self._spent.items() if test not in self._failed}
        (self._kept / f"seconds.{os.getpid()}.json").write_text(json.dumps(passed))


class _Chosen:
    """Runs the tests that were chosen, in the order in which they were, up to the first failure."""

    def __init__(self, told: dict[str, object]) -> None:
        self._tests: list[str] = told["tests"]  # type: ignore[assignment]
        self._failed = Path(str(told["failed"]))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[test] for test in self._tests if test in found]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._failed.exists():
            self._failed.write_text(report.nodeid)


class Map:
    """Which tests reach which line, and how long each takes."""

    def __init__(self, kept: Path) -> None:
        self._data = coverage.CoverageData(str(kept / "lines"))
        self._data.read()
        self.seconds: dict[str, float] = json.loads((kept / "seconds.json").read_text())

    def reaching(self, mutant: Mutant, importers: Callable[[str], list[str]]) -> list[str]:
        """The tests that reach a mutant, in the order in which to try them."""
        lines = self._lines(mutant.file)
        if mutant.on_import:
            tests = {test for here in lines.values() for test in here}
            for file in importers(mutant.file):
                tests |= {test for here in self._lines(file).values() for test in here}
        else:
            *within, statement = mutant.lines
            tests = {test for line in within for test in lines.get(line, ())}
            tests = tests or set(lines.get(statement, ()))
        stem = Path(mutant.file).stem

        def order(test: str) -> tuple[bool, float]:
            return stem not in test.partition("::")[0], self.seconds[test]

        return sorted((test for test in tests if test in self.seconds), key=order)

    def _lines(self, file: str) -> dict[int, list[str]]:
        name = next((n for n in self._data.measured_files() if n.endswith(f"/{file}")), None)
        return self._data.contexts_by_lineno(name) if name else {}


def make_map(root: Path, kept: Path, tests: list[str], workers: int) -> None:
    """Run tests once, and keep what they reach; those that are named are added to what is kept."""
    if not tests:
        shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mut") as folder:
        scratch = Scratch(root, Path(folder))
        spread = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
        scratch.pytest([*spread, *tests], {"map": str(kept)}, None)
        shutil.copy(scratch.folder / "log", kept / "log")
    combined = coverage.CoverageData(str(kept / "lines"))
    combined.read()
    for path in sorted(kept.glob("lines.*")):
        one = coverage.CoverageData(str(path))
        one.read()
        combined.update(one)
        path.unlink()
    combined.write()
    whole = kept / "seconds.json"
    seconds: dict[str, float] = json.loads(whole.read_text()) if whole.exists() else {}
    for path in kept.glob("seconds.*.json"):
        seconds |= json.loads(path.read_text())
        path.unlink()
    whole.write_text(json.dumps(seconds))


class Importers:
    """Which modules of a core import which: by their names, through packages too."""

    def __init__(self, root: Path) -> None:
        self._imported: dict[str, set[str]] = {}
        for path in sorted((root / CORE).rglob("*.py")):
            names: set[str] = set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
                elif isinstance(node, ast.Import):
                    names |= {one.name for one in node.names}
            self._imported[str(path.relative_to(root))] = names

    def of(self, file: str) -> list[str]:
        """The files that import a file."""
        parts = Path(file).relative_to(CORE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found = [other for other, names in self._imported.items() if name in names]
        packages = [other for other in found if other.endswith("__init__.py") and other != file]
        return found + [other for package in packages for other in self.of(package)]


def judge(scratch: Scratch, mutant: Mutant, tests: list[str], seconds: dict[str, float]) -> Verdict:
    """Give a mutant to the tests that reach it, as far as the budget goes."""
    began = time.monotonic()
    given: list[str] = []
    for test in tests:
        if given and sum(map(seconds.__getitem__, given)) + seconds[test] > BUDGET:
            break
        given.append(test)
    outcome, failed = ("survived", "") if given else ("unreached", "")
    with scratch.broken(mutant):
        for batch in given[:FIRST], given[FIRST:]:
            if batch and outcome == "survived":
                failed = _failure(scratch, batch, seconds)
                outcome = "caught" if failed else "survived"
    return Verdict(outcome, failed, len(tests), len(given), round(time.monotonic() - began, 1))


def _failure(scratch: Scratch, tests: list[str], seconds: dict[str, float]) -> str:
    """The first test that fails, and does so alone as well; empty if none does."""
    while tests:
        failed = _run(scratch, tests, seconds)
        if not failed or len(tests) == 1 or _run(scratch, [failed], seconds):
            return failed
        tests = [test for test in tests if test != failed]
    return ""


def _run(scratch: Scratch, tests: list[str], seconds: dict[str, float]) -> str:
    told = scratch.folder / "failed"
    told.unlink(missing_ok=True)
    slowest = max(seconds[test] for test in tests)
    limit = 60 + 4 * sum(seconds[test] for test in tests)
    files = sorted({test.partition("::")[0] for test in tests})
    options = ["-x", f"--timeout={60 + 4 * slowest:.0f}", "--no-header"]
    status = scratch.pytest([*options, *files], {"tests": tests, "failed": str(told)}, limit)
    if status == 0:
        return ""
    # What doesn't even import fails no test, and what hangs has none that failed.
    return told.read_text() if told.exists() else tests[0]


def run(root: Path, kept: Path, seed: int, count: int) -> Path:
    """Judge mutants that are not judged yet, and keep each verdict as soon as it is known."""
    tests, importers = Map(kept), Importers(root)
    results = kept / f"mutants-{seed}.jsonl"
    judged = results.read_text().splitlines() if results.exists() else []
    with tempfile.TemporaryDirectory(prefix="mut") as folder, results.open("a") as out:
        scratch = Scratch(root, Path(folder))
        for number, mutant in zip(range(count), mutants(root, seed), strict=False):
            if number < len(judged):
                continue
            verdict = judge(scratch, mutant, tests.reaching(mutant, importers.of), tests.seconds)
            shown = {k: v for k, v in asdict(mutant).items() if k not in ("source", "lines")}
            json.dump({**shown, "room": mutant.room, **asdict(verdict)}, out)
            out.write("\n")
            out.flush()
            sys.stderr.write(f"{number + 1}/{count} {verdict.outcome} {mutant.file}\n")
    return results


def show(results: Path) -> str:
    """A table of rooms, and the mutants that were not caught."""
    judged = [json.loads(line) for line in results.read_text().splitlines()]
    rooms = Counter((one["room"], one["outcome"]) for one in judged)
    lines = [f"{'room':12} {'caught':>7} {'survived':>9} {'unreached':>10} {'share':>6}"]
    for room in [*sorted({room for room, _ in rooms}), ""]:
        counts = [
            sum(n for (r, o), n in rooms.items() if o == outcome and (r == room or not room))
            for outcome in ("caught", "survived", "unreached")
        ]
        share = 100 * counts[0] / sum(counts)
        caught, survived, unreached = counts
        lines.append(f"{room or 'all':12} {caught:7} {survived:9} {unreached:10} {share:5.1f}%")
    lines.extend(
        f"{one['file']}:{one['line']} {one['outcome']} ({one['given']} of {one['reached']} tests), "
        f"{one['kind']}: {one['before']}  =>  {one['after']}"
        for one in judged
        if one["outcome"] != "caught"
    )
    return "\n".join(lines)


def main() -> None:
    """Read the line, and do as it says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["map", "run", "show"])
    parser.add_argument("tests", nargs="*", help="for the map: the tests to run (all)")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1, help="for the map (1)")
    line = parser.parse_intermixed_args()
    root = line.root.resolve()
    kept = root / CACHE
    if line.action == "map":
        make_map(root, kept, line.tests, line.workers)
        return
    results = kept / f"mutants-{line.seed}.jsonl"
    if line.action == "run":
        run(root, kept, line.seed, line.count)
    sys.stdout.write(show(results) + "\n")


if __name__ == "__main__":
    main()
