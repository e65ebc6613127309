"""Plans made of the configuration of other copy tools, and accounts of the sign-ins in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Account
from transship.accounts.sign_in import sign_in_to
from transship.errors import BadFile, BadRequest, KeyringAbsent, KeyringInsecure, TransshipError
from transship.plans.encode import document_text, encode_plan
from transship.plans.file import write_plan
from transship.plans.importers.document import MOST_BYTES
from transship.plans.importers.draft import one_for_each
from transship.plans.importers.importer import import_files, importer_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.app.connections import Connections
    from transship.oci.reference import Reference
    from transship.plans.importers.draft import Imported, ImportedLogin
    from transship.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class ImportedSignIn:
    """What became of a sign-in: `needed`, `there` (an account has the host), `added`, `failed`."""

    host: str
    state: str
    why: str = ""


class Imports:
    """Plans made of the files of other tools."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def read(self, files: Sequence[Path], *, tool: str = "", to: str = "") -> Imported:
        """Return the plan that the files of one tool come to, with what it can't say.

        `tool` is seen from the files where it isn't said. What names no target goes `to` there,
        `HOST[/PATH]`. Raises BadFile, BadReference and BadRequest.
        """
        if tool:
            importer_named(tool)  # Before a file is read.
        contents = [(str(path), _content(path)) for path in files]
        imported = import_files(contents, tool=tool, to=self._target(to))
        if to and not importer_named(imported.tool).takes_target:
            raise BadRequest(
                f"a file of {imported.tool} names its targets, so {to} says nothing",
                remedy="Leave --to out.",
            )
        return imported

    def text(self, plan: Plan) -> str:
        """Return the text of a plan's file."""
        return document_text(encode_plan(plan))

    def check_free(self, output: str) -> None:
        """Raise BadRequest where a plan can't be written: nowhere, or to what is there already."""
        if not output:
            raise BadRequest(
                "It isn't said where the plan goes", remedy="Say it with -o PLAN; - is the output."
            )
        if Path(output).exists():
            raise BadRequest(
                f"{output} is there already", remedy="Choose another name, or remove it."
            )

    def write(self, plan: Plan, output: str) -> None:
        """Write a plan to a file. Raises DiskFull and SystemRefused."""
        write_plan(Path(output), plan)

    async def sign_in(
        self, logins: Sequence[ImportedLogin], *, keyring: bool
    ) -> tuple[ImportedSignIn, ...]:
        """Add an account for each host with a sign-in in the files, if `keyring` may keep it.

        Without it they are only told. Raises KeyringAbsent and KeyringInsecure.
        """
        each = one_for_each(logins)
        if keyring and each:
            status = await self._connections.sources.keyring.probe()
            if status.state in ("absent", "insecure"):
                kind = KeyringAbsent if status.state == "absent" else KeyringInsecure
                raise kind(status.detail, remedy=status.remedy)
        return tuple(
            [await self._signed_in(host, login, keyring=keyring) for host, login in each.items()]
        )

    async def _signed_in(
        self, host: str, login: ImportedLogin | None, *, keyring: bool
    ) -> ImportedSignIn:
        accounts, sources = self._connections.accounts, self._connections.sources
        if accounts.find(host):
            return ImportedSignIn(host, "there")
        if not keyring:
            return ImportedSignIn(host, "needed")
        if login is None:
            return ImportedSignIn(host, "failed", "there are several sign-ins for parts of it")
        account = Account(host, username=login.username, tls=login.tls, secret_source="keyring")
        try:
            await sign_in_to(account, login.secret, accounts=accounts, sources=sources)
        except TransshipError as error:
            return ImportedSignIn(host, "failed", f"{error}. {error.remedy}")
        return ImportedSignIn(host, "added")

    def _target(self, text: str) -> Reference | None:
        if not text:
            return None
        reference = self._connections.place(text)
        if reference.version or reference.layout is not None:
            raise BadRequest(f"--to {text} is no place in a registry", remedy="Write HOST[/PATH].")
        return reference


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from None
