"""Images to digits: preprocessing, segmentation, inference and explanation."""
