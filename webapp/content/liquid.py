"""The template language of tenants: Liquid (python-liquid), with the holes in its own limits closed.

Tenants' templates and values are hostile. No files, no attributes of Python objects, no network. Time is bounded by work: tags times loop rounds,
the size of every value a filter takes or gives, and a deadline that each filter looks at.
"""

from __future__ import annotations

import contextvars
import functools
import re
import time
from collections.abc import Callable, ItemsView, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import liquid
from liquid.context import RenderContext
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.undefined import Undefined

from webapp.content.types import MAX_SOURCE

MAX_OUTPUT = 2 * 1024 * 1024
#: Seconds a rendering may take.
DEADLINE = 1.0
_MAX_TEXT = 1024 * 1024
_MAX_ITEMS = 5_000
_MAX_INT_BITS = 4_096
#: Most tags and outputs of a template -> rounds its loops may make in all: their product bounds the work.
_TIERS = ((100, 10_000), (1_000, 1_000), (5_000, 200))
_REMOVED_TAGS = ("include", "render", "liquid")
_REMOVED_FILTERS = ("safe", "escapejs")


class TemplateError(Exception):
    """Why a template cannot be read or rendered, in words for its author; ``line`` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class TooMuch(ResourceLimitError):
    """A limit of ours; as an error of the library's own kind it passes through its machinery."""

    def __init__(self, message: str) -> None:
        super().__init__(message, token=None)


@dataclass(slots=True)
class _Run:
    """One rendering: when it must end, what was missing, and what stands in for missing values (previews only)."""

    ends: float
    missing: dict[str, None] = field(default_factory=dict)
    stand_in: Callable[[str], str] | None = None


_run: contextvars.ContextVar[_Run] = contextvars.ContextVar("liquid_run")


class _Missing(Undefined):
    """A variable that was not given. Asking whether it is there (``if``, ``default``) is allowed; using it is noted."""

    __slots__ = ()

    def _path(self) -> str:
        path = (self.hint or self.name).removesuffix(" is undefined").strip("'\"")
        return path if path != "index out of range" else self.name

    def note(self) -> None:
        """Write the name down for the error that lists what is missing."""
        _run.get().missing.setdefault(self._path())

    def __str__(self) -> str:
        self.note()
        stand_in = _run.get().stand_in
        return stand_in(self._path()) if stand_in else ""

    def __iter__(self) -> Iterator[Any]:
        self.note()
        return iter(())

    def items(self) -> ItemsView[Any, object]:  # what `for` walks
        self.note()
        return {}.items()

    def __int__(self) -> int:
        self.note()
        return 0


class _Context(RenderContext):
    """Refuses ranges that are far too long, looks at the clock where loops and assignments pass."""

    def assign(self, key: str, val: Any) -> None:
        _check_time()
        super().assign(key, _within(val))

    def raise_for_loop_limit(self, length: int = 1) -> None:
        _check_time()
        super().raise_for_loop_limit(length)


class _Template(liquid.BoundTemplate):
    context_class = _Context


class _Environment(liquid.Environment):
    template_class = _Template
    block_nesting_limit = 20
    context_depth_limit = 20
    output_stream_limit = MAX_OUTPUT
    local_namespace_limit = 4 * 1024 * 1024

    def __init__(self, *, html: bool, rounds: int) -> None:
        super().__init__(undefined=_Missing, autoescape=html)
        self.loop_iteration_limit = rounds  # type: ignore[misc]
        for tag in _REMOVED_TAGS:
            self.tags.pop(tag, None)
        for name in _REMOVED_FILTERS:
            self.filters.pop(name, None)
        self.filters = {name: _bounded(name, act) for name, act in self.filters.items()}


def _check_time() -> None:
    if time.monotonic() > _run.get().ends:
        raise TooMuch(f"it takes longer than {DEADLINE:g} s")


