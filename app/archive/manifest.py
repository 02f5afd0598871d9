"""What has been done: small files of JSON lines beside the results, and while a run lasts a database on this disk.

Every record says which bytes (SHA-256) under which parameters gave which result, so that a later run knows what it
may skip. Memory does not grow with the number of images.
"""

import json
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from app.archive.job import ItemOutcome
from app.archive.storage import StorageError, StorageFolder, describe

FOLDER = "_convserve"
SAVE_EVERY_RECORDS = 5000
SAVE_EVERY_SECONDS = 10.0
"""What a run that is killed outright may have to do again; one that is asked to stop loses nothing."""


class Ledger:
    """Of one kind of work in one place of results. Raises StorageError."""

    def __init__(self, out: StorageFolder, kind: str) -> None:
        self.out, self.kind = out, kind
        self._folder = tempfile.TemporaryDirectory(prefix="convserve-")
        self._database = sqlite3.connect(Path(self._folder.name) / "ledger.sqlite")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE done (result TEXT PRIMARY KEY, record TEXT, seen INTEGER)")
        self._database.execute("CREATE TABLE failed (name TEXT PRIMARY KEY, reason TEXT)")
        self._unsaved: list[dict[str, Any]] = []
        self._saved_at = time.monotonic()
        parts = sorted(name for name in out.sizes(FOLDER) if self._is_part(name))
        self._number = int(parts[-1].split("-")[1]) if parts else 0
        for part in parts:
            with out.telling("read"):
                lines = out.read(part).decode().splitlines()
            for record in map(json.loads, lines):
                self._keep(record, seen=False)

    def _is_part(self, name: str) -> bool:
        return name.startswith(f"{FOLDER}/{self.kind}-") and name.endswith(".jsonl")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.save()
        except StorageError:
            if error is None:
                raise  # otherwise the place is lost already, and that is what is told
        finally:
            self._database.close()
            self._folder.cleanup()
        if isinstance(error, sqlite3.Error):
            raise StorageError(
                f"{self._folder.name}, for temporary files, cannot be used: {describe(error)}"
            ) from error

    def find(self, result: str) -> dict[str, Any] | None:
        row = self._database.execute("SELECT record FROM done WHERE result = ?", (result,)).fetchone()
        return json.loads(row[0]) if row else None

    def note(self, outcome: ItemOutcome) -> None:
        if outcome.state == "failed":
            self._database.execute("INSERT OR REPLACE INTO failed VALUES (?, ?)", (outcome.name, outcome.reason))
            return
        self._keep(outcome.record, seen=True)
        self._unsaved.append(outcome.record)
        late = time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS
        if late or len(self._unsaved) >= SAVE_EVERY_RECORDS:
            self.save()

    def mark_seen(self, result: str) -> None:
        self._database.execute("UPDATE done SET seen = 1 WHERE result = ?", (result,))

    def _keep(self, record: dict[str, Any], seen: bool) -> None:
        row = (record["result"], json.dumps(record), seen)
        self._database.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", row)

    def save(self) -> None:
        """Put down what is new."""
        self._saved_at = time.monotonic()
        if not self._unsaved:
            return
        self._number += 1
        lines = "".join(json.dumps(record) + "\n" for record in self._unsaved)
        self.out.write(f"{FOLDER}/{self.kind}-{self._number:08}-{uuid.uuid4().hex[:8]}.jsonl", lines.encode())
        self._unsaved = []

    def list_failures(self) -> Iterator[dict[str, Any]]:
        for name, reason in self._database.execute("SELECT name, reason FROM failed ORDER BY name"):
            yield {"file": name, "reason": reason}

    def list_answers(self) -> Iterator[dict[str, Any]]:
        """Of the images that are still there."""
        for (text,) in self._database.execute("SELECT record FROM done WHERE seen ORDER BY result"):
            record = json.loads(text)
            yield {"file": record["name"], **record["answer"]}
