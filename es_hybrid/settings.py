"""What was asked for: arguments, and below them ``ES_HYBRID_*``.

What it comes to, names that other tools export included, is decided in
:mod:`es_hybrid.connection`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from es_hybrid.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_settings import PydanticBaseSettingsSource as Source


_NEVER_SHOWN = ("api_key", "openai_api_key", "password", "url")
SHA256 = r"^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$"


def _absolute(folder: Path) -> Path:
    return folder.expanduser().absolute()


def _listed(names: Any) -> Any:
    """Names with commas in between, as a variable holds them."""
    if not isinstance(names, str):
        return names
    return tuple(name.strip() for name in names.split(",") if name.strip())


class Settings(BaseSettings):
    """What was asked for: arguments win over ``ES_HYBRID_*``; None means not given.

    ``url`` or ``cloud_id`` name the cluster; ``api_key``, or ``username`` (by default
    ``elastic``) and ``password``, open it; ``ca_certs`` is the PEM file of its authority, or
    ``fingerprint`` the SHA-256 of its certificate; ``request_timeout`` is in seconds, above
    0; ``home`` and ``node`` say which embedded node is meant; ``allow_plain_http`` lets
    credentials travel unencrypted. ``allowed_embedders``, with commas in between, are loaded on
    the word of an index: ``sentence-transformers:NAME``, or the path of a saved model; all others
    that do not ship in a package must be passed. ``openai_api_key`` opens the service behind
    ``openai:MODEL``; without it ``OPENAI_API_KEY`` does. A value of the wrong kind raises
    UsageError.

    >>> Settings(url="http://localhost:9200").request_timeout
    30.0
    """

    model_config = SettingsConfigDict(
        env_prefix="ES_HYBRID_", env_ignore_empty=True, frozen=True, extra="forbid"
    )
    url: str | None = None
    cloud_id: str | None = None
    api_key: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_certs: FilePath | None = None
    fingerprint: str | None = Field(default=None, pattern=SHA256)
    request_timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    home: Annotated[Path, AfterValidator(_absolute)] | None = None
    node: str | None = None
    allow_plain_http: bool = False
    openai_api_key: SecretStr | None = None
    allowed_embedders: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = ()
    # Per family, what it said: an argument hides a variable, but does not unsay it.
    _said: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Source,
        env_settings: Source,
        dotenv_settings: Source,  # noqa: ARG003 - the parent's signature
        file_secret_settings: Source,  # noqa: ARG003 - likewise
    ) -> tuple[Source, ...]:
        """Arguments, then the environment; no files."""
        given = {name: value for name, value in init_settings().items() if value is not None}
        said = {"given": given, "own": env_settings()}
        return InitSettingsSource(settings_cls, {**given, "_said": said}), env_settings

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(
        cls, data: dict[str, Any], check: ModelWrapValidatorHandler[Settings]
    ) -> Settings:
        said = data.get("_said")
        try:
            settings = check({name: value for name, value in data.items() if name != "_said"})
        except ValidationError as error:
            raise UsageError(_complaint(error, said or {"given": data})) from None
        if said is not None:  # model_validate comes here twice, and once without it
            settings._said = said
        return settings

    def said(self, family: str) -> Mapping[str, Any]:
        """What ``"given"`` or ``"own"`` said, one name at a time."""
        return self._said.get(family, {})

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked_url(value) if name == "url" and value else value


def _complaint(error: ValidationError, said: Mapping[str, Mapping[str, Any]]) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    value = "" if name in _NEVER_SHOWN else f" {first['input']!r}"
    kind = "given" if name in said["given"] else "own"
    return f"{source_of(kind, name)}{value} is not usable: {first['msg']}; correct or unset it"


def source_of(kind: str, name: str) -> str:
    """How a person gives this value: ``--url`` or ``ES_HYBRID_URL``."""
    return f"--{name.replace('_', '-')}" if kind == "given" else f"ES_HYBRID_{name.upper()}"


def masked(secret: str) -> str:
    """A secret as it may be printed: its ends, or nothing of it where it is short.

    >>> masked("abcdefgh"), masked("abc")
    ('ab…gh', '…')
    """
    return f"{secret[:2]}…{secret[-2:]}" if len(secret) >= 8 else "…"


def masked_url(url: str) -> str:
    """A URL without the credentials inside it."""
    return re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", r"\1…@", url, flags=re.IGNORECASE | re.DOTALL)
