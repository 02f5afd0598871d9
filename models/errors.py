"""What can go wrong with the digit models.

ModelError
├── DataError            the training data are missing, damaged or not IDX
├── ModelFolderError     a model folder is missing, damaged or of another version
├── CheckpointError      a checkpoint belongs to another run
├── ClusterError         TF_CONFIG or --workers is wrong
├── WorkerError          a worker did not come, is of another run, or was lost
└── ImageError         an image has a shape, type or value that no reader can take
"""


class ModelError(Exception):
    """Base of every error in this package."""


class DataError(ModelError):
    """The training data are missing, damaged or not in IDX form."""


class ModelFolderError(ModelError):
    """A model folder is missing, damaged or of another version."""


class CheckpointError(ModelError):
    """A checkpoint belongs to a run with another configuration."""


class ClusterError(ModelError):
    """TF_CONFIG or --workers is wrong, or a port is taken."""


class WorkerError(ModelError):
    """A worker did not come, was started with other options, or was lost."""


class InvalidImageError(ModelError):
    """An image has a shape, type or value that no reader can take."""
