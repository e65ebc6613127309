"""The keys of Registries and Browse."""

from __future__ import annotations

from transship_tui.keys.key import Contexts, Key

REGISTRIES: Contexts = {
    "registries": (
        "Registries",
        (
            Key("registries.add", "a", "add", "Add", "Add a registry", show=True),
            Key("registries.edit", "E", "edit", "Edit", "Change this account", show=True),
            Key("registries.test", "t", "test", "Test", "Knock at this registry", show=True),
            Key(
                "registries.remove",
                "D,delete",
                "remove",
                "Remove",
                "Remove this account and its secret",
                show=True,
            ),
            Key(
                "registries.keys",
                "K",
                "keys",
                "Keys",
                "Add or change the keys of its cloud's API",
            ),
            Key(
                "registries.card",
                "i",
                "card",
                "Card",
                "What can be done at this registry",
                show=True,
            ),
            Key("registries.network", "w", "network", "Network", "Who gets through to this TCR"),
            Key("registries.domains", "d", "domains", "Domains", "Custom domains of this TCR"),
            Key(
                "registries.replica",
                "R",
                "replica",
                "Replica",
                "Have all of this TCR replicated to another region",
            ),
        ),
    ),
    "registry-form": (
        "Adding or changing a registry",
        (
            Key("form.test", "ctrl+t", "test", "Test", "Try it as it is filled in", show=True),
            Key("form.save", "ctrl+s", "save", "Save", "Try it, then keep it", show=True),
            Key("form.card", "f3", "card", "Card", "What can be done at this registry", show=True),
            Key(
                "form.more",
                "ctrl+o",
                "more",
                "More",
                "Show or hide service and client certificate",
                show=True,
            ),
        ),
    ),
    "browse": (
        "Browse",
        (
            Key(
                "browse.filter",
                "slash",
                "filter",
                "Filter",
                "Show what matches; ! inverts, esc shows all",
                show=True,
            ),
            Key(
                "browse.mark-matching",
                "asterisk",
                "mark_matching",
                "Mark by pattern",
                "Mark every row that a pattern matches",
            ),
            Key("browse.copy", "c", "copy", "Copy", "Copy what is marked, or this row", show=True),
            Key("browse.plan", "p", "plan", "To a plan", "Write a plan that copies what is marked"),
            Key(
                "browse.details", "i", "details", "Details", "Everything about this tag", show=True
            ),
            Key("browse.account", "o", "account", "Registry", "Look at another registry"),
            Key("browse.refresh", "r", "refresh_list", "Refresh", "List anew"),
            Key("browse.order", "s", "order", "Order", "Order by name, or as the registry has it"),
            Key(
                "browse.copy-digest",
                "Y",
                "copy_digest",
                "Copy digest",
                "Copy what is under the cursor, by its digest",
            ),
            Key(
                "browse.name",
                "a",
                "name",
                "Name repositories",
                "Name repositories of a registry that doesn't list them",
            ),
        ),
    ),
}
