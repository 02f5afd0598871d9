"""The exceptions of the package.

ModelError
├── DataError           the training data are missing, damaged or not in IDX format
├── ModelFolderError    a model folder is missing, damaged or has an unsupported version
├── CheckpointError     a checkpoint belongs to a run with other options
├── ClusterError        TF_CONFIG or --workers is invalid, or a port is in use
├── WorkerError         a worker did not connect, has other options, or was lost
├── InvalidImageError   an image has an unsupported shape or dtype
└── ClassFileError      a class file is damaged, or was made for another digit model
"""


class ModelError(Exception):
    """Base class of the exceptions of this package."""


class DataError(ModelError):
    """The training data are missing, damaged or not in IDX format."""


class ModelFolderError(ModelError):
    """A model folder is missing, damaged or has an unsupported version."""


class CheckpointError(ModelError):
    """A checkpoint belongs to a run with other options."""


class ClusterError(ModelError):
    """TF_CONFIG or --workers is invalid, or a port is in use."""


class WorkerError(ModelError):
    """A worker did not connect, was started with other options, or was lost."""


class InvalidImageError(ModelError):
    """An image has an unsupported shape or dtype."""


class ClassFileError(ModelError, ValueError):
    """A class file is damaged, or was made for another digit model."""
