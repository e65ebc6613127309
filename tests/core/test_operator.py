"""Who runs Transship here, for what must be answered for later."""

from __future__ import annotations

import os
import pwd
import socket

import pytest

from transship.operator import Operator, this_operator


def test_it_is_who_the_process_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    operator = this_operator()

    assert operator == Operator(pwd.getpwuid(os.getuid()).pw_name, socket.gethostname())
    assert str(operator) == f"{operator.name} on {operator.host}"


def test_a_user_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert this_operator().name == "4000000"


def test_a_name_can_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "build\x1b[2J")
    assert this_operator().host == "build [2J"


def test_what_is_not_known_is_left_out() -> None:
    assert str(Operator("anna", "")) == "anna"
    assert str(Operator("", "")) == ""
