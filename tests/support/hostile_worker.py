"""A worker process that attacks its parent: `app.pool.worker_main` with hostile replies.

The file HOSTILE_WORKER_ORDER names the attack. Without it, the worker is honest.
"""

import os
import pickle
import socket
import time
from pathlib import Path
from typing import Any

from app.pool import worker_main
from app.pool.ipc import MAX_ENVELOPE_BYTES, PREFIX, Reply, SharedMemory, encode, pack_frame

send_honestly = worker_main.send_reply


class CreateFile:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path(os.environ["HOSTILE_WORKER_TOUCHES"]),)  # type: ignore[return-value]


def send_reply(channel: socket.socket, replies: SharedMemory, reply: Reply, blobs: list[bytes]) -> None:
    order = Path(os.environ["HOSTILE_WORKER_ORDER"])
    attack = order.read_text() if order.exists() else ""
    if attack == "unasked":
        send_honestly(channel, replies, reply, blobs)
        time.sleep(0.1)
        return channel.sendall(b"unasked")
    if not attack or reply.number == 1:  # the first reply says that the worker has started
        return send_honestly(channel, replies, reply, blobs)
    number, lengths = reply.number, [len(blob) for blob in blobs]
    valid = encode(reply)
    match attack:
        case "truncated frame":
            channel.sendall(pack_frame(valid, [], replies)[:-3])
            raise SystemExit
        case "truncated prefix":
            channel.sendall(b"\0\0\0")
            raise SystemExit
        case "wrong type":
            channel.sendall(pack_frame(encode(["a", "list"]), [], replies))
        case "wrong result":
            channel.sendall(frame({"number": number, "result": {"not": "nil"}}))
        case "pickle":
            channel.sendall(pickle.dumps(CreateFile()).ljust(100, b"."))
        case "pickle in an envelope":
            channel.sendall(pack_frame(pickle.dumps(CreateFile()), [], replies))
        case "2 GB":
            channel.sendall(PREFIX.pack(len(valid), 1, 2**31) + valid)
        case "2 GB envelope":
            channel.sendall(PREFIX.pack(2**31, 0, 0))
        case "beyond shared memory":
            replies.write([b"short"])
            channel.sendall(PREFIX.pack(len(valid), 1, sum(lengths)) + valid)
        case "shared memory that shrinks":
            assert replies.descriptor is not None
            os.ftruncate(replies.descriptor, 700_000_000)
            envelope = encode({"number": number, "blob_lengths": [700_000_000]})
            channel.sendall(PREFIX.pack(len(envelope), 1, 700_000_000) + envelope)
            os.ftruncate(replies.descriptor, 10)
        case "another request":
            channel.sendall(frame({"number": number - 1}))
        case "two replies":
            channel.sendall(2 * frame({"number": number}))
        case "lengths that do not add up":
            channel.sendall(frame({"number": number, "blob_lengths": [3]}))
        case "negative length":
            channel.sendall(frame({"number": number, "blob_lengths": [-3, 3]}))
        case "header injection":
            channel.sendall(frame({"number": number, "report": {"backends": {"decode": "x\r\nSet-Cookie: a=b"}}}))
        case unknown:
            raise AssertionError(unknown)
    return None


def frame(envelope: dict[str, Any]) -> bytes:
    return pack_frame(encode(envelope), [], SharedMemory(None))


assert MAX_ENVELOPE_BYTES < 2**31
worker_main.send_reply = send_reply

if __name__ == "__main__":
    worker_main.main()