def _within(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        raise TooMuch("a text in it grows too long")
    if isinstance(value, range | list | tuple) and len(value) > _MAX_ITEMS:
        raise TooMuch(f"a list or range in it has more than {_MAX_ITEMS} items")
    if isinstance(value, int) and value.bit_length() > _MAX_INT_BITS:
        raise TooMuch("a number in it grows too large")
    return value


def _check_product(name: str, arguments: tuple[Any, ...]) -> None:
    """Filters whose result can be the product of two long arguments are measured before they run."""
    if name.startswith("replace") and len(arguments) >= 2:
        text, wanted, by = str(arguments[0]), str(arguments[1]), str(arguments[2]) if len(arguments) > 2 else ""
        if (text.count(wanted) if wanted else len(text) + 1) * len(by) > _MAX_TEXT:
            raise TooMuch("a text in it grows too long")
    elif name == "join" and isinstance(arguments[0], list | tuple):
        separator = len(str(arguments[1])) if len(arguments) > 1 else 1
        if sum(len(item) if isinstance(item, str) else 16 for item in arguments[0]) + separator * len(arguments[0]) > _MAX_TEXT:
            raise TooMuch("a text in it grows too long")
    elif name == "date" and (len(str(arguments[0])) > 100 or any(re.search(r"%[-_0^#]*\d{2}", str(a)) for a in arguments[1:])):
        raise TooMuch("a date or date format in it is too long")


def _bounded(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """The filter with its arguments and result measured and the clock looked at."""

    @functools.wraps(act)
    def bounded(*arguments: Any, **named: Any) -> Any:
        _check_time()
        for value in arguments:
            if isinstance(value, _Missing) and name != "default":
                value.note()
            _within(value)
        _check_product(name, arguments)
        result = _within(act(*arguments, **named))
        _check_time()
        return result

    return bounded


@functools.lru_cache(maxsize=16)
def _environment(html: bool, rounds: int) -> _Environment:
    return _Environment(html=html, rounds=rounds)


@functools.lru_cache(maxsize=512)
def parse(source: str, html: bool) -> liquid.BoundTemplate:
    """Read a template. ``html``: values are escaped. Raises ``TemplateError``."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"The template is longer than {MAX_SOURCE // 1024} KB.")
    tags = source.count("{%") + source.count("{{")
    rounds = next((rounds for most, rounds in _TIERS if tags <= most), None)
    if rounds is None:
        raise TemplateError(f"The template has more than {_TIERS[-1][0]} tags.")
    try:
        return _environment(html, rounds).from_string(source)
    except (LiquidError, RecursionError, ValueError) as error:
        raise _explained(error) from None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text and the variables that were used but not given, in order of use."""

    text: str
    missing: tuple[str, ...]


def render(source: str, variables: Mapping[str, Any], *, html: bool, stand_in: Callable[[str], str] | None = None) -> Rendered:
    """Fill in a template. ``stand_in``: text for missing variables. Raises ``TemplateError``."""
    template = parse(source, html)
    run = _Run(time.monotonic() + DEADLINE, stand_in=stand_in)
    token = _run.set(run)
    try:
        text = template.render(**{str(name): value for name, value in variables.items()})
    except (LiquidError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise _explained(error) from None
    finally:
        _run.reset(token)
    return Rendered(text, tuple(run.missing))


def variables_of(source: str) -> list[str]:
    """The names of the variables a template uses, for the editor. Raises ``TemplateError``."""
    try:
        return sorted(parse(source, False).analyze().globals)
    except LiquidError as error:
        raise _explained(error) from None


def _explained(error: Exception) -> TemplateError:
    if isinstance(error, LiquidError):
        token = getattr(error, "token", None)
        line = token.source.count("\n", 0, token.start_index) + 1 if token is not None and token.start_index >= 0 else None
        text = str(error.args[0]) if error.args else type(error).__name__
        return TemplateError(f"{text}{f' (line {line})' if line else ''}", line)
    if isinstance(error, RecursionError):
        return TemplateError("it is nested too deeply")
    return TemplateError("a value in it cannot be used that way")


