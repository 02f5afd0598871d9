"""From images to digits: preprocessing, segmentation, inference, explanation."""
