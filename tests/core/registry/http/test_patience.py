from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from transship.registry.http.connection import PatientSocket, patient_socket

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def reset() -> Iterator[PatientSocket]:
    """A connection whose peer has answered and then reset it, with a request unread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        ours = patient_socket(address)
        assert isinstance(ours, PatientSocket)
        ours.connect(address[4])
        theirs, _ = listener.accept()
        with ours:
            with theirs:
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                ours.send(b"a request")
                theirs.recv(1)
                theirs.sendall(b"the answer")
            yield ours


@pytest.mark.parametrize("several", [False, True], ids=["send", "sendmsg"])
def test_a_write_waits_once_and_the_answer_can_be_read(reset: PatientSocket, several: bool) -> None:
    def write() -> None:
        if several:
            reset.sendmsg([b"more ", b"of it"])
        else:
            reset.send(b"more of it")

    with pytest.raises(BlockingIOError):
        write()
    assert reset.recv(100) == b"the answer"
    with pytest.raises(BrokenPipeError):
        write()
