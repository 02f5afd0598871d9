"""Access control in the OpenAPI document: tokens, allowed hosts and rate limit."""

from typing import Any

from app.api.problem_docs import document_problems
from app.middleware.auth import PROBES, is_open
from app.settings import AccessSettings


def describe_access(document: dict[str, Any], access: AccessSettings) -> None:
    """Add the security scheme and the statuses of rejected requests to an OpenAPI document."""
    if access.wants_tokens:
        document["components"]["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token from the operator of the service.",
            }
        }
    for path, operations in document["paths"].items():
        needs_token = not is_open(path)
        statuses = [400] if access.allowed_hosts and path not in PROBES else []
        statuses += [401] if access.wants_tokens and needs_token else []
        statuses += [429] if access.rate_limit and needs_token else []
        for operation in operations.values():
            if access.wants_tokens and needs_token:
                operation["security"] = [{"token": []}]
            for status, description in document_problems(*statuses).items():
                operation["responses"].setdefault(str(status), description)
