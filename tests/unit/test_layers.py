"""Imports point one way: from what people call down to what everything needs.

Read from the sources, so that imports inside functions count as well.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

import es_hybrid

ROOT = Path(es_hybrid.__file__).parent

# A module may import those of its own line and of the lines above it.
LAYERS = (
    {"analysis", "errors", "http_rules", "json_values", "objects", "optional", "texts"},
    {
        "adaptive",
        "cosine",
        "documents",
        "field_types",
        "filters",
        "fusion",
        "hits",
        "node",
        "pictures",
        "settings",
        "vectors",
    },
    {"mmr", "model_references", "similarity", "transforms", "vector_index"},
    {"contract", "embedders", "mapping", "passages", "rerank", "sources", "tuned"},
    {"reports"},
    {"capabilities", "client", "connection", "live", "refusals", "steps"},
    {"fitted"},
    {"indexing", "keys", "search"},
    {"alignment", "comparison", "doctor", "evaluation", "existing"},
    {"vector_stream"},
    {"write_back"},
    {"anomalies", "clusters", "diagnosis", "labelling", "recall"},
    {"sizing"},
    {"cli"},
    {"", "__main__"},  # the public names, and python -m es_hybrid
)
PURE = (
    *(
        "adaptive",
        "analysis",
        "texts",
        "contract",
        "documents",
        "field_types",
        "filters",
        "fusion",
        "hits",
    ),
    *("json_values", "mapping", "mmr", "passages", "similarity", "vector_index", "vectors"),
    *("search.nested", "search.queries", "search.rankings"),
)
SERVER = {"elasticsearch", "elastic_transport"}


def modules():
    """Full name -> path, of every module of the package."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("es_hybrid", *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def is_typing_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node, *, typing):
    """Names of all modules imported under `node`; with `typing` also those for annotations."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            inside = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (name if name in MODULES else child.module for name in inside)
        elif typing or not is_typing_only(child):
            yield from imports(child, typing=typing)


@cache  # every module is asked for by most tests
def imported(module, *, typing=False):
    return frozenset(imports(ast.parse(MODULES[module].read_text()), typing=typing))


def test_the_reader_of_imports_sees_them_all():
    assert {"elasticsearch", "es_hybrid.errors"} <= imported("es_hybrid.client")
    assert "es_hybrid.embedders.packaged" in imported("es_hybrid.embedders.kinds")  # in a function
    assert "elasticsearch" not in imported("es_hybrid.capabilities")  # for annotations only


def layer(module):
    """The line of `LAYERS` that holds the top-level part of `module`."""
    part = module.partition(".")[2].partition(".")[0]
    return next((number for number, parts in enumerate(LAYERS) if part in parts), None)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_layer(module):
    assert layer(module) is not None, f"give {module} a place in LAYERS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_never_point_upwards(module):
    own = {name for name in imported(module, typing=True) if name in MODULES}
    assert {name for name in own if layer(name) > layer(module)} == set()


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("es_hybrid.node")])
def test_the_node_knows_nothing_of_documents_and_searches(module):
    own = {name for name in imported(module, typing=True) if name in MODULES}
    assert {n for n in own if not n.startswith(("es_hybrid.node", "es_hybrid.errors"))} == set()


def reachable(module):
    """Everything that is imported, directly or not, once `module` is used."""
    seen, waiting = set(), [module]
    while waiting:
        for name in imported(waiting.pop()) - seen:
            seen.add(name)
            waiting += [name] if name in MODULES else []
    return seen


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_need_no_elasticsearch_client(module):
    name = f"es_hybrid.{module}"
    found = reachable(name) | imported(name, typing=True)
    assert {one for one in found if one.partition(".")[0] in SERVER} == set()


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_itself_by_a_detour(module):
    assert module not in reachable(module)


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_imported_by_their_full_name(module):
    tree = ast.walk(ast.parse(MODULES[module].read_text()))
    assert not [node for node in tree if isinstance(node, ast.ImportFrom) and node.level]
