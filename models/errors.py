"""What can go wrong with the digit models.

ModelError
├── DataError            the training data are missing, damaged or not IDX
├── ModelFolderError     a model folder is missing, damaged or of another version
├── CheckpointError      a checkpoint belongs to another run
└── PictureError         a picture has a shape, type or value that no reader can take
"""


class ModelError(Exception):
    """Base of every error in this package."""


class DataError(ModelError):
    """The training data are missing, damaged or not in IDX form."""


class ModelFolderError(ModelError):
    """A model folder is missing, damaged or of another version."""


class CheckpointError(ModelError):
    """A checkpoint belongs to a run with another configuration."""


class PictureError(ModelError):
    """A picture has a shape, type or value that no reader can take."""
