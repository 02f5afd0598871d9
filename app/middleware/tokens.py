"""Bearer tokens (RFC 6750). Only their digests are kept, and nothing here logs one."""

import hmac
import logging
import re
import time
from hashlib import sha256
from pathlib import Path

from app.settings import AccessSettings

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*", re.ASCII)
SECONDS_BETWEEN_LOOKS = 1.0

logger = logging.getLogger(__name__)


class TokenError(ValueError):
    """Tokens that were configured cannot be used. The message never has one."""


class Tokens:
    """The tokens of CONVSERVE_TOKENS and CONVSERVE_TOKENS_FILE. The file is read again when it changes."""

    def __init__(self, access: AccessSettings) -> None:
        """Raises TokenError."""
        self._given = digest_tokens(re.split(r"[\s,]+", access.tokens.get_secret_value()), "CONVSERVE_TOKENS")
        self._file = access.tokens_file
        self._in_file = read_token_file(self._file) if self._file else []
        self._version = find_version(self._file)
        self._looked = time.monotonic()

    def __bool__(self) -> bool:
        """Whether callers need one."""
        return bool(self._given or self._in_file)

    def admits(self, token: str) -> bool:
        """Compares with every one in the same time, whichever fits."""
        self._look_again()
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        return sum(hmac.compare_digest(digest, known) for known in self._given + self._in_file) > 0

    def _look_again(self) -> None:
        """Take up a file that has changed; one that cannot be used leaves the tokens as they are."""
        now = time.monotonic()
        if self._file is None or now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        version = find_version(self._file)
        if version == self._version:
            return
        self._version = version
        try:
            self._in_file = read_token_file(self._file)
            logger.info("the tokens were read again: %d in the file", len(self._in_file))
        except TokenError as error:
            logger.error("the tokens stay as they were: %s", error)


def read_token_file(path: Path) -> list[bytes]:
    """One token a line; empty lines and those that begin with # are passed over."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TokenError(f"CONVSERVE_TOKENS_FILE {path} cannot be read: {reason}.") from None
    tokens = digest_tokens([line for line in map(str.strip, lines) if not line.startswith("#")], str(path))
    if not tokens:
        raise TokenError(f"CONVSERVE_TOKENS_FILE {path} has no token. One a line, of 16 characters or more.")
    return tokens


def digest_tokens(tokens: list[str], place: str) -> list[bytes]:
    given = [token for token in tokens if token]
    for number, token in enumerate(given, 1):
        if not TOKEN.fullmatch(token):
            raise TokenError(
                f"Token {number} in {place} is none: at least 16 letters, digits or ._~+/-, "
                "such as `openssl rand -hex 32` makes."
            )
    return [sha256(token.encode()).digest() for token in given]


def find_version(path: Path | None) -> tuple[int, int, int] | None:
    """Changes with the file, or with what a symbolic link (as of a Kubernetes secret) leads to."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None
