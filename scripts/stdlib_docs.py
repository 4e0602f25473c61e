r"""Write the running Python's standard library documentation as JSON Lines, a corpus to search.

One document per public module, class, function, method, property and exception::

    {"_id": "os.fsync", "title": "os.fsync", "text": "fsync(fd)\n\nForce write of fd to disk.",
     "module": "os", "kind": "function", "python": "3.11"}

The story: load the modules, give every object the one public name it is known by (its home),
then describe each object under that name, members of a class with their class.

Run with any Python >= 3.11; nothing but the standard library is needed::

    python scripts/stdlib_docs.py --out stdlib.jsonl
"""

import argparse
import ast
import contextlib
import functools
import importlib
import inspect
import io
import json
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

# These open, print or start something when imported, or are no library.
DEMOS = frozenset({"antigravity", "this", "idlelib", "turtledemo", "test", "tests", "pydoc_data"})

# Tables that programs generated, and packages that Python dropped after 3.11.
OTHERS = frozenset({"encodings", "distutils", "lib2to3"})

# Modules that implement another one, where the documentation and everybody's imports look.
HOME_OF = {
    **dict.fromkeys(("posix", "nt"), "os"),
    **dict.fromkeys(("posixpath", "ntpath", "genericpath"), "os.path"),
    **dict.fromkeys(("sre_compile", "sre_constants", "sre_parse"), "re"),
    **dict.fromkeys(("_frozen_importlib", "_frozen_importlib_external"), "importlib"),
    "pyexpat": "xml.parsers.expat",
}

# Another name of a base class whose members people know by the class made from it.
NO_HOME = frozenset({"socket.SocketType"})

# What Python writes itself, hundreds of times over, would only bury what people wrote.
GENERATED = re.compile(r"Alias for field number \d+$|Initialize self\.  See help\(type\(self\)\)")

Document = dict[str, str]
Home = tuple[str, str]


def load_modules(names: Iterable[str], *, failed: list[str]) -> Iterator[tuple[str, ModuleType]]:
    """Yield the public modules among the names and inside them; note those that do not import."""
    for name in names:
        parts = name.split(".")
        if name in HOME_OF or not (DEMOS | OTHERS).isdisjoint(parts) or "._" in f".{name}":
            continue
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit):  # made for another system, or built without its library
            failed.append(name)
            continue
        yield name, module
        inner = pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}.")
        yield from load_modules(sorted(found.name for found in inner), failed=failed)


