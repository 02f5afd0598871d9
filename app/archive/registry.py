"""The tasks of a job's worker processes: those of the service, and `archive-items`."""

from app.archive.messages import ARCHIVE_ITEMS
from app.pool.task import Registry
from app.tasks.registry import REGISTRY as SERVICE

REGISTRY = Registry({**SERVICE.tasks, ARCHIVE_ITEMS.name: ARCHIVE_ITEMS}, SERVICE.start, SERVICE.describe_error)
