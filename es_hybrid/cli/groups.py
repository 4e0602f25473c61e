"""Options in groups: a command takes one argument for many options that belong together."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from inspect import Parameter
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of each argument whose type is a dataclass, as options.

    typer reads a command's signature, so that is what is extended. A field is annotated as any
    option of typer is.
    """
    own = inspect.signature(command, eval_str=True)
    groups = {
        name: tuple(_options(parameter.annotation))
        for name, parameter in own.parameters.items()
        if is_dataclass(parameter.annotation)
    }

    @functools.wraps(command)
    def grouped(*args: Any, **options: Any) -> None:
        made = {
            name: own.parameters[name].annotation(**{one.name: options.pop(one.name) for one in of})
            for name, of in groups.items()
        }
        command(*args, **options, **made)

    parameters = [each for name, one in own.parameters.items() for each in groups.get(name, (one,))]
    grouped.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # functions may carry one
    return grouped


def _options(group: Any) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for one in fields(group):
        yield Parameter(
            one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name]
        )
