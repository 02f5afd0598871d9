"""What the OpenAPI document says about who may call."""

from typing import Any

from app.api.problems import document_problems
from app.middleware.auth import PROBES, is_open
from app.settings import AccessSettings


def describe_access(document: dict[str, Any], access: AccessSettings) -> None:
    """Add the scheme of tokens, and the statuses that a caller may meet, to a document."""
    if access.wants_tokens:
        document["components"]["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "One that the operator gave out.",
            }
        }
    for path, operations in document["paths"].items():
        guarded = not is_open(path)
        statuses = [400] if access.allowed_hosts and path not in PROBES else []
        statuses += [401] if access.wants_tokens and guarded else []
        statuses += [429] if access.rate_limit and guarded else []
        for operation in operations.values():
            if access.wants_tokens and guarded:
                operation["security"] = [{"token": []}]
            for status, description in document_problems(*statuses).items():
                operation["responses"].setdefault(str(status), description)
