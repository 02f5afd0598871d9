"""The record of finished work: JSON lines beside the results, and a temporary database during a run.

A record says which bytes (SHA-256) with which parameters gave which result, so that a later run knows what it may skip.
Memory does not grow with the number of images. A line of `_convserve/filtered-00000001-1f6e0c52.jsonl`:

    {"name": "a.png", "result": "a.png", "stamp": "size=437 mtime=1764187200.5", "digest": "9f86d081...",
     "job": "4c1f0e9a5b7d2c38", "bytes": 401, "result_digest": "60303ae2..."}
"""

import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from app.archive.items import ItemOutcome, ItemRecord
from app.archive.storage import StorageError, StorageFolder, describe_error

FOLDER = "_convserve"
SAVE_EVERY_RECORDS = 5000
SAVE_EVERY_SECONDS = 10.0
"""The work that a run may have to repeat if it is killed with SIGKILL. Every other end saves all records."""

encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(ItemRecord)


class Manifest:
    """The records of one kind of job in one folder of results. Its methods raise StorageError."""

    def __init__(self, out: StorageFolder, kind: str) -> None:
        self.out, self.kind = out, kind
        self._folder = tempfile.TemporaryDirectory(prefix="convserve-")
        self._database = sqlite3.connect(Path(self._folder.name) / "manifest.sqlite")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE done (result TEXT PRIMARY KEY, record BLOB, present INTEGER)")
        self._database.execute("CREATE TABLE failed (name TEXT PRIMARY KEY, reason TEXT)")
        self._unsaved: list[ItemRecord] = []
        self._saved_at = time.monotonic()
        self._number = 0
        """Of the newest file of records."""
        try:
            self._load()
        except BaseException:
            self._remove_database()
            raise

    def _load(self) -> None:
        for part in sorted(name for name in self.out.list_sizes(FOLDER) if self._is_part(name)):
            self._number = int(part.split("-")[1])
            for record in read_records(self.out, part):
                self._store(record, present=False)

    def _remove_database(self) -> None:
        self._database.close()
        self._folder.cleanup()

    def _is_part(self, name: str) -> bool:
        return name.startswith(f"{FOLDER}/{self.kind}-") and name.endswith(".jsonl")

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.save()
        except StorageError:
            if error is None:
                raise  # otherwise the storage has failed before, and `error` says so
        finally:
            self._remove_database()
        if isinstance(error, sqlite3.Error):
            raise StorageError(
                f"The temporary folder {self._folder.name} cannot be used: {describe_error(error)}"
            ) from error

    def find(self, result: str) -> ItemRecord | None:
        row = self._database.execute("SELECT record FROM done WHERE result = ?", (result,)).fetchone()
        return decoder.decode(row[0]) if row else None

    def add(self, outcome: ItemOutcome) -> None:
        """Store an outcome that is not `aborted`."""
        if outcome.record is None:
            self._database.execute("INSERT OR REPLACE INTO failed VALUES (?, ?)", (outcome.name, outcome.reason))
            return
        self._store(outcome.record, present=True)
        self._unsaved.append(outcome.record)
        is_due = time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS
        if is_due or len(self._unsaved) >= SAVE_EVERY_RECORDS:
            self.save()

    def mark_present(self, result: str) -> None:
        """The image of this result is still in the source."""
        self._database.execute("UPDATE done SET present = 1 WHERE result = ?", (result,))

    def _store(self, record: ItemRecord, present: bool) -> None:
        row = (record.result, encoder.encode(record), present)
        self._database.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", row)

    def save(self) -> None:
        """Write new records to a new file."""
        self._saved_at = time.monotonic()
        if not self._unsaved:
            return
        self._number += 1
        name = f"{FOLDER}/{self.kind}-{self._number:08}-{uuid.uuid4().hex[:8]}.jsonl"
        self.out.write(name, encoder.encode_lines(self._unsaved))
        self._unsaved = []

    def list_failures(self) -> Iterator[dict[str, Any]]:
        """Rows of the table of failures."""
        for name, reason in self._database.execute("SELECT name, reason FROM failed ORDER BY name"):
            yield {"file": name, "reason": reason}

    def list_predictions(self) -> Iterator[dict[str, Any]]:
        """Rows of the table of predictions, for the images that are still in the source."""
        for (text,) in self._database.execute("SELECT record FROM done WHERE present ORDER BY result"):
            record = decoder.decode(text)
            yield {"file": record.name, **(record.answer or {})}


def read_records(out: StorageFolder, part: str) -> list[ItemRecord]:
    with out.convert_errors("read"):
        lines = out.read(part)
    try:
        return decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        path = out.join(part)
        raise StorageError(f"{path} is damaged: {error}. Delete it; its images are then processed again.") from None