def public_names(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield what a module offers, in order of definition: the first of two names comes first."""
    listed = getattr(module, "__all__", ())  # concurrent.futures loads its pools late
    for name in dict.fromkeys([*vars(module), *listed]):
        if name in listed or not name.startswith("_"):
            value = getattr(module, name, None)
            if callable(value):
                yield name, value


def origin(value: object) -> str:
    """Name the module that an object's own ``__module__`` stands for: ``_csv`` is ``csv``."""
    module = getattr(value, "__module__", None) or ""
    return HOME_OF.get(module, module.lstrip("_")) if isinstance(module, str) else ""


def find_homes(modules: dict[str, ModuleType]) -> dict[int, Home]:
    """Give each object, by its ``id()``, the one module and name that people import it by.

    A name counts in the package that defined the object, wherever ``__all__`` lists it, and for
    the objects of hidden modules in any module without ``__all__``. Of several the one wins that
    is a builtin, in the defining package, nearest to its top (``asyncio.run``), the original.
    """
    best: dict[int, tuple[tuple[object, ...], Home]] = {}
    for module, namespace in modules.items():
        listed = getattr(namespace, "__all__", None)
        for name, value in public_names(namespace):
            source = origin(value)
            foreign = source.partition(".")[0] != module.partition(".")[0]
            unlisted = name not in (listed or ())
            imported = foreign and unlisted and (listed is not None or source in modules)
            if f"{module}.{name}" in NO_HOME or (imported and module != "builtins"):
                continue
            depth, alias = module.count("."), name != getattr(value, "__name__", name)
            place = (module != "builtins", foreign, foreign and unlisted, depth)
            rank = (*place, unlisted, module, alias)
            if id(value) not in best or rank < best[id(value)][0]:
                best[id(value)] = (rank, (module, name))
    return {key: home for key, (_, home) in best.items()}


def find_heirs(classes: dict[str, type], homes: dict[int, Home]) -> dict[str, set[type]]:
    """Give each hidden base to the one class under whose name its members are described.

    That is the class it is named for (``_io._IOBase`` for ``io.IOBase``), else the nearest one.
    """
    best: dict[type, tuple[bool, int, str]] = {}
    for name, cls in classes.items():
        for base in cls.__mro__[1:]:
            rank = (not base.__name__.endswith(cls.__name__), len(cls.__mro__), name)
            if id(base) not in homes and (base not in best or rank < best[base]):
                best[base] = rank
    heirs: dict[str, set[type]] = {}
    for base, (_, _, name) in best.items():
        heirs.setdefault(name, set()).add(base)
    return heirs


def clean(doc: object) -> str:
    """Return a docstring without its indentation, "" where Python wrote it or nobody did."""
    return "" if not isinstance(doc, str) or GENERATED.match(doc) else inspect.cleandoc(doc)


def own_doc(value: object) -> str:
    """Return what was written for this very object, "" where that is nothing or is inherited."""
    if isinstance(value, type):  # many a class tells its story in __init__
        parts = (clean(vars(value).get("__doc__")), own_doc(vars(value).get("__init__")))
        return "\n\n".join(filter(None, parts))
    doc = getattr(value, "__doc__", None)
    return "" if doc == type(value).__doc__ else clean(doc)


class Omitted:
    """Stands for a default in a signature."""

    def __repr__(self) -> str:
        return "..."


def steady(parameter: inspect.Parameter) -> inspect.Parameter:
    """Hide a default that is no literal, or a path of this Python: it differs from run to run."""
    default = repr(parameter.default)
    try:
        ast.literal_eval(default)
    except (SyntaxError, ValueError):
        plain = parameter.default is parameter.empty
    else:
        plain = sys.prefix not in default and sys.base_prefix not in default
    return parameter if plain else parameter.replace(default=Omitted())


def signature(name: str, value: object, *, bound: bool) -> str:
    """Return a call such as ``fsync(fd)``, without ``self`` where it is bound; "" if unknown."""
    if not (isinstance(value, type) or inspect.isroutine(value)):
        return ""
    try:
        known = inspect.signature(value)
    except Exception:  # written in C without one, or its annotations cannot be evaluated
        return ""
    parameters = [steady(parameter) for parameter in known.parameters.values()]
    return name + str(known.replace(parameters=parameters[bound:]))


def text_of(name: str, value: object, *, listed: bool, bound: bool = False) -> str:
    """Return signature and docstring, "" where there is neither or nobody is meant to look.

    A signature alone is enough for what a module declares public: ``csv.DictReader`` has no
    docstring in Python 3.11, yet its parameters are what people look for and ``help()`` shows.
    """
    call, doc = signature(name, value, bound=bound), own_doc(value)
    if not doc and (not listed or (bound and call.startswith(f"{name}()"))):
        return ""
    return "\n\n".join(filter(None, ("" if doc.startswith(f"{name}(") else call, doc)))


def kind_of(value: object) -> str:
    """Return the kind of what a module offers; ``typing.Optional`` and its like are classes."""
    if isinstance(value, type):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "class"


def is_repeated(name: str, value: object, *, bases: Iterable[type]) -> bool:
    """Tell whether a base has a member of this name that says the same, or all there is to say."""
    doc = getattr(value, "__doc__", None)
    return any(not doc or vars(b)[name].__doc__ == doc for b in bases if name in vars(b))


def members(cls: type, *, hidden: set[type]) -> Iterator[tuple[str, str, object, bool]]:
    """Yield name, kind, value and boundness of what a class and its hidden bases define."""
    own = [base for base in cls.__mro__ if base is cls or base in hidden]
    others = [base for base in cls.__mro__ if base not in own]
    known = {name: value for base in reversed(own) for name, value in vars(base).items()}
    for name, wrapped in known.items():
        value = getattr(wrapped, "__func__", wrapped)  # inside a static or class method
        if name.startswith("_") or is_repeated(name, value, bases=others):
            continue
        if isinstance(value, functools.cached_property) or inspect.isdatadescriptor(value):
            yield name, "property", value, False
        elif inspect.isroutine(value):
            yield name, "method", value, not isinstance(wrapped, staticmethod)


class Corpus:
    """The documents of a set of modules, each object once."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self.modules = modules
        self.homes = find_homes(modules)
        self.documents: dict[str, Document] = {}
        self.described: set[int] = set()  # ids of functions: an alias is no second document

    def add(self, name: str, *, module: str, kind: str, text: str) -> None:
        """Keep a document unless there is nothing to say."""
        if text:
            self.documents[name] = {
                "_id": name,
                "title": name.removeprefix("builtins."),  # people type print and str.split
                "text": text,
                "module": module,
                "kind": kind,
                "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            }

    def is_listed(self, value: object, module: str, name: str) -> bool:
        """Tell whether ``__all__`` lists a name, at home or at its origin, or there is none."""
        places = {module, origin(value)} & self.modules.keys()
        return any(name in getattr(self.modules[place], "__all__", (name,)) for place in places)

    def describe_modules(self) -> dict[str, type]:
        """Describe modules, functions and classes; return the classes by name.

        Functions go before methods: ``random.random`` is also a method of a hidden instance.
        """
        classes: dict[str, type] = {}
        for module, namespace in self.modules.items():
            self.add(module, module=module, kind="module", text=clean(namespace.__doc__))
            for name, value in public_names(namespace):
                if self.homes.get(id(value)) != (module, name):
                    continue
                if isinstance(value, type):
                    classes[f"{module}.{name}"] = value
                self.described.add(id(getattr(value, "__func__", value)))
                text = text_of(name, value, listed=self.is_listed(value, module, name))
                self.add(f"{module}.{name}", module=module, kind=kind_of(value), text=text)
        return classes

    def describe_members(self, classes: dict[str, type]) -> None:
        """Describe methods and properties of the classes, those of hidden bases once."""
        heirs = find_heirs(classes, self.homes)
        for owner, cls in classes.items():
            module, class_name = self.homes[id(cls)]
            listed = self.is_listed(cls, module, class_name)
            for name, kind, value, bound in members(cls, hidden=heirs.get(owner, set())):
                if id(value) not in self.described:
                    self.described.add(id(value))
                    text = text_of(name, value, listed=listed, bound=bound)
                    self.add(f"{owner}.{name}", module=module, kind=kind, text=text)


def collect() -> tuple[list[Document], list[str]]:
    """Return all documents sorted by id, and the names of modules that could not be imported."""
    failed: list[str] = []
    names = sorted({*sys.stdlib_module_names, "os.path"})
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        corpus = Corpus(dict(load_modules(names, failed=failed)))
        corpus.describe_members(corpus.describe_modules())
    return [corpus.documents[name] for name in sorted(corpus.documents)], failed


def main() -> None:
    """Write the corpus where ``--out`` says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", default="-", help="file to write, - for standard output (default)")
    parser.add_argument("--every", type=int, default=1, help="keep every Nth document only")
    arguments = parser.parse_args()
    out = arguments.out
    documents, failed = collect()
    documents = documents[:: max(1, arguments.every)]
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
    if out == "-":
        sys.stdout.buffer.write(lines.encode())
    else:
        Path(out).write_bytes(lines.encode())
    print(f"{len(documents)} documents; {len(failed)} modules do not import here", file=sys.stderr)


if __name__ == "__main__":
    main()
