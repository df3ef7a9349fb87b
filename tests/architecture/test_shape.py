"""The shape of the code, held by tests because shapes that are only agreed on drift."""

from __future__ import annotations

import ast
import statistics
import sys

import pytest

from tests.architecture.tree import PRODUCT, ROOT, SERVICES, Module, modules

SAME_FILES = {
    "__init__.py", "__main__.py", "settings.py", "app.py", "routes.py", "inbox.py", "ports.py", "outbox.py", "store.py",
}  # fmt: skip
DOORS = {"shared/httpkit.py", "shared/bus.py", "shared/ticker.py"}
CLOCK = {"shared/clock.py"}
PURE = {"shared.errors", "shared.lexicon", "__future__"}
IMPURE_STDLIB = {"asyncio", "logging", "os", "random", "uuid", "secrets", "time", "socket", "subprocess"}


def each(*folders: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("module", modules(*folders), ids=lambda module: module.name)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    folder = ROOT / "services" / service

    assert {path.name if path.is_file() else f"{path.name}.py" for path in folder.iterdir()} >= SAME_FILES
    assert (folder / "domain").is_dir()
    assert (folder / "actions").is_dir() or (folder / "actions.py").is_file()


@each(*PRODUCT, "tests")
def test_every_module_opens_with_a_sentence(module: Module) -> None:
    sentence = ast.get_docstring(module.tree) or ""

    assert sentence.split("\n\n")[0].rstrip().endswith((".", "?", "!")), module.name


@each(*PRODUCT)
def test_no_function_is_longer_than_sixty_lines(module: Module) -> None:
    long = [f.name for f in module.functions() if (f.end_lineno or f.lineno) - f.lineno + 1 > 60]

    assert long == []


def test_the_median_module_is_under_120_lines() -> None:
    assert statistics.median(len(module.source.splitlines()) for module in modules(*PRODUCT)) < 120


def test_what_is_shared_stays_thin() -> None:
    """The kits; the event contracts are a catalogue that grows with what there is to say."""
    kits = [module for module in modules("shared") if not module.name.startswith("shared/events/")]

    assert sum(module.code_lines() for module in kits) <= 1_700


@each("shared")
def test_what_is_shared_knows_no_service(module: Module) -> None:
    assert [name for name in module.imports() if name.split(".")[0] in {"services", "deploy"}] == []


@each(*(f"services/{service}/domain" for service in SERVICES))
def test_a_domain_imports_nothing_but_the_standard_library(module: Module) -> None:
    service = module.path.relative_to(ROOT).parts[1]
    pure = sys.stdlib_module_names - IMPURE_STDLIB
    foreign = [
        name
        for name in module.imports()
        if name not in PURE and name.split(".")[0] not in pure and not name.startswith(f"services.{service}.domain")
    ]

    assert foreign == []


@each("services")
def test_no_service_imports_another(module: Module) -> None:
    own = module.path.relative_to(ROOT).parts[1]
    if own in SERVICES:
        others = tuple(f"services.{service}" for service in SERVICES if service != own)
        assert [name for name in module.imports() if name.startswith(others)] == []


@each(*PRODUCT)
def test_only_the_doors_catch_everything(module: Module) -> None:
    if module.name in DOORS:
        return
    caught = [n for n in ast.walk(module.tree) if isinstance(n, ast.ExceptHandler)]
    broad = [n.lineno for n in caught if n.type is None or _names(n.type) & {"Exception", "BaseException"}]

    assert broad == []


@each("shared", "services")
def test_only_the_clock_reads_the_time(module: Module) -> None:
    if module.name in CLOCK:
        return
    reads = [
        n.lineno
        for n in ast.walk(module.tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in {"now", "utcnow", "today"}
        if isinstance(n.func.value, ast.Name) and n.func.value.id in {"datetime", "date"}
    ]

    assert reads == []


@each("services")
def test_the_driver_is_seen_only_in_stores(module: Module) -> None:
    if module.path.stem == "store" or module.path.parent.name == "store":
        return
    assert [name for name in module.imports() if name.split(".")[0] == "motor"] == []


@each(*PRODUCT, "tests")
def test_nothing_is_mocked_and_nothing_left_for_later(module: Module) -> None:
    assert "unittest.mock" not in set(module.imports()), module.name
    if module.name != "tests/architecture/test_shape.py":
        assert not any(word in module.source for word in ("TODO", "FIXME", "XXX")), module.name


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
