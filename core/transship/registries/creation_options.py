"""What something that is created at a registry is to have. Plans need it, and no services."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreationOptions:
    """What is asked for beside who may pull; nothing by default.

    With `immutable_tags` no tag in it can be made to point at something else. `resource_tags` are
    names and values that the cloud's console and bills show (Google calls them labels).
    """

    immutable_tags: bool = False
    resource_tags: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self.immutable_tags or bool(self.resource_tags)

    def __str__(self) -> str:
        parts = ["immutable tags"] if self.immutable_tags else []
        if self.resource_tags:
            parts.append(
                "tagged " + ", ".join(f"{key}={value}" for key, value in self.resource_tags)
            )
        return ", ".join(parts)


NO_OPTIONS = CreationOptions()
