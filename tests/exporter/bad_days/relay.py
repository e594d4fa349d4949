"""Knows how to stand between a client and a real server, and to hold back or cut off what the server says."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.servers import Server


class Relay:
    """Passes bytes both ways; connections are told apart by words of their client, such as its name."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._passages: list[_Passage] = []
        self._held_words: bytes | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"

    def hold(self, words: bytes) -> None:
        """Keep back every answer to clients that said `words`."""
        with self._changed:
            self._held_words = words

    def wait_until_held(self, seconds: float = 20) -> None:
        """Wait for an answer that is being kept back: then a request is under way."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(p.kept for p in self._passages), seconds), (
                "nothing to hold"
            )

    def release(self) -> None:
        """Pass on what was kept back, and everything from now on."""
        with self._changed:
            self._held_words = None
            self._changed.notify_all()

    def cut_in_half(self) -> None:
        """Pass on half of each answer that is kept back, and close its connection."""
        with self._changed:
            for passage in self._passages:
                if passage.kept:
                    passage.to_client.sendall(passage.kept[: len(passage.kept) // 2])
                    passage.close()
            self._held_words = None
            self._changed.notify_all()

    def garble(self) -> None:
        """Pass on something that is no answer of a Redis instead of each answer that is kept back."""
        with self._changed:
            for passage in self._passages:
                if passage.kept:
                    passage.kept = b"HTTP/1.1 502 Bad Gateway\r\n\r\n"
            self._held_words = None
            self._changed.notify_all()

    def close(self) -> None:
        self._listening.close()
        self.release()
        for passage in self._passages:
            passage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                try:
                    upstream = socket.create_connection(("127.0.0.1", self._server.port))
                except OSError:
                    client.close()
                    continue
                passage = _Passage(client, upstream)
                self._passages.append(passage)
                threading.Thread(target=self._requests, args=(passage,), daemon=True).start()
                threading.Thread(target=self._answers, args=(passage,), daemon=True).start()

    def _requests(self, passage: _Passage) -> None:
        with suppress(OSError):
            while data := passage.to_client.recv(65536):
                passage.said = (passage.said + data)[:4096]
                passage.to_server.sendall(data)
        passage.close()

    def _answers(self, passage: _Passage) -> None:
        with suppress(OSError):
            while data := passage.to_server.recv(65536):
                self._keep_or_pass(passage, data)
        passage.close()

    def _keep_or_pass(self, passage: _Passage, data: bytes) -> None:
        with self._changed:
            passage.kept += data
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._held_words is None or self._held_words not in passage.said)
            kept, passage.kept = passage.kept, b""
        passage.to_client.sendall(kept)


class _Passage:
    """One client's connection and its continuation to the server."""

    def __init__(self, to_client: socket.socket, to_server: socket.socket) -> None:
        self.to_client = to_client
        self.to_server = to_server
        self.said = b""
        self.kept = b""

    def close(self) -> None:
        for end in (self.to_client, self.to_server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
