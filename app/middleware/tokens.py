"""Bearer tokens (RFC 6750). The process keeps only their digests and never logs a token."""

import hmac
import logging
import re
import time
from hashlib import sha256
from pathlib import Path

from app.settings import AccessSettings

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*", re.ASCII)
RELOAD_SECONDS = 1.0

logger = logging.getLogger(__name__)


class TokenError(ValueError):
    """A configured token is invalid, or the file cannot be read. The message never contains a token."""


class Tokens:
    """The tokens of CONVSERVE_TOKENS and CONVSERVE_TOKENS_FILE. A changed file is reloaded."""

    def __init__(self, access: AccessSettings) -> None:
        """Raises TokenError."""
        self._given = digest_tokens(re.split(r"[\s,]+", access.tokens.get_secret_value()), "CONVSERVE_TOKENS")
        self._file = access.tokens_file
        self._in_file = read_token_file(self._file) if self._file else []
        self._version = find_version(self._file)
        self._checked = time.monotonic()

    def __bool__(self) -> bool:
        """Whether requests need a token."""
        return bool(self._given or self._in_file)

    def admits(self, token: str) -> bool:
        """Compares with every token, so that the time does not depend on the match."""
        self._reload()
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        return sum(hmac.compare_digest(digest, known) for known in self._given + self._in_file) > 0

    def _reload(self) -> None:
        """Reload a changed file. An invalid file leaves the tokens unchanged."""
        now = time.monotonic()
        if self._file is None or now - self._checked < RELOAD_SECONDS:
            return
        self._checked = now
        version = find_version(self._file)
        if version == self._version:
            return
        self._version = version
        try:
            self._in_file = read_token_file(self._file)
            logger.info("reloaded the token file: %d tokens", len(self._in_file))
        except TokenError as error:
            logger.error("did not reload the token file, the old tokens stay valid: %s", error)


def read_token_file(path: Path) -> list[bytes]:
    """One token per line. Empty lines and lines that start with # are ignored."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TokenError(f"CONVSERVE_TOKENS_FILE {path} cannot be read: {reason}.") from None
    tokens = digest_tokens([line for line in map(str.strip, lines) if not line.startswith("#")], str(path))
    if not tokens:
        raise TokenError(f"CONVSERVE_TOKENS_FILE {path} has no token: write one per line, of at least 16 characters.")
    return tokens


def digest_tokens(tokens: list[str], place: str) -> list[bytes]:
    given = [token for token in tokens if token]
    for number, token in enumerate(given, 1):
        if not TOKEN.fullmatch(token):
            raise TokenError(
                f"Token {number} in {place} is invalid: it needs at least 16 letters, digits or ._~+/-, "
                "for example the output of `openssl rand -hex 32`."
            )
    return [sha256(token.encode()).digest() for token in given]


def find_version(path: Path | None) -> tuple[int, int, int] | None:
    """Changes with the file, or with the target of a symbolic link (as in a Kubernetes secret)."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None
