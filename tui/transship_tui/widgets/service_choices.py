"""The services to choose from, narrowed by what is typed above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from transship.registry.service import GENERIC, Service, all_services

_OTHER = "Any other registry, by its host"


def services_for(typed: str) -> Sequence[Service]:
    """Return the services that every word of what is typed may mean, all for nothing.

    Those of which a word begins so come first.
    """
    words = typed.lower().split()
    with_accounts = (each for each in all_services() if not each.catalogue)
    found = [each for each in with_accounts if all(word in _called(each) for word in words)]
    return sorted(found, key=lambda each: not all(f" {word}" in _called(each) for word in words))


def is_service_name(typed: str) -> bool:
    """Tell whether what is typed may be the name of a service still, and can't be a host yet."""
    return not any(mark in typed for mark in ".:/[") and bool(services_for(typed))


def title_of(service: Service) -> str:
    """Return what a service is called among the others."""
    return _OTHER if service is GENERIC else service.title


def _called(service: Service) -> str:
    return f" {service.kind} {title_of(service)} {service.sign_in_form.also}".lower()


class ServiceChoices(OptionList, can_focus=False):
    """The list. The keys for it reach what is typed into, and come from there."""

    DEFAULT_CSS = """
    ServiceChoices {
        height: 1fr; margin-left: 14; padding: 0; border: none;
        background: $background;
        &>.option-list--option-highlighted { background: $surface; text-style: bold; }
    }
    """

    @dataclass
    class Chosen(Message):
        """This is the service."""

        kind: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, compact=True)
        self._shown: tuple[str, ...] = ()

    def narrow(self, typed: str) -> None:
        """Show what is typed for."""
        found = services_for(typed)
        kinds = tuple(each.kind for each in found)
        if kinds == self._shown:
            return
        self._shown = kinds
        self.clear_options()
        self.add_options([Option(Content(title_of(each)), id=each.kind) for each in found])
        self.highlighted = 0

    def choose(self) -> None:
        """Take the one that is highlighted."""
        self.action_select()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(event.option_id))
