"""`transship logout`: an account and its secret, forgotten."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from transship.accounts.sign_in import sign_out
from transship_tui.commands.output import say
from transship_tui.commands.session import open_session


def logout(
    host: Annotated[str, typer.Argument(metavar="HOST|ALIAS", help="The account to remove.")],
    leave_secret: Annotated[
        bool,
        typer.Option(
            "--leave-secret", help="Don't ask the keyring; what it keeps for the account stays."
        ),
    ] = False,
) -> int:
    """Remove an account, and its secret from the keyring."""
    session = open_session()
    out = asyncio.run(
        sign_out(
            host, accounts=session.accounts, sources=session.sources, leave_secret=leave_secret
        )
    )
    secret = "and its secret are" if out.secret_removed else "is"
    say(f"the account {out.account.host} {secret} removed")
    return 0
