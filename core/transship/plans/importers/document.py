"""YAML and JSON of other tools, read with the line of each value.

Scalars stay the text that is in the file: to the tools a tag `1.10` is text, where YAML alone
would take it for the number 1.1. What an attacker could blow up is limited: the size of the file,
the number of values after anchors are followed, and the depth. No message quotes a value, since
any of them may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import yaml

from transship.errors import BadFile

MOST_BYTES = 2 * 1024 * 1024
MOST_VALUES = 200_000
MOST_LEVELS = 50

_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge"})
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
_MARK = re.compile(r"[][{},:?|>&*!%@`#\\-]|\\[trnx0-9a-f]{1,5}|<[a-z ]+>")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class DocumentValue:
    """One value of a document, with the file and the line (from 1) that it stands at.

    One of `text`, `entries` and `items` is there; none for an empty value. `path` says where it
    is in the words of the file: `sync[2].tags`.
    """

    file: str
    line: int
    path: str = ""
    text: str | None = field(default=None, repr=False)
    entries: Mapping[str, DocumentValue] | None = field(default=None, repr=False)
    items: tuple[DocumentValue, ...] | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said: no value at all, or an empty text, list or mapping."""
        return not (self.text or self.entries or self.items)

    def get(self, key: str) -> DocumentValue:
        """Return the value under `key`; an empty one where there is none. Raises BadFile."""
        found = self.mapping().get(key)
        return found or DocumentValue(self.file, self.line, f"{self.path}.{key}".lstrip("."))

    def mapping(self) -> Mapping[str, DocumentValue]:
        """Return the entries; none for an empty value. Raises BadFile for what isn't a mapping."""
        if self.entries is None and not self.is_empty:
            raise self.error("has to be a mapping")
        return self.entries or {}

    def sequence(self) -> tuple[DocumentValue, ...]:
        """Return the items; none for an empty value. Raises BadFile for what isn't a list."""
        if self.items is None and not self.is_empty:
            raise self.error("has to be a list")
        return self.items or ()

    def words(self, default: str = "") -> str:
        """Return the text. Raises BadFile for a list or a mapping."""
        if self.entries is not None or self.items is not None:
            raise self.error("has to be text")
        return default if self.text is None else self.text

    def texts(self) -> tuple[str, ...]:
        """Return the texts of a list; a text alone is a list of one. Raises BadFile."""
        if self.text is not None:
            return (self.text,)
        return tuple(item.words() for item in self.sequence())

    def flag(self, *, default: bool = False) -> bool:
        """Return a truth value. Raises BadFile for what is none."""
        word = self.words().lower()
        if not word:
            return default
        if word not in _TRUE | _FALSE:
            raise self.error("has to be true or false")
        return word in _TRUE

    def error(self, why: str) -> BadFile:
        """Return the error that this value is wrong, with its place."""
        where = f": {self.path}" if self.path else ""
        return BadFile(f"{self.file}: line {self.line}{where} {why}".replace("  ", " "))


def read_document(name: str, content: bytes) -> DocumentValue:
    """Return what is in a file. `name` is what messages call it.

    Raises BadFile, with the line, for what is no YAML or JSON, too large, or not to be trusted:
    a key that stands twice, tags of a programming language, values that contain themselves.
    """
    if len(content) > MOST_BYTES:
        raise BadFile(f"{name} has more than {MOST_BYTES // 1024 // 1024} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{name}: it isn't text (byte {error.start})") from None
    try:
        node = yaml.compose(_without_tabs(text), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise BadFile(f"{name}: {where}{_harmless(error.problem)}") from None
    except yaml.YAMLError:
        raise BadFile(f"{name}: it has characters that YAML doesn't allow") from None
    except RecursionError:
        raise BadFile(f"{name}: it is nested too deeply") from None
    if node is None:
        raise BadFile(f"{name}: it is empty")
    return _Reader(name).value(node, "", 0)


def _without_tabs(text: str) -> str:
    """Return JSON as YAML takes it: outside its strings, where tabs are escaped, with blanks."""
    if "\t" not in text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _harmless(problem: str | None) -> str:
    """Return a parser's words without what they quote from the file.

    Its own marks (`',' or ']'`, `<block end>`) are of no file, and say what is missing.
    """
    return _QUOTED.sub(_mark_only, problem or "it can't be understood")


def _mark_only(quoted: re.Match[str]) -> str:
    return quoted[0] if _MARK.fullmatch(quoted[0][1:-1]) else "…"


class _Reader:
    """Turns the nodes of one file into values, and counts them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0

    def value(self, node: yaml.Node, path: str, level: int) -> DocumentValue:
        line = self._counted(node, level)
        kind = node.tag.removeprefix(_TAG)
        if kind not in _TAGS:
            raise BadFile(f"{self._file}: line {line}: a YAML tag that isn't allowed here")
        if isinstance(node, yaml.MappingNode):
            return DocumentValue(self._file, line, path, entries=self._entries(node, path, level))
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            read = tuple(self.value(item, f"{path}[{n}]", level + 1) for n, item in items)
            return DocumentValue(self._file, line, path, items=read)
        return DocumentValue(
            self._file, line, path, text=None if kind == "null" else _whole(node.value)
        )

    def _entries(self, node: yaml.MappingNode, path: str, level: int) -> dict[str, DocumentValue]:
        entries: dict[str, DocumentValue] = {}
        merged: dict[str, DocumentValue] = {}
        for key, node_value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadFile(f"{self._file}: line {line}: a key that isn't text")
            if key.tag == f"{_TAG}merge":
                for each in self._merged(node_value, path, level):
                    merged = each | merged
                continue
            name = _whole(key.value)
            if name in entries:
                raise BadFile(f"{self._file}: line {line}: the same key stands there twice")
            inner = self.value(node_value, f"{path}.{name}".lstrip("."), level + 1)
            # It stands where its key does: a list begins a line later, an anchor elsewhere.
            entries[name] = replace(inner, line=line)
        return merged | entries

    def _merged(self, node: yaml.Node, path: str, level: int) -> Iterator[dict[str, DocumentValue]]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for each in nodes:
            line = self._counted(each, level)
            if not isinstance(each, yaml.MappingNode):
                raise BadFile(f"{self._file}: line {line}: << takes mappings only")
            yield self._entries(each, path, level + 1)

    def _counted(self, node: yaml.Node, level: int) -> int:
        """Count one more value, and return its line."""
        line: int = node.start_mark.line + 1
        self._count += 1
        if self._count > MOST_VALUES:
            raise BadFile(f"{self._file}: line {line}: it has more than {MOST_VALUES:,} values")
        if level > MOST_LEVELS:
            raise BadFile(f"{self._file}: line {line}: it is nested too deeply")
        return line


def _whole(text: str) -> str:
    """Return text with the halves of JSON's escaped characters put together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
